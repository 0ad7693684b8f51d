#!/usr/bin/env python3
"""What the cast sees: a camera that shows four colours, a picture pasted into the chat, and files
that only call themselves pictures.

The language engine is the scripted one, which names the pictures that it was shown. So a reply
tells which picture a persona holds, and the host gives that picture out. One room is held; every
test then looks at the record. Prints, last, how many tests passed.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from conversation import enter, room_falls_silent
from household import Household
from person import Person, prefer_us
from pictures import CAMERA, DRAWING, Camera, Corners, alike, corners_of, giant_png, paste, png
from trials import conclude

CAST = ["nora", "ada", "felix"]
CONFIG = '[models]\nlanguage = { kind = "scripted" }\n'
ID = re.compile(r"\b[0-9a-f]{32}\b")
REPLY_S_MAX = 60
# A camera is looked at once in three seconds while its owner is silent.
SEEN_S_MAX = 20
NINE_MIB = 9 << 20
ENCODED = "troupe_pictures_encoded_total"


@dataclass
class Answer:
    persona: str
    text: str

    @property
    def ids(self) -> list[str]:
        return ID.findall(self.text)


@dataclass
class Record:
    person: Person
    camera: list[Answer] = field(default_factory=list)
    pasted: list[Answer] = field(default_factory=list)
    # After the files that are no pictures.
    hostile: list[Answer] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    metrics: str = ""
    stopped: int | None = None

    def showing(self, corners: Corners) -> set[str]:
        return {name for name, file in self.files.items() if alike(corners_of(file), corners)}

    def named(self) -> set[str]:
        answers = [*self.camera, *self.pasted, *self.hostile]
        return {name for answer in answers for name in answer.ids}


def fetch(household: Household, path: str) -> bytes:
    with urllib.request.urlopen(household.base + path, timeout=5) as answer:
        return answer.read()


async def ask(person: Person, persona: str) -> Answer:
    """Types a question to a persona; returns what it wrote."""
    at = await person.type(f"{persona.title()}, what do you see?")

    def replies() -> list[str]:
        chats = [chat for chat in person.chats(at) if chat.sender == persona and chat.done]
        return [chat.text for chat in chats]

    await person.until(f"a reply of {persona}", replies, REPLY_S_MAX)
    await room_falls_silent(person)
    return Answer(persona, " ".join(replies()))


async def show_camera(record: Record) -> None:
    camera = Camera(record.person.room, CAMERA)
    await camera.on()
    # Until the first frame is there, they have nothing to name.
    deadline = asyncio.get_running_loop().time() + SEEN_S_MAX
    while asyncio.get_running_loop().time() < deadline:
        answer = await ask(record.person, "nora")
        if answer.ids:
            record.camera.append(answer)
            break
    await camera.off()


async def hold() -> Record:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "troupe.toml").write_text(CONFIG)
        with Household("eyes", "--config", str(folder / "troupe.toml")) as household:
            await household.ready()
            person = await enter(household, "Tom", len(CAST))
            record = Record(person)
            await show_camera(record)
            await paste(person.room, folder, "drawing.png", png(DRAWING))
            for persona in CAST:
                record.pasted.append(await ask(person, persona))
            await paste(person.room, folder, "giant.png", giant_png())
            await paste(person.room, folder, "noise.png", bytes(range(256)) * 40)
            await paste(person.room, folder, "large.png", png(CAMERA) + bytes(NINE_MIB))
            record.hostile.append(await ask(person, "ada"))
            for name in record.named():
                record.files[name] = fetch(household, f"/api/pictures/{name}")
            record.metrics = fetch(household, "/metrics").decode()
            await person.leave()
            record.stopped = household.stop()
            return record


def test_a_camera_is_seen_with_its_colours(record: Record) -> None:
    assert record.camera, f"nobody named a picture within {SEEN_S_MAX} s"
    (answer,) = record.camera
    seen = {name: corners_of(record.files[name]) for name in answer.ids}
    assert set(answer.ids) <= record.showing(CAMERA), seen


def test_a_pasted_picture_is_seen_by_everybody_who_is_asked(record: Record) -> None:
    drawn = record.showing(DRAWING)
    assert len(drawn) == 1, f"{len(drawn)} pictures show what was pasted"
    for answer in record.pasted:
        assert drawn <= set(answer.ids), f"{answer.persona} saw {answer.text!r}"


def test_a_picture_is_encoded_once_for_all(record: Record) -> None:
    lines = [line for line in record.metrics.splitlines() if line.startswith(ENCODED)]
    assert lines, f"there is no {ENCODED}"
    encoded = sum(float(line.rsplit(" ", 1)[1]) for line in lines)
    shown = len(record.named())
    assert encoded == shown, f"{encoded:g} encoded, {shown} shown"


def test_what_only_calls_itself_a_picture_harms_nobody(record: Record) -> None:
    (answer,) = record.hostile
    assert answer.text.strip()
    known = record.showing(CAMERA) | record.showing(DRAWING)
    assert set(answer.ids) <= known, f"ada saw {answer.text!r}"


def test_the_host_ends_in_order(record: Record) -> None:
    assert record.stopped == 0, f"exit code {record.stopped}"
    assert not record.person.errors, record.person.errors


def main() -> int:
    prefer_us()
    return conclude(globals(), asyncio.run(hold()))


if __name__ == "__main__":
    sys.exit(main())
