"""Pictures that a person shows in the room: four colours in four corners, as a camera, as a file,
and as they are found again in a JPEG."""

from __future__ import annotations

import asyncio
import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
from livekit import rtc
from PIL import Image

# Red, green and blue of the corners: left and right above, left and right below.
Corners = tuple[tuple[int, int, int], ...]
CAMERA: Corners = ((200, 40, 40), (40, 180, 60), (40, 60, 200), (210, 190, 40))
DRAWING: Corners = ((230, 230, 230), (120, 30, 150), (20, 150, 160), (60, 60, 60))
# By so much a channel may be off after VP8 and JPEG, of 255.
OFF_MAX = 30

WIDTH, HEIGHT, FPS = 640, 360, 10


def pixels(corners: Corners, width: int, height: int) -> np.ndarray:
    """Rows of RGB."""
    rows = np.empty((height, width, 3), np.uint8)
    above, left = slice(0, height // 2), slice(0, width // 2)
    below, right = slice(height // 2, None), slice(width // 2, None)
    places = [(above, left), (above, right), (below, left), (below, right)]
    for place, colour in zip(places, corners):
        rows[place] = colour
    return rows


def png(corners: Corners, width: int = 320, height: int = 240) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(corners, width, height)).save(file, "PNG")
    return file.getvalue()


def giant_png(side: int = 20_000) -> bytes:
    """A header that claims side x side pixels, and next to nothing behind it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000))
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def corners_of(file: bytes) -> Corners:
    """The colours of a picture's corners: the means of their middles."""
    picture = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"), np.float64)
    height, width, _ = picture.shape
    found = []
    for top, left in [(1, 1), (1, 5), (5, 1), (5, 5)]:
        rows = slice(top * height // 8, (top + 2) * height // 8)
        columns = slice(left * width // 8, (left + 2) * width // 8)
        found.append(tuple(int(mean) for mean in picture[rows, columns].mean(axis=(0, 1))))
    return tuple(found)


def alike(found: Corners, wanted: Corners) -> bool:
    pairs = zip(found, wanted)
    return all(abs(a - b) <= OFF_MAX for one, other in pairs for a, b in zip(one, other))


class Camera:
    """A camera of a participant that shows a pattern; a line moves through it, as something does in
    every real one."""

    def __init__(self, room: rtc.Room, corners: Corners) -> None:
        self._room = room
        self._corners = corners
        self._source = rtc.VideoSource(WIDTH, HEIGHT)
        self._track: rtc.LocalVideoTrack | None = None
        self._sending: asyncio.Task | None = None

    async def on(self, source: rtc.TrackSource.ValueType = rtc.TrackSource.SOURCE_CAMERA) -> None:
        self._track = rtc.LocalVideoTrack.create_video_track("camera", self._source)
        options = rtc.TrackPublishOptions(source=source)
        await self._room.local_participant.publish_track(self._track, options)
        self._sending = asyncio.create_task(self._send())

    async def off(self) -> None:
        self._sending.cancel()
        await self._room.local_participant.unpublish_track(self._track.sid)

    def mute(self, muted: bool) -> None:
        self._track.mute() if muted else self._track.unmute()

    async def _send(self) -> None:
        picture = np.dstack([pixels(self._corners, WIDTH, HEIGHT), np.full((HEIGHT, WIDTH), 255)])
        picture = picture.astype(np.uint8)
        started = time.monotonic()
        for n in range(1_000_000):
            shown = picture.copy()
            shown[n % HEIGHT] = 255
            frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, shown.tobytes())
            self._source.capture_frame(frame)
            await asyncio.sleep(max(0.0, started + (n + 1) / FPS - time.monotonic()))


async def paste(room: rtc.Room, folder: Path, name: str, file: bytes) -> None:
    """Puts a file into the chat; its name says what it calls itself."""
    path = folder / name
    path.write_bytes(file)
    await room.local_participant.send_file(str(path), topic="lk.chat")
