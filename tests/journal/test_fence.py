"""A run whose lease another has taken begins nothing more, in every store, whatever its own clock says."""

from __future__ import annotations

import pytest

from icaform.diagnostic import Code, Rejected
from icaform.journal import Lease, Store


def taken(store: Store) -> Lease:
    lease = store.acquire("alice", "", 100.0, 60.0)
    assert isinstance(lease, Lease)
    return lease


def refused(store: Store, lease: Lease, intent) -> str:
    with pytest.raises(Rejected) as caught:
        store.begin(intent("one"), lease)
    (found,) = caught.value.diagnostics
    assert found.code is Code.LOCKED
    assert list(store.entries()) == []
    assert not store.memory().pending
    return found.summary


def test_who_has_the_lease_begins_calls(store: Store, intent) -> None:
    lease = taken(store)
    assert store.begin(intent("one"), lease) == 1
    assert store.renew(lease, 110.0, 60.0)
    assert store.begin(intent("two"), lease) == 2


def test_whose_lease_was_taken_begins_none_and_is_told_by_whom(home, intent) -> None:
    late = taken(home.open())
    other = home.open()
    # A clock that is ahead sees every lease at its end.
    newer = other.acquire("bob", "", 500.0, 60.0)
    assert isinstance(newer, Lease)
    assert refused(home.open(), late, intent) == "bob has taken this workspace"
    assert other.begin(intent("one"), newer) == 1


def test_whose_lease_was_taken_and_given_back_begins_none_either(store: Store, intent) -> None:
    late = taken(store)
    newer = store.acquire("bob", "", 500.0, 60.0)
    assert isinstance(newer, Lease)
    store.release(newer)
    assert refused(store, late, intent) == "another run has taken this workspace"
