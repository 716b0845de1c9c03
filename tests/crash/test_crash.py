"""The quick part of the crash matrix, and whether it would see what it looks for.

All of it is ``python -m tests.crash``.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash import likeness, table
from tests.crash.case import RESTORED, VARIANTS, Variant
from tests.crash.judge import Given, Verdict, judge
from tests.crash.matrix import Matrix
from tests.crash.menu import Mishap, menu
from tests.crash.rig import ROOT, Rig, rig
from tests.crash.workspace import MANIFESTS, Wanted, chain, wanted

NOTHING = frozenset[str]()


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """The matrix of a server without lag, of which few reruns are tried."""
    with rig(tmp_path_factory.mktemp("crash")) as one:
        yield Matrix(one, "at once", some(4))


def some(every: int) -> Callable[[int], tuple[Variant, ...]]:
    """Of each so many states one, and of its reruns one; all kinds of rerun in turn."""
    every_kind = (*VARIANTS, *RESTORED)

    def variants(number: int) -> tuple[Variant, ...]:
        turn, rest = divmod(number, every)
        # Seven and thirty-six have no divisor in common, so every variant comes up.
        return () if rest else (every_kind[turn * 7 % len(every_kind)],)

    return variants


def play(matrix: Matrix, *faults: tuple[str, str]) -> None:
    """Try some faults, print what came of it, and let nothing be wrong."""
    tallies = [matrix.play(each) for each in menu() if (each.name, each.call) in faults]
    assert len(tallies) == len(faults)
    print("\n".join(table.tables(tallies)))
    assert list(table.wrong(tallies)) == []
    assert sum(len(each.cases) for each in tallies) > 5


def test_whatever_a_killed_run_left_the_next_ones_complete_it_and_double_nothing(matrix: Matrix) -> None:
    play(
        matrix,
        ("none", ""),
        ("drop answer", "first chunk"),
        ("500 after the effect", "last chunk"),
        ("cut answer", "alone"),
    )


def test_the_same_holds_where_reads_lag_and_batches_take_their_time(tmp_path: Path) -> None:
    with rig(tmp_path) as one:
        play(Matrix(one, "read lag, slow job", some(8)), ("none", ""), ("twin in flight", "first chunk"))


@pytest.fixture(scope="module")
def state(matrix: Matrix) -> Any:
    """What the server holds after a run that nobody disturbed."""
    matrix.begin(Mishap())
    assert matrix.run().code == 0
    matrix.rig.advance(100)
    return matrix.rig.control("GET", "/state")


def test_the_judge_sees_what_is_there_twice_and_what_is_missing(matrix: Matrix, state: Any) -> None:
    given = Given(wanted("unchanged"), "same", matrix.before, matrix.specs, {})
    assert judge(state, given, NOTHING) == Verdict()

    def doctored(change: Any) -> tuple[int, int]:
        found = copy.deepcopy(state)
        change(found["objects"])
        verdict = judge(found, given, NOTHING)
        return len(verdict.duplicates), len(verdict.missing)

    def of(objects: Any, kind: str, name: str) -> Any:
        return next(each for each in objects[kind] if name in (each.get("name"), each.get("code")))

    ways: dict[str, tuple[Any, tuple[int, int]]] = {
        "an analysis twice": (lambda o: o["Analysis"].append(o["Analysis"][0]), (1, 0)),
        "an analysis missing": (lambda o: o["Analysis"].pop(), (0, 1)),
        "a credential twice": (lambda o: o["Credential"].append(of(o, "Credential", "lab-role")), (1, 0)),
        "a credential missing": (lambda o: o["Credential"].remove(of(o, "Credential", "lab-role")), (0, 1)),
        "the old secret": (lambda o: of(o, "Credential", "lab-kept").update(secret_digest="0"), (0, 1)),
        "not shared": (lambda o: of(o, "Credential", "lab-archive").update(shared=False), (0, 1)),
        "not deprecated": (
            lambda o: of(o, "Pipeline", "DRAGEN Germline 4-2-7").update(status="Released"),
            (0, 1),
        ),
        "another message": (lambda o: of(o, "Pipeline", "DRAGEN Germline 4-2-7").update(message="?"), (0, 1)),
        "what is not ours": (lambda o: of(o, "Credential", "lab-other").update(shared=True), (1, 0)),
        "another pipeline": (
            lambda o: of(o, "Pipeline", "nf-core rnaseq 3-14").update(status="Archived"),
            (1, 0),
        ),
    }
    for name, (change, counts) in ways.items():
        assert doctored(change) == counts, name
    print(f"{len(ways)} ways to be wrong")
    lost = copy.deepcopy(state)
    lost["objects"]["Analysis"] = []
    items = frozenset(f"AnalysisBatch/cohort[{each}]" for each in given.wanted.items)
    assert judge(lost, given, items).missing == (), "what icaform itself names is not counted as missing"
    old = Given(wanted("changed"), "same", matrix.before, matrix.specs, {})
    assert "item S003 ran with its old input" in str(judge(state, old, NOTHING).missing)


def test_states_are_alike_only_where_nothing_that_matters_differs(matrix: Matrix, state: Any) -> None:
    answers = matrix.rig.control("GET", "/answers")["items"]
    entries = likeness.entries_of(matrix.rig.files(), matrix.rig.aside)
    assert len(entries) > 10

    def word(change: Any) -> Any:
        found, kept, lines = copy.deepcopy(state), copy.deepcopy(answers), list(entries)
        change(found["objects"], kept, lines)
        return likeness.of(found, kept, 0.0, lines, later=False)

    same = word(lambda o, a, e: None)
    ways = [
        lambda o, a, e: o["Analysis"].pop(),
        lambda o, a, e: o["Credential"][-1].update(shared=True),
        lambda o, a, e: o["Credential"][-1].update(secret_digest="0"),
        lambda o, a, e: o["Pipeline"][0].update(message="?"),
        lambda o, a, e: o["Batch"][0].update(status="STOPPED"),
        lambda o, a, e: a.pop(),
        lambda o, a, e: e.pop(),
        lambda o, a, e: o["Credential"][-1].update(modified=o["Credential"][-1]["modified"] + 1e6),
    ]
    assert len({same, *map(word, ways)}) == 1 + len(ways)
    assert all(begun_again(entries, number) == same_journal(entries) for number in (1, 5, 9))
    other = "00000000-0000-4000-8000-000000000000"
    ids = str(state["objects"]["Analysis"][0]["id"])
    assert word(lambda o, a, e: o["Analysis"][0].update(id=other)) == same or ids in "".join(entries)


def same_journal(entries: list[str]) -> str:
    state = {
        "clock": {"now": 2e9},
        "objects": dict.fromkeys(("Credential", "Pipeline", "Analysis", "Batch"), ()),
    }
    return likeness.of(state, [], 0.0, entries, later=False)[1]


def begun_again(entries: list[str], before: int) -> str:
    """The journal with a try more in front of one of its entries."""
    begun = next(json.loads(each) for each in entries if '"entry":"begun"' in each)
    closed = {
        "entry": "ended",
        "number": before,
        "outcome": "settled",
        "note": f"begun again as {before + 2}",
    }
    more = [json.dumps(begun), json.dumps(closed | {"remember": [], "time": 1.8e9})]
    moved = [_moved(each, before) for each in entries[before - 1 :]]
    return same_journal([*entries[: before - 1], *more, *moved])


def _moved(text: str, before: int) -> str:
    """An entry that stands two further on, as it then refers to those that do so, too."""
    if text.startswith("bookmark "):
        far = int(text.split()[1])
        return f"bookmark {far + 2 if far >= before else far}"
    entry = json.loads(text)
    if entry.get("number", 0) >= before:
        entry["number"] += 2
    return json.dumps(entry)


@pytest.mark.parametrize(
    ("path", "when"), [("/api/storageCredentials", "before"), ("/analysisCreationBatch", "after")]
)
def test_a_process_started_from_a_shell_leaves_the_same_when_it_is_killed(
    matrix: Matrix, path: str, when: str
) -> None:
    """A fork of the zygote against ``python -m icaform``, killed at one call on one side of its effect."""
    one, steps = matrix.rig, chain()
    matrix.begin(Mishap())
    points = one.walk(steps, "--allow-irreversible", "1", look=lambda _: None).points
    side = "before POST " if when == "before" else "unread POST "
    number = next(n for n, name in enumerate(points, 1) if name.startswith(side) and name.endswith(path))
    matrix.begin(Mishap())
    assert one.run(steps, "--allow-irreversible", "1", kill=number).code == -9
    forked = matrix.place(Mishap())
    matrix.begin(Mishap())
    hang(one, steps, path, when)
    assert matrix.place(Mishap()).later == forked.later


def hang(one: Rig, wish: Wanted, path: str, when: str) -> None:
    """Run it from a shell until the call hangs, and kill it there."""
    fault = {"match": {"method": "POST", "path": f"*{path}"}, "delay": 1e9, "when": when}
    one.control("PUT", "/faults", [fault])
    one.write(wish)
    process = subprocess.Popen(
        [sys.executable, "-m", "icaform", "apply", str(one.folder), "--yes", "--allow-irreversible", "1"],
        cwd=ROOT,
        env={**os.environ, **one.environ(wish, "same")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not one.hanging:
            assert process.poll() is None, "it ended before the call"
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    one.quieten()


def test_the_menu_has_every_fault_at_every_call_that_it_can_befall() -> None:
    found = list(menu())
    assert len(found) == len(set(found))
    assert len({each.name for each in found}) == 25
    assert all(
        len([each for each in found if each.name == name]) in (1, 2, 3, 10)
        for name in {e.name for e in found}
    )
    bodies = [dict(each.how).get("body") for each in found if each.name == "502 after the effect"]
    assert set(bodies) == {"json", "html", "empty"}
    reruns = len(VARIANTS) + len(RESTORED)
    print(f"{len(found)} faults at calls, {reruns} kinds of rerun, {len(MANIFESTS)} manifests")
