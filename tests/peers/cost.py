#!/usr/bin/env python3
"""What personas cost: memory of the host beside its seats, and processor time of an idle room.

    python tests/peers/cost.py [--seconds 60]

Runs a host with one persona and one with six, a silent human in the room, and prints both and the
difference per persona. A seat's cache is the engine's and is set aside: it is reckoned from the
model's own numbers and named apart.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from conversation import enter
from household import Household
from person import prefer_us

CASTS = (1, 6)
# SmolLM2-135M: 30 layers x 2 (keys, values) x 3 heads x 64 numbers of 16 bit.
CACHE_BYTES_PER_TOKEN = 30 * 2 * 3 * 64 * 2
CONTEXT_TOKENS = 2_048


def settings(personas: int) -> str:
    rows = [f"[models]\ncontext_tokens = {CONTEXT_TOKENS}\n"]
    for number in range(personas):
        rows.append(f'[[persona]]\nid = "p{number}"\nname = "P{number}"\ncard = "A friend."\n')
    return "\n".join(rows)


async def measure(personas: int, seconds: float) -> dict[str, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        Path(file.name).write_text(settings(personas))
        with Household("cost", "--config", file.name) as household:
            await household.ready()
            person = await enter(household, "Tom", personas)
            began, used_s = time.monotonic(), household.cpu_s()
            server = household.cpu_s(only="livekit-server")
            await asyncio.sleep(seconds)
            span_s = time.monotonic() - began
            server_s = household.cpu_s(only="livekit-server") - server
            figures = {
                "rss_mib": household.rss_mib()["troupe"],
                "cpu_percent": 100 * (household.cpu_s() - used_s - server_s) / span_s,
                "server_cpu_percent": 100 * server_s / span_s,
            }
            await person.leave()
            return figures


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    prefer_us()
    rows = {personas: await measure(personas, seconds) for personas in CASTS}
    for personas, row in rows.items():
        print(f"{personas} personas: " + ", ".join(f"{k} {v:.1f}" for k, v in row.items()))
    few, many = CASTS
    each = (rows[many]["rss_mib"] - rows[few]["rss_mib"]) / (many - few)
    cache = CACHE_BYTES_PER_TOKEN * CONTEXT_TOKENS / 2**20
    print(f"each further persona: {each:.1f} MiB resident; a seat's full cache is {cache:.1f} MiB")


if __name__ == "__main__":
    asyncio.run(main())
