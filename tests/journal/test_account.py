"""A line for each entry: how a call stands is what its first decided end says."""

from __future__ import annotations

from itertools import product

from icaform.address import Address
from icaform.journal import Adopted, Begun, Ended, Forgotten, replay
from icaform.journal.account import lines_of
from icaform.journal.entry import OUTCOMES, Entry

ONE = Address("K", "n")
CALL = '{"method": "POST", "path": "/api/x", "remember": {"K/n": {"message": "SESAME"}}}'


def begun(number: int, call: str = CALL) -> Begun:
    return Begun(number, (ONE,), "start", call, "k", "d", "SESAME", "u", "t", 1.0)


def test_a_line_is_pending_exactly_where_the_replay_says_so() -> None:
    tried = 0
    for outcomes in product(sorted(OUTCOMES), repeat=3):
        entries: list[Entry] = [begun(1), begun(2), *(Ended(1, each) for each in outcomes)]
        lines = lines_of(entries)
        assert {line.number for line in lines if line.pending} == set(replay(entries).pending), outcomes
        decided = [each for each in outcomes if each != "unknown"]
        assert lines[0].state == (decided[0] if decided else "unknown")
        tried += 1
    print(f"{tried} ways to end")


def test_every_entry_has_its_line_and_none_holds_a_body_or_a_fact() -> None:
    facts = {ONE: {"message": "SESAME"}}
    lines = lines_of([begun(1), Ended(1, "done", facts), Adopted(facts, 2.0), Forgotten((ONE,), 3.0)])
    assert [(line.number, line.entry) for line in lines] == [
        (1, "begun"),
        (2, "ended"),
        (3, "adopted"),
        (4, "forgotten"),
    ]
    assert lines[0].call == "POST /api/x"
    assert "SESAME" not in repr(lines)


def test_a_journal_that_is_not_whole_is_told_as_far_as_it_can_be() -> None:
    lines = lines_of([Ended(7, "done", {ONE: {}}), begun(2, "no call"), begun(3, '["neither"]')])
    assert [line.addresses for line in lines] == [(ONE,)] * 3
    assert [line.call for line in lines] == [""] * 3
