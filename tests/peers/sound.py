"""Sound for the peers: clips to play, and what of a track was voiced, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
CLIPS = Path(__file__).with_name("clips") / "clips.json"

RATE_HZ = 48_000
FRAME_SAMPLES = 480
FRAME_S = FRAME_SAMPLES / RATE_HZ
# Above the noise of a codec, below the quietest speech of the clips and voices.
VOICED_DBFS = -45.0
# Shorter pauses belong to the speech around them; shorter sounds are clicks.
PAUSE_S = 0.3
CLICK_S = 0.04


def level_dbfs(samples: np.ndarray) -> float:
    """Root mean square of 16-bit samples, in dB below full scale."""
    power = np.mean(np.square(samples.astype(np.float64))) if len(samples) else 0.0
    return 10 * np.log10(max(power, 1e-3) / 32768**2)


@dataclass(frozen=True)
class Clip:
    """A spoken line: 16-bit mono at RATE_HZ, whole frames, and its voiced span in seconds."""

    name: str
    to: str | None
    text: str
    frames: list[np.ndarray] = field(repr=False)
    voiced_start_s: float
    voiced_end_s: float


@lru_cache
def clips() -> dict[str, Clip]:
    """Every line of clips.json, by its file's name without folder and ending."""
    rows = json.loads(CLIPS.read_text())["clips"]
    return {Path(row["file"]).stem: _load(row) for row in rows}


def _load(row: dict) -> Clip:
    samples, rate_hz = soundfile.read(ROOT / row["file"], dtype="int16", always_2d=True)
    if rate_hz != RATE_HZ:
        raise ValueError(f"{row['file']} has {rate_hz} Hz; make_clips.py makes {RATE_HZ}")
    mono = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES, 0]
    frames = list(mono.reshape(-1, FRAME_SAMPLES))
    voiced = [i for i, frame in enumerate(frames) if level_dbfs(frame) > VOICED_DBFS]
    start, end = voiced[0] * FRAME_S, (voiced[-1] + 1) * FRAME_S
    return Clip(Path(row["file"]).stem, row["to"], row["text"], frames, start, end)


class Ear:
    """Notes when a track was voiced, from 10 ms frames of its playout.

    Frames come at an even pace but are seen late at times, so a frame's time is its number times
    10 ms from the earliest start that any frame allows; the start may drift by 0.2 %.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.intervals: list[list[float]] = []
        self._start: float | None = None

    def hear(self, now: float, samples: np.ndarray) -> float:
        """Takes a frame; returns when it began."""
        earliest = now - self.frames * FRAME_S
        drifted = earliest if self._start is None else self._start + 0.002 * FRAME_S
        self._start = min(earliest, drifted)
        at = self._start + self.frames * FRAME_S
        self.frames += 1
        if level_dbfs(samples) <= VOICED_DBFS:
            return at
        if self.intervals and at - self.intervals[-1][1] < PAUSE_S:
            self.intervals[-1][1] = at + FRAME_S
        else:
            self.intervals.append([at, at + FRAME_S])
        return at

    def voiced(self, since: float = 0.0, until: float = float("inf")) -> list[tuple[float, float]]:
        """The voiced intervals that reach into the span, clicks left out."""
        return [
            (start, end)
            for start, end in self.intervals
            if end - start >= CLICK_S and end > since and start < until
        ]
