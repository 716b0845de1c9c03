"""A server that answers as ICA would, but for the one call that it spoils.

It stands in front of the embedded ICA, byte by byte on raw sockets: a library would refuse to send most of
what an attacker sends.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30.0
"""Seconds after which a connection that nobody reads from or writes to is given up."""


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0].removeprefix("/ica/rest")

    @property
    def whole(self) -> str:
        return repr((self.method, self.target, self.headers, self.body))


@dataclass(frozen=True)
class Honest:
    """What ICA itself answers."""

    status: int
    type: str
    body: bytes

    def head(self, *, status: int | str = 0, length: int | None = -1, more: str = "") -> bytes:
        """The head of this answer, the last on its connection; ``length`` -1 is the right one, None leaves it
        out.
        """
        return self._head(status, length, f"Connection: close\r\n{more}")

    @property
    def whole(self) -> bytes:
        """All of it, as it comes from ICA itself."""
        return self._head(0, -1, "") + self.body

    def _head(self, status: int | str, length: int | None, more: str) -> bytes:
        lines = f"HTTP/1.1 {status or self.status} X\r\nContent-Type: {self.type}\r\n{more}"
        if length is not None:
            lines += f"Content-Length: {len(self.body) if length == -1 else length}\r\n"
        return (lines + "\r\n").encode("latin-1")


Act = Callable[[socket.socket, Honest], Any]
"""Answers in its own way. The connection is closed behind it."""


@dataclass(frozen=True)
class Attack:
    """Which calls are spoilt, and how; ``effect`` says whether ICA hears of them nevertheless."""

    call: str
    act: Act
    effect: bool = True

    def meets(self, asked: Asked) -> bool:
        return bool(re.fullmatch(self.call, f"{asked.method} {asked.path}"))


@dataclass
class Impostor:
    """The server. ``real`` is the base URL of the ICA behind it; without one there is no honest answer."""

    real: str = ""
    context: ssl.SSLContext | None = None
    replay: bool = False
    """Whether a question that was asked before is answered as it was then, to spare the ICA behind."""
    attack: Attack | None = None
    asked: list[Asked] = field(default_factory=list)
    hits: int = 0
    tokens: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()
        self._open: set[socket.socket] = set()
        self._kept: dict[tuple[str, str, bytes], Honest] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def spoil(self, attack: Attack | None) -> None:
        """From now on this attack, and nothing remembered of the last one."""
        with self._lock:
            self.attack, self.hits = attack, 0
            self.asked.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Impostor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            plain.settimeout(PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                connection = self.context.wrap_socket(plain, server_side=True)
            with connection.makefile("rb") as file:
                while (asked := _read(file)) and self._answer(connection, asked):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(plain)
            connection.close()

    def _answer(self, connection: socket.socket, asked: Asked) -> bool:
        with self._lock:
            self.asked.append(asked)
            attack = self.attack if self.attack and self.attack.meets(asked) else None
            self.hits += attack is not None
        honest = Honest(200, "text/plain", b"") if attack and not attack.effect else self._honest(asked)
        if attack:
            attack.act(connection, honest)
            return False
        connection.sendall(honest.whole)
        return True

    def _honest(self, asked: Asked) -> Honest:
        if not self.real:
            return Honest(404, "text/plain", b"nobody is here")
        key = (asked.method, asked.target, asked.body)
        if self.replay and key in self._kept:
            return self._kept[key]
        line = getattr(self._local, "line", None)
        if line is None:
            line = self._local.line = http.client.HTTPConnection(urlsplit(self.real).netloc, timeout=PATIENCE)
        headers = {name: value for name, value in asked.headers.items() if name != "accept-encoding"}
        line.request(asked.method, asked.target, asked.body, headers)
        answer = line.getresponse()
        honest = Honest(answer.status, answer.headers.get("Content-Type", ""), answer.read())
        if asked.path.startswith("/api/tokens"):
            self.tokens.update(re.findall(r"eyJ[\w.-]{20,}", honest.body.decode("utf-8", "replace")))
        if honest.status < 400:
            self._kept[key] = honest
        return honest


def _read(file: Any) -> Asked | None:
    line = file.readline(1 << 16).decode("latin-1")
    if not line.strip():
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while header := file.readline(1 << 16).decode("latin-1").rstrip("\r\n"):
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Asked(method, target, headers, file.read(int(headers.get("content-length", 0))))
