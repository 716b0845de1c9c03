"""What every journal store obeys, and the one way to open a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, cast

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.journal import spelling
from icaform.journal.entry import NO_FACTS, Entry, Facts, Memory
from icaform.state import Begun


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that is about to be sent: a Begun that has no number yet. ``time`` in seconds since 1970.

    ``body`` is the frozen text to send again, or None where it holds a secret.
    """

    addresses: tuple[Address, ...]
    verb: str
    call: str
    key: str
    body_digest: str
    body: str | None = field(repr=False)
    user: str
    tenant: str
    time: float

    def numbered(self, number: int) -> Begun:
        """The entry that the journal makes of it."""
        return Begun(number, *(getattr(self, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Lease:
    """Our right to apply a workspace until ``expires`` (seconds since 1970); ``token`` proves it ours."""

    workspace: str
    holder: str
    run_url: str
    expires: float
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """A lease as others see it: who holds it, where their run can be watched, and until when."""

    holder: str
    run_url: str
    expires: float


class Store(Protocol):
    """The journal of one workspace. Every method may be called from any thread.

    Each raises Rejected, with a JOURNAL diagnostic, when the store cannot be read or written; with a LOCKED
    one where another writes for longer than we wait.
    What writes is durable when it returns; when it raises Rejected, treat what it was to write as unwritten.
    """

    @property
    def name(self) -> str:
        """How the user knows it, without credentials."""

    @property
    def shared(self) -> bool:
        """Whether it is one for all machines, so that none can have another of the same place."""

    def memory(self) -> Memory:
        """What is known now. It equals ``replay(store.entries())``."""

    def begin(self, intent: Intent, lease: Lease | None = None) -> int:
        """Write down a call before its bytes leave; returns the number to end it with.

        Rejected with LOCKED, and nothing is written, where another run has taken that lease.
        """

    def end(
        self, number: int, outcome: str, remember: Facts = NO_FACTS, note: str = "", time: float = 0.0
    ) -> None:
        """Write down how a begun call ended: ``done | refused | unknown | not-sent | settled``.

        After ``unknown`` it stays pending, to be ended again once it is decided. A ``time`` of 0 means now.
        ValueError for another outcome, and for a number that was never begun here.
        """

    def adopt(self, remember: Facts, time: float) -> None:
        """Remember facts that were learned without a call, in one transaction."""

    def forget(self, addresses: Iterable[Address], time: float) -> None:
        """Remember nothing of these addresses any more. What is pending stays pending."""

    def entries(self) -> Iterator[Entry]:
        """Everything that was written, oldest first; the n-th is entry n."""

    def last(self) -> tuple[int, str]:
        """Number and hash of the entry that was written last; number 0 where none was."""

    def holds(self, number: int, digest: str) -> bool:
        """Whether the entry of that number has that hash, and so each before it is as it was."""

    def audit(self) -> list[Diagnostic]:
        """What is wrong with the store: its file, its hash chain, its tables. Empty when it is whole."""

    def fingerprint_key(self) -> bytes | None:
        """32 random bytes, made with the store; None when it was opened for reading and does not exist."""

    def holder(self) -> LeaseHeld | None:
        """Who has the workspace's one lease, or had it last and did not give it back; None where nobody."""

    def acquire(self, holder: str, run_url: str, now: float, ttl: float) -> Lease | LeaseHeld:
        """Take the workspace's one lease for ``ttl`` seconds, unless another's has not expired."""

    def renew(self, lease: Lease, now: float, ttl: float) -> bool:
        """Hold our lease for ``ttl`` seconds from now; False when another has taken it since it expired."""

    def release(self, lease: Lease) -> None:
        """Give our lease back. Nothing happens when it is another's by now."""

    def close(self) -> None:
        """Let the store go; a second time does nothing."""


_STORES = {"": "sqlite", "sqlite": "sqlite", "postgres": "postgres", "postgresql": "postgres"}


def open_store(
    url_or_path: str, workspace: str, clock_now: Callable[[], float], *, read_only: bool = False
) -> Store:
    """Open the journal of a workspace; it is made where there is none.

    It is kept at a path or ``sqlite://PATH``, or in the database ``postgresql://USER@HOST/DATABASE``.
    ``clock_now`` gives seconds since 1970. Opened read-only, a store that does not exist is empty and stays
    nonexistent. Rejected when its address leaves a doubt (see ``spelling``), and when it is no journal, is of
    a newer icaform, or cannot be read or written.
    """
    # What is wrong is told without the address: it may hold a password, and nobody knows where.
    wrong = spelling.flaw(url_or_path)
    if wrong:
        summary, remedy = wrong
        raise _unknown(f"the journal's address {summary}", remedy)
    scheme, found, place = url_or_path.partition("://")
    if not found:
        scheme, place = "", url_or_path
    name = _STORES[scheme]
    try:
        # Imported when asked for, so that nobody needs the driver of a store that is not used.
        module = import_module(f"{__package__}.{name}")
    except ImportError:
        raise _unknown(
            f"a journal at {scheme}:// needs a driver that is not installed, or does not work here",
            f"pip install 'icaform[{name}]'",
        ) from None
    whole = place if name == "sqlite" else url_or_path
    return cast(Store, module.open_store(whole, workspace, clock_now, read_only=read_only))


def _unknown(summary: str, remedy: str) -> Rejected:
    return Rejected([Diagnostic(Code.JOURNAL, summary, remedy)])
