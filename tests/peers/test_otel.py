#!/usr/bin/env python3
"""A turn in a real OpenTelemetry collector: the host exports, and what the collector prints of it
is looked at. The collector is built from `tests/peers/collector`; COLLECTOR_BIN names another.

Prints what came and, last, how many tests passed.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from conversation import ask, enter
from household import Household, free_port
from sound import ROOT, clips
from trials import conclude

CAST = 3
ASKED = "felix_storm"
# Said in the question, and in no answer's name.
WORD = "storm"
SPANS = {"user_turn", "agent_turn", "llm_node", "tts_node"}
METRICS = {
    f"lk.agents.turn.{name}"
    for name in (
        "end_of_turn_delay",
        "transcription_delay",
        "llm_ttft",
        "llm_ttfs",
        "tts_ttfb",
        "playback_latency",
        "e2e_latency",
    )
}
START_S_MAX = 20
CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [debug]}}
    metrics: {{receivers: [otlp], exporters: [debug]}}
"""


class Collector:
    def __init__(self) -> None:
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        binary = os.environ.get("COLLECTOR_BIN", str(target / "collector"))
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [binary, CONFIG.format(port=port)], stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        self.until("Everything is ready", START_S_MAX)

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()

    def until(self, text: str, timeout_s: float) -> None:
        def came() -> bool:
            return any(text in line for line in self.lines)

        with self._news:
            if not self._news.wait_for(came, timeout_s):
                raise TimeoutError(f"the collector did not print {text!r}: {self.lines[-5:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@dataclass
class Span:
    name: str
    id: str
    parent: str
    trace: str
    # Nanoseconds are printed as text; only the order of a trace's own is looked at.
    start: str
    end: str


@dataclass
class Run:
    text: str
    heard: str
    spans: list[Span] = field(default_factory=list)
    metrics: set[str] = field(default_factory=set)


async def live() -> Run:
    collector = Collector()
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.endpoint
    try:
        with Household("otel") as household:
            await household.ready()
            person = await enter(household, "Tom", CAST)
            await ask(person, clips()[ASKED])
            spoke = [turn for turn in household.turns() if turn["outcome"] == "spoke"]
            await person.leave()
            # Whoever leaves sends what it still has.
            household.stop()
        for name in SPANS | METRICS:
            await asyncio.to_thread(collector.until, name, START_S_MAX)
    finally:
        collector.stop()
    run = Run("\n".join(collector.lines), spoke[0]["heard_text"])
    run.metrics = set(re.findall(r"-> Name: (lk\.\S+)", run.text))
    run.spans = [span(block) for block in re.split(r"Span #\d+", run.text)[1:]]
    return run


def span(block: str) -> Span:
    def value(key: str) -> str:
        found = re.search(rf"^\s*{key}\s*: *(.*)$", block, re.MULTILINE)
        return found.group(1).strip() if found else ""

    keys = ("Name", "ID", "Parent ID", "Trace ID", "Start time", "End time")
    return Span(*(value(key) for key in keys))


def test_every_stage_of_the_turn_is_a_span_below_its_turn(run: Run) -> None:
    assert {span.name for span in run.spans} == SPANS, [span.name for span in run.spans]
    by_id = {span.id: span for span in run.spans}
    below = {"agent_turn": "user_turn", "llm_node": "agent_turn", "tts_node": "agent_turn"}
    for one in run.spans:
        if one.name == "user_turn":
            assert not one.parent, one
            continue
        parent = by_id[one.parent]
        assert parent.name == below[one.name] and parent.trace == one.trace, (one, parent)


def test_spans_end_after_they_began(run: Run) -> None:
    for one in run.spans:
        assert one.start and one.start <= one.end, one


def test_the_turns_figures_have_livekits_names(run: Run) -> None:
    assert METRICS <= run.metrics, METRICS - run.metrics


def test_the_service_is_named(run: Run) -> None:
    assert re.search(r"-> service\.name: Str\(troupe\)", run.text), "no service.name"


def test_no_word_is_exported(run: Run) -> None:
    assert run.heard and run.heard not in run.text
    assert WORD not in run.text.lower()


def main() -> int:
    run = asyncio.run(live())
    print(f"{len(run.spans)} spans, metrics {', '.join(sorted(run.metrics))}")
    return conclude(globals(), run)


if __name__ == "__main__":
    sys.exit(main())
