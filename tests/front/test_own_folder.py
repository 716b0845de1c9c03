"""What icaform keeps for itself lies in the workspace: no link that somebody commits leads it elsewhere."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from icaform.journal.store import open_store
from tests.front import everything
from tests.front.conftest import Lab

LINKS: dict[str, Callable[[Path, Path], None]] = {
    "a folder outside": lambda own, outside: own.symlink_to(outside),
    "a folder outside that is not there": lambda own, outside: own.symlink_to(outside / "new"),
    "a link to a link": lambda own, outside: twice(own, outside),
    "the workspace": lambda own, outside: own.symlink_to("."),
    "itself": lambda own, outside: own.symlink_to(own),
    "a journal outside": lambda own, outside: inside(own, "journal.sqlite", outside / "other.sqlite"),
    "a journal that is not there": lambda own, outside: inside(own, "journal.sqlite", outside / "new.sqlite"),
    "a write-ahead log": lambda own, outside: inside(own, "journal.sqlite-wal", outside / "new-wal"),
    "an ignore file": lambda own, outside: inside(own, ".gitignore", outside / "ignore"),
    "an embedded ICA": lambda own, outside: inside(own, "embedded.sqlite", outside / "other.sqlite"),
}
VERBS = (
    ("plan",),
    ("apply", "--yes", "--allow-irreversible", "1"),
    ("drift",),
    ("status",),
    ("export",),
    ("journal", "list"),
    ("journal", "audit"),
    ("journal", "settle"),
    ("plan", "--server-url", "embedded"),
    ("whoami", "--server-url", "embedded"),
)


def twice(own: Path, target: Path) -> None:
    (own.parent / "between").symlink_to(target)
    own.symlink_to("between")


def inside(own: Path, name: str, target: Path) -> None:
    own.mkdir()
    (own / name).symlink_to(target)


def seen(folder: Path) -> dict[str, Any]:
    """All that is in a folder, and when each of it was written."""
    return {str(each): (each.lstat().st_mtime_ns, each.lstat().st_size) for each in folder.rglob("*")}


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is none of the workspace's, with a journal of somebody else in it."""
    folder = tmp_path_factory.mktemp("outside")
    store = open_store(str(folder / "other.sqlite"), "other", lambda: 0.0)
    store.adopt({}, 0.0)
    store.close()
    return folder


def test_a_link_is_refused_by_every_verb_and_nothing_is_touched_behind_it(lab: Lab, outside: Path) -> None:
    lab.environ |= everything.SECRETS
    lab.write("c.yaml", everything.CREDENTIALS)
    own, tried = lab.folder / ".icaform", 0
    before = seen(outside)
    for title, make in LINKS.items():
        make(own, outside)
        kept = seen(lab.folder)
        for verb in VERBS:
            ran = lab.run(*verb, str(lab.folder))
            assert ran.code == 78, (title, verb, ran.text)
            told = "".join(ran.text.split())
            assert "isalink;icaformkeepsitsownfiles" in told, (title, verb, ran.text)
            assert str(own) in told, (title, verb)
            assert seen(outside) == before, (title, verb)
            assert seen(lab.folder) == kept, (title, verb)
            tried += 1
        own.unlink() if own.is_symlink() else shutil.rmtree(own)
        (lab.folder / "between").unlink(missing_ok=True)
    assert not lab.writes()
    print(f"{len(LINKS)} links, {tried} runs")
    assert lab.apply().code == 0


def test_a_journal_that_a_person_names_may_be_a_link(lab: Lab, outside: Path) -> None:
    lab.write("c.yaml", everything.CREDENTIALS.split("---")[1])
    link = lab.folder / "link.sqlite"
    link.symlink_to(outside / "other.sqlite")
    assert lab.apply("--journal", str(link)).code == 0
    with sqlite3.connect(outside / "other.sqlite") as database:
        assert database.execute("SELECT count(*) FROM entry").fetchone()[0] > 0
    assert not os.path.lexists(lab.folder / ".icaform")


def test_a_workspace_may_be_reached_through_a_link(lab: Lab, tmp_path: Path) -> None:
    lab.write("w/icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    lab.write("w/c.yaml", everything.CREDENTIALS.split("---")[1])
    link = tmp_path / "link"
    link.symlink_to(lab.folder / "w")
    ran = lab.run("apply", str(link), "--yes")
    assert ran.code == 0, ran.text
    assert lab.run("journal", "audit", str(link)).code == 0
