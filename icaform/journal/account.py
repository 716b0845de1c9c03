"""What a person is told of a journal: a line for each entry, and who has the lease. Pure.

Neither bodies nor remembered facts are in it: what a person needs is which call, for what, when and by whom.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from icaform.address import Address
from icaform.journal.entry import Adopted, Begun, Ended, Entry, Forgotten
from icaform.journal.store import LeaseHeld

BEGUN, UNKNOWN = "begun", "unknown"
OPEN = frozenset({BEGUN, UNKNOWN})
"""How a call stands that is not known to have ended: nobody has looked yet, or looking did not tell."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. ``state`` is how a call stands by now, or how an end says that it did; else empty.

    ``call`` is the method and path of a call, ``of`` the number of the call that an end speaks of, and
    ``note`` what was said last of how it stands.
    """

    number: int
    entry: str
    time: float
    addresses: tuple[Address, ...]
    state: str = ""
    verb: str = ""
    call: str = ""
    key: str = ""
    user: str = ""
    tenant: str = ""
    of: int = 0
    note: str = ""

    @property
    def pending(self) -> bool:
        """Whether it began a call that is not known to have ended."""
        return self.entry == BEGUN and self.state in OPEN


@dataclass(frozen=True, slots=True)
class Account:
    """The lines that were asked for, and what is to be said with them.

    ``pending`` counts all calls that are not known to have ended, ``total`` all entries. ``free`` is whether
    the lease is in nobody's way. ``checked`` is how many entries an audit has gone through, and None where
    there was none.
    """

    workspace: str
    journal: str
    now: float
    lines: tuple[Line, ...]
    pending: int
    total: int
    lease: LeaseHeld | None = None
    free: bool = False
    checked: int | None = None


def lines_of(entries: Iterable[Entry]) -> list[Line]:
    """A line for each entry, oldest first. A journal that is not whole is told as far as it can be."""
    lines: dict[int, Line] = {}
    for number, entry in enumerate(entries, 1):
        match entry:
            case Begun():
                line = Line(number, BEGUN, entry.time, entry.addresses, BEGUN, entry.verb, _call(entry.call))
                lines[number] = replace(line, key=entry.key, user=entry.user, tenant=entry.tenant)
            case Ended():
                begun = lines.get(entry.number, Line(0, "", 0.0, tuple(entry.remember)))
                line = Line(number, "ended", entry.time, begun.addresses, entry.outcome, begun.verb)
                lines[number] = replace(line, of=entry.number, note=entry.note)
                if begun.pending:
                    lines[entry.number] = replace(begun, state=entry.outcome, note=entry.note)
            case Adopted():
                lines[number] = Line(number, "adopted", entry.time, tuple(entry.remember))
            case Forgotten():
                lines[number] = Line(number, "forgotten", entry.time, entry.addresses)
            case _:
                assert_never(entry)
    return list(lines.values())


def _call(text: str) -> str:
    """Method and path of a call as the journal keeps it; nothing where that cannot be read."""
    try:
        told = json.loads(text)
        return f"{told['method']} {told['path']}"
    except (ValueError, KeyError, TypeError):
        return ""
