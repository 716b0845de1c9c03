"""The doors of the libraries through which a run acts on the world, with a place to die at each.

What is wrapped are the libraries, never icaform: ``http.client`` below requests and urllib3, ``sqlite3`` and
``os.fsync``. Every passage is a point with a name; a process that is armed kills itself, by SIGKILL, at the
n-th. Beside that only chance and the number of threads are taken away, so that a run can be had again.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import os
import random
import secrets
import select
import signal
import sqlite3
import threading
from typing import Any

from tests.crash.control import Control, EmulatedClock

TIMEOUT = 60.0
"""Seconds that icaform waits for an answer (icaform/wire/limits.py, read_timeout); they pass on its clock."""

PATIENCE = 0.05
"""Seconds of real time after which the emulator is asked whether it holds an answer back."""


class Watch:
    """Counts the points of this process and tells each; kills the process at one, or lets somebody look
    around at each.
    """

    def __init__(self) -> None:
        self.workers: int | None = None
        self._lock = threading.Lock()
        self._said = self._go = -1
        self._last = 0
        self._number = 0
        self.clock: EmulatedClock | None = None

    def arm(self, said: int, go: int, last: int, workers: int | None, clock: EmulatedClock) -> None:
        """From now on write the names of points to the handle ``said``; die at number ``last`` (0: never).

        With a handle ``go`` (else -1) wait at each point until a byte can be read from it.
        """
        self._said, self._go = said, go
        self._last, self.workers, self.clock = last, workers, clock

    def point(self, name: str) -> None:
        if self._said < 0:
            return
        with self._lock:
            self._number += 1
            os.write(self._said, f"{name}\n".encode())
            if self._go >= 0:
                os.read(self._go, 1)
            if self._number == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


WATCH = Watch()
_send = http.client.HTTPConnection.send
_getresponse = http.client.HTTPConnection.getresponse
_connect = sqlite3.connect
_fsync = os.fsync
_Pool = concurrent.futures.ThreadPoolExecutor
_Random = random.Random


def _counted(connection: Any) -> bool:
    return not isinstance(connection, Control.Line)


def send(self: Any, data: Any) -> None:
    """Before the first byte of a request leaves, and between its head and its body."""
    if _counted(self):
        asked = getattr(self, "asked", "")
        if asked:
            WATCH.point(f"torn {asked}")
        else:
            verb, path = bytes(data).decode("latin-1").split(" ", 2)[:2]
            self.asked = f"{verb} {path.removeprefix('/ica/rest')}"
            WATCH.point(f"before {self.asked}")
    _send(self, data)


def getresponse(self: Any) -> http.client.HTTPResponse:
    """Once the answer is there, hence the effect, and nobody has read it; and after its head was read."""
    if not _counted(self):
        return _getresponse(self)
    asked, self.asked = self.asked, ""
    clock = WATCH.clock
    while clock and not _answered(self, PATIENCE):
        if _rests(clock) and not _answered(self, 0):
            # The emulator holds the answer back for longer than icaform has patience: so much time passes.
            WATCH.point(f"hanging {asked}")
            clock.sleep(TIMEOUT)
            raise TimeoutError("timed out")
    WATCH.point(f"unread {asked}")
    response = _getresponse(self)
    WATCH.point(f"after {asked}")
    return response


def _answered(connection: Any, seconds: float) -> bool:
    return bool(select.select([connection.sock], [], [], seconds)[0])


def _rests(clock: EmulatedClock) -> bool:
    """Whether the emulator does nothing but hold something back, which a process that is gone may have asked.

    It is asked twice: in the turn in which it takes a new connection it does not read from it yet.
    """
    looks = [clock.control("GET", "/traffic") for _ in range(2)]
    return all(0 < each["requests"] <= each["hanging"] for each in looks)


class Connection(sqlite3.Connection):
    """Before and after each COMMIT."""

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        ends = statement.strip().upper().startswith("COMMIT")
        if ends:
            WATCH.point("before commit")
        done = super().execute(statement, *values)
        if ends:
            WATCH.point("after commit")
        return done


def connect(*given: Any, **more: Any) -> sqlite3.Connection:
    return _connect(*given, factory=Connection, **more)


def fsync(handle: int) -> None:
    WATCH.point("before fsync")
    _fsync(handle)
    WATCH.point("after fsync")


class Pool(_Pool):
    """As many threads as the watch says."""

    def __init__(self, max_workers: int | None = None, *given: Any, **more: Any) -> None:
        super().__init__(WATCH.workers or max_workers, *given, **more)


class Random(_Random):
    """Chance that falls the same way in every run."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(0 if seed is None else seed)


def wrap() -> None:
    """To be called before icaform is imported, in a process of its own."""
    http.client.HTTPConnection.send = send  # type: ignore[method-assign]
    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]
    sqlite3.connect = connect  # type: ignore[assignment]
    os.fsync = fsync  # type: ignore[assignment]
    concurrent.futures.ThreadPoolExecutor = Pool  # type: ignore[misc]
    random.Random = Random  # type: ignore[misc]
    secrets.token_hex = lambda size=None: "0" * 2 * (size or 32)
