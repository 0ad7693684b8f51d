#!/usr/bin/env python3
"""The main path in a real room: LiveKit's own client speaks and types to three personas.

One conversation is held and recorded; every test then looks at the record. Prints the figures of
the run and, last, how many tests passed.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import traceback
from dataclasses import dataclass, field
from itertools import pairwise

from conversation import Exchange, Interruption, ask, enter, interrupt, room_falls_silent, write
from household import Household
from person import Person, Text, prefer_us
from sound import clips
from trials import failures, tests_of

CAST = ["ada", "felix", "nora"]
SPOKEN = ["1-nora", "2-felix", "3-ada", "felix_storm"]
TYPED = ("Felix, which soup do you cook in a storm?", "felix")
# Cut into one after the other, so many seconds after the reply began, until one is neither over,
# nor in its last moment, nor between two sentences then: the model decides how long they are.
OPENINGS = [("felix_storm", 0.5), ("1-nora", 1.2), ("2-felix", 0.9), ("nora_talk", 1.5)]
# One voice: the fade of the last and the first sample of the next may touch.
OVERLAP_S_MAX = 0.1
BARGE_IN_S_MAX = 0.4
CAPTION_S_MAX = 3.0


@dataclass
class Record:
    person: Person
    spoken: list[Exchange] = field(default_factory=list)
    typed: Exchange | None = None
    cut: Interruption | None = None
    turns: list[dict] = field(default_factory=list)
    ready_s: float = 0.0
    stopped: int | None = None

    def exchanges(self) -> list[Exchange]:
        return [*self.spoken, self.typed]

    def human_lines(self) -> list[list[dict]]:
        """The records of each line of ours, in the order in which we made them. A persona's line
        can have one record: that of whom it called."""
        lines: dict[str, list[dict]] = {}
        for turn in self.turns:
            lines.setdefault(turn["line"], []).append(turn)
        ordered = sorted(lines.items(), key=lambda entry: int(entry[0][1:]))
        return [turns for _, turns in ordered if len(turns) == len(CAST)]

    def lines_of(self, exchange: Exchange) -> list[list[dict]]:
        """The records of an exchange, line by line: what we spoke may have been cut in a pause,
        and has as many lines as final captions."""
        first = 0
        for other in self.exchanges():
            count = 1 if other is self.typed else len(self.final_captions(other))
            if other is exchange:
                return self.human_lines()[first : first + count]
            first += count
        raise LookupError("no such exchange")

    def final_captions(self, exchange: Exchange) -> list[Text]:
        captions = self.person.captions(self.person.identity, exchange.began)
        return [c for c in captions if c.at < exchange.ended and c.final and c.text.strip()]

    def turns_of(self, exchange: Exchange) -> list[dict]:
        return [turn for line in self.lines_of(exchange) for turn in line]


async def converse() -> Record:
    with Household("thin-path") as household:
        ready_s = await household.ready()
        person = await enter(household, "Tom", len(CAST))
        record = Record(person, ready_s=ready_s)
        for name in SPOKEN:
            record.spoken.append(await ask(person, clips()[name]))
        record.typed = await write(person, *TYPED)
        for name, after_s in OPENINGS:
            record.cut = await interrupt(person, clips()[name], clips()["ada_riddle"], after_s)
            outcomes = {turn["outcome"] for turn in household.turns()}
            if record.cut.talked_on_s > 0 and "interrupted" in outcomes:
                break
        await room_falls_silent(person)
        record.turns = household.turns()
        await person.leave()
        record.stopped = household.stop()
        return record


def test_the_whole_cast_is_there(record: Record) -> None:
    assert sorted(record.person.heard.keys() & set(CAST)) == CAST


def test_only_the_named_persona_answers(record: Record) -> None:
    for exchange in record.exchanges():
        who = exchange.answered_by(record.person)
        assert who == [exchange.to], f"{exchange.asked!r} was answered by {who}"


def test_one_persona_speaks_at_a_time(record: Record) -> None:
    voiced = sorted(
        (start, end, name) for name in CAST for start, end in record.person.heard[name].ear.voiced()
    )
    for (_, end, name), (start, _, other) in pairwise(voiced):
        assert name == other or start > end - OVERLAP_S_MAX, f"{other} spoke into {name}'s words"


def test_a_human_is_captioned_under_its_own_name(record: Record) -> None:
    person = record.person
    for exchange in record.spoken:
        captions = person.captions(person.identity, exchange.began)
        captions = [c for c in captions if c.at < exchange.ended]
        assert captions, f"{exchange.asked!r} has no caption"
        assert all(c.segment for c in captions), "a caption without lk.segment_id"
        assert all("lk.transcribed_track_id" in c.attributes for c in captions)
        finals = record.final_captions(exchange)
        assert len(finals) == len({c.segment for c in finals}) >= 1, "one final text a segment"
        words = " ".join(c.text for c in finals).lower()
        wanted = [w for w in exchange.asked.lower().rstrip("?").split() if len(w) > 4]
        found = [w for w in wanted if w in words]
        assert 2 * len(found) >= len(wanted), f"{exchange.asked!r} was written down as {words!r}"


def test_a_persona_is_captioned_as_it_speaks(record: Record) -> None:
    person = record.person
    for exchange in record.exchanges():
        captions = [c for c in person.captions(exchange.to, exchange.at) if c.at < exchange.ended]
        assert captions, f"{exchange.to}'s answer to {exchange.asked!r} has no caption"
        assert all(c.segment and c.done for c in captions)
        assert all("lk.transcribed_track_id" in c.attributes for c in captions)
        assert captions[-1].final, "the last caption of a speech is final"
        assert any(c.text.strip() for c in captions)
        tracks = {c.attributes["lk.transcribed_track_id"] for c in captions}
        assert tracks <= person.heard[exchange.to].tracks, "captions name the persona's track"


def test_a_typed_line_is_answered_in_the_chat_too(record: Record) -> None:
    typed = record.typed
    replies = [c for c in record.person.chats(typed.at) if c.at < typed.ended + 1]
    senders = [c.sender for c in replies]
    assert senders == [typed.to], f"chat came from {senders}"
    assert replies[0].text.strip()
    for exchange in record.spoken:
        chats = [c for c in record.person.chats(exchange.began) if c.at < exchange.ended]
        assert not chats, "a spoken line is answered by voice only"


def test_states_come_in_order(record: Record) -> None:
    person = record.person
    for exchange in record.exchanges():
        changes = [
            state
            for when, state in person.heard[exchange.to].states
            if exchange.began <= when <= exchange.ended
        ]
        assert changes[-3:] == ["thinking", "speaking", "listening"], f"{exchange.to}: {changes}"
        # What was cut in a pause is thought about and given up again.
        assert set(changes[:-3]) <= {"thinking", "listening"}, f"{exchange.to}: {changes}"
        for other in set(CAST) - {exchange.to}:
            states = person.heard[other].states
            loud = [s for when, s in states if exchange.began <= when <= exchange.ended]
            assert "speaking" not in loud, f"{other} claimed to speak"


def test_every_line_gives_every_persona_one_turn(record: Record) -> None:
    for exchange in record.exchanges():
        lines = record.lines_of(exchange)
        assert lines, exchange.asked
        for turns in lines:
            assert sorted(t["persona"] for t in turns) == CAST, exchange.asked
        turns = record.turns_of(exchange)
        spoke = [t["persona"] for t in turns if t["outcome"] == "spoke"]
        assert spoke == [exchange.to], f"{exchange.asked!r}: {spoke} spoke by the records"
        assert all(t["reason"] for t in turns), "every outcome has its reason"


def test_stages_sum_to_the_whole(record: Record) -> None:
    for exchange in record.exchanges():
        for turn in record.turns_of(exchange):
            if turn["outcome"] != "spoke":
                continue
            stages = turn["stages_us"]
            known = {name: us for name, us in stages.items() if us is not None}
            assert sum(known.values()) == turn["e2e_us"], f"{turn['turn']}: {stages}"
            unknown = set(stages) - set(known)
            allowed = {"end_of_turn", "transcription"} if exchange is record.typed else set()
            assert unknown <= allowed, f"{turn['turn']} does not know {unknown}"
            assert 0 < turn["completion_tokens"] and turn["heard_text"].strip()


def test_the_records_agree_with_what_was_heard(record: Record) -> None:
    for exchange in record.spoken:
        (spoke,) = [t for t in record.turns_of(exchange) if t["outcome"] == "spoke"]
        late_s = exchange.gap_s(record.person) - spoke["e2e_us"] / 1e6
        assert -0.1 < late_s < 0.6, f"the host says {late_s:.2f} s less than the client heard"


def test_a_human_silences_the_holder(record: Record) -> None:
    cut = record.cut
    assert cut.holder == cut.first.to
    assert cut.talked_on_s > 0, "every reply was over before it could be interrupted"
    assert cut.talked_on_s <= BARGE_IN_S_MAX, f"it talked on for {cut.talked_on_s:.2f} s"
    interrupted = [t for t in record.turns if t["outcome"] == "interrupted"]
    assert [t["persona"] for t in interrupted[-1:]] == [cut.holder]
    assert record.cut.second.answered_by(record.person)[:1] == [record.cut.second.to]


def test_captions_come_soon(record: Record) -> None:
    for delay_s in caption_delays_s(record):
        assert delay_s <= CAPTION_S_MAX, f"a human's caption came after {delay_s:.2f} s"


def test_the_host_ends_in_order(record: Record) -> None:
    assert record.stopped == 0, f"exit code {record.stopped}"
    assert not record.person.errors, record.person.errors


def caption_delays_s(record: Record) -> list[float]:
    person = record.person
    delays = []
    for exchange in record.spoken:
        for caption in person.captions(person.identity, exchange.began)[:1]:
            delays.append(caption.at - exchange.at)
    return delays


def figures(record: Record) -> list[str]:
    gaps = [gap for e in record.spoken if (gap := e.gap_s(record.person)) is not None]
    delays = caption_delays_s(record)

    def line(name: str, values: list[float]) -> str:
        each = ", ".join(f"{value:.2f}" for value in values)
        middle = f"{statistics.median(values):.2f} s" if values else "none"
        return f"{name:<34} p50 {middle:<8} ({each})"

    return [
        line("ready after the start", [record.ready_s]),
        line("end of speech to first voice", gaps),
        line("end of speech to first caption", delays),
        line("typed line to first voice", [record.typed.gap_s(record.person) or float("nan")]),
        line("human onset to silence", [record.cut.talked_on_s]),
    ]


def main() -> int:
    prefer_us()
    tests = tests_of(globals())
    try:
        record = asyncio.run(converse())
    except Exception:
        traceback.print_exc()
        print(f"0 passed, {len(tests)} failed")
        return 1
    failed = failures(tests, record)
    print()
    print("\n".join(figures(record)))
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
