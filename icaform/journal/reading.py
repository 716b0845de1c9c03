"""From the rows of a journal to what they say. Nothing that is raised or returned here quotes a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from icaform.address import Address
from icaform.journal import statements as sql
from icaform.journal.database import Transaction
from icaform.journal.entry import (
    Begun,
    Entry,
    Memory,
    address_of,
    breaks,
    first_link,
    from_text,
    replay,
    text_of,
)
from icaform.journal.sort import amiss, is_count, is_moment, is_text
from icaform.journal.store import LeaseHeld

Result = TypeVar("Result")

_MEMORY_ROW = "a row of its memory is not one that this icaform writes"
_KEY_ROW = "the key of its secret fingerprints is missing or malformed"
_HEAD_ROW = "the note of its last entry is malformed"
_LEASE_ROW = (
    "the note of who may apply it is malformed; once nobody does, its row may be taken out of the table lease"
)


class Broken(Exception):  # noqa: N818 - it reads as a verdict
    """Rows that no journal of ours has; its text says which, and quotes none."""


def key_of(address: Address) -> str:
    """An address as the memory table has it: ASCII, and unlike ``str`` the same only for the same address."""
    return text_of([address.kind, address.name, address.item])


def entry_of(number: int, text: str) -> Entry:
    """One row of the entry table; Broken if it is no entry."""
    try:
        return from_text(number, text)
    except ValueError as flaw:
        raise Broken(str(flaw)) from None


def begun_of(number: int, text: str) -> Begun:
    """One row of the entry table, where a call was begun; Broken if it is anything else."""
    entry = entry_of(number, text)
    if not isinstance(entry, Begun):
        raise Broken(f"entry {number} began no call, and is said to be pending")
    return entry


def facts_of(text: str) -> dict[str, Any]:
    """The facts of one row of the memory table; Broken if they are none."""
    (facts,) = _facts([text])
    return facts


def memory_of(transaction: Transaction, workspace: str) -> Memory:
    """What the memory and pending tables say; Broken if they cannot be read."""
    rows = transaction.rows(sql.MEMORY, (workspace,))
    pending = transaction.rows(sql.PENDING, (workspace,))
    remembered = zip(_addresses(row[0] for row in rows), _facts(row[1] for row in rows), strict=True)
    return Memory(dict(remembered), {row[0]: begun_of(row[0], row[1]) for row in pending})


def fingerprint_key_of(transaction: Transaction) -> bytes:
    """The key of the secret fingerprints; Broken if there is none."""
    rows = transaction.rows(sql.SETTING, ("fingerprint_key",))
    key: bytes = _or_broken(_KEY_ROW, lambda: bytes.fromhex(rows[0][0]))
    if key.hex() != rows[0][0]:  # fromhex overlooks spaces and capitals
        raise Broken(_KEY_ROW)
    return key


def head_of(transaction: Transaction, workspace: str) -> tuple[int, str]:
    """Number and hash of the entry that was written last; number 0 where none was."""
    rows = transaction.rows(sql.HEAD, (workspace,))
    if not rows:
        return 0, first_link(workspace, fingerprint_key_of(transaction))
    number, last = rows[0]
    if not (is_count(number) and isinstance(last, str)):
        raise Broken(_HEAD_ROW)
    return number, last


def lease_of(transaction: Transaction, workspace: str) -> tuple[str, LeaseHeld | None]:
    """The workspace's lease, and the token that proves it; none where nobody has it."""
    rows = transaction.rows(sql.LEASE, (workspace,))
    if not rows:
        return "", None
    *texts, expires = rows[0]
    if not (all(map(is_text, texts)) and is_moment(expires)):
        raise Broken(_LEASE_ROW)
    token, holder, run_url = texts
    return token, LeaseHeld(holder, run_url, expires)


def flaws(transaction: Transaction, workspace: str) -> Iterator[str]:
    """Everything in the tables of a workspace that is not as it was written, in words."""
    try:
        lease_of(transaction, workspace)
    except Broken as flaw:
        yield str(flaw)
    stored = transaction.rows(sql.ALL, (workspace,))
    try:
        first = first_link(workspace, fingerprint_key_of(transaction))
        broken = list(breaks(first, stored, head_of(transaction, workspace)))
        yield from broken
        if broken:
            return
        memory = replay(entry_of(number, text) for number, text, _ in stored)
    except Broken as flaw:
        yield str(flaw)
        return
    remembered = {key_of(address): text_of(facts) for address, facts in memory.remembered.items()}
    if remembered != dict(transaction.rows(sql.MEMORY, (workspace,))):
        yield "what it says is remembered is not what its entries say"
    if list(memory.pending) != [row[0] for row in transaction.rows(sql.PENDING, (workspace,))]:
        yield "what it says is pending is not what its entries say"


def _addresses(texts: Iterable[str]) -> list[Address]:
    return _or_broken(_MEMORY_ROW, lambda: [address_of(triple) for triple in _parsed(texts)])


def _facts(texts: Iterable[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _or_broken(_MEMORY_ROW, lambda: _parsed(texts))
    if not all(type(facts) is dict for facts in found):
        raise Broken(_MEMORY_ROW)
    wrong = next(filter(None, map(amiss, found)), "")
    if wrong:
        raise Broken(f"{_MEMORY_ROW}: its `{wrong}`")
    return found


def _parsed(texts: Iterable[str]) -> list[Any]:
    # Ten thousand small texts are parsed twice as fast as one.
    found: list[Any] = json.loads(f"[{','.join(texts)}]")
    return found


def _or_broken(words: str, attempt: Callable[[], Result]) -> Result:
    try:
        return attempt()
    except (ValueError, TypeError, IndexError, RecursionError):
        pass  # raised below, so that the error's chain does not quote the row
    raise Broken(words)
