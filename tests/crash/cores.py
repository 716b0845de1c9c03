"""A core for each worker and the processes that it starts.

These take turns, so that a second core brings them nothing. Without one to stay on they are moved about, and
what one does to its memory, or says to the next, interrupts the other core: a third of the time.
"""

from __future__ import annotations

import os
from multiprocessing.context import SpawnContext
from multiprocessing.queues import SimpleQueue

CHOOSES = hasattr(os, "sched_setaffinity")
"""Whether the system lets a process choose."""


def count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if CHOOSES else os.cpu_count() or 1


def shares(context: SpawnContext, workers: int) -> SimpleQueue[int]:
    """The core of each worker; they go round where there are more workers."""
    cores = sorted(os.sched_getaffinity(0)) if CHOOSES else [0]
    queue: SimpleQueue[int] = context.SimpleQueue()
    for number in range(workers):
        queue.put(cores[number % len(cores)])
    return queue


def stay(free: SimpleQueue[int]) -> None:
    """Take a core and stay on it."""
    if CHOOSES:
        os.sched_setaffinity(0, {free.get()})
