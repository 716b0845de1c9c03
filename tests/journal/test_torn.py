"""A log that was torn, garbled or added to gives an earlier memory; a file that vanished takes no more."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from icaform.journal import Intent, Memory, open_store
from tests.journal.test_crash import ONE, states, steps

Logged = tuple[Path, list[Memory]]


@pytest.fixture
def logged(sqlite_home, intent: Callable[..., Intent]) -> Logged:
    """A file with its log beside it, as a crash leaves them, and what was known after each step."""
    known = states(sqlite_home, intent)
    store = sqlite_home.open()
    for _ in steps(store, intent):
        pass
    return sqlite_home.path, known


def after(logged: Logged, log: bytes, folder: Path) -> int:
    """Which of the states is known with this log instead."""
    path, known = logged
    folder.mkdir()
    shutil.copy(path, folder / "journal.db")
    (folder / "journal.db-wal").write_bytes(log)
    store = open_store(str(folder / "journal.db"), "cohort", lambda: 0.0)
    found = known.index(store.memory())
    assert store.audit() == []
    assert store.begin(INTENT) in store.memory().pending
    store.close()
    shutil.rmtree(folder)
    return found


INTENT = Intent((ONE,), "start", "POST /x", "k", "d", None, "u", "t", 1.0)


def log_of(logged: Logged) -> bytes:
    return logged[0].with_name("journal.db-wal").read_bytes()


def test_a_log_torn_at_any_length_gives_an_earlier_memory(logged, tmp_path) -> None:
    log, known = log_of(logged), logged[1]
    lengths = [*range(0, len(log), 797), len(log)]
    reached = [after(logged, log[:length], tmp_path / f"torn{length}") for length in lengths]
    print(f"log of {len(log)} bytes torn at {len(lengths)} lengths")
    assert reached == sorted(reached)
    assert set(reached) == {known.index(each) for each in known}


def test_a_log_garbled_at_any_place_gives_an_earlier_memory(logged, tmp_path) -> None:
    log, known = log_of(logged), logged[1]
    places = range(0, len(log), 797)
    reached = []
    for place in places:
        garbled = log[:place] + bytes([log[place] ^ 0xFF]) + log[place + 1 :]
        reached.append(after(logged, garbled, tmp_path / f"garbled{place}"))
    print(f"log garbled at {len(places)} places")
    assert set(reached) == {known.index(each) for each in known[:-1]}


def test_what_stands_behind_a_log_is_not_taken_for_a_part_of_it(logged, tmp_path) -> None:
    log, known = log_of(logged), logged[1]
    noise = random.Random(1)
    tails = {
        "noise": noise.randbytes(9000),
        "zeros": bytes(9000),
        "frames from before": log[32 : 32 + 2 * 4120],
        "half a page": log[-2000:],
        "one byte": b"\x37",
    }
    for name, tail in tails.items():
        assert after(logged, log + tail, tmp_path / name) == len(known) - 1, name
    print(f"{len(tails)} tails")


def test_a_last_page_that_was_only_half_written_back_is_mended_from_the_log(logged, tmp_path) -> None:
    """The disk fails while SQLite copies pages from the log into the file: the log has them all."""
    path, known = logged
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copy(path, whole / "journal.db")
    (whole / "journal.db-wal").write_bytes(log_of(logged))
    open_store(str(whole / "journal.db"), "cohort", lambda: 0.0).close()  # closing copies all pages back
    content = (whole / "journal.db").read_bytes()
    before, log = path.read_bytes(), log_of(logged)
    tried = 0
    for length in range(len(content) - 4096, len(content), 397):
        torn = content[:length] + before[length : len(content)]
        path.write_bytes(torn)
        assert after(logged, log, tmp_path / f"page{length}") == len(known) - 1
        tried += 1
    print(f"the last page torn at {tried} lengths")
    assert tried > 5


def test_a_file_that_vanished_or_was_replaced_takes_nothing_more(tmp_path, refusal_of) -> None:
    def replaced(folder: Path) -> None:
        (folder / "journal.db").rename(folder / "old.db")
        open_store(str(folder / "journal.db"), "cohort", lambda: 0.0).close()

    ways: dict[str, Callable[[Path], object]] = {
        "the folder is gone": shutil.rmtree,
        "the folder was renamed": lambda folder: folder.rename(folder.with_name("elsewhere")),
        "the file is gone": lambda folder: (folder / "journal.db").unlink(),
        "another file is there": replaced,
    }
    for name, way in ways.items():
        folder = tmp_path / name
        folder.mkdir()
        store = open_store(str(folder / "journal.db"), "cohort", lambda: 0.0)
        store.begin(INTENT)
        way(folder)
        assert "while it was in use" in refusal_of(lambda store=store: store.begin(INTENT)), name
        store.close()
    print(f"{len(ways)} ways to vanish")
