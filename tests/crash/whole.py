"""Everything that is tried of one server setting."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.crash import table
from tests.crash.case import HIDDEN, RESTORED, SETTINGS, SLOW, VARIANTS, Tally, Variant
from tests.crash.matrix import Matrix
from tests.crash.menu import BATCHES, Mishap, menu
from tests.crash.rig import rig


def setting(name: str, faults: tuple[str, ...] = (), every: int = 1) -> tuple[list[Tally], float]:
    """The matrix of one setting, with ``faults`` only these; and the seconds of processor time it took."""
    used = _used()
    with tempfile.TemporaryDirectory(dir=_memory()) as folder, rig(Path(folder)) as one:
        tallies = []
        for tally in _tallies(Matrix(one, name, _choice(every)), faults):
            tallies.append(tally)
            cases = sum(len(each.cases) for each in tallies)
            told = f"{tally.mishap.name} {tally.mishap.call}".strip()
            print(f"{name}: {told}: {tally.kills} kills; {cases} cases so far", file=sys.stderr, flush=True)
            for line in table.wrong([tally]):
                print(f"WRONG {line}", file=sys.stderr, flush=True)
    return tallies, _used() - used


def _used() -> float:
    return sum(os.times()[:4])


def _tallies(matrix: Matrix, faults: tuple[str, ...]) -> Iterator[Tally]:
    slow = SLOW.items() <= SETTINGS[matrix.setting].items()
    for mishap in menu():
        # How jobs are matters where a batch was sent and is not known; the rest is tried without them.
        concerned = not slow or mishap.call in ("", *BATCHES)
        if concerned and (not faults or mishap.name in faults):
            yield matrix.play(mishap, every=mishap == Mishap())
    if not faults and matrix.setting != HIDDEN:
        yield matrix.play_first()
        yield matrix.play_in_threads(Mishap("none, many threads"))
        yield from matrix.play_twice()


def _choice(every: int) -> Callable[[int], tuple[Variant, ...]]:
    def variants(number: int) -> tuple[Variant, ...]:
        mine = [each for place, each in enumerate(VARIANTS) if (place + number) % every == 0]
        if number % every == 0:
            mine.append(RESTORED[number // every % len(RESTORED)])
        return tuple(mine)

    return variants


def _memory() -> str | None:
    """A folder in memory where there is one: fsync costs there nothing, and a kill takes nothing from it."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
