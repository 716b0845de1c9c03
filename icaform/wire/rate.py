"""One pace for all threads of a Session: unlimited until the server says it is too fast, then found out.

ICA publishes no rate and documents no Retry-After, so the pace is learnt from refusals. A wave of them tells
two things: the pace that was too fast, and, by what was granted since the wave before, what the server gives
at least. The truth lies between, so the next pace begins at their geometric mean. From there it climbs as
CUBIC does (RFC 9438): ever slower towards the pace that was too fast, near which it stays for long, and ever
faster beyond it. Before a second wave there are no two such figures, and the pace doubles again and again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random

from icaform.wire.clock import Clock
from icaform.wire.retry import backoff

SLOWEST, FASTEST = 0.5, 1000.0
"""Calls per second between which the pace is kept once it is limited; above, it is unlimited again."""
FIRST, DOUBLING = 2.0, 1.3
"""Calls per second after the first wave, if it was no faster before, and the seconds in which they double."""
LEAST, MOST = 0.5, 0.97
"""Shares of a pace that was too fast between which the next one begins."""
CLIMB, LONG_CLIMB = 45.0, 90.0
"""Seconds from where a pace begins to the one that was too fast: after the second wave, and the later ones.
All four were chosen by the simulation in the tests, over limiters, rates, delays and numbers of threads."""

_SLICE = 0.5
_INSTANT = 1e-6
_SPAN = 1.0
"""The shortest time over which grants are reckoned: what a server keeps for a burst is no rate."""


class Stopped(Exception):  # noqa: N818 - it is asked for
    """The pace was stopped while somebody waited for a turn."""


class Pace:
    """Gives turns, in the order in which they are asked for. Time in seconds of ``clock.monotonic``.

    Refusals (429 or 503) of calls that were under way together are one wave: everybody waits, as long as the
    server asks or else ever longer from wave to wave, and goes on slower. Turns that had to be waited for
    make it faster again. ``most`` calls per second are never exceeded.
    """

    def __init__(self, clock: Clock, random: Random | None = None, most: float | None = None) -> None:
        self._clock = clock
        self._random = random or Random()
        self._most = most
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._row: list[object] = []
        self._next = self._wave = float("-inf")
        self._waves = 0
        self._found: float | None = None
        self._begins = self._climb = self._climbed = 0.0
        self._since = self._last = clock.monotonic()
        self._granted = 0

    @property
    def calls_per_second(self) -> float | None:
        """The present pace; None while it is unlimited."""
        if self._found is None:
            return self._most
        if self._climb:
            pace = self._found + (self._found - self._begins) * (self._climbed / self._climb - 1) ** 3
        else:
            pace = self._begins * 2 ** (self._climbed / DOUBLING)
        return max(SLOWEST, pace) if self._most is None else min(self._most, max(SLOWEST, pace))

    @property
    def limit(self) -> float | None:
        """What may be counted on: the present pace where it was asked for, or is no mere beginning."""
        return self.calls_per_second if self._climb or self._most is not None else None

    def turn(self, earliest: float, deadline: float) -> float | None:
        """Wait for a turn that is not before ``earliest``; the seconds waited.

        None, without waiting, as soon as it is clear that the turn comes after ``deadline``. Stopped if the
        pace is stopped meanwhile.
        """
        begun = self._clock.monotonic()
        for at in self.waits(earliest):
            if at > deadline:
                return None
            # Slices, so that a stop is noticed soon whatever the server asked for.
            self._clock.sleep(max(0.0, min(_SLICE, at - self._clock.monotonic())))
        return self._clock.monotonic() - begun

    def waits(self, earliest: float) -> Iterator[float]:
        """The moment of one turn, told anew as often as asked, until it is there and taken."""
        me, held = object(), False
        try:
            while True:
                with self._lock:
                    now = self._clock.monotonic()
                    at = max(earliest, self._next)
                    # A place in the row is taken only once this call could go: a long wait of its own must
                    # not hold up the others.
                    if earliest <= now + _INSTANT:
                        at = self._place(me)
                        if at <= now + _INSTANT and not self._stop.is_set():
                            self._take(now, held)
                            return
                        held = True
                if self._stop.is_set():
                    raise Stopped
                yield at
        finally:
            with self._lock:
                if me in self._row:
                    self._row.remove(me)

    def refused(self, sent: float, asked: float | None) -> float:
        """The server refused a call that was sent at ``sent``, and asked for a pause or did not.

        The seconds that this call must wait. What a wave asks for counts from its first refusal.
        """
        with self._lock:
            now = self._clock.monotonic()
            if sent > self._wave:
                # A wave in which nothing was granted tells of the pause before it, and nothing of the pace;
                # nor does one that comes so soon that it may be of the same window of the server's.
                early = self._found is not None and not self._climb and now - self._since <= _SPAN
                if not self._waves and not early:
                    self._slow_down(now)
                self._waves += 1
                self._wave = now
                if asked is None:
                    self._next = max(self._next, now + backoff(self._waves, self._random))
            if asked is not None:
                self._next = max(self._next, self._wave + asked)
                return asked
            return max(0.0, self._next - now)

    def granted(self) -> None:
        """A call was answered."""
        with self._lock:
            self._granted += 1
            self._waves = 0

    def stop(self) -> None:
        """No more turns; those who wait get Stopped."""
        self._stop.set()

    def _place(self, me: object) -> float:
        """When the turn comes of one who stands in the row, at the end of it if he is new."""
        pace = self.calls_per_second
        if pace is None:
            return self._next
        if me not in self._row:
            self._row.append(me)
        return self._next + self._row.index(me) / pace

    def _take(self, now: float, held: bool) -> None:
        # Time in which nobody came tells nothing of the server, nor does a pace that held nobody up.
        self._since += max(0.0, now - self._last - _SPAN)
        self._last = now
        pace = self.calls_per_second
        if pace is None:
            return
        step = 1 / pace
        self._next = max(self._next, now) + step
        if held:
            self._climbed += step
            if pace > FASTEST:
                self._found, self._climb = None, 0.0

    def _slow_down(self, now: float) -> None:
        given = self._granted / max(now - self._since, _SPAN)
        pace = self.calls_per_second
        if self._found is None or pace is None:
            self._found = max(given, SLOWEST)
            self._begins = max(LEAST * self._found, FIRST)
        else:
            self._climb = LONG_CLIMB if self._climb else CLIMB
            self._found = pace
            self._begins = max(LEAST * pace, min(MOST * pace, (given * pace) ** 0.5))
        self._since, self._last, self._granted, self._climbed = now, now, 0, 0.0
