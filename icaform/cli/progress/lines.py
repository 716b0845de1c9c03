"""Progress where nothing can be drawn: a plain line now and then, and each wait with its reason."""

from __future__ import annotations

import sys
import threading

from icaform.render.report import line, plain
from icaform.wire.clock import Clock

EVERY = 5.0
"""Seconds between two lines."""
COUNTED = {"read": "read", "operation": "done", "work": "at an end"}
"""How what is counted is put, by what is told of it."""


class Lines:
    """Hears from several threads. Notes are told at once; of counts and waits no more than one in ``EVERY``.

    A wait that comes too early is told when its turn comes, with the number of those that came after it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock.monotonic()
        self._last = float("-inf")
        self._said = ""
        self._held: dict[str, None] = {}
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            timer, self._timer = self._timer, None
        if timer:
            timer.cancel()
            timer.join()

    def __call__(self, kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
        with self._lock:
            now = self._clock.monotonic()
            if kind == "note":
                self._say(text)
            elif kind == "wait" and text not in (self._said, *self._held):
                self._held[text] = None
                if now - self._last >= EVERY:
                    self._say_held()
                elif self._timer is None:
                    self._timer = threading.Timer(EVERY - (now - self._last), self._turn)
                    self._timer.daemon = True
                    self._timer.start()
            elif kind in COUNTED and self._silent(now):
                self._last = now
                self._say(f"{done:,} of {of:,} {COUNTED[kind]}")

    def _silent(self, now: float) -> bool:
        return not self._held and now - max(self._last, self._began) >= EVERY

    def _turn(self) -> None:
        with self._lock:
            if self._timer:
                self._say_held()

    def _say_held(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        first, *others = self._held
        self._held.clear()
        self._last = self._clock.monotonic()
        self._say(first + (f" (and {len(others):,} more)" if others else ""))
        self._said = first

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            print(line(plain(f"icaform: {text}")), file=sys.stderr, flush=True)
