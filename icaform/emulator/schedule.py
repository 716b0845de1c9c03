"""Faults by chance that can be had again: a seed decides which requests go wrong, and how.

    {"seed": 7, "rate": 0.2, "of": [fault without match and times], "match"?: {"method"?, "path"?: glob},
     "first"?: N}

Whether the n-th request of a method and path goes wrong follows from the seed, the method, the path and n
alone, so it does not matter in which order the threads of a client get through. `first` leaves all but the
first N requests of each path in peace, so that whoever tries again gets through in the end.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from . import faults
from .faults import Fault
from .record import Json
from .typed import typed

FIELDS = {"seed", "rate", "of", "match", "first"}


@dataclass
class Schedule:
    seed: int
    rate: float
    of: tuple[Fault, ...]
    method: str = "*"
    path: str = "*"
    first: int | None = None
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        typed(self)
        if not 0 <= self.rate <= 1:
            raise ValueError("rate must be between 0 and 1")
        if not self.of:
            raise ValueError("of names no fault")

    def due(self, method: str, path: str) -> Fault | None:
        """The fault that acts on this request, if one does; it counts what it fits."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return None
        where = f"{method} {path}"
        self.seen[where] += 1
        number = self.seen[where]
        if self.first is not None and number > self.first:
            return None
        chance = hashlib.sha256(f"{self.seed} {where} {number}".encode()).digest()
        if int.from_bytes(chance[:8], "big") >= self.rate * 2**64:
            return None
        return self.of[int.from_bytes(chance[8:16], "big") % len(self.of)]

    def show(self) -> Json:
        return {
            "seed": self.seed,
            "rate": self.rate,
            "of": [{k: v for k, v in fault.show().items() if k not in _NOT_HERE} for fault in self.of],
            "match": {"method": self.method, "path": self.path},
            "first": self.first,
            "seen": self.seen.total(),
        }


_NOT_HERE = ("match", "times", "seen")
Mishap = Fault | Schedule


def read(document: Json) -> Mishap:
    """A fault, or a schedule of them where the document has a seed."""
    if not isinstance(document, dict):
        raise ValueError("a fault is an object")
    if "seed" not in document:
        return faults.read(document)
    match, of = document.get("match", {}), document.get("of", [])
    if not isinstance(match, dict) or not isinstance(of, list) or not all(isinstance(x, dict) for x in of):
        raise ValueError("match of a schedule is an object, of is a list of faults")
    unknown = set(document) - FIELDS - {"seen"}
    if unknown or set(match) - {"method", "path"}:
        raise ValueError("a schedule knows seed, rate, of, match (method, path) and first")
    if any(set(fault) & {"match", "times"} for fault in of):
        raise ValueError("faults of a schedule have no match and no times of their own")
    rate, first = document.get("rate", 0), document.get("first")
    return Schedule(document["seed"], rate, tuple(faults.read(fault) for fault in of), **match, first=first)


def acting(mishaps: list[Mishap], method: str, path: str) -> Fault | None:
    """Every one counts what it fits; the first that is due acts."""
    due = [fault for mishap in mishaps if (fault := mishap.due(method, path))]
    return due[0] if due else None
