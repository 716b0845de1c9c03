"""What is written in the journal, and what follows from it. Pure: no store, no clock.

Entries are counted from 1 in each workspace. The number of a Begun is the number of its entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, assert_never

from icaform.address import Address
from icaform.journal.sort import is_count, is_moment, is_text
from icaform.operation import Json
from icaform.state import Begun as Begun

Facts: TypeAlias = Mapping[Address, Mapping[str, Json]]
"""Facts by name for each of some addresses. A fact that is None takes the earlier one away."""

NO_FACTS: Facts = MappingProxyType({})

DECIDED = frozenset({"done", "refused", "not-sent", "settled"})
UNDECIDED = "unknown"
OUTCOMES = DECIDED | {UNDECIDED}
"""How a call may end. After ``unknown`` it stays pending: someone must still look, and then decide."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the call of the Begun of that number ended; ``time`` in seconds since 1970."""

    number: int
    outcome: str
    remember: Facts = field(default_factory=dict)
    note: str = ""
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Adopted:
    """Facts that were learned without a call of ours."""

    remember: Facts
    time: float


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Addresses of which nothing is remembered from now on."""

    addresses: tuple[Address, ...]
    time: float


Entry: TypeAlias = Begun | Ended | Adopted | Forgotten


@dataclass(frozen=True, slots=True, repr=False)
class Memory:
    """What is known after some entries: facts by address, and calls not known to have ended by number.

    An address may be remembered with no facts; only a Forgotten takes it away.
    """

    remembered: dict[Address, dict[str, Json]] = field(default_factory=dict)
    pending: dict[int, Begun] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Memory({len(self.remembered)} remembered, pending {sorted(self.pending)})"


def merge(earlier: Mapping[str, Json], later: Mapping[str, Json]) -> dict[str, Json]:
    """Facts of one address after ``later`` became known; those of another id are of another thing."""
    if None not in (earlier.get("id"), later.get("id")) and earlier["id"] != later["id"]:
        earlier = {}
    return {name: fact for name, fact in {**earlier, **later}.items() if fact is not None}


def replay(entries: Iterable[Entry]) -> Memory:
    """What is known after these entries, in their order."""
    memory = Memory()
    for entry in entries:
        match entry:
            case Begun():
                memory.pending[entry.number] = entry
            case Ended() | Adopted():
                if isinstance(entry, Ended) and entry.outcome in DECIDED:
                    memory.pending.pop(entry.number, None)
                for address, facts in entry.remember.items():
                    memory.remembered[address] = merge(memory.remembered.get(address, {}), facts)
            case Forgotten():
                for address in entry.addresses:
                    memory.remembered.pop(address, None)
            case _:
                assert_never(entry)
    return memory


def text_of(value: Json) -> str:
    """Canonical JSON in ASCII, so that any database keeps it; ValueError or TypeError if there is none."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def to_text(entry: Entry) -> str:
    """The canonical JSON of an entry; a Begun's number is not in it, for it is the entry's own."""
    match entry:
        case Begun():
            told = {name: getattr(entry, name) for name in _BEGUN}
            return text_of(
                {**told, "entry": "begun", "addresses": [_triple(each) for each in entry.addresses]}
            )
        case Ended():
            told = {name: getattr(entry, name) for name in ("number", "outcome", "note", "time")}
            return text_of({**told, "entry": "ended", "remember": _pairs(entry.remember)})
        case Adopted():
            return text_of({"entry": "adopted", "remember": _pairs(entry.remember), "time": entry.time})
        case Forgotten():
            gone = [_triple(each) for each in entry.addresses]
            return text_of({"entry": "forgotten", "addresses": gone, "time": entry.time})
    assert_never(entry)


def from_text(number: int, text: str) -> Entry:
    """Read what ``to_text`` wrote; ValueError on anything else, which does not repeat the text."""
    try:
        entry = _read(number, json.loads(text))
        if _is_ours(entry):
            return entry
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass  # the error's own words, and its chain, would quote the text
    raise ValueError(f"entry {number} is not one that this icaform writes")


def address_of(triple: Any) -> Address:
    """Read what an address is kept as; TypeError if it is none."""
    if type(triple) is not list or len(triple) != 3 or not all(map(is_text, triple)):
        raise TypeError("no address")
    return Address(*triple)


def first_link(workspace: str, fingerprint_key: bytes) -> str:
    """The hash that the first entry of a workspace stands on. It pins the key that the fingerprints need."""
    return _sha256(text_of(["icaform journal", workspace, hashlib.sha256(fingerprint_key).hexdigest()]))


def link(previous: str, number: int, text: str) -> str:
    """The hash of an entry: SHA-256 over the previous hash, its number and its text, in hexadecimal."""
    return _sha256(text_of([previous, number, text]))


def breaks(first: str, stored: Iterable[tuple[int, str, str]], head: tuple[int, str]) -> Iterator[str]:
    """Where a chain of (number, text, hash), ordered by number, is not whole; in words that quote no entry.

    ``head`` is the number and the hash of the entry that was written last.
    """
    last, previous = 0, first
    for number, text, found in stored:
        if not isinstance(number, int) or not isinstance(text, str) or not isinstance(found, str):
            yield f"the entry after {last} is not what was written"
            return
        if number != last + 1:
            yield f"entry {last + 1} is missing" if number > last else f"entry {number} is out of place"
        elif found != link(previous, number, text):
            yield f"entry {number} is not what was written, or does not follow entry {last}"
        last, previous = number, found
    if head != (last, previous):
        yield f"it ends with entry {last}, and entry {head[0]} was written last"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _read(number: int, told: dict[str, Any]) -> Entry:
    match told.pop("entry"):
        case "begun":
            return Begun(number=number, addresses=_addresses(told.pop("addresses")), **told)
        case "ended":
            return Ended(remember=_facts(told.pop("remember")), **told)
        case "adopted":
            return Adopted(remember=_facts(told.pop("remember")), **told)
        case "forgotten":
            return Forgotten(_addresses(told.pop("addresses")), **told)
    raise ValueError


def _is_ours(entry: Entry) -> bool:
    """Whether its values are of the sorts that ours are."""
    match entry:
        case Begun():
            texts = all(is_text(getattr(entry, name)) for name in _TEXTS)
            sound = texts and bool(entry.addresses) and (entry.body is None or is_text(entry.body))
        case Ended():
            sound = is_count(entry.number) and is_text(entry.outcome) and is_text(entry.note)
        case Adopted() | Forgotten():
            sound = True
        case _:
            assert_never(entry)
    return sound and is_moment(entry.time)


_BEGUN = ("verb", "call", "key", "body_digest", "body", "user", "tenant", "time")


_TEXTS = tuple(name for name in _BEGUN if name not in ("body", "time"))


def _triple(address: Address) -> list[str]:
    return [address.kind, address.name, address.item]


def _pairs(remember: Facts) -> list[Json]:
    return [
        [_triple(address), facts] for address, facts in sorted(remember.items(), key=lambda pair: pair[0])
    ]


def _facts(pairs: Iterable[tuple[list[str], dict[str, Json]]]) -> Facts:
    return {address_of(triple): dict(facts) for triple, facts in pairs}


def _addresses(triples: Iterable[list[str]]) -> tuple[Address, ...]:
    return tuple(address_of(each) for each in triples)


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
