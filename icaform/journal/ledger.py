"""A Store kept in tables, whatever the SQL database is: it makes the rows of a Database a journal."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

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

_REMEDY = (
    "restore it from a backup; or move it away and plan again: what can be seen on the server is found "
    "there, only messages, shares and secret fingerprints must be learned anew"
)
_PAGE = 500
_FEW = 50


class Ledger:
    """The Store of one workspace in a Database. Its methods are described in Store."""

    def __init__(self, database: Database, workspace: str, clock_now: Callable[[], float]) -> None:
        self._database = database
        self._workspace = workspace
        self._now = clock_now

    def __repr__(self) -> str:
        return f"Ledger({self._database.name!r}, {self._workspace!r})"

    def memory(self) -> Memory:
        """What is known now."""
        return self._read(lambda each: reading.memory_of(each, self._workspace))

    def begin(
        self,
        *,
        addresses: Sequence[Address],
        verb: str,
        call: str,
        key: str,
        body_digest: str,
        body: str | None,
        user: str,
        tenant: str,
        time: float,
    ) -> int:
        """Write down a call before its bytes leave."""
        intent = Intent(tuple(addresses), verb, call, key, body_digest, body, user, tenant, time)
        return self.begin_many([intent])[0]

    def begin_many(self, intents: Sequence[Intent]) -> list[int]:
        """Write down many calls before their bytes leave."""

        def work(transaction: Transaction) -> list[int]:
            last, _ = reading.head_of(transaction, self._workspace)
            begun = [_begun(number, intent) for number, intent in enumerate(intents, last + 1)]
            self._append(transaction, begun)
            transaction.run(sql.ADD_PENDING, *((self._workspace, each.number) for each in begun))
            return [each.number for each in begun]

        return self._write(work) if intents else []

    def end(
        self, number: int, outcome: str, remember: Facts = NO_FACTS, note: str = "", time: float = 0.0
    ) -> None:
        """Write down how a begun call ended."""
        if outcome not in OUTCOMES:
            raise ValueError(f"a call does not end {outcome!r}")
        ended = Ended(number, outcome, remember, note, time or self._now())

        def work(transaction: Transaction) -> None:
            found = transaction.rows(sql.ENTRY, (self._workspace, number))
            if not found or not isinstance(reading.entry_of(number, found[0][0]), Begun):
                raise ValueError(f"no call was begun with number {number}")
            self._append(transaction, [ended])
            if outcome != UNDECIDED:
                transaction.run(sql.DROP_PENDING, (self._workspace, number))
            self._remember(transaction, remember)

        self._write(work)

    def adopt(self, remember: Facts, time: float) -> None:
        """Remember facts that were learned without a call."""

        def work(transaction: Transaction) -> None:
            self._append(transaction, [Adopted(remember, time)])
            self._remember(transaction, remember)

        if remember:
            self._write(work)

    def forget(self, addresses: Iterable[Address], time: float) -> None:
        """Remember nothing of these addresses any more."""
        gone = tuple(addresses)

        def work(transaction: Transaction) -> None:
            self._append(transaction, [Forgotten(gone, time)])
            transaction.run(sql.DROP_MEMORY, *((self._workspace, reading.key_of(each)) for each in gone))

        if gone:
            self._write(work)

    def entries(self) -> Iterator[Entry]:
        """Everything that was written; read in pages, so that no writer waits for a slow reader."""
        last = 0
        while page := self._read(lambda each: self._page(each, last)):  # noqa: B023 - called at once
            yield from page.values()
            last = max(page)

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

    def acquire(self, holder: str, run_url: str, now: float, ttl: float) -> Lease | LeaseHeld:
        """Take the workspace's one lease."""
        lease = Lease(self._workspace, holder, run_url, now + ttl, secrets.token_hex(16))

        def work(transaction: Transaction) -> Lease | LeaseHeld:
            for other, url, expires in transaction.rows(sql.LEASE, (self._workspace,)):
                if expires > now:
                    return LeaseHeld(other, url, expires)
            transaction.run(sql.PUT_LEASE, (self._workspace, lease.token, holder, run_url, lease.expires))
            return lease

        return self._write(work)

    def renew(self, lease: Lease, now: float, ttl: float) -> bool:
        """Hold our lease for longer."""
        values = (now + ttl, lease.workspace, lease.token)
        return self._write(lambda each: each.run(sql.RENEW_LEASE, values)) == 1

    def release(self, lease: Lease) -> None:
        """Give our lease back."""
        self._write(lambda each: each.run(sql.DROP_LEASE, (lease.workspace, lease.token)))

    def close(self) -> None:
        """Let the database go."""
        self._database.close()

    def _page(self, transaction: Transaction, last: int) -> dict[int, Entry]:
        rows = transaction.rows(sql.PAGE, (self._workspace, last, _PAGE))
        return {number: reading.entry_of(number, text) for number, text in rows}

    def _append(self, transaction: Transaction, entries: Sequence[Entry]) -> None:
        number, previous = reading.head_of(transaction, self._workspace)
        rows = []
        for entry in entries:
            number, text = number + 1, to_text(entry)
            previous = link(previous, number, text)
            rows.append((self._workspace, number, text, previous))
        transaction.run(sql.ADD_ENTRY, *rows)
        transaction.run(sql.PUT_HEAD, (self._workspace, number, previous))

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
            raise Rejected([self._flaw(str(flaw))]) from None

    def _write(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            return self._database.write(work)
        except reading.Broken as flaw:
            raise Rejected([self._flaw(str(flaw))]) from None

    def _flaw(self, detail: str) -> Diagnostic:
        summary = f"the journal {self._database.name} is not whole: in workspace {self._workspace}, {detail}"
        return Diagnostic(Code.JOURNAL, summary, _REMEDY)


def _begun(number: int, intent: Intent) -> Begun:
    return Begun(number, *(getattr(intent, name) for name in intent.__slots__))
