#!/usr/bin/env python3
"""A full room: twelve personas and two humans who talk at once and with each other.

    python tests/peers/crowd.py [--minutes 5] [--seed 1]

Tom and Zoe ask different personas at the same time, a moment apart; then they talk with each other,
and nobody else is meant. Prints what was measured, and fails when two personas were audible
together for a hundredth of the time or more, or the room did not fall silent.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from conversation import QUIET_S, enter, room_falls_silent
from household import Household
from person import Person, prefer_us
from sound import clips

CAST = "Nora Felix Ada Mira Otis Lena Hugo Vera Silas Ines Bruno Kofi".split()
QUESTIONS = ["1-nora", "2-felix", "3-ada", "nora_talk", "ada_riddle", "felix_storm", "room_evening"]
AMONG_HUMANS = [("tom", "tom_keys", "zoe_keys"), ("zoe", "zoe_train", "tom_train")]
# Whoever answers has begun by then; the longest wait for the end of a turn is 2.5 s.
ANSWER_S = 5.0
APART_S_MAX = 2.0
OVERLAP_MAX = 0.01
# Shorter overlaps are a fade beside a beginning.
OVERLAP_S_MIN = 0.05


@dataclass
class Found:
    asked: int = 0
    rounds: int = 0
    among_humans: int = 0
    answered_wrongly: int = 0
    complaints: list[str] = field(default_factory=list)


def settings() -> str:
    rows = ["[models]\ncontext_tokens = 2048\n"]
    for name in CAST:
        card = f"{name} is a friend who is glad to be here."
        rows.append(f'[[persona]]\nid = "{name.lower()}"\nname = "{name}"\ncard = "{card}"\n')
    return "\n".join(rows)


def audible(person: Person, since: float) -> list[tuple[float, float, str]]:
    spans = [(*span, p) for p in person.personas() for span in person.heard[p].ear.voiced(since)]
    return sorted(spans)


def together_s(spans: list[tuple[float, float, str]]) -> tuple[float, float]:
    """Seconds in which two were audible, and in which anybody was."""
    edges = sorted([(at, 1) for at, _, _ in spans] + [(at, -1) for _, at, _ in spans])
    two = any_s = 0.0
    voices, last = 0, 0.0
    for at, step in edges:
        if voices >= 1:
            any_s += at - last
        if voices >= 2 and at - last >= OVERLAP_S_MIN:
            two += at - last
        voices, last = voices + step, at
    return two, any_s


async def ask_at_once(tom: Person, zoe: Person, dice: random.Random, found: Found) -> None:
    """Both ask; the one a moment after the other."""
    first, second = dice.sample(QUESTIONS, 2)
    apart_s = dice.uniform(0, APART_S_MAX)

    async def later() -> None:
        # Talking at once is what is tested, so it is a time that is waited for.
        await asyncio.sleep(apart_s)
        await zoe.say(clips()[second])

    began = time.monotonic()
    await asyncio.gather(tom.say(clips()[first]), later())
    found.asked += 2
    found.rounds += 1
    await tom.until(
        "somebody answers", lambda: audible(tom, began) or time.monotonic() - began > 20, 30
    )
    await settle(tom, found)


async def among_humans(tom: Person, zoe: Person, dice: random.Random, found: Found) -> None:
    """The humans talk with each other while the room is silent."""
    who, asks, answers = dice.choice(AMONG_HUMANS)
    one, other = (tom, zoe) if who == "tom" else (zoe, tom)
    began = time.monotonic()
    await one.say(clips()[asks])
    said = await other.say(clips()[answers])
    found.among_humans += 2
    late = said.voiced_end + ANSWER_S
    await tom.until(
        "an answer, or none", lambda: audible(tom, began) or time.monotonic() > late, 30
    )
    found.answered_wrongly += bool(audible(tom, began))
    await settle(tom, found)


async def settle(person: Person, found: Found) -> None:
    try:
        await room_falls_silent(person)
    except TimeoutError as late:
        found.complaints.append(str(late))


async def crowd(minutes: float, seed: int) -> list[str]:
    dice, found = random.Random(seed), Found()
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        Path(file.name).write_text(settings())
        with Household("crowd", "--config", file.name) as household:
            await household.ready()
            tom = await enter(household, "Tom", len(CAST))
            zoe = await enter(household, "Zoe", len(CAST))
            began, used_s = time.monotonic(), household.cpu_s()
            while time.monotonic() - began < 60 * minutes:
                await ask_at_once(tom, zoe, dice, found)
                await among_humans(tom, zoe, dice, found)
            took_s = time.monotonic() - began
            share = (household.cpu_s() - used_s) / took_s
            spans = audible(tom, began)
            turns = household.turns()
            rss = household.rss_mib()
            await asyncio.gather(tom.leave(), zoe.leave())
    two_s, any_s = together_s(spans)
    outcomes = [turn["outcome"] for turn in turns]
    print(f"{took_s:.0f} s, {len(CAST)} personas, {found.rounds} times both asked at once")
    print(f"audible: somebody {any_s:.1f} s, two together {two_s:.2f} s ({two_s / any_s:.2%})")
    print(f"talk among humans: {found.among_humans} lines, answered after {found.answered_wrongly} "
          f"of {found.among_humans // 2} exchanges")
    print({outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))})
    print(f"{100 * share:.0f} % of one core, memory {rss}; quiet is {QUIET_S:g} s of nobody")
    if two_s >= OVERLAP_MAX * any_s:
        found.complaints.append(f"two personas were audible together for {two_s:.2f} s")
    return found.complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    prefer_us()
    complaints = asyncio.run(crowd(arguments.minutes, arguments.seed))
    print("\n".join(complaints) or "no complaint")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
