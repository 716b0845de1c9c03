"""Whole processes in alternation: how long each takes on the wall, and how much memory at its peak."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# The kernel counts a child's memory from before its exec on, so its parent must be smaller than any child:
# an interpreter without site-packages, which does nothing but wait.
_LAUNCHER = """
import os, sys, time
sink = os.open(os.devnull, os.O_RDWR)
files = [(os.POSIX_SPAWN_DUP2, sink, 0), (os.POSIX_SPAWN_DUP2, sink, 1)]
begun = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=files)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - begun
print(wall, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of one ``ru_maxrss``."""


@dataclass(frozen=True)
class Command:
    """A process to measure. ``before`` prepares each of its runs and is not measured."""

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    folder: Path
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Cost:
    """What a command took in each round: seconds on the wall, and bytes of resident memory at the peak.

    Two costs of one measurement are compared round by round, so that whatever else the machine does
    meanwhile falls on both sides.
    """

    walls: tuple[float, ...]
    peaks: tuple[float, ...]

    @property
    def wall(self) -> float:
        """The median of the seconds."""
        return median(self.walls)

    @property
    def peak(self) -> float:
        """The median of the peaks."""
        return median(self.peaks)

    def slower(self, bound: Cost) -> float:
        """How many times the bound's time it took: the median of the rounds' ratios."""
        return median(mine / other for mine, other in zip(self.walls, bound.walls, strict=True))

    def longer(self, bound: Cost) -> float:
        """How many seconds more than the bound it took: the median of the rounds' differences."""
        return median(mine - other for mine, other in zip(self.walls, bound.walls, strict=True))

    def larger(self, bound: Cost) -> float:
        """How many times the bound's memory it took."""
        return self.peak / bound.peak


def measure(commands: Sequence[Command], runs: int) -> list[Cost]:
    """What each command costs: one round to warm up, then ``runs`` rounds of A B C, A B C, ..."""
    for command in commands:
        once(command)
    rounds = [[once(command) for command in commands] for _ in range(runs)]
    return [Cost(*zip(*samples, strict=True)) for samples in zip(*rounds, strict=True)]


def once(command: Command) -> tuple[float, float]:
    """Seconds and peak of one run. A command that fails ends the benchmark: its time would mean nothing."""
    command.before()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command.arguments],
        env=dict(command.environ),
        cwd=command.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, peak, code = done.stdout.split()
    if code != "0":
        raise SystemExit(f"{command.name}: exit code {code}\n{done.stderr[-2000:]}")
    return float(wall), float(peak) * _UNIT
