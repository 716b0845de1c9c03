"""Whatever the text: values survive, places are right, and nothing is raised."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.manifest import read

quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# libyaml's scalars have no halves of surrogate pairs, which JSON writes for what lies beyond the first plane
character = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])
words = st.text(character, max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | words
nested = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@quick
@given(nested, st.sampled_from([None, 2]))
def test_what_json_writes_reads_back_equal(value: Any, indent: int | None) -> None:
    documents, diagnostics = read(json.dumps(value, indent=indent).replace("${var", "${ver").encode(), "f")
    assert diagnostics == []
    assert documents[0].value == json.loads(json.dumps(value).replace("${var", "${ver"))
    assert json.dumps(documents[0].value) == json.dumps(value).replace("${var", "${ver")


class Emitter:
    """Writes values as YAML in mixed styles and remembers where each value and key begins."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.text = ""
        self.places: dict[tuple[Any, ...], tuple[int, int]] = {}
        self.keys: dict[tuple[Any, ...], tuple[int, int]] = {}

    def here(self) -> tuple[int, int]:
        line = self.text.count("\n") + 1
        return line, len(self.text) - (self.text.rfind("\n") + 1) + 1

    def scalar(self, value: Any) -> str:
        if isinstance(value, str) and self.rng.random() < 0.3:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)

    def block(self, value: Any, path: tuple[Any, ...], indent: int) -> None:
        if not value or not isinstance(value, dict | list) or self.rng.random() < 0.3:
            self.text += " " * self.rng.randint(0, 2)
            self.flow(value, path)
            self.text += "\n"
            return
        if self.text and not self.text.endswith("\n"):
            self.text += self.rng.choice(["", " # comment"]) + "\n"
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for number, (key, inner) in enumerate(entries):
            self.text += self.rng.choice(["", "", "\n", "# é comment\n"]) + " " * indent
            if number == 0:
                self.places[path] = self.here()
            if isinstance(value, dict):
                self.keys[(*path, key)] = self.here()
                self.text += self.scalar(key) + ": "
            else:
                self.text += "- "
            self.block(inner, (*path, key), indent + self.rng.randint(1, 3))

    def flow(self, value: Any, path: tuple[Any, ...]) -> None:
        self.places[path] = self.here()
        if not isinstance(value, dict | list):
            self.text += self.scalar(value)
            return
        self.text += "{" if isinstance(value, dict) else "["
        for number, (key, inner) in enumerate(value.items() if isinstance(value, dict) else enumerate(value)):
            self.text += ", " if number else self.rng.choice(["", " "])
            if isinstance(value, dict):
                self.keys[(*path, key)] = self.here()
                self.text += self.scalar(key) + ": "
            self.flow(inner, (*path, key))
        self.text += "}" if isinstance(value, dict) else "]"


plain = st.text(st.sampled_from("abzé漢 :#-'{}[]&*!|>%@,019.~="), max_size=8)
emitted = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | plain,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(plain, inner, max_size=12),
    max_leaves=30,
)


@quick
@given(st.lists(emitted, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_every_place_is_where_the_text_of_its_value_begins(values: list[Any], rng: random.Random) -> None:
    emitter = Emitter(rng)
    expected = []
    for value in values:
        emitter.text += "---\n"
        emitter.places, emitter.keys = {}, {}
        emitter.block(value, (), 0)
        expected.append((emitter.places, emitter.keys))
    documents, diagnostics = read(emitter.text.encode(), "f")
    assert diagnostics == []
    assert [each.value for each in documents] == values
    for document, (places, keys) in zip(documents, expected, strict=True):
        for path, place in places.items():
            found = document.origin(path)
            assert (found.line, found.column) == place, (path, emitter.text)
        for path, place in keys.items():
            found = document.origin(path, key=True)
            assert (found.line, found.column) == place, (path, emitter.text)
        assert len(document.marks) == len(places) + len(keys)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_raise(data: bytes) -> None:
    documents, diagnostics = read(data, "f")
    assert documents or diagnostics


SOUND = b"""---
base: &base {a: 1, b: [x, "y", 'z']}
spec:
  <<: *base
  text: |
    lines ${var.x} here
  list:
    - k: !!str 5
      l: 2026-11-21
    - *base
  "q\\u00e9": {n: ~, m: yes, o: 0x1F}
--- # second
? complex
: >-
  folded
... 
%YAML 1.2
---
- [a, {b: c}]
"""
PIECES = [bytes([each]) for each in b"-:?{}[]&*!|>'\"%@`,#~<=\t \n\r\x00\x85\xc3\xff$0.e_"]
PIECES += [
    b"---\n",
    b"...\n",
    b"<<: ",
    b"*base",
    b"&base ",
    b"!!",
    b"${var.",
    b"yes",
    b"\xc2\x85",
    b"\xef\xbb\xbf",
    b"? ",
]


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SOUND)), st.integers(0, 6), st.sampled_from(PIECES)), max_size=6)
)
def test_damaged_yaml_never_raises_and_marks_fit_the_values(damages: list[tuple[int, int, bytes]]) -> None:
    data = SOUND
    for at, gone, piece in damages:
        data = data[:at] + piece + data[at + gone :]
    documents, diagnostics = read(data, "f", {"x": "1"})
    assert documents or diagnostics
    for document in documents:
        assert len(document.marks) == count(document.value)
        json.dumps(document.value)
        lines = data.count(b"\n") + data.count(b"\r") + 1
        assert all(0 <= mark >> 32 < lines for mark in document.marks)


def count(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(count, value.values()))
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1
