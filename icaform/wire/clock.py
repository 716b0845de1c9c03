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


SLACK = 2.0
"""Seconds by which two clocks that are both right may differ; nothing here depends on less."""


def ahead_of(known: float | None, date: float, sent: float, received: float) -> float | None:
    """By how many seconds our clock is ahead of a server's that told ``date`` between these moments of ours.

    It tells whole seconds, and may have told them at any moment between. So what is ``known`` stays as long
    as it may be so, as does a clock that may be right; else it is as near to that as it may be.
    """
    least, most = sent - date - 1.0, received - date
    if least > most:  # our own clock was set meanwhile
        return known
    found = known or 0.0
    if least - SLACK <= found <= most + SLACK:
        return found
    # What is told at the end of a second was told by its begin: rather too late a time than one too early.
    return least if found < least else max(least, most - 1.0)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
