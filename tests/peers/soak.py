#!/usr/bin/env python3
"""A long conversation: does memory grow, does a state stick, do the gaps stay?

    python tests/peers/soak.py --minutes 20

Prints one line per exchange and fails when resident memory grew, an exchange got no answer, or the
room did not fall silent after it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import time

from conversation import ask, enter
from household import Household
from person import prefer_us
from sound import clips

# Seats and buffers fill in the first minutes; growth is counted from then on.
SETTLED_AFTER = 0.25
GROWTH_MIB_MAX = 40.0
QUESTIONS = ["1-nora", "2-felix", "3-ada", "nora_talk", "ada_riddle", "felix_storm", "room_evening"]


async def soak(minutes: float) -> list[str]:
    complaints: list[str] = []
    gaps: list[float] = []
    memory: list[float] = []
    with Household("soak") as household:
        await household.ready()
        person = await enter(household, "Tom", 3)
        began = time.monotonic()
        used_s = household.cpu_s()
        for name in itertools.cycle(QUESTIONS):
            if time.monotonic() - began > 60 * minutes:
                break
            try:
                exchange = await ask(person, clips()[name])
            except TimeoutError as late:
                complaints.append(f"{name}: {late}")
                continue
            gaps.append(exchange.gap_s(person) or float("nan"))
            rss = household.rss_mib()
            memory.append(sum(rss.values()))
            elapsed_s = time.monotonic() - began
            who = ", ".join(exchange.answered_by(person))
            print(f"{elapsed_s:6.0f} s  {gaps[-1]:5.2f} s  {who:<14} {rss}", flush=True)
        share = (household.cpu_s() - used_s) / (time.monotonic() - began)
        await person.leave()
    settled = memory[int(SETTLED_AFTER * len(memory)) :]
    growth = settled[-1] - settled[0] if settled else 0.0
    if growth > GROWTH_MIB_MAX:
        complaints.append(f"resident memory grew by {growth:.0f} MiB")
    if gaps:
        print(
            f"{len(gaps)} exchanges, gap p50 {statistics.median(gaps):.2f} s, max {max(gaps):.2f} s"
        )
    print(f"memory grew by {growth:.1f} MiB, {100 * share:.0f} % of one core")
    return complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    prefer_us()
    complaints = asyncio.run(soak(parser.parse_args().minutes))
    print("\n".join(complaints) or "no complaint")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
