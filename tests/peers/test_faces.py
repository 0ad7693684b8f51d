#!/usr/bin/env python3
"""The faces of three personas as LiveKit's own client sees and hears them.

Each persona is asked something; every picture of it and all of its sound is noted, with the times
at which they came out of the client. Every test then looks at the record. Prints the figures and,
last, how many tests passed. With a path as argument the last picture of each answer is kept there.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from livekit import rtc

from conversation import enter, write
from household import Household
from person import Person, prefer_us
from sound import level_dbfs
from trials import conclude

QUESTIONS = {
    "felix": "Felix, how do you cook a soup in a storm?",
    "ada": "Ada, what is a star made of?",
    "nora": "Nora, which plant grows in the shade?",
}
# Everybody listens for so long before anybody is asked.
REST_S = 8.0
FPS_MIN = 12.0
# A blink is two pictures, and a glance two more.
REST_FPS_MAX = 2.0
GAP_S_MAX = 0.3
# Voice and mouth, as the client gives them out.
LAG_S_MAX = 0.08
# Rows and columns of the mouth in a picture of 320 x 320, with the sway of the head: below the
# upper edge of a beard.
MOUTH = (slice(188, 220), slice(122, 198))
# So much lighter or darker than what surrounds a mouth are lips, teeth and what is behind them.
CONTRAST = 30
# Of the way from the line of shut lips to a mouth that is wide open. A head that comes back to rest
# brings other edges into the rows, up to a fifth of it.
OPEN_SHARE = 0.25
SHIFTS_S = np.arange(-0.4, 0.41, 0.02)


@dataclass
class Picture:
    at: float
    # Pixels of the mouth, see CONTRAST.
    mouth: int


@dataclass
class Face:
    """What came of one persona."""

    pictures: list[Picture] = field(default_factory=list)
    last: rtc.VideoFrame | None = None
    # Time and level in dBFS of every 10 ms of its sound.
    sound: list[tuple[float, float]] = field(default_factory=list)
    # When it began and ended to speak, by its state.
    speech: tuple[float, float] = (0.0, 0.0)
    voiced: list[tuple[float, float]] = field(default_factory=list)

    def seen(self, start: float, end: float) -> list[Picture]:
        return [picture for picture in self.pictures if start <= picture.at < end]

    def fps(self, start: float, end: float) -> float:
        return len(self.seen(start, end)) / (end - start)

    def opened(self) -> list[float]:
        """When it was seen with an open mouth."""
        shut = np.median([p.mouth for p in self.pictures if p.at < self.speech[0]])
        wide = np.percentile([p.mouth for p in self.seen(*self.speech)], 90)
        least = shut + (wide - shut) * OPEN_SHARE
        return [p.at for p in self.pictures if p.mouth > least]

    def lag_s(self) -> float:
        """By how much the mouth is behind the voice: the shift at which its opening and the
        voice's level go together best."""
        start, end = self.speech
        grid = np.arange(start + 0.2, end - 0.2, 0.02)
        times, levels = np.array(self.sound).T
        loud = np.clip((levels + 50) / 35, 0, 1)
        # As slow as a mouth: a tenth of a second.
        loud = np.interp(grid, times, np.convolve(loud, np.ones(9) / 9, "same"))
        at = np.array([picture.at for picture in self.pictures])
        mouth = np.array([picture.mouth for picture in self.pictures], float)
        fits = [np.corrcoef(loud, np.interp(grid + s, at, mouth))[0, 1] for s in SHIFTS_S]
        return float(SHIFTS_S[int(np.argmax(fits))])


@dataclass
class Run:
    faces: dict[str, Face]
    rest: tuple[float, float] = (0.0, 0.0)


class Onlooker(Person):
    """A person who also looks."""

    def __init__(self) -> None:
        super().__init__()
        self.faces = {name: Face() for name in QUESTIONS}

    def _on_track(self, track: rtc.Track, publication, participant: rtc.Participant) -> None:
        super()._on_track(track, publication, participant)
        if track.kind == rtc.TrackKind.KIND_VIDEO and participant.identity in self.faces:
            self._spawn(self._look(track, self.faces[participant.identity]))

    async def _look(self, track: rtc.Track, face: Face) -> None:
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.I420):
            frame, now = event.frame, time.monotonic()
            plane = np.frombuffer(bytes(frame.get_plane(0)), np.uint8)
            mouth = plane.reshape(frame.height, frame.width)[MOUTH].astype(int)
            pixels = int((np.abs(mouth - np.median(mouth)) > CONTRAST).sum())
            face.pictures.append(Picture(now, pixels))
            face.last = frame

    def _hear(self, identity: str, at: float, samples: np.ndarray) -> None:
        if identity in self.faces:
            self.faces[identity].sound.append((at, level_dbfs(samples)))


async def live(pictures: Path | None) -> Run:
    with Household("faces") as household:
        await household.ready()
        person = await enter(household, "Tom", len(QUESTIONS), Onlooker)
        faces = person.faces
        everybody = lambda: all(face.pictures for face in faces.values())
        await person.until("a face of everybody", everybody, 20)
        run = Run(faces)
        # The first second has key frames and the end of "getting ready".
        run.rest = (time.monotonic() + 1, time.monotonic() + REST_S)
        await asyncio.sleep(REST_S)
        for name, question in QUESTIONS.items():
            exchange = await write(person, question, name)
            face, states = faces[name], person.heard[name].states
            start = next(at for at, state in states if at > exchange.at and state == "speaking")
            end = next(at for at, state in states if at > start and state != "speaking")
            face.speech = (start, end)
            face.voiced = person.heard[name].ear.voiced(start - 1, end + 1)
            if pictures:
                keep(face, pictures / f"face-{name}.png")
        await person.leave()
        household.stop()
        return run


def keep(face: Face, path: Path) -> None:
    """Writes the newest picture as PNG."""
    frame = face.last.convert(rtc.VideoBufferType.RGB24)
    rows = np.frombuffer(bytes(frame.data), np.uint8).reshape(frame.height, frame.width * 3)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)

    head = struct.pack(">IIBBBBB", frame.width, frame.height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def test_a_face_that_speaks_is_fluent(run: Run) -> None:
    for name, face in run.faces.items():
        fps = face.fps(*face.speech)
        gap = max(np.diff([picture.at for picture in face.seen(*face.speech)]))
        assert fps >= FPS_MIN, f"{name}: {fps:.1f} pictures a second"
        assert gap <= GAP_S_MAX, f"{name} stood still for {gap:.2f} s"


def test_a_face_at_rest_hardly_moves(run: Run) -> None:
    for name, face in run.faces.items():
        assert face.fps(*run.rest) <= REST_FPS_MAX, f"{name}: {face.fps(*run.rest):.1f} a second"


def test_the_mouth_opens_only_while_its_persona_speaks(run: Run) -> None:
    for name, face in run.faces.items():
        start, end = face.speech
        opened = face.opened()
        outside = [at for at in opened if not start - LAG_S_MAX <= at <= end + 2 * LAG_S_MAX]
        when = ", ".join(f"{at - start:.2f}" for at in outside)
        assert not outside, f"{name}'s mouth was open at {when} of {end - start:.2f} s"
        share = len(opened) / len(face.seen(start, end))
        assert share > 0.5, f"{name}'s mouth was open in {share:.0%} of its speech only"


def test_voice_and_mouth_are_together(run: Run) -> None:
    for name, face in run.faces.items():
        lag_s = face.lag_s()
        assert abs(lag_s) <= LAG_S_MAX, f"{name}'s mouth is {lag_s * 1000:.0f} ms behind its voice"


def test_the_mouth_begins_and_ends_with_the_voice(run: Run) -> None:
    for name, face in run.faces.items():
        opened = face.opened()
        first, last = face.voiced[0][0], face.voiced[-1][1]
        # Some words begin or end with lips that are nearly shut.
        assert first - LAG_S_MAX < opened[0] < first + 0.5, f"{name}: {opened[0] - first:.2f} s"
        # A last sound can be too quiet to count as voice: "storms", "those".
        late_s = opened[-1] - last
        assert -0.8 < late_s < 2 * LAG_S_MAX, f"{name}: {late_s:.2f} s"


def main() -> int:
    prefer_us()
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    run = asyncio.run(live(pictures))
    for name, face in run.faces.items():
        print(
            f"{name}: speaking {face.fps(*face.speech):.1f} fps, at rest {face.fps(*run.rest):.1f};"
            f" mouth {face.lag_s() * 1000:+.0f} ms behind the voice"
        )
    return conclude(globals(), run)


if __name__ == "__main__":
    sys.exit(main())
