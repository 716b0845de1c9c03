"""One pace for all threads of a Session: unlimited until the server says it is too fast."""

from __future__ import annotations

import threading
from collections import deque

from icaform.wire.clock import Clock

SLOWEST, FASTEST = 0.5, 200.0
"""Calls per second between which the pace is kept once it is limited; above, it is unlimited again."""

_SLICE = 0.5
_INSTANT = 1e-6
_UNMEASURED = 10.0


class Stopped(Exception):  # noqa: N818 - it is asked for
    """The pace was stopped while somebody waited for a turn."""


class Pace:
    """Gives turns. Time in seconds of ``clock.monotonic``.

    A refusal (429 or 503) makes everybody wait until the same moment and halves the calls per second; each
    granted call adds to them, about one call per second each second. Of calls that were under way
    together, only the first refusal halves.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._rate: float | None = None
        self._resume = self._slot = self._halved = float("-inf")
        self._turns: deque[float] = deque(maxlen=32)

    @property
    def calls_per_second(self) -> float | None:
        """The present pace; None while it is unlimited."""
        return self._rate

    def turn(self, earliest: float, deadline: float) -> float | None:
        """Wait for a turn that is not before ``earliest``; the seconds waited.

        None, without waiting, as soon as it is clear that the turn comes after ``deadline``. Stopped if the
        pace is stopped meanwhile.
        """
        begun = self._clock.monotonic()
        mine: float | None = None
        while True:
            with self._lock:
                now = self._clock.monotonic()
                at = max(earliest, self._resume)
                # A place in the row is taken only once this call could go: a long wait of its own must not
                # hold up the others. A later refusal clears the row.
                if earliest <= now + _INSTANT:
                    if mine is None or self._resume > mine:
                        mine = max(at, self._slot)
                        self._slot = mine + (1 / self._rate if self._rate else 0.0)
                    at = mine
                    if at <= now + _INSTANT and not self._stop.is_set():
                        self._turns.append(now)
                        return now - begun
            if self._stop.is_set():
                raise Stopped
            if at > deadline:
                return None
            # Slices, so that a stop is noticed soon whatever the server asked for.
            self._clock.sleep(min(_SLICE, at - now))

    def refused(self, sent: float, delay: float) -> None:
        """The server refused a call that was sent at ``sent``: nobody goes on before ``delay`` has passed."""
        with self._lock:
            now = self._clock.monotonic()
            self._resume = max(self._resume, now + delay)
            if sent > self._halved:
                self._halved = now
                self._rate = max(SLOWEST, min(FASTEST, (self._rate or self._measured()) / 2))

    def granted(self) -> None:
        """A call was answered."""
        with self._lock:
            if self._rate:
                self._rate += 1 / self._rate
                if self._rate > FASTEST:
                    self._rate = None

    def stop(self) -> None:
        """No more turns; those who wait get Stopped."""
        self._stop.set()

    def _measured(self) -> float:
        span = self._turns[-1] - self._turns[0] if self._turns else 0.0
        return (len(self._turns) - 1) / span if span > 0 else _UNMEASURED
