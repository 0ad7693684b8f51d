#!/usr/bin/env python3
"""Kills parts of a running cast and asks again: everything must heal without a new host.

The ears and the LiveKit server are children of the host, which starts them again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from conversation import ask, enter
from household import Household
from person import Person, prefer_us
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


async def unleash() -> int:
    failed = 0
    with Household("chaos") as household:
        await household.ready()
        person = await enter(household, "Tom", 3)
        trials = [ears_die, server_dies]
        for trial in trials:
            began = time.monotonic()
            trouble = await trial(household, person)
            failed += trouble is not None
            print(f"{trial.__name__} ... {trouble or 'healed'} ({time.monotonic() - began:.0f} s)")
            if household.process.poll() is not None:
                print("the host itself ended")
                return len(trials)
    print(f"{len(trials) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    prefer_us()
    sys.exit(min(1, asyncio.run(unleash())))
