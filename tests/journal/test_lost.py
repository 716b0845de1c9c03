"""A connection lost at any message, a server stopped at any moment: nothing is written twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from icaform.address import Address
from icaform.diagnostic import Rejected
from icaform.journal import Begun, Ended, Intent, Lease, Store, open_store, postgres
from icaform.journal.postgres import bounds, connection
from tests.journal.proxy import Proxy, between

ONE = Address("AnalysisBatch", "cohort", "one")
MakeIntent = Callable[..., Intent]


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a server tries again at once."""
    monkeypatch.setattr(postgres, "PAUSE_SECONDS", 0.01)


def opened(url: str, workspace: str = "cohort") -> Store:
    return open_store(url, workspace, lambda: 0.0)


def work(store: Store, intent: MakeIntent) -> None:
    """One of each way to write."""
    number = store.begin(intent("one"))
    store.end(number, "done", {ONE: {"id": "x"}}, "", 1.0)
    lease = store.acquire("us", "", 100.0, 60.0)
    assert isinstance(lease, Lease)
    assert store.renew(lease, 120.0, 60.0)
    assert store.holder()
    store.release(lease)


def check(store: Store) -> None:
    """Everything was written, and once."""
    assert [type(each) for each in store.entries()] == [Begun, Ended]
    assert store.memory().remembered == {ONE: {"id": "x"}}
    assert store.memory().pending == {}
    assert store.holder() is None
    assert store.audit() == []


def test_a_connection_lost_at_any_message_loses_nothing_and_doubles_nothing(postgres_home, intent) -> None:
    opened(postgres_home.where).close()
    with between(postgres_home.server) as proxy:
        store = opened(proxy.url, "whole")
        opening = proxy.seen
        work(store, intent)
        store.close()
        messages = proxy.seen
        check(opened(postgres_home.where, "whole"))
    refused, mended, committed = 0, 0, 0
    for at in range(1, messages):  # the last says goodbye
        for how in ("before", "after"):
            with between(postgres_home.server, at, how) as proxy:
                workspace = f"{how}{at}"
                if at <= opening:
                    # Nothing was begun yet: to be told at once is better than to wait.
                    with pytest.raises(Rejected):
                        opened(proxy.url, workspace)
                    refused += 1
                    continue
                store = opened(proxy.url, workspace)
                work(store, intent)
                assert proxy.met
                committed += how == "after" and b"COMMIT\x00" in proxy.met
                mended += 1
                check(store)
                store.close()
    print(f"lost at each of {messages} messages: {refused} refused, {mended} mended, {committed} commits")
    assert refused == 2 * opening
    assert mended > 50
    assert committed >= 5


def first_commit(home: Any, how: str) -> AbstractContextManager[Proxy]:
    """A proxy that meddles with the COMMIT of the first entry, in a journal that is there."""
    opened(home.where).close()
    return between(home.server, 2, how, b"COMMIT\x00")  # the first one ends the opening


def test_a_commit_that_arrives_late_is_waited_for_and_found(postgres_home, intent) -> None:
    with first_commit(postgres_home, "late") as proxy:
        store = opened(proxy.url)
        assert store.begin(intent("one")) == 1
        assert proxy.met
        assert [each.number for each in store.entries()] == [1]
        assert store.audit() == []
        store.close()


def test_a_commit_of_which_nobody_knows_whether_it_will_arrive_is_not_taken_for_done(
    postgres_home, intent, monkeypatch, refusal_of
) -> None:
    monkeypatch.setattr(bounds, "BUSY_SECONDS", 0.1)
    with first_commit(postgres_home, "never") as proxy:
        store = opened(proxy.url)
        assert "longer than we wait" in refusal_of(lambda: store.begin(intent("one")))
        store.close()
    store = opened(postgres_home.where)
    assert list(store.entries()) == []
    assert store.begin(intent("one")) == 1


@pytest.mark.parametrize("part", [b"COMMIT\x00", b"INSERT INTO entry", b"BEGIN"])
def test_a_server_that_falls_silent_is_left_and_asked_anew(
    postgres_home, intent, monkeypatch, part: bytes
) -> None:
    monkeypatch.setattr(connection, "SILENT_SECONDS", 0.3)
    opened(postgres_home.where).close()
    with between(postgres_home.server, 1 if b"INSERT" in part else 2, "silent", part) as proxy:
        store = opened(proxy.url)
        assert store.begin(intent("one")) == 1
        assert proxy.met
        assert [each.number for each in store.entries()] == [1]
        store.close()


@pytest.mark.parametrize("part", [b"COMMIT\x00", b"INSERT INTO entry"])
def test_an_interrupt_does_not_wait_for_a_server_that_is_silent(postgres_home, intent, part: bytes) -> None:
    opened(postgres_home.where).close()
    with between(postgres_home.server, 1 if b"INSERT" in part else 2, "silent", part) as proxy:
        store = opened(proxy.url)
        clock = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
        clock.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            store.begin(intent("one"))
        assert proxy.met
        store.close()
        assert time.monotonic() - began < 3
    store = opened(postgres_home.where)
    assert store.audit() == []


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_a_server_that_was_restarted_between_two_transactions_is_found_again(
    postgres_home, intent, how: int
) -> None:
    store = postgres_home.open()
    lease = store.acquire("us", "", 100.0, 60.0)
    assert store.begin(intent("one")) == 1
    for _ in range(2):
        postgres_home.server.stop(how)
        postgres_home.server.start()
    store.end(1, "done")
    assert isinstance(lease, Lease)
    assert store.renew(lease, 120.0, 60.0)
    assert [type(each) for each in store.entries()] == [Begun, Ended]
    assert store.audit() == []


def test_a_server_that_is_restarted_in_the_middle_of_a_transaction_has_it_done_again(
    postgres_home, intent
) -> None:
    store, server = postgres_home.open(), postgres_home.server
    told: list[str] = []

    def stop(statement: str) -> None:
        told.append(statement)
        if len(told) in (2, 5, 12):
            server.stop()
            threading.Thread(target=server.start).start()

    with postgres_home.statements(stop):
        assert store.begin(intent("one")) == 1
        store.end(1, "done", {ONE: {"id": "x"}})
    server.start()
    assert [type(each) for each in store.entries()] == [Begun, Ended]
    assert store.memory().remembered == {ONE: {"id": "x"}}
    assert store.audit() == []


def test_a_server_that_stays_away_is_told_once_our_patience_ends(
    postgres_home, intent, monkeypatch, refusal_of
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE_SECONDS", 0.1)
    store = postgres_home.open()
    number = store.begin(intent("one"))
    postgres_home.server.stop()
    assert "cannot be reached" in refusal_of(lambda: store.end(number, "done"))
    assert "cannot be reached" in refusal_of(store.memory)
    postgres_home.server.start()
    store.end(number, "done")
    assert store.memory().pending == {}


def test_whoever_closes_a_journal_ends_the_waiting_for_its_server(postgres_home, intent) -> None:
    store = postgres_home.open()
    postgres_home.server.stop()
    ended: list[BaseException] = []

    def write() -> None:
        try:
            store.begin(intent("one"))
        except Rejected as error:
            ended.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while not store._database._turns.turn.locked():
        os.sched_yield()
    store.close()
    thread.join(10)
    assert ended


def test_the_proxy_itself_changes_nothing(postgres_home, intent) -> None:
    with between(postgres_home.server) as proxy:
        assert isinstance(proxy, Proxy)
        store = opened(proxy.url)
        work(store, intent)
        check(store)
        store.close()
