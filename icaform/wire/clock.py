"""Time, as a value that is handed in, so that tests can own it and nothing waits in them."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the wire needs to know of time. Seconds throughout."""

    def now(self) -> float:
        """Seconds since the epoch: for token lifetimes and Retry-After dates."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards: for patience, deadlines and pace."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
