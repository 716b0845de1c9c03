"""What a journal knows after its process was killed, at any point, and with any part of its log torn off."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from icaform.address import Address
from icaform.journal import Lease, Memory, Store, open_store, replay

ONE, TWO = Address("AnalysisBatch", "cohort", "one"), Address("Pipeline", "germline")

BEGIN_AND_WAIT = """
import sys
from icaform.address import Address
from icaform.journal import open_store
store = open_store(sys.argv[1], "cohort", lambda: 0.0)
number = store.begin(addresses=[Address("K", "n")], verb="start", call="POST /x", key="k", body_digest="d",
                     body="{}", user="u", tenant="t", time=1.0)
print(number, flush=True)
sys.stdin.read()
store.end(number, "done")
"""


def run(store: Store, intent: Callable, say: Callable[[str], None]) -> None:
    """One of each thing that is written; says each as soon as it is durable."""
    for step in steps(store, intent):
        say(step)


def steps(store: Store, intent: Callable) -> Iterator[str]:
    store.begin_many([intent("one"), intent("two")])
    yield "begun"
    store.end(1, "done", {ONE: {"id": "x"}}, "", 1.0)
    yield "ended"
    store.adopt({TWO: {"shared": True}}, 2.0)
    yield "adopted"
    store.end(2, "unknown", {}, "lost", 3.0)
    yield "unknown"
    store.forget([ONE], 4.0)
    yield "forgotten"


def states(folder: Path, intent: Callable) -> list[Memory]:
    """What is known before the first step, and after each."""
    home = Here(folder)
    store = home.open()
    known = [store.memory()] + [store.memory() for _ in steps(store, intent)]
    home.leave()
    return known


class Here:
    """A journal in a folder, opened as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "journal.db")
        self._stores: list[Store] = []

    def open(self, **more: bool) -> Store:
        self._stores.append(open_store(self._path, "cohort", lambda: 0.0, **more))
        return self._stores[-1]

    def leave(self) -> None:
        for each in self._stores:
            each.close()


def test_a_call_begun_by_a_process_that_was_killed_is_pending(sqlite_home) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", BEGIN_AND_WAIT, str(sqlite_home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])},
    )
    assert child.stdout
    number = int(child.stdout.readline())
    child.kill()
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    assert child.stdin
    child.stdin.close()
    for read_only in (True, False):
        store = sqlite_home.open(read_only=read_only)
        assert [each.addresses[0] for each in store.memory().pending.values()] == [Address("K", "n")]
        assert list(store.memory().pending) == [number]
        assert store.audit() == []


def test_killed_before_any_statement_it_knows_what_it_said_it_knows(tmp_path, intent, in_child) -> None:
    known = states(tmp_path, intent)
    connect, killed_at, orphans = sqlite3.connect, 0, 0
    while True:
        folder = tmp_path / str(killed_at)
        folder.mkdir()

        def work(say: Callable[[str], None], folder: Path = folder, last: int = killed_at) -> None:
            seen = 0

            def count(_: str) -> None:
                nonlocal seen
                seen += 1
                if seen > last:
                    os.kill(os.getpid(), signal.SIGKILL)

            def watched(*given, **more) -> sqlite3.Connection:
                connection = connect(*given, **more)
                connection.set_trace_callback(count)
                return connection

            sqlite3.connect = watched
            home = Here(folder)
            run(home.open(), intent, say)
            home.leave()
            say("closed")

        status, said = in_child(work)
        home = Here(folder)
        for read_only in (True, False):  # a plan may be the first to come after the crash
            store = home.open(read_only=read_only)
            durable = len(said) - (said[-1:] == ["closed"])
            assert store.memory() in known[durable : durable + 2], (killed_at, said, read_only)
            assert store.audit() == []
            orphans += store.memory() != known[durable]
        assert store.memory() == replay(store.entries())
        home.leave()
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, said
        killed_at += 1
    print(f"kill -9 before each of {killed_at} statements")
    assert said[-1] == "closed"
    assert killed_at > 50
    assert orphans == 0  # nothing is durable before its COMMIT, and a kill after it was always announced


def test_a_log_torn_at_any_length_gives_an_earlier_memory(tmp_path, intent) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    known = states(whole, intent)
    home = Here(tmp_path)
    store = home.open()
    run(store, intent, lambda _: None)
    log = (tmp_path / "journal.db-wal").read_bytes()
    reached, lengths = [], [*range(0, len(log), 197), len(log)]
    for length in lengths:
        folder = tmp_path / f"torn{length}"
        folder.mkdir()
        shutil.copy(tmp_path / "journal.db", folder)
        (folder / "journal.db-wal").write_bytes(log[:length])
        torn = Here(folder)
        opened = torn.open()
        reached.append(known.index(opened.memory()))
        assert opened.audit() == []
        torn.leave()
        shutil.rmtree(folder)
    home.leave()
    print(f"log of {len(log)} bytes torn at {len(lengths)} lengths")
    assert reached == sorted(reached)
    assert set(reached) == {known.index(each) for each in known}


def test_of_processes_that_want_the_lease_at_once_one_gets_it(sqlite_home, forked) -> None:
    gate, opener = os.pipe()

    def work(say: Callable[[str], None]) -> None:
        os.close(opener)
        os.read(gate, 1)  # returns when the last holder of the other end lets go
        store = sqlite_home.open()  # they make the journal at once, too
        say(type(store.acquire(str(os.getpid()), "", 100.0, 60.0)).__name__)
        say((store.fingerprint_key() or b"").hex())
        store.close()

    children = [forked(work) for _ in range(8)]
    os.close(opener)
    os.close(gate)
    said = [wait()[1] for wait in children]
    assert sorted(lines[0] for lines in said) == [Lease.__name__] + ["LeaseHeld"] * 7
    assert len({lines[1] for lines in said}) == 1


def test_processes_that_write_at_once_keep_one_whole_chain(sqlite_home, intent, forked) -> None:
    def work(say: Callable[[str], None]) -> None:
        store = sqlite_home.open()
        for item in range(20):
            (number,) = store.begin_many([intent(str(item))])
            say(str(number))
        store.close()

    said = [wait()[1] for wait in [forked(work) for _ in range(4)]]
    numbers = sorted(int(line) for lines in said for line in lines)
    assert numbers == list(range(1, 81))
    store = sqlite_home.open()
    assert list(store.memory().pending) == numbers
    assert store.audit() == []
