"""PostgreSQL's error codes, and its library's own words, in words that say what to do.

The codes are those of appendix A of PostgreSQL's manual, by the class or the whole code. Of a connection that
failed the library tells no code, only words, which a server may say in its own language.
"""

from __future__ import annotations

from icaform.diagnostic import Code
from icaform.journal.spelling import WRITE

ROLLED_BACK = "40"
"""The class of errors after which a transaction was rolled back, and may well succeed the next time."""

_AGAIN = "run again; it looks at the server before it sends anything twice"
_RIGHTS = (
    "give the role USAGE and CREATE on the schema icaform and all rights on its tables, "
    "or (for plan and drift) USAGE and SELECT"
)

NOT_OURS = (
    "holds a schema icaform that no icaform has made",
    "give another database for the journal; the schema was left as it is",
)
NEWER = (
    "was written by a newer icaform (format {found}, this one reads {known})",
    "upgrade icaform; the journal was left as it is",
)
READ_ONLY = "cannot be written: it was opened for reading", _AGAIN
CLOSED = "is closed", _AGAIN
INTERRUPTED = "may not have been written: the run was interrupted", _AGAIN
MALFORMED = (
    "is not an address that PostgreSQL's library can read",
    WRITE,
)
GONE = "has lost the connection to its server", f"see to the server, then {_AGAIN}"

_BUSY = "55P03"
_ONLY_READ = (
    "cannot be written: the server, or the role, is read-only",
    "name the primary server and not a standby, and a role that may write",
)

_BY_CODE = {
    "0A000": _ONLY_READ,  # what a standby says to READ WRITE: a feature that it does not have
    "25006": _ONLY_READ,
    "25P03": ("gave us up for being idle", _AGAIN),
    "42501": ("may not be read or written by this role", _RIGHTS),
    "42P01": ("has lost a table", "restore the schema icaform from a backup"),
    "3F000": ("has lost its schema", "restore the schema icaform from a backup"),
    "42703": ("has lost a column", "restore the schema icaform from a backup"),
    "53100": (
        "cannot be written: the server's disk is full",
        "free some space and run again; nothing is lost",
    ),
    "53200": ("cannot be used: the server is out of memory", _AGAIN),
    "53300": ("has no connection left for us", "wait for other clients, or raise max_connections"),
    _BUSY: (
        "is being written by another run, for longer than we wait",
        "run again when the other run has ended",
    ),
    "57014": ("did not answer within the time that we wait", _AGAIN),
}
_BY_CLASS = {
    "08": ("cannot be reached", "see to the server and the network, then run again"),
    "22": ("is damaged, or its database has an encoding that cannot hold it", "use a database in UTF8"),
    "40": ("is being written by others at the same time", _AGAIN),
    "53": ("cannot be used: the server lacks something that it needs", "see the server's log"),
    "57": ("is being shut down by its server", _AGAIN),
    "58": ("cannot be read or written: the server's disk fails", "see the server's log and its disk"),
    "XX": ("is damaged", "see the server's log; restore the database from a backup"),
}
_OTHER = "cannot be used", "run again; if it stays so, see the server's log"

_PASSWORD = (
    "refuses the password, or was given none",
    "set PGPASSWORD, or a line for this server and user in ~/.pgpass (PGPASSFILE)",
)
_NO_HOST = "cannot be found: its host has no address", "check the host's name"
_BY_WORDS = (
    # Of an option: its name may hold any of the words below.
    ("bad value for ", MALFORMED),
    ("invalid integer value ", MALFORMED),
    ("password authentication failed", _PASSWORD),
    ("no password supplied", _PASSWORD),
    (
        "authentication failed",
        ("refuses this user", "name a user that it lets in, as in postgresql://USER@HOST"),
    ),
    ("no pg_hba.conf entry", ("lets nobody in from here", "have the server's pg_hba.conf allow this user")),
    ("role ", ("has no such role", "name a user that it knows, as in postgresql://USER@HOST/DATABASE")),
    (
        "database ",
        ("does not exist: its server has no such database", "make it with createdb, or name another"),
    ),
    ("permission denied for database", ("may not be opened by this role", "GRANT CONNECT ON DATABASE to it")),
    ("too many", _BY_CODE["53300"]),
    ("slots are reserved", _BY_CODE["53300"]),
    (
        "certificate",
        ("cannot be trusted: its server's certificate does not verify", "see sslrootcert and sslmode"),
    ),
    ("SSL", ("has no TLS connection as it was asked for", "see sslmode, and the server's ssl")),
    ("resolve host", _NO_HOST),
    ("Name or service not known", _NO_HOST),
    ("translate host", _NO_HOST),
    ("imeout", ("did not answer within the time that we wait", "see to the server and the network")),
    ("invalid ", MALFORMED),
    ("definition of service", ("is named by a service that no service file has", "see PGSERVICEFILE")),
)
_UNREACHED = "cannot be reached", "check its address, and that its server is running"


def words(code: str) -> tuple[str, str]:
    """What is wrong with the journal, and the remedy, for an error's code."""
    summary, remedy = _BY_CODE.get(code) or _BY_CLASS.get(code[:2]) or _OTHER
    return f"{summary} ({code})" if code else summary, remedy


def code_of(code: str) -> Code:
    """What sort of trouble it is: another run that is at work is none of the journal's own."""
    return Code.LOCKED if code == _BUSY else Code.JOURNAL


def of_connection(said: str) -> tuple[str, str]:
    """The same for a connection that failed, by the library's own words."""
    return next((told for part, told in _BY_WORDS if part in said), _UNREACHED)
