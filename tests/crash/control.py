"""The emulator's control door, and the clock behind it, over a connection that no door counts."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

IDLE = 2.0
"""Seconds after which a connection is not used again: the emulator closes one after five."""


class Control:
    """Asks the control door; from any thread, one at a time."""

    class Line(http.client.HTTPConnection):
        """A connection that is no part of what is tried."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._line = self.Line(where.hostname or "", where.port, timeout=30)
        self._path = where.path
        self._lock = threading.Lock()
        self._last = 0.0

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        with self._lock:
            if time.monotonic() - self._last > IDLE:
                self._line.close()
            self._line.request(method, self._path + path, None if body is None else json.dumps(body))
            answer = self._line.getresponse()
            said = json.loads(answer.read())
            self._last = time.monotonic()
        if answer.status != 200:
            raise ValueError(f"{method} {path}: {said}")
        return said

    def close(self) -> None:
        self._line.close()


class EmulatedClock:
    """icaform's clock, which is the emulator's: whoever sleeps moves both, and nobody else does meanwhile."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self._now = float(control("GET", "/clock")["now"])

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now = float(self.control("POST", "/clock", {"advance": max(0.0, seconds)})["now"])
