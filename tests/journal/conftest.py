"""The homes that a journal may have: every rule that asks for ``home`` or ``store`` holds in each of them.

To add a store, write one more Home and put it into HOMES.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from icaform.address import Address
from icaform.diagnostic import Code, Rejected
from icaform.journal import Intent, Store, open_store
from tests.postgres import Postgres

NOW = 1_700_000_000.0


class Home(Protocol):
    """A place for one journal, empty at first. ``where`` names it to the front door."""

    where: str
    is_file: bool

    def open(self, workspace: str = "cohort", *, read_only: bool = False) -> Store:
        """Open the journal through the one front door."""

    def sql(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Do something to its tables behind the store's back; values are marked ``?``."""

    def tamper(self, statements: Sequence[tuple[str, Sequence[object]]]) -> bool:
        """Several of these in one transaction; False, and nothing done, where the database forbids it."""

    def exists(self) -> bool:
        """Whether a journal was made."""

    def statements(self, told: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
        """Within it, ``told`` hears each statement that is sent to the database before it is sent."""

    def wipe(self) -> None:
        """Leave, and take the journal away."""

    def leave(self) -> None:
        """Close everything."""


class SqliteHome:
    """A journal in a file."""

    is_file = True

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.where = str(self.path)
        self._stores: list[Store] = []

    def open(self, workspace: str = "cohort", *, read_only: bool = False) -> Store:
        self._stores.append(open_store(self.where, workspace, lambda: NOW, read_only=read_only))
        return self._stores[-1]

    def sql(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement, tuple(values)).fetchall()

    def tamper(self, statements: Sequence[tuple[str, Sequence[object]]]) -> bool:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            try:
                with connection:
                    for statement, values in statements:
                        connection.execute(statement, tuple(values))
            except sqlite3.IntegrityError:
                return False
        return True

    def exists(self) -> bool:
        return self.path.exists()

    @contextlib.contextmanager
    def statements(self, told: Callable[[str], None]) -> Iterator[None]:
        connect = sqlite3.connect

        def watched(*given: Any, **more: Any) -> sqlite3.Connection:
            connection = connect(*given, **more)
            connection.set_trace_callback(told)
            return connection

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", watched)
            yield

    def wipe(self) -> None:
        self.leave()
        for each in self.path.parent.glob(f"{self.path.name}*"):
            each.unlink()

    def leave(self) -> None:
        for store in self._stores:
            store.close()
        self._stores.clear()


class PostgresHome:
    """A journal in a database."""

    is_file = False

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.where = server.url()
        self._stores: list[Store] = []
        self._connection: psycopg.Connection | None = None

    def open(self, workspace: str = "cohort", *, read_only: bool = False) -> Store:
        self._stores.append(open_store(self.where, workspace, lambda: NOW, read_only=read_only))
        return self._stores[-1]

    def sql(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(self.where, autocommit=True)
            self._connection.execute("SET search_path = icaform")
        cursor = self._connection.execute(statement.replace("?", "%s").encode(), tuple(values) or None)
        return cursor.fetchall() if cursor.description else []

    def tamper(self, statements: Sequence[tuple[str, Sequence[object]]]) -> bool:
        self.sql("BEGIN")
        try:
            for statement, values in statements:
                self.sql(statement, values)
        except (psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.DataError):
            self.sql("ROLLBACK")
            return False
        self.sql("COMMIT")
        return True

    def exists(self) -> bool:
        return self.server.sql("SELECT to_regnamespace('icaform') IS NOT NULL") == [(True,)]

    @contextlib.contextmanager
    def statements(self, told: Callable[[str], None]) -> Iterator[None]:
        execute, many = psycopg.Cursor.execute, psycopg.Cursor.executemany

        def heard(what: Any) -> Any:
            def one(cursor: Any, query: Any, *given: Any, **more: Any) -> Any:
                told(query if isinstance(query, str) else query.decode())
                return what(cursor, query, *given, **more)

            return one

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", heard(execute))
            patch.setattr(psycopg.Cursor, "executemany", heard(many))
            yield

    def wipe(self) -> None:
        self.leave()
        self.server.forget()

    def leave(self) -> None:
        for store in self._stores:
            store.close()
        self._stores.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


HOMES: dict[str, Callable[[pytest.FixtureRequest], Home]] = {
    "sqlite": lambda request: SqliteHome(request.getfixturevalue("tmp_path")),
    "postgres": lambda request: PostgresHome(request.getfixturevalue("postgres")),
}


@pytest.fixture(params=HOMES.values(), ids=HOMES)
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """Each home in turn, new for each test."""
    made: Home = request.param(request)
    yield made
    made.leave()


@pytest.fixture
def store(home: Home) -> Store:
    """A new journal of the workspace ``cohort``."""
    return home.open()


@pytest.fixture
def postgres_home(postgres: Postgres) -> Iterator[PostgresHome]:
    """For the rules about servers."""
    made = PostgresHome(postgres)
    yield made
    made.leave()


@pytest.fixture
def sqlite_home(tmp_path: Path) -> Iterator[SqliteHome]:
    """For the rules about files."""
    made = SqliteHome(tmp_path)
    yield made
    made.leave()


@pytest.fixture(scope="session")
def intent() -> Callable[..., Intent]:
    """Makes a call that is about to be sent, for items of one batch."""

    def make(*items: str, body: str | None = '{"a":1}', key: str = "icaform-k") -> Intent:
        addresses = tuple(Address("AnalysisBatch", "cohort", item) for item in items or ("NA12878",))
        return Intent(addresses, "start", "POST /api/x", key, "d1", body, "user", "tenant", NOW)

    return make


@pytest.fixture(scope="session")
def in_child() -> Callable[[Callable[[Callable[[str], None]], None]], tuple[int, list[str]]]:
    """Runs work in a process of its own and gives its wait status and the lines it said before it ended.

    The work is handed ``say``, which is a plain write to a pipe: what was said survives a kill -9.
    """

    def run(work: Callable[[Callable[[str], None]], None]) -> tuple[int, list[str]]:
        wait = fork(work)
        return wait()

    return run


@pytest.fixture(scope="session")
def forked() -> Callable[..., Callable[[], tuple[int, list[str]]]]:
    """Like ``in_child``, for several at once: starts the work and gives a function that waits for its end."""
    return fork


@pytest.fixture(scope="session")
def refusal_of() -> Callable[[Callable[[], object]], str]:
    """Does what must be refused with one diagnostic of a journal, and a remedy; gives its summary."""

    def summary_of(work: Callable[[], object]) -> str:
        with pytest.raises(Rejected) as refusal:
            work()
        (diagnostic,) = refusal.value.diagnostics
        assert diagnostic.code in (Code.JOURNAL, Code.LOCKED)
        assert diagnostic.remedy
        return diagnostic.summary

    return summary_of


def fork(work: Callable[[Callable[[str], None]], None]) -> Callable[[], tuple[int, list[str]]]:
    """Start the work in a child process; the function returned waits for it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            work(lambda line: void(os.write(writer, f"{line}\n".encode())))
            code = 0
        except BaseException as error:  # the parent asserts on what is said
            os.write(writer, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    os.close(writer)

    def wait() -> tuple[int, list[str]]:
        with open(reader, encoding="utf-8") as said:
            lines = said.read().splitlines()
        return os.waitpid(child, 0)[1], lines

    return wait


def void(_: object) -> None:
    """For a function whose result nobody wants."""
