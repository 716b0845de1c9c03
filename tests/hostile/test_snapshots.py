"""Snapshots that a stranger made: a plan refuses each by its name, and soon, and in little memory."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from icaform.cli.exit import Exit
from icaform.engine.snapshot.file import BYTES, Snapshot, to_text
from icaform.operation import Json, digest
from icaform.state import Identity
from tests.hostile.conftest import EVERYTHING
from tests.hostile.process import icaform
from tests.hostile.site import MANIFESTS, workspace
from tests.hostile.strange import sparse
from tests.hostile.verdict import errors, judged

LONGEST = 30.0
MEGA = 1 << 20
NEARLY = 23
"""Megabytes of wide text that a snapshot may hold."""


def sealed(**more: Json) -> Callable[[Path], object]:
    """A snapshot whose digest is right, so that all of it is read."""
    document = json.loads(to_text(Snapshot(0.0, "lab", "https://ica.example/ica/rest", Identity("t", "u"))))
    document.pop("digest")
    document |= more

    def make(path: Path) -> None:
        whole = document | {"digest": f"sha256:{digest(document, 64)}"}
        path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")

    return make


def wide(size: int) -> str:
    return "\U0001f600" + "x" * (size * MEGA)


def text(end: bytes, size: int = BYTES // MEGA) -> Callable[[Path], object]:
    """A text of so many megabytes, all in all, with this end; the digest is none."""

    def make(path: Path) -> None:
        head = b'{"format_version": "1.0", "digest": "", "answers": "'
        path.write_bytes(head + b"a" * (size * MEGA - 100) + end + b'"}')

    return make


def answered(path: str, body: Json) -> list[Json]:
    return [{"asked": ["GET", path, "", [], None, False], "status": 200, "code": "", "body": body}]


FILES: dict[str, Callable[[Path], object]] = {
    "8 GB of nothing": sparse(1 << 33),
    "/dev/zero": lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)),
    "a pipe": os.mkfifo,
    "deep": lambda path: path.write_bytes(b'{"answers": ' + b"[" * 1_000_000),
    "lists, as many as there may be": lambda path: path.write_bytes(b"[" + b"[]," * 20_000_000 + b"[]]"),
    "an ASCII text": text(b""),
    "a wide text": text("\U0001f600".encode()),
    "a pair": text(b"\\ud83d\\ude00"),
    "half a pair and a pair": text(b"\\ud800\\ud83d\\ude00"),
    "a pair and half a pair": text(b"\\ud83d\\ude00\\udfff"),
    "a pair behind 40 MB": text(b"\\ud83d\\ude00", 40),
    "half a pair and a pair behind 40 MB": text(b"\\ud800\\ud83d\\ude00", 40),
    "half a pair and a pair behind 23 MB": text(b"\\ud800\\ud83d\\ude00", NEARLY),
    "halves of pairs": text(b"\\ud800" * (3 * MEGA), 1),
    **{
        f"a wide {name} of {size} MB": sealed(**{name: wide(size)})
        for name in ("workspace", "server", "project", "configured")
        for size in (NEARLY, 40)
    },
    "a project of 5,000 characters": sealed(project="x" * 5_000),
    **{f"a wide path of {size} MB": sealed(answers=answered(wide(size), None)) for size in (NEARLY, 40)},
    **{f"a wide answer of {size} MB": sealed(answers=answered("/", wide(size))) for size in (NEARLY, 40)},
    "small objects": sealed(answers=answered("/", [{"a": number} for number in range(800_000)])),
    "small objects and a text": sealed(answers=answered("/", ["x" * 50 * MEGA, [{}] * 500_000])),
}
WORST = (
    "/dev/zero",
    "deep",
    "a pair",
    "half a pair and a pair behind 40 MB",
    "half a pair and a pair behind 23 MB",
    "a wide project of 23 MB",
    "a wide answer of 40 MB",
)
"""What is tried each time."""


def test_a_snapshot_of_any_making_is_refused_in_little_memory(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {"a.yaml": MANIFESTS["pipeline"]})
    highest, tried = 0.0, 0
    titles = FILES if EVERYTHING else WORST
    for title in titles:
        path = tmp_path / "live.icaform"
        path.unlink(missing_ok=True)
        try:
            FILES[title](path)
        except PermissionError:
            print(f"left out: {title}")
            continue
        line = ("plan", str(folder), "--from-snapshot", str(path), "-o", "json")
        ended = icaform(*line, environ={}, folder=tmp_path, longest=LONGEST)
        print(f"{title}: {ended.peak:.0f} MB, {ended.seconds:.1f} s")
        report = judged(ended)
        assert (ended.code, errors(report)) == (Exit.SETTING, ["snapshot"]), (title, ended.text[:800])
        highest, tried = max(highest, ended.peak), tried + 1
    print(f"{tried} snapshots, at most {highest:.0f} MB")
    assert tried >= len(titles) - 1
