"""A connection to a PostgreSQL server: how it is asked for, watched and talked to."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

CONNECT_SECONDS = 5
"""How long to wait for a connection, unless the address or PGCONNECT_TIMEOUT says otherwise."""
SILENT_SECONDS = 60.0
"""How long a transaction may take before its server is taken for dead; more than any statement may take."""
TICK = 0.1
"""Seconds between two looks whether somebody interrupts a wait for the server."""
LONGEST = 300
"""Characters of what the library says."""
_SECRET = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
_TOLD = ("host", "hostaddr", "port", "dbname", "user", "service")
"""Options of which a person may be told the value as well: they say which journal it is, and whose."""


class Unreached(psycopg.OperationalError):
    """No connection could be made; its text is what the library said of it, without any password."""


def connect(given: Mapping[str, Any]) -> psycopg.Connection:
    """A connection as an address wants it, with libpq's own defaults for what it leaves out; or Unreached.

    Passwords, certificates and services come from where libpq looks for them.
    """
    try:
        return _Connection.connect(**{**_preferred(), **given}, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise Unreached(_concealed(error, given)) from None


class _Connection(psycopg.Connection):
    """A connection that an interrupt leaves at once."""

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """The library would first ask the server to cancel, and wait for ten seconds where that is silent."""
        return psycopg.waiting.wait(gen, self.pgconn.socket, *args, **{"interval": TICK, **kwargs})


def name_of(given: Mapping[str, Any]) -> str:
    """How the user knows a database: without user, password and options."""
    host, port = given.get("host") or given.get("hostaddr") or "", given.get("port")
    service = f" (service {given['service']})" if given.get("service") else ""
    return f"postgresql://{host}{f':{port}' if port else ''}/{given.get('dbname') or ''}{service}"


@contextmanager
def watched(connection: psycopg.Connection) -> Iterator[None]:
    """Cuts a connection whose server keeps silent for too long; nothing in the library bounds that."""
    # A socket of its own: the connection's number may be another's by the time that the clock runs out.
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same:
        clock = threading.Timer(SILENT_SECONDS, _cut, [same])
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()


class Statements:
    """A Transaction on a connection that is inside one."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See Transaction."""
        cursor = self._connection.execute(_marked(statement), tuple(values) or None)
        return cursor.fetchall() if cursor.description else []

    def run(self, statement: str, *values: Sequence[object]) -> int:
        """See Transaction."""
        if len(values) == 1:
            return self._connection.execute(_marked(statement), values[0]).rowcount
        cursor = self._connection.cursor()
        cursor.executemany(_marked(statement), values)
        return cursor.rowcount


class Nothing:
    """A Transaction on tables that are there and empty."""

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See Transaction."""
        return []

    def run(self, statement: str, *values: Sequence[object]) -> int:
        """See Transaction."""
        return 0


def _preferred() -> dict[str, Any]:
    wait = {} if "PGCONNECT_TIMEOUT" in os.environ else {"connect_timeout": CONNECT_SECONDS}
    return {
        **wait,
        "fallback_application_name": "icaform",
        "client_encoding": "UTF8",
        # A network that swallows everything is told from a slow server within seconds.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }


def _concealed(error: psycopg.Error, given: Mapping[str, Any]) -> str:
    """What the library says, but no option's value; nothing where a server has repeated what it was sent."""
    said = _folded(str(error))
    sent = {*(given.get(each) for each in _SECRET), os.environ.get("PGPASSWORD")}
    with suppress(psycopg.Error, AttributeError, ValueError):
        # From a password file; there is nothing to ask where no connection was tried.
        sent.add(error.pgconn.password.decode())  # type: ignore[union-attr]
    # Before it is cut: half of a password would not be found.
    if any(each and _folded(str(each)) in said for each in sent):
        return ""
    for value in (str(each) for option, each in given.items() if option not in _TOLD):
        said = said.replace(f"'{value}'", "'...'").replace(f'"{value}"', '"..."')
    return said[:LONGEST]


def _folded(text: str) -> str:
    return " ".join(text.split())


def _marked(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _cut(same: socket.socket) -> None:
    with suppress(OSError):
        same.shutdown(socket.SHUT_RDWR)
