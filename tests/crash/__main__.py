"""The whole crash matrix: ``python -m tests.crash``. It ends with 1 if anything is wrong.

Each server setting is tried in a process of its own: every fault at every mutating call, a kill at every
state that any of them passes through, and from each all reruns; then kills of a run with all its threads, and
of the run that takes up a killed one.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.crash import cores, table
from tests.crash.case import SETTINGS, Tally
from tests.crash.whole import setting


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--workers", type=int, default=cores.count(), help="settings at once")
    parser.add_argument("--setting", choices=SETTINGS, action="append", help="these alone")
    parser.add_argument("--fault", action="append", help="these alone")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of all reruns every N-th")
    given = parser.parse_args()
    begun = time.monotonic()
    tallies: list[Tally] = []
    context = get_context("spawn")
    shares = cores.shares(context, given.workers)
    with ProcessPoolExecutor(given.workers, context, cores.stay, (shares,)) as pool:
        running = [
            pool.submit(setting, name, given.fault or (), given.every) for name in given.setting or SETTINGS
        ]
        used = 0.0
        for each in running:
            found, seconds = each.result()
            tallies += found
            used += seconds
    for line in table.tables(tallies):
        print(line)
    wrong = list(table.wrong(tallies))
    for line in wrong[: table.MOST]:
        print(f"WRONG {line}")
    took = f"{time.monotonic() - begun:.0f} s with {given.workers} workers, {used:.0f} s of processors"
    print(f"{len(wrong)} wrong; {took}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
