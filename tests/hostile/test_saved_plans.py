"""Plan files that a stranger made: an apply refuses each by its name, and soon, and in little memory."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from icaform.cli.exit import Exit
from icaform.engine.gather import MOST_RESOURCES
from icaform.engine.saved import BYTES, HELD
from icaform.plan import FORMAT, digest_of
from icaform.planfile import FORMAT_VERSION
from icaform.wire.memory import weight
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.process import MOST_MEMORY, icaform
from tests.hostile.site import MANIFESTS, workspace
from tests.hostile.strange import sparse
from tests.hostile.verdict import judged

LONGEST = 30.0
SMALL = {"format": FORMAT, "workspace": "w", "changes": {}, "operations": {}, "referred": {}}


def sealed(covered: Mapping[str, object]) -> bytes:
    """A plan file whose digest is right, so that all of it is read."""
    whole = {"format_version": FORMAT_VERSION, "plan_digest": digest_of(covered), "plan": covered}
    return json.dumps(whole, indent=1).encode("ascii")


def lists(size: int) -> bytes:
    return b"[" + b"[]," * (size // 3) + b"[]]"


def filled(one: Callable[[int], object]) -> bytes:
    """A plan that takes nearly all of the room that there is."""

    def of(first: int, count: int) -> bytes:
        return sealed({**SMALL, "workspace": [one(first + number) for number in range(count)]})

    few, more = of(900_000, 1), of(900_000, 1001)
    size, held = len(more) - len(few), weight(more) - weight(few)
    return of(0, int(990 / max(size / BYTES, held / HELD)))


FILES: dict[str, Callable[[Path], object]] = {
    "180 MB of lists": lambda path: path.write_bytes(lists(180_000_000)),
    "lists, as many as there may be": lambda path: path.write_bytes(lists(BYTES)),
    "8 GB of nothing": sparse(1 << 33),
    "/dev/zero": lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)),
    "a pipe": os.mkfifo,
    "a text": lambda path: path.write_bytes(sealed({**SMALL, "workspace": "x" * (BYTES - 400)})),
    "a text of wide characters": lambda path: path.write_bytes(
        sealed({**SMALL, "workspace": "\U0001f600" + "x" * (BYTES - 400)})
    ),
    "small objects": lambda path: path.write_bytes(filled(lambda number: {f"{number}": number})),
    "wide objects and a wide text": lambda path: path.write_bytes(
        sealed({**SMALL, "workspace": ["\U0001f600" + "x" * (BYTES * 3 // 4), [{}] * 300_000]})
    ),
    "half a character": lambda path: path.write_bytes(sealed({**SMALL, "workspace": "\udc00"})),
    "a number without end": lambda path: path.write_bytes(b'{"plan": {"format": ' + b"9" * 5000 + b"}}"),
    "deep": lambda path: path.write_bytes(b'{"plan": ' + b"[" * 1_000_000),
    "no ASCII": lambda path: path.write_bytes(b'{"plan_digest": "\xff\xfe'),
}


def test_a_plan_file_of_any_making_is_refused_in_little_memory(siege: Siege, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {"a.yaml": MANIFESTS["credential"]})
    siege.impostor.spoil(None)
    highest, tried = 0.0, 0
    titles = FILES if EVERYTHING else WORST
    for title in titles:
        make, path = FILES[title], tmp_path / "plan.icaform"
        path.unlink(missing_ok=True)
        try:
            make(path)
        except PermissionError:
            print(f"left out: {title}")
            continue
        line = ("apply", str(folder), "--plan", str(path), "--first-run", "-o", "json")
        ended = icaform(*line, environ=siege.environ, folder=tmp_path, longest=LONGEST)
        report = judged(ended, siege.secrets)
        assert ended.code == Exit.NOT_APPROVED, (title, ended.text)
        assert "plan.icaform" in report["diagnostics"][0]["summary"] or title in OTHERS, (title, ended.text)
        assert ended.peak < MOST_MEMORY, (title, ended.peak)
        assert not siege.world.writes(), title
        print(f"{title}: {ended.peak:.0f} MB, {ended.seconds:.1f} s")
        highest, tried = max(highest, ended.peak), tried + 1
    print(f"{tried} plan files, at most {highest:.0f} MB")
    assert tried >= len(titles) - 1


WORST = ("180 MB of lists", "/dev/zero", "a pipe", "a text of wide characters", "small objects", "deep")
"""What is tried each time."""
OTHERS = (
    "a text",
    "a text of wide characters",
    "small objects",
    "wide objects and a wide text",
    "half a character",
)
"""Those that are whole, and another plan than that which is made here."""


def test_a_plan_of_as_many_changes_as_a_run_takes_has_room() -> None:
    count = MOST_RESOURCES
    change = {
        "change": "create",
        "edits": [["pipeline", None, "DRAGEN Germline 4-4-0"]],
        "id": None,
        "means": ["submit"],
    }
    names = [f"AnalysisBatch/cohort-2026-11-{n // 1000:03}[NA{n:08}]" for n in range(count)]
    calls = {f"icaform-{n:048}": ["submit", *names[n : n + 100]] for n in range(0, count, 100)}
    covered = {**SMALL, "changes": dict.fromkeys(names, change), "operations": calls}
    data = sealed(covered)
    print(f"{count:,} changes: {len(data):,} bytes, which take {weight(data):,}")
    assert len(data) < BYTES
    assert weight(data) < HELD
