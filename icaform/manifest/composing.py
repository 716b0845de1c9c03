"""libyaml's events into values and their places: one loop for what is common, calls for what is rare.

The loop keeps no node objects. A container is attached to its parent when it begins, so its end only pops a
frame; a place is one integer; strings that mean themselves are taken as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any

from icaform.manifest.document import Document, Json, Marks, no_marks
from icaform.manifest.events import (
    ALIAS,
    DOCUMENT,
    DOCUMENT_END,
    MAPPING,
    MAPPING_END,
    SCALAR,
    SEQUENCE,
    SEQUENCE_END,
    STREAM_END,
    Event,
)
from icaform.manifest.ledger import BEGIN, DEPTH, ENTRIES, HOLDER, Ledger
from icaform.manifest.rarities import Rarities
from icaform.manifest.scalars import NUMERIC, WORDS, Ambiguous

# How many events pass between two looks at the count of nodes.
_CHUNK = 65536
# How many readings of numbers are kept before they are forgotten.
_REMEMBERED = 50_000
_UNKNOWN: Any = object()


class Segment:
    """The documents of a stream, or of what is left of it behind a syntax error.

    ``start`` is the first line of the document that is being read, counted from 0 within the segment; after
    an exception it tells which document was at fault.
    """

    def __init__(
        self, file: str, ledger: Ledger, base: int, variables: Mapping[str, str], templated: bool
    ) -> None:
        self.documents: list[Document] = []
        self.start = 0
        self._file = file
        self._ledger = ledger
        self._base = base
        self._variables = variables
        self._templated = templated
        self._rare = Rarities(ledger, base)

    def compose(self, get: Callable[[], Event]) -> None:
        """Read to the end of the stream.

        Whatever ``get`` raises passes through, as do ``Abandoned`` (this document is refused) and ``Stopped``
        (the file is); the documents finished so far are kept.
        """
        rare, words, templated = self._rare, WORDS, self._templated
        stack, odd, keys = rare.stack, rare.odd, rare.keys
        numbers: dict[str, Any] = {}
        marks = rare.marks
        put = marks.append
        root: list[Json] = []
        mapping: dict[Any, Any] | None = None
        sequence: list[Any] = root
        key: Any = None
        wanting = False
        text = ""
        # what the document counts beside its marks
        held = 0
        while True:
            for _ in repeat(None, _CHUNK):
                event = get()
                kind = event.__class__
                if kind is SCALAR:
                    mark = event.start_mark
                    put(mark.line << 32 | mark.column)
                    text = event.value
                    if wanting:
                        wanting = False
                        if event.implicit[0] and event.anchor is None:
                            key = keys.get(text)
                            if key is None:
                                key = rare.plain_key(text)
                        else:
                            key = rare.other_key(event)
                        if key in mapping:  # type: ignore[operator]
                            key = rare.twice(mapping, key)  # type: ignore[arg-type]
                        continue
                    plain, quoted = event.implicit
                    value: Any = text
                    if plain:
                        # digits, signs and points all sort before the colon, letters behind it
                        if text < ":" and text[:1] in NUMERIC:
                            value = numbers.get(text, _UNKNOWN)
                            if value is _UNKNOWN:
                                value = rare.number(text, key)
                                if value is not text:
                                    numbers[text] = value
                        else:
                            value = words.get(text, text)
                            if value.__class__ is Ambiguous:
                                value = rare.ambiguous(text, key, value)
                    elif not quoted:
                        value = rare.tagged(event, key)
                    if templated and value.__class__ is str and "${" in value:
                        value = rare.substituted(value, self._variables, key)
                    if event.anchor is not None:
                        rare.anchored(event.anchor, value, len(marks) - 1, key)
                    if mapping is None:
                        sequence.append(value)
                    else:
                        mapping[key] = value
                        wanting = True
                elif kind is MAPPING or kind is SEQUENCE:
                    if wanting:
                        key = rare.container_key(event, get)
                        wanting = False
                        continue
                    if len(stack) >= DEPTH:
                        rare.too_deep(event)
                    if not event.implicit:
                        rare.tagged_container(event, "map" if kind is MAPPING else "seq")
                    if event.anchor is not None:
                        rare.opened(event.anchor)
                    stack.append((mapping, sequence, key, event.anchor, len(marks)))
                    mark = event.start_mark
                    put(mark.line << 32 | mark.column)
                    held += HOLDER
                    if kind is MAPPING:
                        entries: dict[Any, Any] = {}
                        if mapping is None:
                            sequence.append(entries)
                        else:
                            mapping[key] = entries
                        mapping, wanting = entries, True
                    else:
                        items: list[Any] = []
                        if mapping is None:
                            sequence.append(items)
                        else:
                            mapping[key] = items
                        mapping, sequence, wanting = None, items, False
                elif kind is MAPPING_END or kind is SEQUENCE_END:
                    ended: Any = sequence if mapping is None else mapping
                    if len(ended) > ENTRIES:
                        rare.too_long(stack[-1][4])
                    mapping, sequence, key, anchor, start = stack.pop()
                    if odd and odd[-1] == start:
                        rare.settle(ended, start)
                    wanting = mapping is not None
                    if anchor is not None:
                        rare.anchored(anchor, ended, start, key)
                elif kind is ALIAS:
                    value = rare.aliased(event, key, wanting, held + HOLDER * rare.holders)
                    if wanting:
                        key = rare.alias_key(value)
                        if key in mapping:  # type: ignore[operator]
                            key = rare.twice(mapping, key)  # type: ignore[arg-type]
                        wanting = False
                    elif mapping is None:
                        sequence.append(value)
                    else:
                        mapping[key] = value
                        wanting = True
                elif kind is DOCUMENT:
                    self.start = event.start_mark.line
                    marks = rare.begin()
                    put = marks.append
                    root = []
                    mapping, sequence, key, wanting = None, root, None, False
                    held = BEGIN
                elif kind is DOCUMENT_END:
                    held += HOLDER * rare.holders
                    rare.holders = 0
                    if len(marks) > 1 or root[0] is not None or text:
                        self._finish(root[0], marks, held)
                    else:
                        self._ledger.nodes += held
                    # counted by now, should the chunk end before the next document begins
                    marks, held = no_marks(), 0
                elif kind is STREAM_END:
                    return
            rare.count(len(marks) + held + HOLDER * rare.holders, self.start)
            if len(numbers) > _REMEMBERED:
                numbers.clear()

    def _finish(self, value: Json, marks: Marks, held: int) -> None:
        reported = frozenset(self._rare.reported)
        if self._base:
            shift = self._base << 32
            reported = frozenset(each + shift for each in reported)
            for index, mark in enumerate(marks):
                marks[index] = mark + shift
        self._ledger.nodes += len(marks) + held
        self._ledger.expanded += self._rare.expanded
        self._rare.count(0, self.start)
        self.documents.append(Document(self._file, value, marks, reported))
