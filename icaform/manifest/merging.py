"""What is rare in a mapping: ``<<`` merges, and entries that are left out because of their key.

The composer puts such an entry into its dict under a ``Merge`` or ``Left`` key and rebuilds the dict and its
marks when the mapping ends, so that the common mapping pays nothing for them. Merging is that of
https://yaml.org/type/merge.html: a key written out wins, and of several merged mappings the earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from icaform.manifest.document import Json, Marks, no_marks, size


class Left:
    """The key of an entry that was complained about and is left out; equal to itself only."""

    __slots__ = ()


class Merge(Left):
    """The key ``<<``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """How deep a value is (0 for a scalar), how many mappings and lists it has, and how much text."""

    height: int
    holders: int
    text: int


def extent(value: Json) -> Extent:
    """The extent of a value."""
    if isinstance(value, dict):
        inner = [extent(each) for each in value.values()]
    elif isinstance(value, list):
        inner = [extent(each) for each in value]
    else:
        return Extent(0, 0, len(value) if isinstance(value, str) else 0)
    return Extent(
        1 + max((each.height for each in inner), default=0),
        1 + sum(each.holders for each in inner),
        sum(each.text for each in inner),
    )


def copy_of(value: Json) -> Json:
    """The value anew, so that two places of a document never share a container."""
    if isinstance(value, dict):
        return {key: copy_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy_of(inner) for inner in value]
    return value


def mergeable(value: Json) -> bool:
    """Whether ``<<`` may have this value: a mapping, or a list of mappings."""
    if isinstance(value, list):
        return all(isinstance(each, dict) for each in value)
    return isinstance(value, dict)


def rebuild(mapping: dict[Any, Json], marks: Marks, start: int) -> None:
    """Merge what is to be merged into a finished mapping whose own mark is ``marks[start]``; leave out the
    rest.

    Changes the dict and the marks behind ``start`` in place. A ``<<`` with another value than mappings is
    left out.
    """
    written = {key for key in mapping if key.__class__ is str}
    kept: dict[str, Json] = {}
    places = no_marks()

    def take(key: str, value: Json, at: int) -> int:
        behind = at + 1 + size(value)
        kept[key] = value
        places.extend(marks[at:behind])
        return behind

    def merge(source: Json, at: int) -> None:
        if not isinstance(source, dict):
            return
        at += 1
        for key, value in source.items():
            if key in written or key in kept:
                at += 1 + size(value)
            else:
                at = take(key, value, at)

    at = start + 1
    for key, value in mapping.items():
        if key.__class__ is str:
            at = take(key, value, at)
            continue
        if key.__class__ is Merge and mergeable(value):
            inner = at + 2
            for each in value if isinstance(value, list) else ():
                merge(each, inner)
                inner += size(each)
            merge(value, at + 1)
        at += 1 + size(value)
    mapping.clear()
    mapping.update(kept)
    marks[start + 1 :] = places
