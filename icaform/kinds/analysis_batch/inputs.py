"""The data that items name, wherever ICA wants a data id: what is meant by it, and what is wrong with it.

What a manifest says stays in an item's digest, so that a URI that means another file one day makes no item
another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from icaform.address import Address, Origin
from icaform.data import Datum, Uri, meant, resolve, unusable
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic
from icaform.kinds.analysis_batch.item import DATA
from icaform.operation import Json, Steps
from icaform.state import Desired

WRITTEN = frozenset({"outputParentFolderId", "logsFolderId"})
"""Those of the fields that name data to which an analysis writes; the others it reads."""

Path = tuple[str | int, ...]


def data_named(said: Json, path: Path = (), field: str = "") -> list[tuple[Path, str]]:
    """Every text in an item that names data, and where it stands. ``field`` is that of a list."""
    found: list[tuple[Path, str]] = []
    for step, value in said.items() if isinstance(said, dict) else enumerate(said):
        name = step if isinstance(step, str) else field
        if isinstance(value, str):
            if name in DATA:
                found.append(((*path, step), value))
        elif isinstance(value, dict | list | tuple):
            found += data_named(value, (*path, step), name)
    return found


def located(missing: Sequence[Desired]) -> Steps[tuple[Mapping[str, str], list[Diagnostic]]]:
    """The id for each text that names data in items that are to be sent, and what is wrong with others."""
    ids: dict[str, str] = {}
    uris: dict[str, Uri] = {}
    for wish in missing:
        for _, text in data_named(wish.spec.said):
            if text not in uris and text not in ids:
                found = meant(text)
                if isinstance(found, Uri):
                    uris[text] = found
                else:
                    ids[text] = found
    if not uris:
        return ids, []
    told = yield from resolve(uris.values())
    ids |= {uri.text: datum.id for uri, datum in told.items() if isinstance(datum, Datum)}
    return ids, _faults(missing, {uri.text: (uri, datum) for uri, datum in told.items()})


def _faults(
    missing: Sequence[Desired], told: Mapping[str, tuple[Uri, Datum | Diagnostic]]
) -> list[Diagnostic]:
    """What is wrong, once for each line that says it. What is said of many items is told of their batch."""
    found: dict[tuple[Origin, str], Diagnostic] = {}
    for wish in missing:
        for path, text in data_named(wish.spec.said):
            uri, datum = told.get(text, (None, None))
            if isinstance(datum, Datum) and uri is not None:
                datum = unusable(datum, uri, written=path[-1] in WRITTEN)
            if not isinstance(datum, Diagnostic):
                continue
            origin = wish.place(path)
            before = found.get((origin, datum.summary))
            concerned = wish.address if before is None else wish.address.parent
            found[origin, datum.summary] = replace(datum, origin=origin, address=concerned)
    if len(found) <= MOST_TOLD:
        return list(found.values())
    batches: dict[Address, Diagnostic] = {
        each.address.parent: Diagnostic(
            Code.TOO_LARGE,
            f"more than {MOST_TOLD:,} wrong names of data; the rest is not shown",
            "correct these first",
            origin=each.origin,
            address=each.address.parent,
        )
        for each in list(found.values())[MOST_TOLD:]
        if each.address
    }
    return [*list(found.values())[:MOST_TOLD], *batches.values()]
