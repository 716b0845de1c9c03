"""The time that the emulator lives in: the real one, or one that stands still until it is moved."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime
from functools import lru_cache


class Clock:
    """Real time plus an offset, or (manual) a time that only `advance` moves. Both can be advanced, neither
    goes back.
    """

    def __init__(self, manual: bool, start: float | None = None, offset: float = 0.0) -> None:
        self.manual = manual
        self._still = time.time() if start is None else start
        self.offset = offset
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return (self._still if self.manual else time.time()) + self.offset

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock cannot go back")
        self.offset += seconds
        while self._sleepers and self._sleepers[0][0] <= self.now():
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait in emulated time: on a manual clock until somebody advances it far enough."""
        if seconds <= 0:
            return
        if not self.manual:
            await asyncio.sleep(seconds)
            return
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now() + seconds, next(self._order), sleeper))
        await sleeper


@lru_cache(maxsize=1024)
def iso(moment: float) -> str:
    """A moment as ICA writes it: RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
