"""Exchanges of a person with the cast, shared by the room tests."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TypeVar

from household import Household
from person import Person, Said
from sound import Clip

P = TypeVar("P", bound=Person)

# Bounds of waiting, generous on purpose: they say "never", figures say how fast.
REPLY_BEGINS_S = 30
REPLY_ENDS_S = 60
# Longer than a pause between two clauses of one reply.
QUIET_S = 1.0


@dataclass
class Exchange:
    """One line of ours and what came of it."""

    asked: str
    to: str | None
    began: float
    # The end of our voice, or when the typed line left.
    at: float
    ended: float = 0.0
    said: Said | None = None

    def answered_by(self, person: Person) -> list[str]:
        """Those whose voice came after our line, in the order of their first sound."""
        starts = {}
        for name in person.personas():
            voiced = person.heard[name].ear.voiced(self.at, self.ended)
            if voiced:
                starts[name] = voiced[0][0]
        return sorted(starts, key=starts.get)

    def gap_s(self, person: Person) -> float | None:
        """From the end of our line to the first voiced sample of a persona."""
        who = self.answered_by(person)
        return person.heard[who[0]].ear.voiced(self.at)[0][0] - self.at if who else None


@dataclass
class Interruption:
    holder: str
    first: Exchange
    second: Exchange
    # How long the holder's voice went on after ours began; negative when it was over before.
    talked_on_s: float


async def enter(household: Household, name: str, cast: int, kind: type[P] = Person) -> P:
    """Joins and waits until the whole cast is there, heard and listening."""
    person = kind()
    url, token = household.pass_for(name)
    await person.join(url, token)

    def complete() -> bool:
        here = person.personas()
        listening = all(person.heard[p].state == "listening" for p in here)
        return len(here) == cast and listening and all(person.heard[p].tracks for p in here)

    await person.until(f"{cast} personas in the room, listening", complete, 30)
    return person


async def reply_begins(person: Person, since: float) -> str:
    """Waits for a voice after `since`; returns whose."""

    def voices() -> list[str]:
        return [p for p in person.personas() if person.heard[p].ear.voiced(since)]

    await person.until("a voiced reply", voices, REPLY_BEGINS_S)
    return voices()[0]


async def room_falls_silent(person: Person) -> None:
    def silent() -> bool:
        recent = time.monotonic() - QUIET_S
        voiced = any(person.heard[p].ear.voiced(recent) for p in person.personas())
        busy = any(person.heard[p].state in ("speaking", "thinking") for p in person.personas())
        return not voiced and not busy

    await person.until("silence, everybody listening", silent, REPLY_ENDS_S)


async def ask(person: Person, clip: Clip) -> Exchange:
    """Speaks a line and listens until the room is silent again."""
    began = time.monotonic()
    said = await person.say(clip)
    exchange = Exchange(clip.text, clip.to, began, said.voiced_end, said=said)
    await reply_begins(person, said.voiced_end)
    await room_falls_silent(person)
    exchange.ended = time.monotonic()
    return exchange


async def write(person: Person, text: str, to: str | None) -> Exchange:
    """Types a line and listens until the room is silent again."""
    began = time.monotonic()
    at = await person.type(text)
    exchange = Exchange(text, to, began, at)
    await reply_begins(person, at)
    await room_falls_silent(person)
    exchange.ended = time.monotonic()
    return exchange


async def interrupt(
    person: Person, opening: Clip, cut: Clip, after_s: float = 0.5
) -> Interruption:
    """Asks for a reply and speaks into it, so long after its first sound."""
    began = time.monotonic()
    said = await person.say(opening)
    holder = await reply_begins(person, said.voiced_end)
    await asyncio.sleep(after_s)
    over = await person.say(cut)
    spoken = person.heard[holder].ear.voiced(said.voiced_end, over.voiced_start)
    first = Exchange(opening.text, opening.to, began, said.voiced_end, over.voiced_start, said)
    second = Exchange(cut.text, cut.to, over.voiced_start, over.voiced_end, said=over)
    await reply_begins(person, over.voiced_end)
    await room_falls_silent(person)
    second.ended = time.monotonic()
    return Interruption(holder, first, second, spoken[-1][1] - over.voiced_start)
