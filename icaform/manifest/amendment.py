"""Changes some fields in a document's text and nothing else of it: comments, order, quotes, spaces stay.

Only the places of what is changed are taken from the parser; the text around them is not written anew. What
comes of it is read back by ``read``, and is taken only if it says what it shall say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icaform.manifest.document import Json
from icaform.manifest.events import (
    ALIAS,
    DOCUMENT,
    DOCUMENT_END,
    MAPPING,
    MAPPING_END,
    SCALAR,
    SEQUENCE,
    SEQUENCE_END,
    Event,
    events,
)
from icaform.manifest.reading import read
from icaform.manifest.writing import scalar

_REST = re.compile(r"[ \t]*(#[^\r\n]*)?(\r?\n|\Z)")
"""What may stand behind the last value of a line."""
_GAP = re.compile(r" +(?=#)")
_SORT = "its YAML is of a sort that cannot be changed here"


class NotKept(Exception):  # noqa: N818 - a verdict on a text
    """The text cannot be changed like that without saying something else too; the text says why."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key and its value: where they begin, and where the last of it ends."""

    name: str
    key: int
    column: int
    value: int
    end: int
    simple: bool
    """Whether the value is a scalar or an alias."""


def amended(
    text: str,
    field: str,
    changes: Mapping[str, Json],
    gone: Sequence[str],
    order: Sequence[str],
    variables: Mapping[str, str],
) -> str:
    """A document's text with some entries of its mapping ``field`` set, and some taken away.

    ``text`` is the part of a file that holds the document, its ``---`` included; a new entry gets its place
    by ``order``. NotKept where an entry's value comes from a variable, or where the rest would not stay as it
    is.
    """
    before = _value(text, variables)
    if not isinstance(before.get(field), dict):
        raise NotKept(_SORT)
    wanted = {**before, field: {**before[field], **changes}}
    for name in gone:
        wanted[field].pop(name, None)
    flow, entries = _mapping(text, field)
    by_name = {each.name: each for each in entries}
    cuts: list[tuple[int, int, str]] = []
    for name in (*changes, *gone):
        if name in by_name and "${" in text[by_name[name].value : by_name[name].end]:
            raise NotKept(f"`{name}` has its value from a variable")
    for name, value in changes.items():
        if name in by_name:
            cuts.append(_set(text, by_name[name], value))
        else:
            cuts.append((_added_in_flow if flow else _added)(text, entries, order, name, value))
    for name in gone:
        if name in by_name:
            cuts.append((_removed_in_flow if flow else _removed)(text, entries, by_name[name]))
    made = text
    for start, end, new in sorted(cuts, reverse=True):
        made = made[:start] + new + made[end:]
    if _value(made, variables) != wanted:
        raise NotKept(_SORT)
    return made


def _value(text: str, variables: Mapping[str, str]) -> dict[str, Any]:
    documents, wrong = read(text.encode(), "", variables)
    value = documents[0].value if len(documents) == 1 else None
    if wrong or not isinstance(value, dict):
        raise NotKept(_SORT)
    return value


def _set(text: str, entry: _Entry, value: Json) -> tuple[int, int, str]:
    if not entry.simple:
        raise NotKept(_SORT)
    old = text[entry.value : entry.end]
    new = scalar(value)
    if isinstance(value, str) and old[:1] in ("'", '"') and new == value:
        # It fits between quotes of either sort as it is, so it gets those that were there.
        new = f"{old[0]}{new}{old[0]}"
    new = new if old else f" {new}"
    # A comment beside it stays in its column, for that is often one with its neighbours'.
    gap = _GAP.match(text, entry.end)
    width = len(gap[0]) + len(old) - len(new) if gap else 0
    return entry.value, entry.end + (len(gap[0]) if gap else 0), new + " " * (max(width, 1) if gap else 0)


def _added(
    text: str, entries: Sequence[_Entry], order: Sequence[str], name: str, value: Json
) -> tuple[int, int, str]:
    """A line of its own, below that of the entry before it."""
    above = _before(entries, order, name)
    rest = _REST.match(text, above.end)
    if rest is None:
        raise NotKept(_SORT)
    line = f"{' ' * above.column}{name}: {scalar(value)}"
    end = "\r\n" if "\r\n" in text else "\n"
    return rest.end(), rest.end(), f"{line}{end}" if rest[2] else f"{end}{line}{end}"


def _added_in_flow(
    text: str, entries: Sequence[_Entry], order: Sequence[str], name: str, value: Json
) -> tuple[int, int, str]:
    end = _before(entries, order, name).end
    return end, end, f", {name}: {scalar(value)}"


def _before(entries: Sequence[_Entry], order: Sequence[str], name: str) -> _Entry:
    """The entry that a new one comes after: of those that belong before it the last."""
    before = [each for each in entries if each.name in order and order.index(each.name) < order.index(name)]
    if not entries:
        raise NotKept(_SORT)
    return (before or entries)[-1]


def _removed(text: str, entries: Sequence[_Entry], entry: _Entry) -> tuple[int, int, str]:
    """The lines of an entry, with the comment that stands beside it."""
    start = entry.key - entry.column
    rest = _REST.match(text, entry.end)
    if rest is None or text[start : entry.key].strip():
        raise NotKept(_SORT)
    return start, rest.end(), ""


def _removed_in_flow(text: str, entries: Sequence[_Entry], entry: _Entry) -> tuple[int, int, str]:
    place = entries.index(entry)
    start, end = entry.key, entries[1].key if len(entries) > 1 else entry.end
    if place:
        start, end = entries[place - 1].end, entry.end
    if "#" in text[start:end]:
        raise NotKept(_SORT)  # whose comment that is cannot be told
    return start, end, ""


def _mapping(text: str, field: str) -> tuple[bool, list[_Entry]]:
    """Whether the mapping ``field`` of the document stands in brackets, and its entries."""
    get = events(text.encode())
    while not isinstance(event := get(), DOCUMENT):
        pass
    if not isinstance(get(), MAPPING):
        raise NotKept(_SORT)
    while not isinstance(event := get(), MAPPING_END | DOCUMENT_END):
        found = get()
        if event.value == field and isinstance(found, MAPPING):
            return found.flow_style, _entries(text, get)
        _end(text, found, get)
    raise NotKept(_SORT)


def _entries(text: str, get: Callable[[], Event]) -> list[_Entry]:
    found = []
    while not isinstance(key := get(), MAPPING_END):
        if not isinstance(key, SCALAR):
            raise NotKept(_SORT)
        value = get()
        simple = isinstance(value, SCALAR | ALIAS)
        begin = value.start_mark.index
        end = _end(text, value, get)
        found.append(_Entry(key.value, key.start_mark.index, key.start_mark.column, begin, end, simple))
    return found


def _end(text: str, event: Event, get: Callable[[], Event]) -> int:
    """Where the last of a value stands: a block's own end is where the next thing begins."""
    end, depth = 0, 0
    while True:
        if isinstance(event, MAPPING | SEQUENCE):
            depth += 1
        elif isinstance(event, MAPPING_END | SEQUENCE_END):
            depth -= 1
        if event.end_mark.index > event.start_mark.index or end == 0:
            # A text block ends behind the empty lines that follow it.
            end = event.start_mark.index + len(text[event.start_mark.index : event.end_mark.index].rstrip())
        if not depth:
            return end
        event = get()
