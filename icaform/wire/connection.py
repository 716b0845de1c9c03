"""Connections that know whether a request has left, and answers that know when their time is up.

Loaded together with ``requests``, at the first Session. The exceptions of an HTTP client do not tell
whether bytes had left before it failed, and that is the difference between a safe repeat and a duplicate.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

FAILURES = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
"""What an exchange can raise; the exceptions of ``requests`` are OSErrors."""

LONGEST_IDLE = 4.0
"""Seconds after which a kept connection is not used again: many servers close at 5, and a reset of a
connection that was dying anyway would make the outcome of a write unknown."""


class Trip(threading.local):
    """The exchange that this thread is making."""

    departed: bool = False
    """Whether any byte of the request may have left."""
    due: float = float("inf")
    """When the whole answer must be here, by ``time``."""
    time: Callable[[], float] = staticmethod(lambda: 0.0)
    most: int = 0
    """How many bytes the server may send, whatever they mean."""

    def begin(self, time: Callable[[], float], seconds: float, most: int) -> None:
        self.time = time
        self.due = time() + seconds
        self.most = most
        self.departed = False


TRIP = Trip()


class Endless(http.client.HTTPException):
    """The server sends more bytes than any answer has."""


class _Bounded(io.RawIOBase):
    """A socket's bytes, refused once their time is up or they are too many.

    Else a byte a minute would keep us for ever; and http.client reads to the end of the connection, however
    far that is, where a chunk says that its size is -1.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._time, self._due, self._left = TRIP.time, TRIP.due, TRIP.most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._due - self._time()
        if seconds <= 0:
            raise TimeoutError("the answer takes too long")
        if seconds < (self._sock.gettimeout() or seconds):
            self._sock.settimeout(seconds)
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise Endless
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock), 1 << 16)


class _Tracked(HTTPConnection):
    response_class = _Response
    _connecting = False
    _begun = float("-inf")

    def connect(self) -> None:
        # What a proxy is sent to open a tunnel is not the request.
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        if not self._connecting:
            TRIP.departed = True
            self._begun = TRIP.time()
        super().send(data)

    @property
    def is_connected(self) -> bool:
        return TRIP.time() - self._begun < LONGEST_IDLE and super().is_connected


class _TrackedTls(_Tracked, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Tracked


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TrackedTls


def track(manager: urllib3.PoolManager) -> None:
    """Let a pool manager of urllib3, direct or through a proxy, open such connections."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def reason(error: BaseException) -> tuple[str, bool]:
    """Why an exchange failed, in words that hold nothing of the request, and whether it may pass."""
    for each in _chain(error):
        match each:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({each.verify_message})", False
            case socket.gaierror():
                return "there is no such host name", each.errno != socket.EAI_NONAME
            case ssl.SSLError():
                return "the secure connection failed", True
            case urllib3.exceptions.ConnectTimeoutError() if not isinstance(each, NewConnectionError):
                return "no connection in time", True
            case TimeoutError() | urllib3.exceptions.ReadTimeoutError():
                return "it took too long", True
            case Endless():
                return "it does not end", False
            case http.client.RemoteDisconnected():
                return "the server closed the connection", True
            case OSError() if each.errno:
                return os.strerror(each.errno).lower(), True
            case http.client.IncompleteRead() | urllib3.exceptions.IncompleteRead():
                return "it ends early", True
            case http.client.HTTPException():
                return "it is no HTTP", True
            case urllib3.exceptions.LocationParseError():
                return "its address cannot be read", False
    return f"the exchange failed ({type(error).__name__})", not isinstance(error, ValueError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exceptions inside an exception, innermost first."""
    inner = [getattr(error, "reason", None), error.__cause__, error.__context__, *error.args]
    for each in inner:
        if isinstance(each, BaseException):
            yield from _chain(each)
    yield error
