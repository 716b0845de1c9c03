"""What a Ledger needs of an SQL database. Each database is one file, the only one that imports its driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Transaction(Protocol):
    """What may be asked inside one transaction, in the statements of ``statements``."""

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""

    def run(self, statement: str, *values: Sequence[object]) -> int:
        """Run a statement once for each tuple of values; the number of rows that it changed."""


class Database(Protocol):
    """A database that holds the tables of ``statements`` and, from its first moment, a fingerprint key.

    Its methods may be called from any thread. Where the database cannot do what it is asked, it raises
    Rejected with a JOURNAL diagnostic; what the work raises comes through.
    """

    @property
    def name(self) -> str:
        """How the user knows it, without credentials."""

    @property
    def shared(self) -> bool:
        """It is one for all machines."""

    @property
    def absent(self) -> bool:
        """It was opened for reading and does not exist: its tables are there, and empty."""

    def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Do the work on one unchanging view of the tables."""

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Do the work while no other writer is there, whole or not at all; durable on return.

        Where the database went away in the middle, the work is done again: it must see to it that it finds
        what an earlier try may have left, and does not do that twice.
        """

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its file."""

    def close(self) -> None:
        """Let it go; a second time does nothing."""
