"""One apply per workspace at a time: the lease, in every store."""

from __future__ import annotations

from icaform.journal import Lease, LeaseHeld, Store


def test_one_lease_is_given_and_the_other_is_told_whose_it_is(home) -> None:
    assert isinstance(home.open().acquire("alice", "https://run/1", 100.0, 60.0), Lease)
    assert home.open().acquire("bob", "https://run/2", 159.9, 60.0) == LeaseHeld(
        "alice", "https://run/1", 160.0
    )


def test_even_its_holder_does_not_get_a_lease_twice(store: Store) -> None:
    store.acquire("alice", "", 100.0, 60.0)
    assert isinstance(store.acquire("alice", "", 101.0, 60.0), LeaseHeld)


def test_a_lease_that_expired_is_taken_and_its_late_holder_learns_it(store: Store) -> None:
    late = store.acquire("alice", "", 100.0, 60.0)
    next_one = store.acquire("bob", "", 160.0, 60.0)
    assert isinstance(late, Lease)
    assert isinstance(next_one, Lease)
    assert not store.renew(late, 161.0, 60.0)
    store.release(late)
    assert isinstance(store.acquire("carol", "", 162.0, 60.0), LeaseHeld)
    assert store.renew(next_one, 170.0, 60.0)


def test_a_renewed_lease_lasts_from_then(store: Store) -> None:
    lease = store.acquire("alice", "", 100.0, 60.0)
    assert isinstance(lease, Lease)
    assert store.renew(lease, 150.0, 60.0)
    assert store.acquire("bob", "", 209.0, 60.0) == LeaseHeld("alice", "", 210.0)


def test_a_lease_that_expired_but_was_not_taken_is_renewed(store: Store) -> None:
    lease = store.acquire("alice", "", 100.0, 60.0)
    assert isinstance(lease, Lease)
    assert store.renew(lease, 500.0, 60.0)


def test_a_released_lease_is_free(store: Store) -> None:
    lease = store.acquire("alice", "", 100.0, 60.0)
    assert isinstance(lease, Lease)
    store.release(lease)
    assert isinstance(store.acquire("bob", "", 101.0, 60.0), Lease)


def test_a_holder_with_any_name_is_told_in_characters_that_every_database_keeps(home) -> None:
    assert isinstance(home.open().acquire("h\ud800\u00e9\0", "https://\u202e/1", 100.0, 60.0), Lease)
    assert home.open(read_only=True).holder() == LeaseHeld("h\\ud800\\xe9", "https://\\u202e/1", 160.0)


def test_nobody_has_a_lease_that_was_given_back_or_never_taken(home) -> None:
    store = home.open()
    assert store.holder() is None
    lease = store.acquire("alice", "", 100.0, 60.0)
    assert isinstance(lease, Lease)
    assert store.holder() == LeaseHeld("alice", "", 160.0)
    store.release(lease)
    assert store.holder() is None
    assert home.open("other").holder() is None
