"""SQLite's own error names in words that say what to do. After any of them the file is still there."""

from __future__ import annotations

from icaform.diagnostic import Code

_PATH = "give another path for the journal, or move the file away yourself if it may go; it was left as it is"

NOT_OURS = "is no journal of icaform", _PATH
NEWER = (
    "was written by a newer icaform (format {found}, this one reads {known})",
    "upgrade icaform; the file was left as it is",
)
VANISHED = (
    "was moved away, removed or replaced while it was in use",
    "put it back, and run again; it looks at the server before it sends anything twice",
)
INTERRUPTED = (
    "may not have been written: the run was interrupted",
    "run again; it looks at the server before it sends anything twice",
)

WRITABLE = "make the file and its folder writable for this user, or give another path for the journal"
_BUSY = "SQLITE_BUSY"
_BY_NAME = {
    "SQLITE_NOTADB": ("is no SQLite database", _PATH),
    "SQLITE_CORRUPT": (
        "is damaged",
        "restore it from a backup, or recover it with `sqlite3 FILE .recover`; it was left as it is",
    ),
    "SQLITE_FULL": ("cannot be written: the disk is full", "free some space and run again; nothing is lost"),
    "SQLITE_IOERR": (
        "cannot be read or written: the disk fails, is full, or allows no larger file",
        "see to the disk and run again; what was written before is kept",
    ),
    "SQLITE_READONLY": ("cannot be written: it is read-only here", WRITABLE),
    "SQLITE_PERM": ("cannot be opened: this user may not", WRITABLE),
    "SQLITE_CANTOPEN": ("cannot be opened", WRITABLE),
    _BUSY: (
        "is being written by another process, for longer than we wait",
        "run again when the other run has ended",
    ),
}
_OTHER = "cannot be used", "run again; if it stays so, restore the file from a backup"


def words(name: str) -> tuple[str, str]:
    """What is wrong with the journal, and the remedy, for an error name such as ``SQLITE_IOERR_WRITE``."""
    known = _BY_NAME.get(_plain(name))
    summary, remedy = known or _OTHER
    return f"{summary} ({name})" if name else summary, remedy


def code_of(name: str) -> Code:
    """What sort of trouble it is: another run that is at work is none of the journal's own."""
    return Code.LOCKED if _plain(name) == _BUSY else Code.JOURNAL


def _plain(name: str) -> str:
    return "_".join(name.split("_")[:2])
