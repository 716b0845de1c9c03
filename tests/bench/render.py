"""The benchmark of reports: ``python tests/bench/render.py [--runs N] [--size 50000] [--dialect NAME]``.

It writes the manifests of so many pipelines, parses them, and puts a plan that changes all of them, each with
a value of its own and none to be undone, in every dialect. The bound of time is the parsing of these
manifests, in the same process and in turns. Memory is what Python holds more at the peak of a rendering than
before it; its bound is the document, and for dialects that say little of much, the manifests. Ratios hold on
any machine, seconds do not; it fails where one is 1 or more, and never by the seconds.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent))

from workspace import Workspace

from icaform.change import Edit, Update
from icaform.engine.gather import gather
from icaform.kinds import Kinds
from icaform.operation import Call, Operation, Repeat
from icaform.plan import Plan, keyed
from icaform.render import Report, dialect, dialects, of_plan
from icaform.state import Desired, Identity, Live

MEGABYTE = 1e6
FILE = 10_000
"""Pipelines that are read at once; icaform takes no file of more than 16 MiB, and no million values."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a dialect beside the parsing of the manifests."""

    name: str
    walls: Sequence[float]
    bounds: Sequence[float]
    document: int
    memory: int
    manifests: int

    @property
    def slower(self) -> float:
        """How many times the parsing it took: the median of the rounds' ratios."""
        return median(mine / other for mine, other in zip(self.walls, self.bounds, strict=True))

    @property
    def good(self) -> bool:
        """Whether it keeps to its bounds."""
        return self.slower < 1 and self.memory < max(self.document, self.manifests)

    def __str__(self) -> str:
        return (
            f"{self.name:<18} {median(self.walls):8.3f} {self.slower:12.2f} {self.document / MEGABYTE:12.3f}"
            f" {self.memory / MEGABYTE:10.2f} {self.memory / self.document:12.2f}"
            f" {self.memory / self.manifests:13.2f}"
        )


HEAD = (
    f"{'dialect':<18} {'wall s':>8} {'/ parsing':>12} {'document MB':>12} {'memory MB':>10}"
    f" {'/ document':>12} {'/ manifests':>13}"
)


def plan_of(wishes: Iterable[Desired]) -> Plan:
    """A plan that deprecates every pipeline, and tells each why."""
    changes, operations = [], []
    for number, wish in enumerate(wishes):
        edits = (
            Edit("status", "Released", "Deprecated"),
            Edit(
                "message", "", f"Use version 2-0-0 of bench {number:05d}; results of this one are accepted."
            ),
        )
        live = Live(wish.address, f"id-{number}", {})
        changes.append(Update(wish, live, edits, ("deprecate",), irreversible=True))
        call = Call("POST", f"/api/pipelines/{number}:deprecate", "v4", body={}, repeat=Repeat.SAME)
        operations.append(keyed("t", Operation("deprecate", (wish.address,), call, irreversible=True)))
    moves = tuple(changes)
    plan = Plan("bench", "https://x", Identity("t", "u"), moves, tuple(operations), reads=2, moves=moves)
    assert plan.digest  # it is the plan's own work, and is kept
    return plan


def timed(work: Callable[[], object]) -> float:
    """Seconds of one run, without the collection of garbage, as the command line runs."""
    gc.collect()
    gc.disable()
    begun = perf_counter()
    work()
    wall = perf_counter() - begun
    gc.enable()
    return wall


def length(report: Report, name: str) -> int:
    """The bytes of a document of which no line is kept."""
    return sum(len(line.encode()) + 1 for line in dialect(name)(report))


def peak(work: Callable[[], object]) -> int:
    """Bytes that Python holds more at the peak of some work than before it."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most - before


def manifests(folder: Path, size: int) -> list[Path]:
    """The manifests of so many pipelines, in files of 10,000, of which each has names of its own."""
    counts = [FILE + place for place in range(size // FILE)] or [size]
    return [Workspace(folder / str(each), each, True).write().manifests for each in counts]


def run(files: Sequence[Path], names: Sequence[str], runs: int) -> bool:
    """Measure every dialect and print it; whether each keeps to its bounds."""
    kinds = Kinds()

    def parse() -> list[Desired]:
        return [wish for each in files for wish in gather(kinds, (str(each),), lambda: b"")]

    wishes = parse()
    plan = plan_of(wishes)
    report = of_plan(plan)
    size = sum(each.stat().st_size for each in files)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of {runs} runs")
    print(f"{len(wishes):,} manifests of {size / MEGABYTE:.1f} MB\n")
    bounds = [timed(parse) for _ in range(runs)]
    reports = [timed(lambda: of_plan(plan)) for _ in range(runs)]
    print(f"{'parsing':<18} {median(bounds):8.3f}")
    print(f"{'the report itself':<18} {median(reports):8.3f} {median(reports) / median(bounds):12.2f}\n")
    print(HEAD)
    good = True
    for name in names:
        rounds = [(timed(parse), timed(lambda name=name: length(report, name))) for _ in range(runs)]
        document = length(report, name)
        memory = peak(lambda name=name: length(report, name))
        row = Row(name, [each[1] for each in rounds], [each[0] for each in rounds], document, memory, size)
        print(row, flush=True)
        good = good and row.good
    return good


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="What each dialect costs, as ratios to parsing the manifests."
    )
    parser.add_argument("--runs", type=int, default=3, help="measured rounds of each dialect")
    parser.add_argument("--size", type=int, default=50_000, help="the number of pipelines")
    parser.add_argument("--dialect", action="append", choices=dialects(), help="only these; repeatable")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="icaform-bench-") as folder:
        files = manifests(Path(folder).resolve(), given.size)
        return 0 if run(files, given.dialect or dialects(), given.runs) else 1


if __name__ == "__main__":
    sys.exit(main())
