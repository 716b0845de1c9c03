"""What the composing loop meets seldom: odd keys, anchors and aliases, tags, scalars that are refused.

Every complaint is made here, so here it is decided what it may say: below a key that sounds like a secret
neither keys nor values are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from icaform.diagnostic import Code, did_you_mean
from icaform.manifest import tags
from icaform.manifest.document import Json, Marks, no_marks, pack, size
from icaform.manifest.events import MAPPING, MAPPING_END, SEQUENCE, SEQUENCE_END, Event
from icaform.manifest.ledger import DEPTH, ENTRIES, HOLDER, Abandoned, Ledger
from icaform.manifest.merging import Extent, Left, Merge, copy_of, extent, mergeable, rebuild
from icaform.manifest.scalars import Ambiguous, Excessive, meaning, number, tagged
from icaform.manifest.secrecy import hidden, name_of, shown
from icaform.manifest.variables import substitute

# mapping and sequence of the parent (one of them is meant), its key, the anchor of the child, the child's
# first mark
Frame = tuple[dict[Any, Any] | None, list[Any], Any, str | None, int]

# Among how many anchors a misspelt one is looked for; guessing is slow.
_GUESSED = 500
# Longer text is not written out again in a remedy.
_REPEATED = 40
_CLOSED = "quote it; text that begins with { or [ needs quotes, and a template's {{ }} is not replaced"


class Rarities:
    """The state that the loop shares with its slow paths, for one document after the other."""

    def __init__(self, ledger: Ledger, base: int) -> None:
        self.stack: list[Frame] = []
        self.odd: list[int] = []
        self.keys: dict[str, str] = {}
        self.reported: set[int] = set()
        self.marks: Marks = no_marks()
        self.expanded = 0
        # mappings and lists that aliases put in
        self.holders = 0
        self._merging: set[int] = set()
        # of a mapping with a key twice, by its first mark: how many entries were looked at, the mark behind
        # them, and where each of their keys is first
        self._firsts: dict[int, tuple[int, int, dict[str, int]]] = {}
        # None while the anchored value is not complete
        self._anchors: dict[str, tuple[Json, Marks, Extent] | None] = {}
        # anchors that stand under a secret, and so may be one
        self._unnamed: set[str] = set()
        self._ledger = ledger
        self._base = base << 32

    def begin(self) -> Marks:
        """Forget the last document; the marks of the new one."""
        self.stack.clear()
        self.odd.clear()
        self.reported.clear()
        self._merging.clear()
        self._anchors.clear()
        self._unnamed.clear()
        self._firsts.clear()
        self.expanded = self.holders = 0
        self.marks = no_marks()
        return self.marks

    # values

    def number(self, text: str, key: Any) -> Json:
        """A scalar that begins like a number."""
        found = number(text)
        if isinstance(found, Ambiguous):
            return self.ambiguous(text, key, found)
        if isinstance(found, Excessive):
            self._value(Code.BAD_VALUE, f"{found.what} cannot be sent to ICA", "quote it if it is text")
            return text
        return found

    def ambiguous(self, text: str, key: Any, found: Ambiguous) -> Json:
        """A scalar that YAML 1.1 and 1.2 read differently; it is taken as text."""
        secret = self._secret(key)
        what = "an unquoted value" if secret else shown(text)
        remedy = "put it between quotes" if secret or len(text) > _REPEATED else f'write "{text}"'
        if isinstance(found.value, bool):
            remedy += f", or {str(found.value).lower()} for the boolean"
        self._value(
            Code.AMBIGUOUS_SCALAR, f"{what} is read as {found.kinds} by different versions of YAML", remedy
        )
        return text

    def tagged(self, event: Event, key: Any) -> Json:
        """A scalar with a tag; one that is refused is taken as text."""
        name = tags.core(event.tag)
        if name not in tags.SCALARS:
            self._value(Code.TAG, f"{tags.called(event.tag)} is not allowed", tags.REMEDY)
            return event.value
        fits, value = tagged(event.value, name)
        if not fits:
            self._value(Code.TAG, f"{tags.called(event.tag)} does not fit its value", "remove the tag")
        return value

    def tagged_container(self, event: Event, name: str) -> None:
        """A mapping or list with a tag."""
        if event.tag != "!" and tags.core(event.tag) != name:
            place = pack(event.start_mark.line, event.start_mark.column)
            self._value(Code.TAG, f"{tags.called(event.tag)} is not allowed", tags.REMEDY, place)

    def substituted(self, text: str, variables: Mapping[str, str], key: Any) -> str:
        """A scalar with its variables put in."""
        place = self._base + self.marks[-1]
        reject, count = self._variable(key), self._ledger.count_text
        return substitute(text, variables, reject, lambda more: count(more, place))

    def _variable(self, key: Any) -> Callable[[str, str, str], None]:

        def reject(name: str, summary: str, remedy: str) -> None:
            named = f": {shown(name)}" if name and not self._secret(key) else ""
            self._value(Code.VARIABLE, summary + named, remedy)

        return reject

    def too_deep(self, event: Event) -> None:
        """A container inside too many others; Abandoned."""
        self._deep(pack(event.start_mark.line, event.start_mark.column))

    def too_long(self, start: int) -> None:
        """A mapping or list, whose first mark this is, with too many entries; Abandoned."""
        summary = f"a mapping or list has more than {ENTRIES:,} entries"
        place = self._base + self.marks[start]
        self._ledger.report(Code.TOO_LARGE, summary, "split it into several manifests", place)
        raise Abandoned

    def count(self, unfinished: int, start: int) -> None:
        """Hold the number of nodes against the limit; Stopped. ``start`` is the document's line."""
        place = self.marks[-1] if self.marks else start << 32
        self._ledger.count(unfinished, self._base + place)

    # keys

    def plain_key(self, text: str) -> Any:
        """An unquoted key, remembered if there is nothing to say about it."""
        if text == "<<":
            return self._merge()
        found = meaning(text)
        if found.__class__ is str:
            self.keys[text] = text
            return text
        secret = self._secret(None)
        quoted = "put it between quotes" if secret or not 0 < len(text) <= _REPEATED else f'write "{text}"'
        if isinstance(found, Ambiguous):
            what = "an unquoted key" if secret else f"the key {shown(text)}"
            summary = f"{what} is read as {found.kinds} by different versions of YAML"
            self._key(Code.AMBIGUOUS_SCALAR, summary, quoted)
        elif found is None:
            self._key(Code.BAD_KEY, "a key is empty or null", "give it a name")
        else:
            kind = "a boolean" if isinstance(found, bool) else "a number"
            self._key(Code.BAD_KEY, f"a key is {kind}, not text", quoted)
        return text

    def other_key(self, event: Event) -> Any:
        """A key that is quoted, tagged or anchored."""
        plain, quoted = event.implicit
        key: Any = event.value
        if plain:
            key = self.plain_key(event.value)
        elif not quoted and tags.core(event.tag) != "str":
            self._key(Code.BAD_KEY, f"a key has {tags.called(event.tag)}", "remove the tag")
        if event.anchor is not None and key.__class__ is str:
            self.anchored(event.anchor, key, len(self.marks) - 1, None)
        return key

    def container_key(self, event: Event, get: Callable[[], Event]) -> Left:
        """A mapping or list where a key is wanted: it and its value are left out."""
        self.marks.append(pack(event.start_mark.line, event.start_mark.column))
        self._key(Code.BAD_KEY, "a key is a mapping or a list, not text", _CLOSED)
        depth = 1
        while depth:
            kind = get().__class__
            depth += (kind is MAPPING or kind is SEQUENCE) - (kind is MAPPING_END or kind is SEQUENCE_END)
            if depth > DEPTH:
                self._deep(self.marks[-1])
        return self._left_out()

    def alias_key(self, value: Json) -> Any:
        """An alias where a key is wanted."""
        if isinstance(value, str):
            return value
        self._key(Code.BAD_KEY, "a key is an alias of something that is not text", "write the key out")
        return self._left_out()

    def twice(self, mapping: dict[Any, Any], key: str) -> Left:
        """A key that the mapping has already: this one is left out."""
        start = self.stack[-1][4]
        if len(mapping) > ENTRIES:
            self.too_long(start)
        count, at, firsts = self._firsts.get(start, (0, start + 1, {}))
        new = list(islice(reversed(mapping.items()), len(mapping) - count))
        for each, value in reversed(new):
            firsts.setdefault(each, self.marks[at])
            at += 1 + size(value)
        self._firsts[start] = (len(mapping), at, firsts)
        line = (self._base + firsts[key] >> 32) + 1
        name = name_of(key, self._above())
        self._key(Code.DUPLICATE_KEY, f"{name} is there twice; first in line {line}", "keep one of the two")
        return self._left_out()

    def settle(self, mapping: dict[Any, Any], start: int) -> None:
        """Merge and leave out what a finished mapping holds under odd keys."""
        self.odd.pop()
        self._merging.discard(start)
        self._firsts.pop(start, None)
        at = start + 1
        for key, value in mapping.items():
            if key.__class__ is Merge and not mergeable(value):
                place = self.marks[at + 1]
                if place not in self.reported:
                    self._value(
                        Code.WRONG_TYPE,
                        "`<<` wants a mapping, or a list of mappings",
                        "write <<: *anchor",
                        place,
                    )
            at += 1 + size(value)
        rebuild(mapping, self.marks, start)

    # anchors

    def opened(self, name: str) -> None:
        """An anchored container begins."""
        self._anchors[name] = None

    def anchored(self, name: str, value: Json, start: int, key: Any) -> None:
        """An anchored value is complete; ``key`` is what it stands under."""
        if self._secret(key):
            self._unnamed.add(name)
        self._ledger.count_saved(len(self.marks) - start, self._base + self.marks[start])
        self._anchors[name] = (value, self.marks[start:], extent(value))

    def aliased(self, event: Event, key: Any, as_key: bool, held: int) -> Json:
        """The value of an alias, with its marks put behind the others; ``held`` is what the document counts
        beside its marks.
        """
        place = pack(event.start_mark.line, event.start_mark.column)
        name = event.anchor or ""
        saved = self._anchors.get(name)
        if saved is None:
            self.marks.append(place)
            called = "an alias" if self._secret(key) else f"the alias {shown('*' + name)}"
            if name in self._anchors:
                self._value(Code.ANCHOR, f"{called} is part of what it names", "write the value out", place)
            else:
                known = [each for each in self._anchors if each not in self._unnamed]
                near = (
                    did_you_mean(name[:_REPEATED], known)
                    if len(known) < _GUESSED and not self._secret(key)
                    else ""
                )
                remedy = near or "define the anchor before it, or quote text that begins with *"
                self._value(Code.ANCHOR, f"{called} names no anchor of this document", remedy, place)
            return None
        value, marks, size = saved
        self._ledger.count_text(size.text, self._base + place)
        if as_key:
            self.marks.append(place)
            return value
        if len(self.stack) + size.height > DEPTH:
            self._deep(place)
        more = len(marks) + HOLDER * size.holders
        self._ledger.count_aliased(len(self.marks) + held, self.expanded, more, self._base + place)
        self.expanded += more
        self.holders += size.holders
        self.marks.extend(marks)
        return copy_of(value)

    # reporting

    def _merge(self) -> Left:
        start = self.stack[-1][4]
        if start in self._merging:
            self._key(Code.DUPLICATE_KEY, "`<<` is there twice", "write <<: [*one, *other]")
            return self._left_out()
        self._merging.add(start)
        return self._left_out(Merge())

    def _left_out(self, key: Left | None = None) -> Left:
        start = self.stack[-1][4]
        if not self.odd or self.odd[-1] != start:
            self.odd.append(start)
        return key or Left()

    def _above(self) -> list[Any]:
        return [frame[2] for frame in self.stack]

    def _secret(self, key: Any) -> bool:
        return hidden([*self._above(), key])

    def _deep(self, place: int) -> None:
        summary = f"values are nested more than {DEPTH} deep"
        self._ledger.report(Code.TOO_LARGE, summary, "a manifest is never that deep", self._base + place)
        raise Abandoned

    def _key(self, code: Code, summary: str, remedy: str) -> None:
        self._ledger.report(code, summary, remedy, self._base + self.marks[-1])

    def _value(self, code: Code, summary: str, remedy: str, place: int | None = None) -> None:
        at = self.marks[-1] if place is None else place
        self.reported.add(at)
        self._ledger.report(code, summary, remedy, self._base + at)
