"""How a transaction begins: what it may see, how long it may take, who must wait for it."""

from __future__ import annotations

import hashlib

BUSY_SECONDS = 3.0
"""How long to wait for another writer of the same workspace, as with SQLite."""
STATEMENT_SECONDS = 30.0
"""How long the server may take for one statement; to read all entries of a journal takes longest."""
IDLE_SECONDS = 60.0
"""After how long the server gives a client up that has stopped in the middle: its lock must not stay."""


def reading() -> bytes:
    """For one unchanging view of the tables."""
    return f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_within()}".encode()


def writing(workspace: str) -> bytes:
    """For a transaction beside which no other of the workspace writes.

    It sees what was committed before it got the lock, so its snapshots are taken afterwards, one for each
    statement. A server that answers before a commit is on the disk is told not to.
    """
    return (
        f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_within()}"
        "SELECT set_config('synchronous_commit', 'on', true)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
        f"SELECT pg_advisory_xact_lock({_number(workspace)})"
    ).encode()


def making() -> bytes:
    """For looking whether there are tables, and making them: one at a time in the whole database."""
    return writing("")


def _within() -> str:
    return (
        "SET LOCAL search_path = icaform, pg_temp;"
        f"SET LOCAL lock_timeout = {BUSY_SECONDS * 1000:.0f};"
        f"SET LOCAL statement_timeout = {STATEMENT_SECONDS * 1000:.0f};"
        f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f};"
    )


def _number(workspace: str) -> int:
    """The advisory lock of a workspace. Two that share a number only wait for each other."""
    digest = hashlib.sha256(f"icaform journal {workspace}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
