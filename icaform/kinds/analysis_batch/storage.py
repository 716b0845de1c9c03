"""Which analysis storage is meant: by its name, or by its size as ICA tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from icaform.diagnostic import Code, Diagnostic, Rejected, did_you_mean
from icaform.operation import Json
from icaform.reference import brief, promised, several

STORAGES = "/api/analysisStorages"
"""The list of all that ICA offers, with its sizes in ``description``."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]i?B)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Storage:
    """One that ICA offers: its id, its name, and the sizes in its description, such as ``1.2tb``."""

    id: str
    name: str
    sizes: frozenset[str]
    shown: str


def offered(rows: Iterable[Json]) -> tuple[Storage, ...]:
    """The storages of ICA's list (GET /api/analysisStorages)."""
    found = []
    for row in rows:
        name, described = promised(row["name"]), brief(row.get("description") or "")
        shown = f"{brief(name)} ({described})" if described else brief(name)
        found.append(Storage(promised(row["id"]), name, _sizes(described), shown))
    return tuple(found)


def chosen(text: str, storages: Iterable[Storage]) -> str:
    """The id of the storage of this name, in any case, or of this size; Rejected with what ICA offers."""
    known = tuple(storages)
    for fits in (
        [each for each in known if each.name == text],
        [each for each in known if each.name.casefold() == text.casefold()],
        [each for each in known if _sizes(text, whole=True) & each.sizes],
    ):
        if len(fits) == 1:
            return fits[0].id
        if fits:
            raise _rejected(
                Code.AMBIGUOUS, f"several analysis storages are {text!r}: ", fits, "write its name"
            )
    remedy = did_you_mean(text, [each.name for each in known]) or "use one of these names, or its size"
    raise _rejected(Code.NOT_FOUND, f"there is no analysis storage {text!r}; ICA offers ", known, remedy)


def _rejected(code: Code, what: str, storages: Iterable[Storage], remedy: str) -> Rejected:
    shown = sorted(each.shown for each in storages)
    return Rejected([Diagnostic(code, what + (several(shown, len(shown)) or "none"), remedy)])


def _sizes(text: str, *, whole: bool = False) -> frozenset[str]:
    """The sizes in a text, each in one spelling: ``1.2 TB``, ``1.20TB`` and ``1.2tb`` are the same."""
    if whole and not _SIZE.fullmatch(text.strip()):
        return frozenset()
    return frozenset(f"{float(number):g}{unit.lower()}" for number, unit in _SIZE.findall(text))
