"""The rules that every store obeys, whatever it is kept in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from icaform.address import Address
from icaform.diagnostic import Rejected
from icaform.journal import (
    Adopted,
    Begun,
    Ended,
    Forgotten,
    Intent,
    Lease,
    Store,
    ledger,
    open_store,
    replay,
)

ONE, TWO = Address("AnalysisBatch", "cohort", "one"), Address("Pipeline", "germline")
MakeIntent = Callable[..., Intent]


def test_a_new_journal_remembers_nothing(store: Store) -> None:
    assert store.memory() == replay([])
    assert list(store.entries()) == []
    assert store.audit() == []


def test_a_begun_call_is_pending_with_all_that_was_said_of_it(home, intent: MakeIntent) -> None:
    number = home.open().begin(intent("one", "two"))
    pending = home.open().memory().pending
    assert pending == {
        number: Begun(number, **{name: getattr(intent("one", "two"), name) for name in Intent.__slots__})
    }


def test_calls_are_numbered_in_the_order_in_which_they_were_begun(store: Store, intent: MakeIntent) -> None:
    assert [store.begin(intent(item)) for item in "abc"] == [1, 2, 3]
    assert [each.addresses[0].item for each in store.memory().pending.values()] == ["a", "b", "c"]


def test_learning_and_forgetting_nothing_writes_nothing(store: Store) -> None:
    store.adopt({}, 0.0)
    store.forget([], 0.0)
    assert list(store.entries()) == []


@pytest.mark.parametrize("outcome", ["done", "refused", "not-sent", "settled"])
def test_an_ended_call_is_no_longer_pending(store: Store, intent: MakeIntent, outcome: str) -> None:
    store.end(store.begin(intent()), outcome)
    assert store.memory().pending == {}


def test_a_call_that_ended_unknown_stays_pending_until_it_is_settled(
    store: Store, intent: MakeIntent
) -> None:
    number = store.begin(intent())
    store.end(number, "unknown", note="looked for its marks")
    assert list(store.memory().pending) == [number]
    store.end(number, "settled")
    assert store.memory().pending == {}


def test_an_end_without_a_time_is_given_the_present(home, intent: MakeIntent) -> None:
    store = home.open()
    store.end(store.begin(intent()), "done")
    ended = list(store.entries())[-1]
    assert isinstance(ended, Ended)
    assert ended.time == 1_700_000_000.0


def test_an_end_that_is_no_outcome_is_refused(store: Store, intent: MakeIntent) -> None:
    number = store.begin(intent())
    with pytest.raises(ValueError):
        store.end(number, "failed")
    assert list(store.memory().pending) == [number]


def test_only_what_was_begun_here_can_end(home, intent: MakeIntent) -> None:
    store = home.open()
    number = store.begin(intent())
    store.end(number, "done")
    for wrong in (0, -1, number + 1, number + 2):  # number + 1 is the end itself
        with pytest.raises(ValueError):
            store.end(wrong, "done")
    with pytest.raises(ValueError):
        home.open("other").end(number, "done")
    assert store.audit() == []


def test_a_second_end_is_written_down_and_changes_nothing_pending(store: Store, intent: MakeIntent) -> None:
    number = store.begin(intent())
    store.end(number, "done", {ONE: {"id": "a"}})
    store.end(number, "settled", {ONE: {"id": "b"}})
    assert store.memory().remembered == {ONE: {"id": "b"}}
    assert len(list(store.entries())) == 3


def test_a_refused_call_may_teach_facts_too(store: Store, intent: MakeIntent) -> None:
    store.end(store.begin(intent()), "refused", {ONE: {"attempts": 2}})
    assert store.memory().remembered == {ONE: {"attempts": 2}}


def test_facts_merge_by_name_and_none_takes_one_away(store: Store, intent: MakeIntent) -> None:
    store.adopt({ONE: {"a": 1, "b": {"deep": [1, None]}}, TWO: {}}, 1.0)
    store.end(store.begin(intent()), "done", {ONE: {"a": None, "c": "é\ud800\0"}})
    assert store.memory().remembered == {ONE: {"b": {"deep": [1, None]}, "c": "é\ud800\0"}, TWO: {}}


def test_forgotten_addresses_are_not_remembered(store: Store) -> None:
    store.adopt({ONE: {"a": 1}, TWO: {"a": 1}}, 1.0)
    store.forget([ONE], 2.0)
    assert store.memory().remembered == {TWO: {"a": 1}}


def test_addresses_that_print_alike_are_not_confused(store: Store) -> None:
    alike = [Address("K", "a", "b"), Address("K", "a[b]"), Address("K", "a[b", "")]
    store.adopt({each: {"n": number} for number, each in enumerate(alike)}, 1.0)
    assert store.memory().remembered == {each: {"n": number} for number, each in enumerate(alike)}


def test_facts_that_have_no_json_are_refused_and_the_journal_goes_on(store: Store) -> None:
    for wrong in (float("nan"), object(), {1, 2}):
        with pytest.raises((TypeError, ValueError)):
            store.adopt({ONE: {"a": wrong}}, 1.0)
    store.adopt({ONE: {"a": 1}}, 1.0)
    assert len(list(store.entries())) == 1
    assert store.audit() == []


def test_it_holds_each_entry_that_was_its_last_and_no_other(store: Store, intent: MakeIntent) -> None:
    assert store.last()[0] == 0
    lasts = []
    for _ in range(3):
        lasts += [(store.begin(intent()), store.last())]
    assert [number for number, _ in lasts] == [last[0] for _, last in lasts]
    assert all(store.holds(*last) for _, last in lasts)
    (number, found), later = lasts[0][1], lasts[1][1]
    wrong = [(number, later[1]), (later[0], found), (number, ""), (0, found), (4, found), (10**18 - 1, found)]
    assert not any(store.holds(*each) for each in wrong)
    print(f"{len(lasts)} entries, {len(wrong)} others")


def test_entries_are_told_in_the_order_in_which_they_were_written(store: Store, intent: MakeIntent) -> None:
    number = store.begin(intent())
    store.end(number, "done", {ONE: {"a": 1}}, "fine", 2.0)
    store.adopt({TWO: {"b": 2}}, 3.0)
    store.forget([TWO], 4.0)
    assert list(store.entries())[1:] == [
        Ended(number, "done", {ONE: {"a": 1}}, "fine", 2.0),
        Adopted({TWO: {"b": 2}}, 3.0),
        Forgotten((TWO,), 4.0),
    ]


def test_entries_are_told_while_more_are_written(
    store: Store, intent: MakeIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "PAGE", 5)
    for _ in range(11):
        store.begin(intent())
    told = iter(store.entries())
    next(told)
    store.begin(intent())
    assert len(list(told)) == 11


def test_workspaces_share_a_journal_and_nothing_else(home, intent: MakeIntent) -> None:
    here, there = home.open("here"), home.open("there")
    assert here.begin(intent("one")) == there.begin(intent("two")) == 1
    here.adopt({ONE: {"a": 1}}, 1.0)
    there.end(1, "done", {TWO: {"b": 1}})
    assert (here.memory().remembered, list(here.memory().pending)) == ({ONE: {"a": 1}}, [1])
    assert (there.memory().remembered, list(there.memory().pending)) == ({TWO: {"b": 1}}, [])
    assert isinstance(here.acquire("us", "", 0.0, 9.0), Lease)
    assert isinstance(there.acquire("them", "", 0.0, 9.0), Lease)
    assert here.audit() == there.audit() == []


def test_the_fingerprint_key_is_made_once_and_kept(home) -> None:
    key = home.open().fingerprint_key()
    assert len(key) == 32
    assert home.open("other").fingerprint_key() == key
    assert home.open(read_only=True).fingerprint_key() == key


def test_reading_a_journal_that_does_not_exist_gives_nothing_and_makes_nothing(home) -> None:
    store = home.open(read_only=True)
    assert store.memory() == replay([])
    assert (list(store.entries()), store.audit(), store.fingerprint_key()) == ([], [], None)
    store.close()
    assert not home.exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_journal_opened_for_reading_is_not_written(home, intent: MakeIntent, there: bool) -> None:
    if there:
        home.open().adopt({ONE: {"a": 1}}, 1.0)
    store = home.open(read_only=True)
    for write in (
        lambda: store.begin(intent()),
        lambda: store.adopt({ONE: {"a": 2}}, 1.0),
        lambda: store.forget([ONE], 1.0),
        lambda: store.acquire("us", "", 0.0, 9.0),
    ):
        with pytest.raises(Rejected):
            write()
    assert store.memory().remembered == ({ONE: {"a": 1}} if there else {})


def test_a_closed_journal_says_so_and_closes_twice(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(Rejected):
        store.memory()


def test_nothing_that_is_printed_holds_a_body(store: Store, intent: MakeIntent) -> None:
    store.begin(intent(body="SESAME"))
    lease = store.acquire("us", "", 0.0, 9.0)
    assert isinstance(lease, Lease)
    printed = repr(store) + repr(store.memory()) + repr(intent(body="SESAME")) + repr(lease)
    assert "SESAME" not in printed
    assert lease.token not in printed


def test_threads_begin_and_end_at_once_and_the_chain_stays_whole(store: Store, intent: MakeIntent) -> None:
    def work(item: int) -> int:
        number = store.begin(intent(str(item)))
        if item % 2:
            store.end(number, "done", {Address("AnalysisBatch", "cohort", str(item)): {"number": number}})
        return number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(work, range(64)))
    memory = store.memory()
    assert len(set(numbers)) == 64
    assert {each.addresses[0].item: number for number, each in memory.pending.items()} == {
        str(item): number for item, number in enumerate(numbers) if item % 2 == 0
    }
    assert len(memory.remembered) == 32
    assert store.audit() == []


def test_a_url_of_no_store_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(Rejected) as refusal:
        open_store("mysql://me:SESAME@host/db", "cohort", lambda: 0.0)
    assert "SESAME" not in str(refusal.value)
