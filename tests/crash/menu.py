"""The faults of the matrix: what happens to which call, as documents for the emulator's control door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from tests.crash.workspace import CALLS

Document = dict[str, Any]
BATCHES = ("first chunk", "last chunk")
KEYED = (*BATCHES, "alone")
CREATES = ("create with a secret", "create without")
MOVES = ("deprecate", "release")
BODIES = ("json", "html", "empty")
MUCH_LATER = "effect much later"
LATE, LATER = 60.5, 600.0
"""Seconds until a delayed call has its effect, or gives its answer: icaform gives up after 60, and has
looked what became of it long before the second. Only a call with a key that ICA honours may come so late: of
any other nobody could tell that it will.
"""

EVERYWHERE: dict[str, Document] = {
    "drop request": {"do": "drop_request"},
    "drop answer": {"do": "drop_answer"},
    "cut answer": {"do": "cut_answer"},
    "truncate, right length": {"do": "truncate", "length": "right"},
    "truncate, wrong length": {"do": "truncate", "length": "wrong"},
    "answer too late": {"delay": LATE, "when": "after"},
    "effect too late": {"delay": LATE, "when": "before"},
    "429": {"do": "status", "status": 429},
    "429, Retry-After": {"do": "status", "status": 429, "retry_after": 7},
    "stale token": {"do": "stale_token"},
}
SOMEWHERE: dict[str, tuple[Document, tuple[str, ...]]] = {
    # Without a key that ICA honours there is no such 409.
    "twin in flight": ({"do": "twin", "delay": 20}, KEYED),
    MUCH_LATER: ({"delay": LATER, "when": "before"}, KEYED),
    "item fails": ({"do": "fail_items", "fits": "cohort/S00[13]"}, BATCHES),
    "batch stops": ({"do": "stop_batch"}, BATCHES),
    "pipeline moved": ({"do": "move_pipeline", "to": "Archived"}, MOVES),
    "credential appears": ({"do": "rival_credential"}, CREATES),
}


@dataclass(frozen=True)
class Mishap:
    """One fault at one call of the first run; without a call nothing goes wrong."""

    name: str = "none"
    call: str = ""
    how: tuple[tuple[str, Any], ...] = ()

    @property
    def document(self) -> list[Document]:
        if not self.call:
            return []
        path, nth = CALLS[self.call]
        return [{"match": {"method": "POST", "path": path, "nth": nth}, **dict(self.how)}]


def menu() -> Iterator[Mishap]:
    """Every fault at every call that it can befall. The bodies of errors take turns over the calls."""
    yield Mishap()
    for name, document in EVERYWHERE.items():
        yield from (Mishap(name, call, tuple(document.items())) for call in CALLS)
    bodies = cycle(BODIES)
    for status in (500, 502, 503, 504):
        for when in ("before", "after"):
            # Ten calls and three bodies: each status has each body, and another one at each call.
            next(bodies)
            for call in CALLS:
                how = {"do": "status", "status": status, "when": when, "body": next(bodies)}
                yield Mishap(f"{status} {when} the effect", call, tuple(how.items()))
    for name, (document, calls) in SOMEWHERE.items():
        yield from (Mishap(name, call, tuple(document.items())) for call in calls)
