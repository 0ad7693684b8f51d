#!/usr/bin/env python3
"""Gives rooms by hand their sound: what their `says` records say, spoken by espeak-ng.

    apt-get install espeak-ng opus-tools
    tests/rooms/make_sound.py tests/rooms/NAME [...]
    troupe replay tests/rooms/NAME --engines live

Each human gets a pitch of its own, and speaks as fast as `speech_us` wants. A `says` without text
is a burst of noise. The track is one stream from the tape's begin on, silent where nobody speaks.
"""

from __future__ import annotations

import array
import json
import random
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

# espeak-ng's own rate; the encoder changes it.
RATE_HZ = 22_050
# Words a minute: espeak-ng's usual, and what can still be understood.
PACE, PACE_MIN, PACE_MAX = 160, 100, 260
# espeak-ng's 0 to 99; far enough apart to tell four humans from each other.
PITCHES = [35, 60, 20, 75]
# A near microphone; full scale would clip in the codec.
PEAK = 16_000
# Below this a sample is silence.
SILENCE = 200
BITRATE_KBIT_S = 16
# The endpointer needs silence after the last word, and sound to hear it in.
SILENCE_AFTER_S = 2.0


def spoken(text: str, pitch: int, pace: int) -> array.array:
    """The text's samples without the silence around them."""
    command = ["espeak-ng", "-v", "en-us", "-p", str(pitch), "-s", str(pace), "--stdout", text]
    sound = subprocess.run(command, check=True, capture_output=True).stdout
    # The header of a WAV that was written into a pipe; its length says nothing.
    samples = array.array("h", sound[44 : len(sound) // 2 * 2])
    loud = [at for at, sample in enumerate(samples) if abs(sample) > SILENCE]
    if not loud:
        raise SystemExit(f"espeak-ng says nothing for {text!r}")
    samples = samples[loud[0] : loud[-1] + 1]
    loudest = max(map(abs, samples))
    return array.array("h", (sample * PEAK // loudest for sample in samples))


def fitted(text: str, pitch: int, speech_us: int) -> array.array:
    """The text, in as much time as the room gives it."""
    usual = len(spoken(text, pitch, PACE)) / RATE_HZ
    pace = PACE * usual / max(speech_us / 1e6, 0.1)
    return spoken(text, pitch, round(min(max(pace, PACE_MIN), PACE_MAX)))


def noise(speech_us: int) -> array.array:
    """A cough, the same in every run."""
    dice, count = random.Random(1), int(speech_us * RATE_HZ / 1e6)
    level = (PEAK * (1 - at / count) for at in range(count))
    return array.array("h", (int(dice.uniform(-1, 1) * loud) for loud in level))


def file_name(human: str) -> str:
    """As docs/TAPE.md has it."""
    plain = lambda c: c.isascii() and (c.isalnum() or c in "-_")
    return "".join(c if plain(c) else f"%{ord(c):X}" for c in human[:60]) or "%"


def make(room: Path) -> None:
    lines = (room / "tape.jsonl").read_text().splitlines()
    said = [record for record in map(json.loads, lines[1:]) if record["kind"] == "says"]
    humans = list(dict.fromkeys(record["human"] for record in said))
    if not humans:
        raise SystemExit(f"{room}: nobody says anything")
    (room / "audio").mkdir(exist_ok=True)
    for human, pitch in zip(humans, PITCHES * len(humans)):
        track = array.array("h")
        for record in (record for record in said if record["human"] == human):
            at, text = int(record["at_us"] * RATE_HZ / 1e6), record.get("text")
            length = record["speech_us"]
            sound = fitted(text, pitch, length) if text else noise(length)
            if len(track) > at:
                print(f"{room}: {human} is still speaking at {record['at_us']} us")
            track.extend([0] * max(at - len(track), 0))
            track.extend(sound)
        track.extend([0] * int(SILENCE_AFTER_S * RATE_HZ))
        to = room / "audio" / f"{file_name(human)}.ogg"
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            with wave.open(file, "wb") as out:
                out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
                out.writeframes(track.tobytes())
            file.flush()
            encode = ["opusenc", "--quiet", "--bitrate", str(BITRATE_KBIT_S), "--speech"]
            # No date and no random number in the file, so that it is the same in every run.
            encode += ["--serial", "1", "--discard-comments", file.name, str(to)]
            subprocess.run(encode, check=True)
        print(f"{to}: {to.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for folder in sys.argv[1:]:
        make(Path(folder))
