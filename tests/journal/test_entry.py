"""What is written, and what follows from it."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icaform.address import Address
from icaform.journal.entry import (
    Adopted,
    Begun,
    Ended,
    Entry,
    Forgotten,
    breaks,
    first_link,
    from_text,
    link,
    replay,
    to_text,
)
from icaform.journal.sort import LATEST, MOST

ONE, TWO = Address("AnalysisBatch", "cohort", "one"), Address("Pipeline", "germline")
BEGUN = Begun(1, (ONE, TWO), "start", "POST /x", "key", "digest", '{"a":1}', "user", "tenant", 5.0)

texts = st.text(st.characters(), max_size=8)  # every code point, lone surrogates too
addresses = st.builds(Address, texts, texts, texts)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
facts = st.dictionaries(addresses, st.dictionaries(texts, json_values, max_size=3), max_size=3)
times = st.floats(0.0, LATEST)
entries: st.SearchStrategy[Entry] = st.one_of(
    st.builds(
        Begun,
        st.just(7),
        st.lists(addresses, min_size=1, max_size=3).map(tuple),
        *[texts] * 4,
        st.none() | texts,
        texts,
        texts,
        times,
    ),
    st.builds(Ended, st.integers(1, MOST), st.sampled_from(["done", "unknown"]), facts, texts, times),
    st.builds(Adopted, facts, times),
    st.builds(Forgotten, st.lists(addresses, max_size=3).map(tuple), times),
)


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert from_text(7, to_text(entry)) == entry
    assert to_text(entry).isascii()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"entry":"begun"}', '{"entry":"other"}', "7", "[" * 100_000]
)
def test_what_is_no_entry_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^entry 3 is not one that this icaform writes$") as refusal:
        from_text(3, text)
    assert refusal.value.__context__ is None


def test_a_number_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError):
        to_text(Adopted({ONE: {"x": float("nan")}}, 0))


def test_a_begun_call_is_pending_until_it_ended() -> None:
    assert replay([BEGUN]).pending == {1: BEGUN}


@pytest.mark.parametrize("outcome", ["done", "refused", "not-sent", "settled"])
def test_a_decided_end_is_an_end(outcome: str) -> None:
    assert replay([BEGUN, Ended(1, outcome)]).pending == {}


def test_an_unknown_end_is_none_until_it_is_decided() -> None:
    assert replay([BEGUN, Ended(1, "unknown")]).pending == {1: BEGUN}
    assert replay([BEGUN, Ended(1, "unknown"), Ended(1, "settled")]).pending == {}


def test_a_later_fact_replaces_the_earlier_one_of_its_name_only() -> None:
    memory = replay([Adopted({ONE: {"a": 1, "b": 1}}, 0), Ended(1, "done", {ONE: {"b": 2, "c": 3}})])
    assert memory.remembered == {ONE: {"a": 1, "b": 2, "c": 3}}


def test_a_fact_set_to_none_is_removed_and_its_address_stays() -> None:
    assert replay([Adopted({ONE: {"a": 1}}, 0), Adopted({ONE: {"a": None}}, 0)]).remembered == {ONE: {}}


def test_forgotten_addresses_are_gone_and_the_others_stay() -> None:
    memory = replay([BEGUN, Adopted({ONE: {"a": 1}, TWO: {"a": 1}}, 0), Forgotten((ONE,), 0)])
    assert memory.remembered == {TWO: {"a": 1}}
    assert memory.pending == {1: BEGUN}


def test_a_memory_does_not_print_bodies() -> None:
    assert '"a"' not in repr(replay([BEGUN]))


def test_a_chain_tells_workspaces_and_keys_apart() -> None:
    assert len({first_link(name, key) for name in ("a", "b") for key in (b"1" * 32, b"2" * 32)}) == 4


def test_a_chain_breaks_where_an_entry_was_changed_and_nowhere_else() -> None:
    stored, previous = [], first_link("w", b"")
    for number in range(1, 6):
        previous = link(previous, number, json.dumps(number))
        stored.append((number, json.dumps(number), previous))
    head = (5, previous)
    assert list(breaks(first_link("w", b""), stored, head)) == []
    stored[2] = (3, "33", stored[2][2])
    assert list(breaks(first_link("w", b""), stored, head)) == [
        "entry 3 is not what was written, or does not follow entry 2"
    ]


def test_every_field_of_a_begun_call_is_kept() -> None:
    told = json.loads(to_text(BEGUN))
    assert {each.name for each in dataclasses.fields(Begun)} - set(told) == {"number"}
