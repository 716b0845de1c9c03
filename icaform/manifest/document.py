"""One YAML document as plain values, and the place in the text of each of them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from icaform.address import Origin

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Marks: TypeAlias = "array[int]"

Key: TypeAlias = str | int

# Containers with fewer marks are walked anew each time; the index of a larger one is kept, so that asking for
# the place of every item of a long list is not quadratic.
_INDEXED_FROM = 64


def pack(line: int, column: int) -> int:
    """A place as one number, both counted from 0 as libyaml does."""
    return line << 32 | column


def no_marks() -> Marks:
    """An empty list of places, eight bytes each."""
    return array("Q")


def size(value: Json) -> int:
    """How many marks a value takes: one, and inside it one per item and two (key and value) per entry.

    Recursive, which the composer's limit on depth bounds.
    """
    if value.__class__ is dict:
        return 1 + len(value) + sum(map(size, value.values()))
    if value.__class__ is list:
        return 1 + sum(map(size, value))
    return 1


def positions(value: Json, at: int) -> tuple[dict[Key, int], int]:
    """Where, among the marks, the value of each child of a container stands, and where the container ends.

    ``at`` is the container's own mark.
    """
    found: dict[Key, int] = {}
    at += 1
    if isinstance(value, dict):
        for key, inner in value.items():
            found[key] = at + 1
            at += 1 + size(inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found[index] = at
            at += size(inner)
    return found, at


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a manifest file.

    ``marks`` holds the places in preorder: of a mapping's entry its key's and then its value's, of everything
    else its own. An aliased value has the places where it was anchored. ``reported`` are the places of values
    that ``read`` already complained about, so that ``check`` does not complain twice; it is empty for sound
    documents.
    """

    file: str
    value: Json
    marks: Marks = field(repr=False)
    reported: frozenset[int] = frozenset()
    _index: dict[int, dict[Key, int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def place(self, path: Sequence[Key] = (), *, key: bool = False) -> int:
        """The packed place of the value at the path, or of its key; of the nearest ancestor that exists."""
        at, value = 0, self.value
        last = len(path) - 1
        for depth, part in enumerate(path):
            if isinstance(value, dict):
                if part not in value:
                    break
                inner: Json = value[part]
            elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
                inner = value[part]
            else:
                break
            known = self._index.get(at)
            if known is None:
                known, end = positions(value, at)
                if end - at >= _INDEXED_FROM:
                    self._index[at] = known
            at = known[part]
            if key and depth == last and isinstance(value, dict):
                at -= 1
            value = inner
        return self.marks[at]

    def origin(self, path: Sequence[Key] = (), *, key: bool = False) -> Origin:
        """Where the value at the path was written, or with ``key`` its key; counted from 1.

        A path that does not exist has the place of its nearest ancestor that does.
        """
        place = self.place(path, key=key)
        return Origin(self.file, (place >> 32) + 1, (place & 0xFFFFFFFF) + 1)

    def to_tuple(self) -> tuple[str, Json, bytes]:
        """What a cache keeps of a document without diagnostics; ``marshal`` and ``pickle`` take it."""
        return self.file, self.value, self.marks.tobytes()

    @classmethod
    def from_tuple(cls, kept: tuple[str, Json, bytes]) -> Document:
        """The document that ``to_tuple`` gave, on the same machine."""
        marks = no_marks()
        marks.frombytes(kept[2])
        return cls(kept[0], kept[1], marks)
