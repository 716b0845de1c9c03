"""A server that misbehaves over real HTTP, a clock that nobody waits for, and a session between them."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from icaform.wire import Credential, Limits, Means, Session

V3 = "application/vnd.illumina.v3+json"
START = 1_800_000_000.0


class FakeClock:
    """Time passes when somebody sleeps; with ``ticking`` also by itself."""

    def __init__(self, ticking: bool = False) -> None:
        self.slept = 0.0
        self.naps = 0
        self._ticking = ticking
        self._lock = threading.Lock()

    def now(self) -> float:
        return START + self.monotonic()

    def monotonic(self) -> float:
        return self.slept + (time.monotonic() if self._ticking else 0.0)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        with self._lock:
            self.slept += seconds
            self.naps += 1


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.split("?")[0].removeprefix("/ica/rest")


Reaction = Callable[[socket.socket, Request], bool]
"""Does something to the connection; True keeps it open."""


def jwt(issued: float = START, lives: float = 3600.0, **more: Any) -> str:
    claims = {
        "aud": "ica",
        "tid": "t-1",
        "tns": "lab",
        "sub": "u-1",
        "iat": issued,
        "exp": issued + lives,
    } | more
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{middle}.c2ln"


def says(
    status: int = 200,
    body: Any = None,
    kind: str = V3,
    headers: dict[str, str] | None = None,
    keep: bool = True,
) -> Reaction:
    """Answer as HTTP wants it. ``body`` bytes go out as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

    def react(connection: socket.socket, request: Request) -> bool:
        head = {"Content-Type": kind, "Content-Length": str(len(data))} | (headers or {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        connection.sendall(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + data)
        return keep

    return react


def raw(data: bytes, *, reset: bool = False, hold: bool = False) -> Reaction:
    """Send these bytes, then close, reset, or keep silent until the client gives up."""

    def react(connection: socket.socket, request: Request) -> bool:
        if data:
            connection.sendall(data)
        if hold:
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                connection.recv(1)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return react


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Reaction:
    """Send a head and then the same piece for ever."""

    def react(connection: socket.socket, request: Request) -> bool:
        connection.sendall(head)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(piece)
                if pause:
                    time.sleep(pause)
        return False

    return react


@dataclass
class Rogue:
    """Answers tokens properly unless told otherwise, and everything else by its script, then its habit."""

    context: ssl.SSLContext | None = None
    script: list[Reaction] = field(default_factory=list)
    habit: Reaction = field(default_factory=lambda: says(200, {"ok": True}))
    tokens: list[Reaction] = field(default_factory=list)
    token_habit: Reaction = field(default_factory=lambda: says(200, {"token": jwt()}))
    seen: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://localhost:{self.port}/ica/rest".replace(
            "localhost", "localhost" if self.context else "127.0.0.1"
        )

    @property
    def calls(self) -> list[Request]:
        """Requests other than for tokens."""
        return [each for each in self.seen if not each.path.startswith("/api/tokens")]

    @property
    def token_calls(self) -> list[Request]:
        return [each for each in self.seen if each.path.startswith("/api/tokens")]

    def close(self) -> None:
        # Closing alone would leave the thread that accepts with one more connection.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        plain = connection
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            file = connection.makefile("rb")
            while request := _read(file):
                with self._lock:
                    self.seen.append(request)
                    tokens = request.path.startswith("/api/tokens")
                    queue = self.tokens if tokens else self.script
                    habit = self.token_habit if tokens else self.habit
                    react = queue.pop(0) if queue else habit
                if not react(connection, request):
                    break
            # The file shares the socket: a reset goes out only once both are closed.
            file.close()
        except OSError:
            pass
        finally:
            connection.close()
            with self._lock:
                self._open.discard(plain)


def _read(file: Any) -> Request | None:
    line = file.readline().decode()
    if not line.strip():
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while (header := file.readline().decode().rstrip("\r\n")) != "":
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Request(method, target, headers, file.read(int(headers.get("content-length", 0))))


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    server = Rogue()
    yield server
    server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_session(rogue: Rogue, clock: FakeClock) -> Iterator[Callable[..., Session]]:
    """Sessions with the rogue, whose waits are on the clock."""
    made: list[Session] = []

    def build(server: str = "", credential: Credential | None = None, **more: Any) -> Session:
        limits = Limits(
            **{"connect_timeout": 2.0, "read_timeout": 5.0, "max_body": 1 << 20} | more.pop("limits", {})
        )
        settings = {"clock": clock, "limits": limits, "seed": 7} | more
        session = Session(
            server or rogue.url, credential or Credential(Means.API_KEY, "key-4711"), **settings
        )
        made.append(session)
        return session

    yield build
    for session in made:
        session.close()


@pytest.fixture(scope="session")
def http() -> SimpleNamespace:
    """The words that tests use to make a server misbehave."""
    return SimpleNamespace(
        says=says, raw=raw, endless=endless, jwt=jwt, V3=V3, START=START, Rogue=Rogue, Clock=FakeClock
    )
