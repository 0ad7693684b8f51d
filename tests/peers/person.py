"""A person in a LiveKit room, through LiveKit's own client: speaks clips, types, and notes what
every other participant says, writes and is.

All times are seconds of `time.monotonic()`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc

from sound import FRAME_S, FRAME_SAMPLES, RATE_HZ, VOICED_DBFS, Clip, Ear, level_dbfs

# What waits in the native source; enough for a late Python, little beside what is measured.
MICROPHONE_QUEUE_MS = 60
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


def prefer_us() -> None:
    """Media that runs late on a busy machine looks like a slow network; go first where allowed."""
    try:
        flags = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, flags, os.sched_param(1))
    except (AttributeError, PermissionError, OSError):
        pass


@dataclass
class Text:
    """One text stream."""

    at: float
    sender: str
    topic: str
    attributes: dict[str, str]
    text: str = ""
    done: bool = False

    @property
    def segment(self) -> str:
        return self.attributes.get("lk.segment_id", "")

    @property
    def final(self) -> bool:
        return self.attributes.get("lk.transcription_final") == "true"


@dataclass
class Said:
    """A clip that we spoke: the voiced span as it left our microphone."""

    clip: Clip
    voiced_start: float
    voiced_end: float


@dataclass
class Heard:
    """What one participant did, as seen from here."""

    ear: Ear = field(default_factory=Ear)
    states: list[tuple[float, str]] = field(default_factory=list)
    tracks: set[str] = field(default_factory=set)

    @property
    def state(self) -> str:
        return self.states[-1][1] if self.states else ""

    def states_since(self, at: float) -> list[str]:
        return [state for when, state in self.states if when >= at]


class Person:
    def __init__(self) -> None:
        self.room = rtc.Room()
        self.heard: dict[str, Heard] = defaultdict(Heard)
        self.texts: list[Text] = []
        self.errors: list[str] = []
        self._clips: asyncio.Queue[tuple[Clip, asyncio.Future[Said]]] = asyncio.Queue()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task] = set()

    @property
    def identity(self) -> str:
        return self.room.local_participant.identity

    async def join(self, url: str, token: str) -> None:
        room = self.room
        room.on("track_subscribed", self._on_track)
        room.on("participant_connected", self._on_participant)
        room.on("participant_attributes_changed", self._on_attributes)
        for topic in ("lk.transcription", "lk.chat"):
            room.register_text_stream_handler(topic, self._on_stream(topic))
        await room.connect(url, token, options=rtc.RoomOptions(auto_subscribe=True))
        for participant in room.remote_participants.values():
            self._on_participant(participant)
        source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=MICROPHONE_QUEUE_MS)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)
        self._spawn(self._speak_into(source))

    async def leave(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    async def say(self, clip: Clip) -> Said:
        """Speaks; returns when its last voiced sample has left."""
        done: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._clips.put_nowait((clip, done))
        return await done

    async def type(self, text: str) -> float:
        at = time.monotonic()
        await self.room.local_participant.send_text(text, topic="lk.chat")
        return at

    async def until(self, what: str, holds: Callable[[], object], timeout_s: float) -> None:
        """Returns once `holds()` is true; looks after every event and every tenth of a second."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            self._news.clear()
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {timeout_s:g} s still not: {what}")
            try:
                await asyncio.wait_for(self._news.wait(), 0.1)
            except TimeoutError:
                pass

    def personas(self) -> list[str]:
        members = self.room.remote_participants.values()
        return sorted(p.identity for p in members if p.kind == AGENT)

    def speaking(self) -> list[str]:
        return [name for name in self.personas() if self.heard[name].state == "speaking"]

    def captions(self, sender: str, since: float) -> list[Text]:
        mine = (t for t in self.texts if t.topic == "lk.transcription" and t.sender == sender)
        return sorted((t for t in mine if t.at >= since), key=lambda t: t.at)

    def chats(self, since: float) -> list[Text]:
        return [t for t in self.texts if t.topic == "lk.chat" and t.at >= since]

    # What the room tells us.

    def _spawn(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_participant(self, participant: rtc.RemoteParticipant) -> None:
        state = participant.attributes.get("lk.agent.state")
        if state:
            self._note_state(participant.identity, state)
        self._news.set()

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if "lk.agent.state" in changed:
            self._note_state(participant.identity, changed["lk.agent.state"])

    def _note_state(self, identity: str, state: str) -> None:
        heard = self.heard[identity]
        if heard.state != state:
            heard.states.append((time.monotonic(), state))
        self._news.set()

    def _on_track(self, track: rtc.Track, publication, participant: rtc.Participant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.heard[participant.identity].tracks.add(publication.sid)
            self._spawn(self._listen(track, participant.identity))
            self._news.set()

    async def _listen(self, track: rtc.Track, identity: str) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1)
        # A new track has its own clock, and goes on with the same participant's intervals.
        heard = self.heard[identity]
        ear = Ear()
        ear.intervals = heard.ear.intervals
        heard.ear = ear
        try:
            async for event in stream:
                # The client gives a new track the receiver of one that is gone: both hear it then.
                if heard.ear is not ear:
                    break
                samples = np.frombuffer(event.frame.data, dtype=np.int16)
                self._hear(identity, ear.hear(time.monotonic(), samples), samples)
        finally:
            await stream.aclose()

    def _hear(self, identity: str, at: float, samples: np.ndarray) -> None:
        """10 ms of somebody's sound, which began at `at`; for those who want more than its ear."""

    def _on_stream(self, topic: str):
        def opened(reader: rtc.TextStreamReader, sender: str) -> None:
            entry = Text(time.monotonic(), sender, topic, dict(reader.info.attributes or {}))
            self.texts.append(entry)
            self._spawn(self._read(reader, entry))
            self._news.set()

        return opened

    async def _read(self, reader: rtc.TextStreamReader, entry: Text) -> None:
        try:
            async for piece in reader:
                entry.text += piece
                self._news.set()
        except Exception as error:  # a sender that dies breaks its streams
            self.errors.append(f"a stream of {entry.sender} broke: {error}")
        # Attributes may come with the end of a stream.
        entry.attributes.update(reader.info.attributes or {})
        entry.done = True
        self._news.set()

    async def _speak_into(self, source: rtc.AudioSource) -> None:
        """The microphone: clips when there are some, a quiet room otherwise."""
        noise = np.random.default_rng(0).normal(0, 3, FRAME_SAMPLES).astype(np.int16)
        while True:
            if self._clips.empty():
                await self._capture(source, noise)
                continue
            clip, done = self._clips.get_nowait()
            start = end = time.monotonic()
            voiced = [level_dbfs(frame) > VOICED_DBFS for frame in clip.frames]
            first, last = voiced.index(True), len(voiced) - 1 - voiced[::-1].index(True)
            for index, frame in enumerate(clip.frames):
                leaves = await self._capture(source, frame)
                if index == first:
                    start = leaves
                if index == last:
                    end = leaves + FRAME_S
            done.set_result(Said(clip, start, end))

    async def _capture(self, source: rtc.AudioSource, samples: np.ndarray) -> float:
        """Queues 10 ms; returns when they leave."""
        frame = rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, FRAME_SAMPLES)
        await source.capture_frame(frame)
        return time.monotonic() + source.queued_duration - FRAME_S
