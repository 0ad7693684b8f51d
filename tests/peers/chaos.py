#!/usr/bin/env python3
"""Kills parts of a running cast and asks again: everything must heal without a new host.

The ears and the LiveKit server are children of the host, which starts them again; a persona is
thrown out by a server whose keys the test has.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from conversation import ask, enter
from household import Household
from person import Person, prefer_us
from server import Server
from sound import clips

# A killed server takes its rooms along; clients notice after nine seconds and join again.
HEALED_S_MAX = 60


async def answered(person: Person, name: str) -> str | None:
    """None when the right persona answered, else what happened instead."""
    clip = clips()[name]
    try:
        exchange = await ask(person, clip)
    except TimeoutError as late:
        return str(late)
    who = exchange.answered_by(person)
    return None if who == [clip.to] else f"{clip.text!r} was answered by {who}"


async def ears_die(household: Household, person: Person) -> str | None:
    """While an utterance is on its way: it is tried again, nothing heard is lost."""
    asking = asyncio.create_task(answered(person, "1-nora"))
    await asyncio.sleep(3)
    os.kill(household.child("troupe-ears"), signal.SIGKILL)
    return await asking


async def server_dies(household: Household, person: Person) -> str | None:
    """The person leaves with it and comes back; the cast must be there."""
    os.kill(household.child("livekit-server"), signal.SIGKILL)
    await person.leave()
    await asyncio.sleep(5)
    deadline = time.monotonic() + HEALED_S_MAX
    while time.monotonic() < deadline:
        try:
            await household.ready(HEALED_S_MAX)
            back = await enter(household, "Tom", 3)
        except Exception as error:
            print(f"  not yet: {error}", flush=True)
            await asyncio.sleep(1)
            continue
        result = await answered(back, "2-felix")
        await back.leave()
        return result
    return f"the cast was not back within {HEALED_S_MAX} s"


async def persona_is_thrown_out(household: Household, person: Person, server: Server) -> str | None:
    """Its connection is ended from outside: it joins again and answers."""
    seen = person.heard["ada"]
    tracks = set(seen.tracks)
    server.remove(household.room, "ada")

    def is_back() -> bool:
        return bool(seen.tracks - tracks) and seen.state == "listening"

    await person.until("Ada is back with a new track", is_back, HEALED_S_MAX)
    return await answered(person, "3-ada")


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0

    async def trial(self, name: str, work: Awaitable[str | None], household: Household) -> None:
        began = time.monotonic()
        try:
            trouble = await work
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
        if household.process.poll() is not None:
            trouble = "the host itself ended"
        self.passed += trouble is None
        self.failed += trouble is not None
        print(f"{name} ... {trouble or 'healed'} ({time.monotonic() - began:.0f} s)", flush=True)


async def unleash() -> int:
    tally = Tally()
    with Household("chaos") as household:
        await household.ready()
        person = await enter(household, "Tom", 3)
        await tally.trial("ears_die", ears_die(household, person), household)
        await tally.trial("server_dies", server_dies(household, person), household)
    with Server() as server, Household("chaos", livekit=server.environment) as household:
        await household.ready()
        person = await enter(household, "Tom", 3)
        thrown = persona_is_thrown_out(household, person, server)
        await tally.trial("persona_is_thrown_out", thrown, household)
        await person.leave()
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed


if __name__ == "__main__":
    prefer_us()
    sys.exit(min(1, asyncio.run(unleash())))
