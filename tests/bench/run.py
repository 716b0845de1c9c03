"""The benchmark: ``python tests/bench/run.py [--runs N] [--sizes 100,1000,10000]``.

It starts an emulated ICA, seeds it, and measures whole processes side by side with the bare bound of the same
work, so that its ratios hold on any machine, while its seconds do not. It fails where a plan makes another
number of calls than it should, and never by time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measure import Command, Cost, measure
from workspace import Workspace, seed

ROOT = Path(__file__).resolve().parents[2]
BOUND = str(Path(__file__).with_name("bound.py"))
PYTHON = sys.executable
NEIGHBOURS = 2
"""Projects of the emulator's demo world, beside the one that is planned."""
IDS = 10
"""Pipelines that one search may ask for."""
SEARCHES = 40
"""Searches that a plan makes at most, to tell in which other projects a changed pipeline is linked."""
MEGABYTE = 1e6


@dataclass(frozen=True)
class Server:
    """The emulator of this run."""

    base_url: str
    control_url: str
    api_key: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Its control door."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.control_url + path, data, method=method)
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    def calls(self) -> Counter[str]:
        """What it was asked since its log was emptied; ids are put as ``*``."""
        return Counter(_shown(each) for each in self.control("GET", "/requests")["items"])


def _shown(request: Mapping[str, Any]) -> str:
    parts = request["path"].split("/")
    return f"{request['method']} {'/'.join('*' if len(part) == 36 else part for part in parts)}"


@contextmanager
def emulator(folder: Path, environ: Mapping[str, str]) -> Iterator[Server]:
    """An emulated ICA in a process of its own."""
    process = subprocess.Popen(
        [PYTHON, "-m", "icaform.emulator", "--port", "0", "--state", str(folder / "emulator.sqlite")],
        cwd=ROOT,
        env=dict(environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield Server(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(10)


@dataclass(frozen=True)
class Bench:
    """Where the benchmark's files are, what it talks to, and how often it runs each command."""

    folder: Path
    server: Server
    environ: Mapping[str, str]
    runs: int

    def plain(self, name: str, *arguments: str) -> Command:
        """A process that has nothing of icaform in it."""
        return Command(name, [PYTHON, *arguments], self.environ, ROOT)

    def icaform(self, name: str, *arguments: str, cache: str, before: Callable[[], object]) -> Command:
        """An icaform process with a cache folder of that name, prepared before each run."""
        environ = {**self.environ, "ICAFORM_CACHE_DIR": str(self.folder / cache)}
        return Command(name, [PYTHON, "-m", "icaform", *arguments], environ, ROOT, before)

    def first(self, name: str, *arguments: str) -> Command:
        """An icaform process that finds a token in its cache, and no more than that."""

        def with_token() -> None:
            shutil.rmtree(self.folder / "first", ignore_errors=True)
            shutil.copytree(self.folder / "token", self.folder / "first")

        return self.icaform(name, *arguments, cache="first", before=with_token)

    def again(self, name: str, *arguments: str) -> Command:
        """An icaform process that finds in its cache whatever its last run left there."""
        return self.icaform(name, *arguments, cache="again", before=lambda: None)

    def minting(self, name: str, *arguments: str) -> Command:
        """An icaform process that has no cache yet, so that it must buy a token."""
        place = self.folder / "empty"
        return self.icaform(
            name, *arguments, cache="empty", before=lambda: shutil.rmtree(place, ignore_errors=True)
        )

    def answer(self, command: Command) -> str:
        """What a command prints, in a run that is not measured."""
        command.before()
        done = subprocess.run(
            list(command.arguments),
            cwd=command.folder,
            env=dict(command.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr + done.stdout)[-2000:]
            raise SystemExit(f"{command.name}: exit code {done.returncode}\n{said}")
        return done.stdout


@dataclass(frozen=True)
class Row:
    """One line of the table. A bound is its own measure."""

    name: str
    cost: Cost
    bound: Cost | None = None
    remark: str = ""

    def __str__(self) -> str:
        time = memory = ""
        if self.bound:
            time = f"{self.cost.slower(self.bound):5.2f}"
            memory = f"{self.cost.larger(self.bound):5.2f}"
        return (
            f"{self.name:<44} {self.cost.wall:8.3f} {time:>7} {self.cost.peak / MEGABYTE:8.1f} {memory:>7}"
            f"  {self.remark}"
        ).rstrip()


HEAD = f"{'command':<44} {'wall s':>8} {'ratio':>7} {'peak MB':>8} {'ratio':>7}"


def starting(bench: Bench) -> list[Row]:
    """``icaform --version`` beside an interpreter that does nothing."""
    version = [PYTHON, "-m", "icaform", "--version"]
    probe = subprocess.run(version, cwd=ROOT, env=dict(bench.environ), capture_output=True, check=False)
    names = ["python -c pass", "icaform --version"]
    commands = [bench.plain(names[0], "-c", "pass"), Command(names[1], version, bench.environ, ROOT)]
    if probe.returncode:
        (nothing,) = measure(commands[:1], bench.runs * 3)
        return [Row(names[0], nothing, remark="icaform is not installed here, so it has no version")]
    nothing, told = measure(commands, bench.runs * 3)
    over = told.longer(nothing) * 1000
    return [Row(names[0], nothing), Row(names[1], told, nothing, f"{over:+.0f} ms")]


def planning(bench: Bench, workspace: Workspace, *, again: bool) -> list[Row]:
    """A plan beside its bound; with ``again`` also a second one, of files that have not changed."""
    sort = "all-changed" if workspace.changed else "empty"
    names = [f"bound of the {sort} plan of {workspace.count:,}", f"{sort} plan of {workspace.count:,}"]
    told = [str(workspace.manifests), bench.server.base_url, workspace.project_id]
    commands = [
        bench.plain(names[0], BOUND, "plan", *told),
        bench.first(names[1], "plan", str(workspace.folder)),
    ]
    if again:
        names.append(f"second plan of {workspace.count:,} unchanged")
        commands.append(bench.again(names[2], "plan", str(workspace.folder)))
    bound, *others = measure(commands, bench.runs)
    return [
        Row(names[0], bound),
        *(Row(name, cost, bound) for name, cost in zip(names[1:], others, strict=True)),
    ]


def validating(bench: Bench, workspace: Workspace) -> list[Row]:
    """``validate`` beside libyaml's events alone."""
    names = [f"libyaml's events of {workspace.count:,}", f"validate of {workspace.count:,}"]
    events, checked = measure(
        [
            bench.plain(names[0], BOUND, "events", str(workspace.manifests)),
            bench.first(names[1], "validate", str(workspace.folder)),
        ],
        bench.runs,
    )
    return [Row(names[0], events), Row(names[1], checked, events)]


def minting(bench: Bench, workspace: Workspace) -> list[Row]:
    """What it costs to have no token yet."""
    plan = f"empty plan of {workspace.count:,}"
    names = [f"{plan}, token cached", f"{plan}, minting one"]
    cached, minted = measure(
        [
            bench.first(names[0], "plan", str(workspace.folder)),
            bench.minting(names[1], "plan", str(workspace.folder)),
        ],
        bench.runs,
    )
    over = minted.longer(cached) * 1000
    return [Row(names[0], cached), Row(names[1], minted, cached, f"{over:+.0f} ms")]


def expected_calls(workspace: Workspace) -> dict[str, int]:
    """What a plan may ask when its token is cached: the project by its name, and one list of its pipelines.

    Where few differ, the neighbouring projects are also asked whether these are linked there.
    """
    calls = {"GET /api/projects": 1, "GET /api/projects/*/pipelines": 1}
    groups = ceil(workspace.differing / IDS)
    if 0 < groups <= SEARCHES:
        calls["GET /api/projects"] += 1
        if groups * NEIGHBOURS <= SEARCHES:
            calls["POST /api/projects/*/pipelines:search"] = groups * NEIGHBOURS
    return calls


def checked_calls(bench: Bench, workspace: Workspace) -> tuple[str, bool]:
    """That bound and plan find what there is to find; and the calls that the plan makes, which are exact."""
    told = [str(workspace.manifests), bench.server.base_url, workspace.project_id]
    bound = int(bench.answer(bench.plain("bound", BOUND, "plan", *told)))
    bench.server.control("DELETE", "/requests")
    plan = json.loads(bench.answer(bench.first("plan", "plan", str(workspace.folder), "--output", "json")))
    calls = bench.server.calls()
    found = len(plan["resource_changes"])
    if not bound == found == workspace.differing:
        raise SystemExit(f"{workspace.folder.name}: the bound finds {bound} differences, the plan {found}")
    wanted = expected_calls(workspace)
    good = calls == wanted and plan["api_calls"]["reads"] == sum(wanted.values())
    said = ", ".join(f"{count} {call}" for call, count in sorted(calls.items()))
    return f"  {workspace.folder.name}: {said}" + ("" if good else f"; WRONG, wanted {wanted}"), good


def environment(folder: Path) -> dict[str, str]:
    """The environment of every process here: nothing of the caller's own ICA, and compiled modules kept."""
    foreign = ("ICAV2_", "ICAFORM_", "PYTHON")
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    ours = {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "ICAFORM_STATE_DIR": str(folder / "state")}
    return {**inherited, **path, "HOME": str(folder), **ours}


def run(folder: Path, sizes: Sequence[int], runs: int) -> bool:
    """Measure everything and print it; whether all calls were as they should be."""
    environ = environment(folder)
    with emulator(folder, environ) as server:
        environ |= {"ICAV2_BASE_URL": server.base_url, "ICAV2_X_API_KEY": server.api_key}
        bench = Bench(folder, server, environ, runs)
        bench.answer(bench.icaform("whoami", "whoami", cache="token", before=lambda: None))
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of {runs} runs\n")
        print(HEAD)
        _show(starting(bench))
        checks = []
        for size in sizes:
            # Each size has a world of its own, so that its server has no other work.
            server.control("POST", "/reset", {"seed": seed(size)})
            equal = Workspace(folder / f"empty-{size}", size, False).write()
            changed = Workspace(folder / f"all-changed-{size}", size, True).write()
            checks += [checked_calls(bench, each) for each in (equal, changed)]
            _show(planning(bench, equal, again=size == sizes[-1]))
            _show(planning(bench, changed, again=False))
            if size == sizes[0]:
                _show(minting(bench, equal))
            if size == sizes[-1]:
                _show(validating(bench, equal))
                length = equal.manifests.stat().st_size
        print(
            f"\n{sizes[-1]:,} documents have {length / MEGABYTE:.1f} MB, {length / sizes[-1]:.0f} bytes each"
        )
        print("\ncalls of a plan whose token is cached")
        for said, _ in checks:
            print(said)
        return all(good for _, good in checks)


def _show(rows: Sequence[Row]) -> None:
    for row in rows:
        print(row, flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Ratios of icaform's costs to the bare bound, from one run.")
    parser.add_argument("--runs", type=int, default=5, help="measured rounds of each comparison")
    parser.add_argument("--sizes", default="100,1000,10000", help="numbers of pipelines")
    given = parser.parse_args()
    sizes = [int(each) for each in given.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="icaform-bench-") as folder:
        return 0 if run(Path(folder).resolve(), sizes, given.runs) else 1


if __name__ == "__main__":
    sys.exit(main())
