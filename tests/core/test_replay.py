"""What follows from the entries of a journal, and how each is written and read."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from icaform.address import Address
from icaform.journal.entry import (
    DECIDED,
    NO_FACTS,
    OUTCOMES,
    UNDECIDED,
    Adopted,
    Begun,
    Ended,
    Forgotten,
    Memory,
    breaks,
    first_link,
    from_text,
    link,
    merge,
    replay,
    text_of,
    to_text,
)
from tests.core.conftest import same

ONE, TWO = Address("AnalysisBatch", "cohort", "one"), Address("Pipeline", "germline")
BEGUN = Begun(1, (ONE, TWO), "start", "POST /x", "key", "digest", '{"a":1}', "user", "tenant", 5.0)


def test_facts_are_added_replaced_taken_away_and_forgotten_with_their_id() -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"a": 1}, {}),
        ({"a": 1}, {"b": 2}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": None}),
        ({"a": None}, {"b": None}),
        ({"id": "x", "a": 1}, {"b": 2}),
        ({"id": "x", "a": 1}, {"id": "x", "b": 2}),
        ({"id": "x", "a": 1}, {"id": "y", "b": 2}),
        ({"id": "x", "a": 1}, {"id": None, "b": 2}),
        ({"id": None, "a": 1}, {"id": "y", "b": 2}),
        ({"a": 1}, {"id": "y"}),
        ({"a": 0, "b": "", "c": False}, {"d": 0}),
    ]
    same("memories", ((case, merge(*case)) for case in cases))


def test_what_is_known_after_some_entries() -> None:
    two = Begun(2, (TWO,), "move", "POST /y", "key2", "", None, "user", "tenant", 6.0)
    facts = {ONE: {"a": 1}, TWO: {"b": 2}}
    histories: dict[str, list[Any]] = {
        "nothing": [],
        "begun": [BEGUN, two],
        **{f"ended {each}": [BEGUN, two, Ended(1, each, facts)] for each in sorted(OUTCOMES)},
        "ended twice": [BEGUN, Ended(1, "unknown"), Ended(1, "done", {ONE: {"a": 2}})],
        "ended what never began": [Ended(9, "done")],
        "adopted": [Adopted(facts, 1.0), Adopted({ONE: {"c": 3}}, 2.0)],
        "forgotten": [Adopted(facts, 1.0), Forgotten((ONE, Address("X", "y")), 2.0)],
        "forgotten and known again": [Adopted(facts, 1.0), Forgotten((ONE,), 2.0), Adopted({ONE: {}}, 3.0)],
    }

    def told(memory: Memory) -> object:
        known = {str(address): facts for address, facts in sorted(memory.remembered.items())}
        return known, sorted(memory.pending), repr(memory)

    same("histories", ((name, told(replay(entries))) for name, entries in histories.items()))
    assert replay([BEGUN, two]).pending == {1: BEGUN, 2: two}
    assert DECIDED | {UNDECIDED} == OUTCOMES
    assert dict(NO_FACTS) == {}


ENTRIES = (
    BEGUN,
    Begun(2, (TWO,), "", "", "", "", None, "", "", 0.0),
    Ended(1, "done", {TWO: {"b": "é"}, ONE: {"a": [1, None]}}, "a note", 7.5),
    Ended(3, "unknown"),
    Adopted({ONE: {}}, 8.0),
    Forgotten((ONE, TWO), 9.0),
)


def test_an_entry_has_one_text_and_is_read_again() -> None:
    same("entries", ((type(each).__name__, to_text(each)) for each in ENTRIES))
    for each in ENTRIES:
        number = each.number if isinstance(each, Begun) else 7
        assert from_text(number, to_text(each)) == each


def test_a_text_that_is_no_entry_is_refused_without_repeating_it() -> None:
    told = json.loads(to_text(BEGUN))
    wrong = ["", "[]", "7", "null", "{}", "[" * 100_000, '{"entry":"secret-kind"}', '{"entry":"begun"}']
    wrong += [json.dumps({k: v for k, v in told.items() if k != name}) for name in told]
    wrong += [json.dumps({**told, "secret-field": 1}), json.dumps({**told, "addresses": [["a"] * 9]})]
    wrong += [json.dumps({"entry": each}) for each in ("ended", "adopted", "forgotten")]
    odd = {"time": ["x", -1, 1e300, None], "addresses": [[], {}], "verb": [None, 7], "body": [7]}
    wrong += [json.dumps({**told, name: each}) for name, values in odd.items() for each in values]
    wrong += ['{"entry":"ended","number":1,"outcome":"done","note":"","time":0,"remember":[[["a"],{}]]}']
    for text in wrong:
        with pytest.raises(ValueError, match=r"^entry 5 is not one that this icaform writes$") as refused:
            from_text(5, text)
        assert refused.value.__context__ is None
    print(f"{len(wrong)} texts tried")


def test_only_json_has_a_text() -> None:
    assert text_of({"b": NO_FACTS, "a": "é"}) == '{"a":"\\u00e9","b":{}}'
    for wrong, error in ((float("nan"), ValueError), (object(), TypeError)):
        with pytest.raises(error):
            text_of(wrong)
    with pytest.raises(TypeError, match=r"^object has no JSON form$"):
        text_of(object())


def test_the_chain_stands_on_the_workspace_and_its_key() -> None:
    key = hashlib.sha256(b"k").hexdigest()
    first = hashlib.sha256(f'["icaform journal","lab","{key}"]'.encode()).hexdigest()
    assert first_link("lab", b"k") == first
    assert link("p", 3, "t") == hashlib.sha256(b'["p",3,"t"]').hexdigest()


def test_where_a_chain_is_not_whole() -> None:
    first = first_link("lab", b"k")
    rows: list[tuple[int, str, str]] = []
    previous = first
    for number in range(1, 5):
        previous = link(previous, number, f"t{number}")
        rows.append((number, f"t{number}", previous))
    head = (4, previous)
    chains: dict[str, tuple[list[Any], tuple[int, str]]] = {
        "whole": (rows, head),
        "empty": ([], (0, first)),
        "empty, and should not be": ([], head),
        "cut": (rows[:3], head),
        "without its first": (rows[1:], head),
        "a hole": (rows[:1] + rows[2:], head),
        "two holes": ([rows[0], rows[3]], head),
        "another text": ([rows[0], (2, "x", rows[1][2]), *rows[2:]], head),
        "another hash": ([rows[0], (2, "t2", "x"), *rows[2:]], head),
        "swapped": ([rows[1], rows[0], *rows[2:]], head),
        "twice": ([rows[0], rows[0], *rows[1:]], head),
        "another head": (rows, (4, "x")),
        "a later head": (rows, (5, previous)),
        "no number": ([rows[0], ("2", "t2", "h"), *rows[2:]], head),
        "no text": ([rows[0], (2, None, "h")], head),
        "no hash": ([rows[0], (2, "t2", b"h")], head),
        "begins with no number": ([(None, "t", "h")], head),
        "another key": ([(1, "t1", link(first_link("lab", b"x"), 1, "t1"))], (1, "x")),
    }
    same("chains", ((name, list(breaks(first, *chain))) for name, chain in chains.items()))
