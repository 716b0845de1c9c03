"""Whether what is given for a journal names its place beyond doubt. Pure.

The place is told to people and may become a file's name; a password must be neither. One that holds a bare
``/`` or ``@`` moves its rest into the host or the database of a URL; and a connection string that is taken
for a path is a file, a journal and a lease of its own on each machine. What is doubtful is refused, and
nothing of it is repeated.
"""

from __future__ import annotations

import re

WRITE = (
    "write postgresql://USER@HOST/DATABASE and leave the password to PGPASSWORD, ~/.pgpass or a service "
    "file; or percent-encode what it holds of % / @ : ? # (as %25 %2F %40 %3A %3F %23)"
)
KEYWORDS = frozenset(
    {
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "passfile",
        "service",
        "sslpassword",
        "sslmode",
    }
)
"""Of libpq's connection strings, ``key=value ...``: there is none without one of these worth the name."""
_OTHERS = ("database", "server", "username", "uid", "pwd")
"""The same in the connection strings of other libraries."""

_SERVER = r"(?:\[[^]\[@/?#,]*\]|[^]\[@/:?#,]*)(?::[0-9]{0,5})?"
_URI = re.compile(rf"(?>(?:[^@/]*@)?){_SERVER}(?:,{_SERVER})*(?:/[^@/:?]*)?(?:\?.*)?", re.DOTALL)
"""As libpq reads it (PostgreSQL's manual, Connection URIs): a user ends at the first ``@`` before any ``/``.
Stricter than libpq, so that it reads nothing else than was meant: no more bare ``@ / : ?`` may follow.
"""
_SURE = re.compile(r"/(?!/)|\.{1,2}[/\\]|\\|[A-Za-z]:[/\\]")
"""How a path begins that can be nothing else."""
_UNSURE = re.compile(
    r"[^/\\]*:"  # a scheme; a user and a password
    r"|//.*@"
    r"|.*\?\w+="
    r"|postgres(?:ql)?//"
    rf"|(?:.*[\s;,&'\"])?(?:{'|'.join(sorted((*KEYWORDS, *_OTHERS)))})\s*=",
    re.DOTALL | re.IGNORECASE,
)

Flaw = tuple[str, str]
"""What is wrong, said of the address, and the remedy; neither repeats it."""


def flaw(address: str) -> Flaw | None:
    """Why a path or URL does not name a journal beyond doubt; None where it does."""
    scheme, found, rest = address.partition("://")
    if not found:
        return _of_path(address)
    match scheme:
        case "sqlite":
            return _of_path(rest)
        case "postgres" | "postgresql":
            return None if _URI.fullmatch(rest) else ("is not a URL that one can read in one way only", WRITE)
    return "is a URL of a kind that this icaform keeps no journal at", f"name the path of a file; or {WRITE}"


def _of_path(path: str) -> Flaw | None:
    if _SURE.match(path):
        return None
    if path.startswith("~"):
        return "begins with ~, which only a shell replaces", "write the path whole; or ./~ if it is called so"
    if _UNSURE.match(path):
        return (
            "looks like the address of a database, and is no URL of one",
            f"{WRITE}; for a path, begin with ./ or /",
        )
    return None
