"""Threads that call a limited server, in virtual time and in one thread: every run of it is the same.

The pace is the real one, and the limiter that of the emulator; threads, network and time are played.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from random import Random

from icaform.emulator import Settings
from icaform.emulator.limiter import Limiter
from icaform.wire.rate import Pace


class Still:
    """Time that stands until it is set."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass(frozen=True)
class Case:
    """One server and those who call it. Times in seconds, ``rate`` in calls a second."""

    rate: float
    burst: float = 10
    window: float = 0
    latency: float = 0.05
    workers: int = 8
    told: bool = True
    """Whether a refusal says when to come again, as a server would: in whole seconds."""
    calls: int = 1000
    most: float | None = None
    jitter: float = 0
    """By how much, on average, a thread wakes too late, and a call or an answer takes longer than others."""

    def __str__(self) -> str:
        kind = f"windows of {self.window:.0f} s" if self.window else f"bursts of {self.burst:.0f}"
        told = "with" if self.told else "without"
        return (
            f"{self.rate:.0f}/s, {kind}, {self.latency * 1000:.0f} ms, {self.workers} threads, "
            f"{told} Retry-After"
        )


@dataclass(frozen=True)
class Run:
    """How it went: how long it took beside the shortest time, and what part of the calls was refused."""

    seconds: float
    ratio: float
    refused: float
    pace: float | None


def play(case: Case) -> Run:
    """All calls of a case, until each was granted."""
    clock = Still()
    pace = Pace(clock, Random(5), case.most)
    limiter = Limiter(Settings(rate=case.rate, burst=case.burst, window=case.window))
    todo = iter(range(case.calls))
    counts = {"made": 0, "refused": 0}

    def work() -> Iterator[float]:
        for _ in todo:
            earliest = clock.time
            while True:
                for at in pace.waits(earliest):
                    yield min(at, clock.time + 0.5) + late()
                sent = clock.time
                counts["made"] += 1
                yield sent + case.latency / 2 + late()
                wait = limiter.pause(clock.time)
                yield clock.time + case.latency / 2 + late()
                if wait is None:
                    pace.granted()
                    break
                counts["refused"] += 1
                asked = float(max(1, ceil(wait))) if case.told else None
                earliest = clock.time + pace.refused(sent, asked)

    chance = Random(7)

    def late() -> float:
        return chance.expovariate(1 / case.jitter) if case.jitter else 0.0

    order = itertools.count()
    row = [(0.0, next(order), work()) for _ in range(case.workers)]
    while row:
        clock.time, _, worker = heapq.heappop(row)
        if (at := next(worker, None)) is not None:
            heapq.heappush(row, (max(at, clock.time), next(order), worker))
    ideal = max(counts["made"] / case.rate, counts["made"] * case.latency / case.workers)
    return Run(clock.time, clock.time / ideal, counts["refused"] / counts["made"], pace.calls_per_second)
