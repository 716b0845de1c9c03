"""A row that says what no icaform writes is no memory: it is refused, and told how to look closer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from icaform.address import Address
from icaform.diagnostic import Code, Rejected
from icaform.journal import Intent, Lease, LeaseHeld, Store, sort
from tests.journal.conftest import NOW, Home

ONE = Address("AnalysisBatch", "cohort", "one")
FACTS = {
    "written": NOW,
    "failures": 2,
    "generation": 1,
    "shared": True,
    "vouched": True,
    "said": {"pipeline": {"code": "x"}},
    **{name: "text" for name in sort._FACTS if sort._FACTS[name] is sort.is_text},
    "status": "Released",
    "timeModified": "2026-11-22T08:00:00Z",
}
FREE = ("status", "timeModified")
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 1.5, 1e308, -1e308, 10**400, float("nan"), float("inf"), float("-inf")),
    *("", "x", "1.5", [], [1], {}, {"a": 1}),
)
RIGHT = {
    sort.is_text: ("", "x", "1.5"),
    sort.is_moment: (0, 1, 1.5),
    sort.is_count: (0, 1),
    sort.is_flag: (True,),
    sort._FACTS["said"]: ({}, {"a": 1}),
}


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def refused(work: Any) -> str:
    with pytest.raises(Rejected) as refusal:
        work()
    (told,) = refusal.value.diagnostics
    assert told.code is Code.JOURNAL
    assert "icaform journal audit" in told.remedy
    return told.summary


def test_the_sorts_are_those_of_every_fact_that_is_named() -> None:
    assert set(FACTS) == {*sort._FACTS, *FREE}
    assert sort.amiss(FACTS) == ""
    tried = 0
    for name, check in sort._FACTS.items():
        for value in VALUES:
            right = any(same(value, each) for each in RIGHT[check])
            assert (sort.amiss({**FACTS, name: value}) == name) is not right, (name, value)
            tried += 1
    print(f"{tried} values")


def test_a_remembered_fact_of_another_sort_is_refused_and_found_by_the_audit(home: Home) -> None:
    store = home.open()
    store.adopt({ONE: FACTS}, NOW)
    ((whole,),) = home.sql("SELECT facts FROM memory")
    refusals = 0
    for name in FACTS:
        for value in VALUES if home.is_file else VALUES[2::5]:
            facts = json.loads(whole) | {name: value}
            home.sql("UPDATE memory SET facts = ?", (json.dumps(facts),))
            if sort.amiss(facts):
                assert f"`{name}`" in refused(store.memory)
                assert f"`{name}`" in refused(lambda: store.adopt({ONE: {"status": "x"}}, NOW))
                assert store.audit(), (name, value)
                refusals += 1
            else:
                store.memory()
    home.sql("UPDATE memory SET facts = ?", (whole,))
    assert store.memory().remembered == {ONE: FACTS}
    assert store.audit() == []
    print(f"{refusals} refused")
    assert refusals > (150 if home.is_file else 20)


@pytest.mark.parametrize(
    "address",
    ["[1,2,3]", '["a"]', '["a","b","c","d"]', '[["a"],"b","c"]', '"abc"', "{}", "null", '["a",null,""]'],
)
def test_an_address_that_is_none_is_refused(home: Home, address: str) -> None:
    store = home.open()
    store.adopt({ONE: FACTS}, NOW)
    home.sql("UPDATE memory SET address = ?", (address,))
    refused(store.memory)
    assert store.audit()


def tampered(begun: dict[str, Any]) -> list[dict[str, Any]]:
    """A begun call with one value each of another sort."""
    wrong: dict[str, tuple[Any, ...]] = {name: (None, 1, ["x"], {}) for name in begun}
    wrong["body"] = (1, ["x"], {})
    wrong["time"] = (None, "x", True, -1, 1e308, 10**400, float("nan"), float("inf"), [])
    wrong["addresses"] = (None, 1, [], [[1, 2, 3]], [["a"]], ["abc"], {}, "abc")
    wrong["entry"] = (None, 1, "ended", "x")
    return [{**begun, name: value} for name, values in wrong.items() for value in values]


def test_a_pending_call_with_a_value_of_another_sort_is_refused(home: Home, intent: Any) -> None:
    store: Store = home.open()
    made: Intent = intent()
    assert store.begin(made) == 1
    ((whole,),) = home.sql("SELECT text FROM entry")
    cases = tampered(json.loads(whole))
    for case in cases:
        home.sql("UPDATE entry SET text = ?", (json.dumps(case),))
        said = refused(store.memory)
        assert "entry 1" in said, case
        refused(lambda: store.end(1, "done"))
        assert store.audit()
    home.sql("UPDATE entry SET text = ?", (whole,))
    assert list(store.memory().pending) == [1]
    print(f"{len(cases)} tampered calls")


def test_a_note_of_the_last_entry_that_is_beyond_counting_is_refused(home: Home, intent: Any) -> None:
    store = home.open()
    store.begin(intent())
    for number in (2**63 - 1, -1, sort.MOST + 1):
        home.sql("UPDATE head SET number = ?", (number,))
        refused(lambda: store.begin(intent("two")))
        assert store.audit()


LOOSE = """CREATE TABLE lease (workspace TEXT PRIMARY KEY, token, holder, run_url, expires)"""
"""As a damaged file may give it back: SQLite keeps any sort of value in any column."""


def test_a_lease_of_another_sort_is_refused_and_found_by_the_audit(home: Home, intent: Any) -> None:
    store: Store = home.open()
    ours = store.acquire("alice", "https://run/1", NOW, 60.0)
    assert isinstance(ours, Lease)
    (whole,) = home.sql("SELECT token, holder, run_url, expires FROM lease")
    wrong: list[tuple[int, Any]] = [(3, each) for each in (float("inf"), float("-inf"), -1.0, 1e308)]
    if home.is_file:
        home.sql("DROP TABLE lease")
        home.sql(LOOSE)
        wrong += [(3, each) for each in ("abc", "", None, b"x")]
        wrong += [(place, each) for place in range(3) for each in (None, 5, 1.5, b"\0")]
    else:
        wrong.append((3, float("nan")))
    for place, value in wrong:
        row = [value if number == place else each for number, each in enumerate(whole)]
        home.sql("DELETE FROM lease")
        home.sql("INSERT INTO lease VALUES ('cohort', ?, ?, ?, ?)", row)
        said = {
            refused(store.holder),
            refused(lambda: store.acquire("bob", "", NOW + 61, 60.0)),
            refused(lambda: store.begin(intent(), ours)),
        }
        (told,) = {*said, *(each.summary for each in store.audit())}
        assert "who may apply it" in told, (place, value)
        assert home.open("other").holder() is None
    home.sql("DELETE FROM lease")
    home.sql("INSERT INTO lease VALUES ('cohort', ?, ?, ?, ?)", whole)
    assert store.audit() == []
    assert store.holder() == LeaseHeld("alice", "https://run/1", NOW + 60)
    assert store.begin(intent(), ours) == 1
    print(f"{len(wrong)} leases")
