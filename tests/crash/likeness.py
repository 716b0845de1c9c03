"""What makes two states of a server and a journal the same for whoever comes next.

Points of different runs leave many equal states, and a rerun is made from each distinct one. Equal means: the
same objects, kept answers and journal entries, with what is given by chance or by order (ids, references)
under names that follow from the content. Of time three things are left: whether an object can be read yet,
how long ago a call was begun that has no known end, and how old a batch is that is not whole; the last two in
classes, bounded by the spans that the protocol knows.
"""

from __future__ import annotations

import json
import re
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.crash.rig import Files

AGES = (30.0, 60.0, 90.0, 900.0)
"""Seconds: the read lag; until an analysis appears; both; until a chunk has arrived."""
AGAIN = "begun again as "
"""How the note of a try begins in whose place another one is."""
_MOMENT = re.compile(r"\b1[78]\d{8}(?:\.\d+)?\b|\b20\d\d-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_SPAN = re.compile(r"\b\d+(?:\.\d+)? s\b")

Likeness = tuple[str, str]
"""One word for the server, one for the journal."""


def is_bookmark(name: str) -> bool:
    """Whether a file tells how far the journal was written; it is kept in another place than that."""
    return name.endswith(".bookmark")


def of(state: Any, answers: Any, lag: float, entries: Sequence[str], *, later: bool) -> Likeness:
    """The likeness of a state as it is, or (``later``) as it will be when all is long ago."""
    now = float("inf") if later else float(state["clock"]["now"])
    names = _names(state)

    def told(lines: Iterable[str]) -> str:
        text = _UUID.sub(lambda match: names.get(match[0], "id"), "\n".join(lines))
        text = _MOMENT.sub("then", text)
        return sha256(_SPAN.sub("N s", text).encode()).hexdigest()[:16]

    return told(_server(state, [] if later else answers, now, lag)), told(_journal(entries, now))


def _server(state: Any, answers: Any, now: float, lag: float) -> Iterator[str]:
    objects = state["objects"]

    def seen(moment: float) -> str:
        return "seen" if moment <= now - lag else "not seen yet"

    for each in objects["Credential"]:
        yield _line(each, "id name owner_id type shared secret_digest") + seen(each["modified"])
    for each in objects["Pipeline"]:
        yield _line(each, "id status message") + seen(each["modified"])
    for each in objects["Analysis"]:
        yield _line(each, "id owner_id tags") + seen(each["created"])
    for each in objects["Batch"]:
        whole = each["status"] in ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED")
        yield _line(each, "id owner_id status stops_after")
        yield seen(each["created"]) if whole else _age(now - each["created"])
        yield from (str(sorted(item.items(), key=str)) for item in each["items"])
    for each in answers:
        yield _line(each, "endpoint key user digest")


def _journal(entries: Sequence[str], now: float) -> Iterator[str]:
    """``entries`` are canonical JSON, numbered from 1, or say why there are none.

    A try in whose place another was begun says nothing to anybody, so it is as if it were not there.
    """
    read = dict(enumerate((json.loads(each) if each.startswith("{") else {} for each in entries), 1))
    closed = {number: each for number, each in read.items() if each.get("note", "").startswith(AGAIN)}
    gone = closed.keys() | {each["number"] for each in closed.values()}
    ended = {each.get("number") for each in read.values() if each.get("outcome", "unknown") != "unknown"}

    def place(number: int) -> int:
        return number - sum(each <= number for each in gone)

    for number, entry in read.items():
        if number in gone:
            continue
        if not entry:
            mark, _, far = entries[number - 1].rpartition(" ")
            yield f"{mark} {place(int(far)) if far.isdigit() else far}"
            continue
        where = {"number": place(entry["number"])} if "number" in entry else {}
        yield json.dumps(entry | where, sort_keys=True)
        if entry["entry"] == "begun" and number not in ended:
            yield _age(now - entry["time"])


def _line(row: Mapping[str, Any], names: str) -> str:
    return " ".join(str(row[name]) for name in names.split())


def _names(state: Any) -> dict[str, str]:
    """A name for each id that was given while it ran."""
    seen: Counter[str] = Counter()
    names = {}
    for kind, by in (("Credential", "name"), ("Analysis", "user_reference"), ("Batch", "owner_id")):
        for row in state["objects"][kind]:
            name = f"{kind} {row[by]}"
            seen[name] += 1
            names[row["id"]] = f"{name} {seen[name]}"
            if kind == "Batch":
                names[row["job_id"]] = f"job {seen[name]}"
    return names


def _age(seconds: float) -> str:
    return f"age {bisect_right(AGES, seconds)}"


def entries_of(files: Files, aside: Path) -> list[str]:
    """The entries of a journal, read from a copy of its files, and how far its bookmark is."""
    for each in aside.glob("journal*"):
        each.unlink()
    if not files.get("journal.sqlite"):
        return ["no journal" if "journal.sqlite" not in files else "an empty one"]
    for name, data in files.items():
        (aside / name).write_bytes(data)
    connection = sqlite3.connect(aside / "journal.sqlite")
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if "entry" not in tables:
            return ["one without tables"]
        texts = [row[0] for row in connection.execute("SELECT text FROM entry ORDER BY number")]
    finally:
        connection.close()
    marks = [data.split()[0].decode() for name, data in files.items() if is_bookmark(name)]
    return texts + [f"bookmark {each}" for each in marks]
