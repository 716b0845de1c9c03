"""The time that the emulator lives in: the real one, or one that stands still until it is moved."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime
from functools import lru_cache


class Overtaken(Exception):  # noqa: N818
    """Whoever slept belongs to a world that is gone: it was reset, or a snapshot was restored."""


class Clock:
    """Real time plus an offset, or (manual) a time that only `advance` moves. Both can be advanced, neither
    goes back, but with the whole world to one of its snapshots.
    """

    def __init__(self, manual: bool, start: float | None = None, offset: float = 0.0) -> None:
        self.manual = manual
        self._still = time.time() if start is None else start
        self.offset = offset
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return (self._still if self.manual else time.time()) + self.offset

    async def advance(self, seconds: float) -> None:
        """Move on; whoever is to wake on the way acts at its own moment, and not only at the end."""
        if seconds < 0:
            raise ValueError("the clock cannot go back")
        while self._sleepers and self._sleepers[0][0] <= self.now() + seconds:
            due, _, sleeper = heapq.heappop(self._sleepers)
            step = min(max(due - self.now(), 0.0), seconds)
            self.offset += step
            seconds -= step
            _wake(sleeper)
            await asyncio.sleep(0)
        self.offset += seconds

    @property
    def sleepers(self) -> int:
        """How many sleep."""
        return sum(not sleeper.done() for _, _, sleeper in self._sleepers)

    def set_back(self, offset: float) -> None:
        """Return to an earlier offset; whoever sleeps is Overtaken."""
        self.offset = offset
        self.overtake()

    def overtake(self) -> None:
        """Whoever sleeps is Overtaken."""
        for _, _, sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_exception(Overtaken())
        self._sleepers.clear()

    async def sleep(self, seconds: float) -> None:
        """Wait in emulated time: on a manual clock until somebody advances it far enough."""
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self.now() + seconds, next(self._order), sleeper))
        if not self.manual:
            loop.call_later(seconds, _wake, sleeper)
        await sleeper


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


@lru_cache(maxsize=1024)
def iso(moment: float) -> str:
    """A moment as ICA writes it: RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
