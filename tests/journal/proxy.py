"""Stands between a client and a PostgreSQL server, and does to one message what networks do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.postgres import DATABASE, OWNER, Postgres


@dataclass
class Proxy:
    """Counts what clients send, over all connections, and meddles once: with message ``at``, from 1.

    Only messages that hold ``part`` are counted. ``how`` is ``before``: it never reaches the server;
    ``after``: it does, and its answer is lost; ``late``: the client sees the connection end, and the server
    gets it only when the next client has sent its first message after the startup; ``never``: as ``late``,
    without end; ``silent``: nothing more is passed on until the client goes.
    """

    server: Postgres
    at: int = 0
    how: str = ""
    part: bytes = b""
    seen: int = 0
    met: bytes = b""
    """The message that was meddled with."""
    _listener: socket.socket = field(default_factory=socket.socket)
    _open: list[socket.socket] = field(default_factory=list)
    _next: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """What a client connects to. TLS is not asked for, so that each message is one question."""
        return f"postgresql://{OWNER}@127.0.0.1:{self._listener.getsockname()[1]}/{DATABASE}?sslmode=disable"

    def listen(self) -> None:
        """Take clients until the end."""
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(str(Path(self.server.folder) / f".s.PGSQL.{self.server.port}"))
                self._open += [client, upstream]
                threading.Thread(target=self._questions, args=(client, upstream), daemon=True).start()

    def _questions(self, client: socket.socket, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            first = True
            while message := client.recv(1 << 20):
                counts = self.part in message
                self.seen += counts
                if self.met and not first:
                    self._next.set()
                first = False
                if not counts or self.seen != self.at:
                    upstream.sendall(message)
                    answer = self._answer(upstream)
                    if not answer:
                        break
                    client.sendall(answer)
                    continue
                self.met = message
                if self.how == "silent":
                    while client.recv(1 << 20):
                        pass
                    break
                if self.how == "after":
                    upstream.sendall(message)
                    self._answer(upstream)
                if self.how in ("late", "never"):
                    client.close()
                    self._next.wait(10)
                    if self.how == "late":
                        upstream.sendall(message)
                        self._answer(upstream)
                        break
                    return
                break
        client.close()
        upstream.close()

    def _answer(self, upstream: socket.socket) -> bytes:
        """Everything up to the server's ReadyForQuery, or a question of its own while it lets somebody in."""
        found = b""
        while part := upstream.recv(1 << 20):
            found += part
            if found[:1] == b"E" and len(found) >= 5 and self._is_fatal(found):
                break
            if found[-6:-1] == b"Z\x00\x00\x00\x05":
                break
        return found

    def _is_fatal(self, found: bytes) -> bool:
        return b"VFATAL" in found

    def end(self) -> None:
        """Let nobody in any more, and everybody go."""
        self._next.set()
        self._listener.close()
        for each in self._open:
            each.close()


@contextlib.contextmanager
def between(server: Postgres, at: int = 0, how: str = "", part: bytes = b"") -> Iterator[Proxy]:
    """A proxy before a server."""
    made = Proxy(server, at, how, part)
    made.listen()
    try:
        yield made
    finally:
        made.end()
