"""What a journal knows after its process was killed at any point, and while many processes use it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from icaform.address import Address
from icaform.journal import Intent, Lease, Memory, Store, replay

ONE, TWO = Address("AnalysisBatch", "cohort", "one"), Address("Pipeline", "germline")

BEGIN_AND_WAIT = """
import sys
from icaform.address import Address
from icaform.journal import Intent, open_store
store = open_store(sys.argv[1], "cohort", lambda: 0.0)
intent = Intent((Address("K", "n"),), "start", "POST /x", "k", "d", "{}", "u", "t", 1.0)
number = store.begin(intent)
print(number, flush=True)
sys.stdin.read()
store.end(number, "done")
"""


def run(store: Store, intent: Callable[..., Intent], say: Callable[[str], None]) -> None:
    """One of each thing that is written; says each as soon as it is durable."""
    for step in steps(store, intent):
        say(step)


def steps(store: Store, intent: Callable[..., Intent]) -> Iterator[str]:
    store.begin(intent("one"))
    yield "begun"
    store.end(1, "done", {ONE: {"id": "x"}}, "", 1.0)
    yield "ended"
    store.adopt({TWO: {"shared": True}}, 2.0)
    yield "adopted"
    store.forget([ONE], 4.0)
    yield "forgotten"


def states(home: Any, intent: Callable[..., Intent]) -> list[Memory]:
    """What is known before the first step, and after each. Takes the journal away again."""
    store = home.open()
    known = [store.memory()] + [store.memory() for _ in steps(store, intent)]
    home.wipe()
    return known


def test_a_call_begun_by_a_process_that_was_killed_is_pending(home) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", BEGIN_AND_WAIT, home.where],
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
        store = home.open(read_only=read_only)
        assert [each.addresses[0] for each in store.memory().pending.values()] == [Address("K", "n")]
        assert list(store.memory().pending) == [number]
        assert store.audit() == []


def test_killed_before_any_statement_it_knows_what_it_said_it_knows(home, intent, in_child) -> None:
    known = states(home, intent)
    killed_at, orphans = 0, 0
    while True:

        def work(say: Callable[[str], None], last: int = killed_at) -> None:
            seen = 0

            def count(_: str) -> None:
                nonlocal seen
                seen += 1
                if seen > last:
                    os.kill(os.getpid(), signal.SIGKILL)

            with home.statements(count):
                run(home.open(), intent, say)
                home.leave()
                say("closed")

        status, said = in_child(work)
        for read_only in (True, False):  # a plan may be the first to come after the crash
            store = home.open(read_only=read_only)
            durable = len(said) - (said[-1:] == ["closed"])
            assert store.memory() in known[durable : durable + 2], (killed_at, said, read_only)
            assert store.audit() == []
            orphans += store.memory() != known[durable]
        assert store.memory() == replay(store.entries())
        home.wipe()
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, said
        killed_at += 1
    print(f"kill -9 before each of {killed_at} statements")
    assert said[-1] == "closed"
    assert killed_at > 40
    assert orphans == 0  # nothing is durable before its COMMIT, and a kill after it was always announced


def test_of_processes_that_want_the_lease_at_once_one_gets_it(home, forked) -> None:
    gate, opener = os.pipe()

    def work(say: Callable[[str], None]) -> None:
        os.close(opener)
        os.read(gate, 1)  # returns when the last holder of the other end lets go
        store = home.open()  # they make the journal at once, too
        say(type(store.acquire(str(os.getpid()), "", 100.0, 60.0)).__name__)
        say((store.fingerprint_key() or b"").hex())
        store.close()

    children = [forked(work) for _ in range(8)]
    os.close(opener)
    os.close(gate)
    said = [wait()[1] for wait in children]
    assert sorted(lines[0] for lines in said) == [Lease.__name__] + ["LeaseHeld"] * 7
    assert len({lines[1] for lines in said}) == 1


def test_processes_that_write_at_once_keep_one_whole_chain_in_each_workspace(home, intent, forked) -> None:
    def work(say: Callable[[str], None], workspace: str = "") -> None:
        store = home.open(workspace)
        for item in range(20):
            say(str(store.begin(intent(str(item)))))
        store.close()

    workspaces = ["here", "there"] * 3
    waits = [forked(lambda say, each=each: work(say, each)) for each in workspaces]
    said: dict[str, list[int]] = {"here": [], "there": []}
    for workspace, wait in zip(workspaces, waits, strict=True):
        said[workspace] += [int(line) for line in wait()[1]]
    for workspace, numbers in said.items():
        store = home.open(workspace)
        assert sorted(numbers) == list(store.memory().pending) == list(range(1, 61))
        assert store.audit() == []


def test_a_holder_that_is_killed_keeps_its_lease_until_that_ends(home, in_child) -> None:
    def work(say: Callable[[str], None]) -> None:
        say(type(home.open().acquire("a runner far away", "https://run/1", 100.0, 60.0)).__name__)
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(work)[1] == [Lease.__name__]
    store = home.open()
    held = store.holder()
    assert held == store.acquire("us", "", 159.0, 60.0)
    assert (held.holder, held.run_url, held.expires) == ("a runner far away", "https://run/1", 160.0)
    assert isinstance(store.acquire("us", "", 160.0, 60.0), Lease)
