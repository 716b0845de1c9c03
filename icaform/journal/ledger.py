"""A Store kept in tables, whatever the SQL database is: it makes the rows of a Database a journal."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.journal import reading
from icaform.journal import statements as sql
from icaform.journal.database import Database, Result, Transaction
from icaform.journal.entry import (
    NO_FACTS,
    OUTCOMES,
    UNDECIDED,
    Adopted,
    Begun,
    Ended,
    Entry,
    Facts,
    Forgotten,
    Memory,
    link,
    merge,
    text_of,
    to_text,
)
from icaform.journal.store import Intent, Lease, LeaseHeld

_LOOK = "icaform journal audit tells all that is wrong with it; "
_REMEDY = (
    "restore it from a backup; or move it away and plan again: what can be seen on the server is found "
    "there, only messages, shares and secret fingerprints must be learned anew"
)
_WAIT = "wait for that run, then run apply again; see that the clocks of both machines are right"
PAGE = 500
"""How many entries are read at once."""
_FEW = 50


class Ledger:
    """The Store of one workspace in a Database. Its methods are described in Store."""

    def __init__(self, database: Database, workspace: str, clock_now: Callable[[], float]) -> None:
        self._database = database
        self._workspace = workspace
        self._now = clock_now

    @property
    def name(self) -> str:
        """How the user knows it."""
        return self._database.name

    @property
    def shared(self) -> bool:
        """Whether it is one for all machines."""
        return self._database.shared

    def __repr__(self) -> str:
        return f"Ledger({self.name!r}, {self._workspace!r})"

    def memory(self) -> Memory:
        """What is known now."""
        return self._read(lambda each: reading.memory_of(each, self._workspace))

    def begin(self, intent: Intent, lease: Lease | None = None) -> int:
        """Write down a call before its bytes leave."""

        def work(transaction: Transaction, number: int) -> Begun:
            # In the same transaction, so that of two runs only the one begins calls that others can see.
            if lease is not None:
                self._permit(transaction, lease)
            transaction.run(sql.ADD_PENDING, (self._workspace, number))
            return intent.numbered(number)

        return self._append(work)

    def end(
        self, number: int, outcome: str, remember: Facts = NO_FACTS, note: str = "", time: float = 0.0
    ) -> None:
        """Write down how a begun call ended."""
        if outcome not in OUTCOMES:
            raise ValueError(f"a call does not end {outcome!r}")
        ended = Ended(number, outcome, remember, note, time or self._now())

        def work(transaction: Transaction, _: int) -> Ended:
            found = transaction.rows(sql.ENTRY, (self._workspace, number))
            if not found or not isinstance(reading.entry_of(number, found[0][0]), Begun):
                raise ValueError(f"no call was begun with number {number}")
            if outcome != UNDECIDED:
                transaction.run(sql.DROP_PENDING, (self._workspace, number))
            self._remember(transaction, remember)
            return ended

        self._append(work)

    def adopt(self, remember: Facts, time: float) -> None:
        """Remember facts that were learned without a call."""

        def work(transaction: Transaction, _: int) -> Adopted:
            self._remember(transaction, remember)
            return Adopted(remember, time)

        if remember:
            self._append(work)

    def forget(self, addresses: Iterable[Address], time: float) -> None:
        """Remember nothing of these addresses any more."""
        gone = tuple(addresses)

        def work(transaction: Transaction, _: int) -> Forgotten:
            transaction.run(sql.DROP_MEMORY, *((self._workspace, reading.key_of(each)) for each in gone))
            return Forgotten(gone, time)

        if gone:
            self._append(work)

    def entries(self) -> Iterator[Entry]:
        """Everything that was written; read in pages, so that no writer waits for a slow reader."""
        last = 0
        while page := self._read(lambda each: self._page(each, last)):  # noqa: B023 - called at once
            yield from page.values()
            last = max(page)

    def last(self) -> tuple[int, str]:
        """The entry that was written last."""
        return self._read(lambda each: reading.head_of(each, self._workspace))

    def holds(self, number: int, digest: str) -> bool:
        """Whether an entry is in it."""
        return self._read(lambda each: each.rows(sql.HASH, (self._workspace, number))) == [(digest,)]

    def audit(self) -> list[Diagnostic]:
        """What is wrong with the store."""
        try:
            # The tables of a damaged file need not be readable at all.
            found = self._database.damage()
            if not found and not self._database.absent:
                found = self._read(lambda each: list(reading.flaws(each, self._workspace)))
        except Rejected as refusal:
            return list(refusal.diagnostics)
        return [self._flaw(each) for each in found]

    def fingerprint_key(self) -> bytes | None:
        """The key of the secret fingerprints."""
        return None if self._database.absent else self._read(reading.fingerprint_key_of)

    def holder(self) -> LeaseHeld | None:
        """Who has the workspace's one lease, or had it last."""
        return self._read(lambda each: reading.lease_of(each, self._workspace))[1]

    def acquire(self, holder: str, run_url: str, now: float, ttl: float) -> Lease | LeaseHeld:
        """Take the workspace's one lease."""
        lease = Lease(self._workspace, _plain(holder), _plain(run_url), now + ttl, secrets.token_hex(16))

        def work(transaction: Transaction) -> Lease | LeaseHeld:
            token, held = reading.lease_of(transaction, self._workspace)
            if held and held.expires > now and token != lease.token:
                return held
            values = (self._workspace, lease.token, lease.holder, lease.run_url, lease.expires)
            transaction.run(sql.PUT_LEASE, values)
            return lease

        return self._write(work)

    def renew(self, lease: Lease, now: float, ttl: float) -> bool:
        """Hold our lease for longer."""
        values = (now + ttl, lease.workspace, lease.token)
        return self._write(lambda each: each.run(sql.RENEW_LEASE, values)) == 1

    def _permit(self, transaction: Transaction, lease: Lease) -> None:
        token, held = reading.lease_of(transaction, self._workspace)
        if token != lease.token:
            # One that took it and gave it back has changed what this run goes by.
            who = held.holder if held else "another run"
            raise Rejected([Diagnostic(Code.LOCKED, f"{who} has taken this workspace", _WAIT)])

    def release(self, lease: Lease) -> None:
        """Give our lease back."""
        self._write(lambda each: each.run(sql.DROP_LEASE, (lease.workspace, lease.token)))

    def close(self) -> None:
        """Let the database go."""
        self._database.close()

    def _page(self, transaction: Transaction, last: int) -> dict[int, Entry]:
        rows = transaction.rows(sql.PAGE, (self._workspace, last, PAGE))
        return {number: reading.entry_of(number, text) for number, text in rows}

    def _append(self, work: Callable[[Transaction, int], Entry]) -> int:
        """Write one entry, and what follows from it into the other tables; gives its number.

        ``work`` is told that number, and makes both. Where an earlier try turns out to have been committed,
        nothing is written twice.
        """
        tried: tuple[int, str] | None = None

        def once(transaction: Transaction) -> int:
            nonlocal tried
            if tried and transaction.rows(sql.HASH, (self._workspace, tried[0])) == [(tried[1],)]:
                return tried[0]
            last, previous = reading.head_of(transaction, self._workspace)
            number = last + 1
            text = to_text(work(transaction, number))
            tried = number, link(previous, number, text)
            transaction.run(sql.ADD_ENTRY, (self._workspace, number, text, tried[1]))
            transaction.run(sql.PUT_HEAD, (self._workspace, *tried))
            return number

        return self._write(once)

    def _remember(self, transaction: Transaction, remember: Facts) -> None:
        keys = [reading.key_of(address) for address in remember]
        if len(keys) > _FEW:
            earlier = dict(transaction.rows(sql.MEMORY, (self._workspace,)))
        else:
            found = [transaction.rows(sql.FACTS, (self._workspace, key)) for key in keys]
            earlier = dict(row for rows in found for row in rows)
        merged = (
            (self._workspace, key, text_of(merge(reading.facts_of(earlier.get(key, "{}")), facts)))
            for key, facts in zip(keys, remember.values(), strict=True)
        )
        transaction.run(sql.PUT_MEMORY, *merged)

    def _read(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            return self._database.read(work)
        except reading.Broken as flaw:
            raise Rejected([self._flaw(str(flaw), _LOOK)]) from None

    def _write(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            return self._database.write(work)
        except reading.Broken as flaw:
            raise Rejected([self._flaw(str(flaw), _LOOK)]) from None

    def _flaw(self, detail: str, first: str = "") -> Diagnostic:
        summary = f"the journal {self.name} is not whole: in workspace {self._workspace}, {detail}"
        return Diagnostic(Code.JOURNAL, summary, first + _REMEDY)


def _plain(text: str) -> str:
    """Text of others as any database keeps it."""
    return text.encode("ascii", "backslashreplace").decode().replace("\0", "")
