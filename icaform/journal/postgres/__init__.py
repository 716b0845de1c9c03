"""The store for teams: one schema of a PostgreSQL database, shared by machines, processes and workspaces.

It keeps nothing in a session, so that a pooler may stand between: each transaction sets its own bounds, and
takes an advisory lock of its workspace before it looks. A transaction that was lost on the way is done again
on a new connection. Nobody guesses whether it had been committed: what is done again looks for its own
traces, under the same lock, which is free only once the fate of the earlier try is sealed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.journal import statements as sql
from icaform.journal.database import Result, Transaction
from icaform.journal.ledger import Ledger
from icaform.journal.postgres import bounds, sqlstate
from icaform.journal.postgres.connection import (
    Nothing,
    Statements,
    Unreached,
    connect,
    name_of,
    watched,
)
from icaform.journal.turns import Turns

PATIENCE_SECONDS = 20.0
"""How long a server that went away in the middle of a run is waited for: a restart takes seconds."""
PAUSE_SECONDS = 0.2
"""How long to wait before the next try to reach it."""
CLOSE_SECONDS = 1.0
"""How long closing waits for a transaction that is under way in another thread."""


def open_store(
    url: str, workspace: str, clock_now: Callable[[], float], *, read_only: bool = False
) -> Ledger:
    """The journal of a workspace in the database at ``url``; see ``store.open_store``."""
    return Ledger(PostgresDatabase(url, workspace, read_only=read_only), workspace, clock_now)


class PostgresDatabase:
    """One connection, taken in turns, and replaced where it is lost."""

    shared = True

    def __init__(self, url: str, workspace: str, *, read_only: bool = False) -> None:
        self.name = "postgresql://"
        try:
            self._given = conninfo_to_dict(url)
        except (psycopg.Error, ValueError):
            # The driver's words would quote the address, and so the password.
            raise self._rejected(*sqlstate.MALFORMED) from None
        self.name = name_of(self._given)
        self._read_only = read_only
        self._closed = False
        self._patience = 0.0
        self._connection: psycopg.Connection | None = None
        self._to_read, self._to_write = bounds.reading(), bounds.writing(workspace)
        self._turns = Turns(lambda work: self._through(work, self._to_write), self._verdict, (psycopg.Error,))
        with self._turns.turn:
            self.absent = self._through(self._open, self._to_read if read_only else bounds.making())
        self._patience = PATIENCE_SECONDS

    def read(self, work: Callable[[Transaction], Result]) -> Result:
        """See Database."""
        with self._turns.turn:
            if self.absent and not self._closed:
                return work(Nothing())
            return self._through(work, self._to_read)

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """See Database."""
        if self._read_only:
            raise self._rejected(*sqlstate.READ_ONLY)
        return self._turns.write(work)

    def damage(self) -> list[str]:
        """See Database. The server looks after its files; asked here is whether this is still a journal."""
        if not self.absent:
            self.read(self._check)
        return []

    def close(self) -> None:
        """See Database. Whoever waits for the server to come back stops waiting."""
        self._closed = True
        if self._turns.turn.acquire(timeout=CLOSE_SECONDS):
            self._drop()
            self._turns.turn.release()

    def _open(self, transaction: Transaction) -> bool:
        """Whether there is no journal. Where one may be made it is made, whole or not at all."""
        ((schema, tables),) = transaction.rows(_THERE)
        if tables:
            self._check(transaction)
            return False
        if self._read_only:
            return True
        for statement in (*(() if schema else (_MAKE,)), *sql.TABLES):
            transaction.rows(statement)
        transaction.run(sql.ADD_SETTING, ("format", str(sql.FORMAT)))
        transaction.run(sql.ADD_SETTING, ("fingerprint_key", secrets.token_hex(32)))
        return False

    def _check(self, transaction: Transaction) -> None:
        """Rejected unless the tables are a journal's that we can read."""
        ((ours,),) = transaction.rows(_OURS)
        rows = transaction.rows(sql.SETTING, ("format",)) if ours else []
        found = rows[0][0] if rows else ""
        if found == str(sql.FORMAT):
            return
        if found.isascii() and found.isdecimal() and int(found) > sql.FORMAT:
            summary, remedy = sqlstate.NEWER
            raise self._rejected(summary.format(found=found, known=sql.FORMAT), remedy)
        raise self._rejected(*sqlstate.NOT_OURS)

    def _through(self, work: Callable[[Transaction], Result], begin: bytes) -> Result:
        """Do the work in a transaction, and again where the connection was lost, within our patience."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._transact(work, begin)
            except psycopg.Error as error:
                lost = self._connection is None
                passing = lost or (error.sqlstate or "").startswith(sqlstate.ROLLED_BACK)
                if not passing or self._closed or time.monotonic() >= until:
                    raise self._verdict(error) from None
            time.sleep(PAUSE_SECONDS)

    def _transact(self, work: Callable[[Transaction], Result], begin: bytes) -> Result:
        if self._closed:
            raise self._rejected(*sqlstate.CLOSED)
        if self._connection is None:
            self._connection = connect(self._given)
        connection = self._connection
        try:
            with watched(connection):
                connection.execute(begin)
                result = work(Statements(connection))
                # A server that has given a transaction up answers COMMIT with ROLLBACK, and no error.
                if connection.execute("COMMIT").statusmessage != "COMMIT":
                    raise psycopg.InternalError("the transaction was not committed")
        except BaseException as error:
            self._undo(connection, interrupted=not isinstance(error, Exception))
            raise
        return result

    def _undo(self, connection: psycopg.Connection, *, interrupted: bool) -> None:
        """Leave nothing open; after an interrupt not even the connection: nobody knows where it is."""
        if not interrupted:
            with suppress(psycopg.Error), watched(connection):
                connection.execute("ROLLBACK")
        if interrupted or connection.closed:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _verdict(self, error: BaseException) -> BaseException:
        match error:
            case Unreached():
                return self._rejected(*sqlstate.of_connection(str(error)), str(error))
            case psycopg.Error(sqlstate=None) if self._connection is None:
                return self._rejected(*sqlstate.GONE)
            case psycopg.Error():
                # Its text might quote a row.
                found = error.sqlstate or ""
                return self._rejected(*sqlstate.words(found), code=sqlstate.code_of(found))
            case Exception():
                return error
        return self._rejected(*sqlstate.INTERRUPTED)

    def _rejected(self, summary: str, remedy: str, detail: str = "", code: Code = Code.JOURNAL) -> Rejected:
        return Rejected([Diagnostic(code, f"the journal {self.name} {summary}", remedy, detail)])


_THERE = """SELECT to_regnamespace('icaform') IS NOT NULL,
    (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('icaform'))"""
_OURS = "SELECT to_regclass('icaform.setting') IS NOT NULL"
_MAKE = "CREATE SCHEMA icaform"
