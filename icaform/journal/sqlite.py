"""The default store: an SQLite file shared by threads, processes and workspaces; not on a network drive."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.journal import place, refusal
from icaform.journal import statements as sql
from icaform.journal.database import Result, Transaction
from icaform.journal.ledger import Ledger
from icaform.journal.turns import Turns

APPLICATION = 0x69636166
"""``icaf`` in ASCII: the application_id by which a journal is told from other SQLite files."""

BUSY_SECONDS = 3.0
"""How long to wait for another process's write; less than the 5 s in which a stopped run must exit."""

CLOSE_SECONDS = 1.0
"""How long closing waits for a transaction that is under way in another thread."""


def open_store(
    path: str, workspace: str, clock_now: Callable[[], float], *, read_only: bool = False
) -> Ledger:
    """The journal of a workspace in the file at ``path``; see ``store.open_store``."""
    return Ledger(SqliteDatabase(path, read_only=read_only), workspace, clock_now)


# The driver fails to decode SQLite's own message where that quotes a damaged page.
_FAULTS = (sqlite3.Error, UnicodeDecodeError)
_NOT_WRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


class SqliteDatabase:
    """One connection, taken in turns. Threads that wait to write share one transaction and its fsync."""

    shared = False

    def __init__(self, path: str, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> None:
        self.name = path
        self._busy_seconds = busy_seconds
        self._turns = Turns(self._transact, self._verdict, _FAULTS)
        self._file = file = Path(path).absolute()
        with self._told():
            self.absent = False
            self._connection = self._open_to_read(file) if read_only else self._open_to_write(file)
        self._identity = None if self.absent else place.identity(file)

    def read(self, work: Callable[[Transaction], Result]) -> Result:
        """See Database."""
        with self._turns.turn, self._told(), _transaction(self._connection, "BEGIN"):
            return work(_Statements(self._connection))

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """See Database."""
        return self._turns.write(work)

    def damage(self) -> list[str]:
        """See Database."""
        with self._turns.turn, self._told():
            found = [row[0] for row in self._connection.execute("PRAGMA integrity_check(5)")]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """See Database."""
        if self._turns.turn.acquire(timeout=CLOSE_SECONDS):
            try:
                with self._told():
                    self._connection.close()
            finally:
                self._turns.turn.release()

    def _transact(self, work: Callable[[Transaction], Result]) -> Result:
        with _transaction(self._connection, "BEGIN IMMEDIATE"):
            # SQLite would go on writing into a file that has no name any more, and call that durable.
            if not self.absent and place.identity(self._file) != self._identity:
                raise self._rejected(*refusal.VANISHED)
            return work(_Statements(self._connection))

    def _open_to_write(self, file: Path) -> sqlite3.Connection:
        place.prepare(file)
        with self._connect(f"{file.as_uri()}?mode=rw") as connection:
            connection.execute("PRAGMA synchronous = FULL")
            # Taking the write lock at once tells a read-only journal before anything is sent.
            connection.execute("BEGIN IMMEDIATE")
            if self._is_new(connection, file):
                _make_tables(connection)
                connection.execute(sql.ADD_SETTING, ("fingerprint_key", secrets.token_hex(32)))
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {sql.FORMAT}")
                connection.execute("COMMIT")
            else:
                # Even an empty COMMIT may have to wait for readers.
                connection.execute("ROLLBACK")
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # Refused while another process is at work; what is then written is as durable without it.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            return connection

    def _open_to_read(self, file: Path) -> sqlite3.Connection:
        uris = [f"{file.as_uri()}?mode=rw"] if place.is_there(file) else []
        # In a folder that cannot be written SQLite reads nothing, unless it is told that nobody writes.
        uris += [f"{file.as_uri()}?immutable=1"] if uris and place.is_settled(file) else []
        for uri in uris:
            try:
                with self._connect(uri) as connection:
                    connection.execute("PRAGMA query_only = ON")
                    if self._is_new(connection, file):
                        connection.close()
                        break
                    return connection
            except sqlite3.OperationalError as error:
                if uri == uris[-1] or error.sqlite_errorcode & 0xFF not in _NOT_WRITABLE:
                    raise
        self.absent = True
        with self._connect("file::memory:") as connection:
            _make_tables(connection)
            connection.execute("PRAGMA query_only = ON")
            return connection

    @contextmanager
    def _connect(self, uri: str) -> Iterator[sqlite3.Connection]:
        """A connection that is closed if the block fails."""
        connection = sqlite3.connect(
            uri, uri=True, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            yield connection
        except BaseException:
            connection.close()
            raise

    def _is_new(self, connection: sqlite3.Connection, file: Path) -> bool:
        """Whether the file is empty; Rejected if it holds anything but a journal that we can read."""
        ((application,),) = connection.execute("PRAGMA application_id")
        ((found,),) = connection.execute("PRAGMA user_version")
        if application == APPLICATION and found > sql.FORMAT:
            summary, remedy = refusal.NEWER
            raise self._rejected(summary.format(found=found, known=sql.FORMAT), remedy)
        if application == APPLICATION and found == sql.FORMAT:
            return False
        # SQLite takes the stump of a torn file for an empty database, and would write a new one over it.
        if application or found or place.is_there(file):
            raise self._rejected(*refusal.NOT_OURS)
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors stop here and go on as diagnostics."""
        try:
            yield
        except _FAULTS as error:
            raise self._verdict(error) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise self._rejected(f"cannot be opened: {reason}", refusal.WRITABLE) from None

    def _verdict(self, error: BaseException) -> BaseException:
        match error:
            case sqlite3.Error() | UnicodeDecodeError():
                unnamed = "SQLITE_CORRUPT" if isinstance(error, UnicodeDecodeError) else ""
                name = getattr(error, "sqlite_errorname", unnamed)
                return self._rejected(*refusal.words(name), refusal.code_of(name))
            case Exception():
                return error
        return self._rejected(*refusal.INTERRUPTED)

    def _rejected(self, summary: str, remedy: str, code: Code = Code.JOURNAL) -> Rejected:
        return Rejected([Diagnostic(code, f"the journal {self.name} {summary}", remedy)])


def _make_tables(connection: sqlite3.Connection) -> None:
    for table in sql.TABLES:
        connection.execute(table)


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class _Statements:
    """A Transaction on a connection that is inside one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See Transaction."""
        return self._connection.execute(statement, tuple(values)).fetchall()

    def run(self, statement: str, *values: Sequence[object]) -> int:
        """See Transaction."""
        return self._connection.executemany(statement, values).rowcount
