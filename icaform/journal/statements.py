"""The tables of a journal and every statement on them, in the SQL that SQLite and PostgreSQL have in common.

Values are marked ``?``, and no statement holds ``%``, so a driver that wants ``%s`` may simply replace them.
One database may hold many workspaces. ``entry`` and ``head`` are the journal: what was written, chained by
hashes, and where the chain ends. ``memory`` and ``pending`` only save the replay, and are written in the same
transaction. ``lease`` is no part of the memory: an audit asks whether it can be read, no more.
"""

from __future__ import annotations

FORMAT = 1
"""Raised when a journal of this format could not be read by an older icaform."""

TABLES = (
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE head (workspace TEXT PRIMARY KEY, number BIGINT NOT NULL, hash TEXT NOT NULL)",
    """CREATE TABLE entry (workspace TEXT NOT NULL, number BIGINT NOT NULL, text TEXT NOT NULL,
       hash TEXT NOT NULL, PRIMARY KEY (workspace, number))""",
    """CREATE TABLE memory (workspace TEXT NOT NULL, address TEXT NOT NULL, facts TEXT NOT NULL,
       PRIMARY KEY (workspace, address))""",
    """CREATE TABLE pending (workspace TEXT NOT NULL, number BIGINT NOT NULL,
       PRIMARY KEY (workspace, number))""",
    """CREATE TABLE lease (workspace TEXT PRIMARY KEY, token TEXT NOT NULL, holder TEXT NOT NULL,
       run_url TEXT NOT NULL, expires DOUBLE PRECISION NOT NULL)""",
)

ADD_SETTING = "INSERT INTO setting (name, value) VALUES (?, ?)"
SETTING = "SELECT value FROM setting WHERE name = ?"

HEAD = "SELECT number, hash FROM head WHERE workspace = ?"
PUT_HEAD = """INSERT INTO head (workspace, number, hash) VALUES (?, ?, ?)
    ON CONFLICT (workspace) DO UPDATE SET number = excluded.number, hash = excluded.hash"""

ADD_ENTRY = "INSERT INTO entry (workspace, number, text, hash) VALUES (?, ?, ?, ?)"
HASH = "SELECT hash FROM entry WHERE workspace = ? AND number = ?"
ENTRY = "SELECT text FROM entry WHERE workspace = ? AND number = ?"
ALL = "SELECT number, text, hash FROM entry WHERE workspace = ? ORDER BY number"
PAGE = "SELECT number, text FROM entry WHERE workspace = ? AND number > ? ORDER BY number LIMIT ?"

ADD_PENDING = "INSERT INTO pending (workspace, number) VALUES (?, ?)"
DROP_PENDING = "DELETE FROM pending WHERE workspace = ? AND number = ?"
PENDING = """SELECT pending.number, entry.text FROM pending LEFT JOIN entry
    ON entry.workspace = pending.workspace AND entry.number = pending.number
    WHERE pending.workspace = ? ORDER BY pending.number"""

MEMORY = "SELECT address, facts FROM memory WHERE workspace = ?"
FACTS = "SELECT address, facts FROM memory WHERE workspace = ? AND address = ?"
PUT_MEMORY = """INSERT INTO memory (workspace, address, facts) VALUES (?, ?, ?)
    ON CONFLICT (workspace, address) DO UPDATE SET facts = excluded.facts"""
DROP_MEMORY = "DELETE FROM memory WHERE workspace = ? AND address = ?"

LEASE = "SELECT token, holder, run_url, expires FROM lease WHERE workspace = ?"
PUT_LEASE = """INSERT INTO lease (workspace, token, holder, run_url, expires) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (workspace) DO UPDATE SET token = excluded.token, holder = excluded.holder,
    run_url = excluded.run_url, expires = excluded.expires"""
RENEW_LEASE = "UPDATE lease SET expires = ? WHERE workspace = ? AND token = ?"
DROP_LEASE = "DELETE FROM lease WHERE workspace = ? AND token = ?"
