"""Threads that wait to write share a transaction, and each has its own fate in it."""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import Any

from icaform.diagnostic import Rejected

ADD = "INSERT INTO setting (name, value) VALUES (?, '')"


def test_threads_that_wait_share_one_commit_and_the_fault_of_one_is_its_own(home) -> None:
    commits: list[str] = []
    answers: dict[int, object] = {}

    def write(item: int) -> None:
        def work(transaction: Any) -> int:
            transaction.run(ADD, (f"item{item}",))
            if item == 3:
                raise ValueError("item 3 is wrong")
            if item == 4:
                transaction.run(ADD, ("item4",))
            return item

        try:
            answers[item] = database.write(work)
        except (ValueError, Rejected) as error:
            answers[item] = type(error)

    threads = [threading.Thread(target=write, args=(item,)) for item in range(8)]

    def first(_: Any) -> None:
        for each in threads:
            each.start()
        while len(database._turns._waiting) < len(threads):
            os.sched_yield()

    with home.statements(lambda text: commits.append(text) if text == "COMMIT" else None):
        store = home.open()
        database = store._database
        commits.clear()
        database.write(first)
        for each in threads:
            each.join()
        written = len(commits)
    kept = database.read(
        lambda each: each.rows("SELECT name FROM setting WHERE name LIKE 'item%' ORDER BY name")
    )
    assert answers == {item: {3: ValueError, 4: Rejected}.get(item, item) for item in range(8)}
    assert [row[0] for row in kept] == [f"item{item}" for item in range(8) if item not in (3, 4)]
    assert written == 2  # the first, and all others


def test_an_interrupt_reaches_its_own_thread_and_leaves_the_journal_usable(home) -> None:
    database = home.open()._database

    def interrupted(transaction: Any) -> None:
        transaction.run(ADD, ("x",))
        raise KeyboardInterrupt

    for _ in range(2):
        try:
            database.write(interrupted)
        except KeyboardInterrupt:
            continue
        raise AssertionError("the interrupt was lost")
    assert database.write(lambda each: each.rows("SELECT * FROM setting WHERE name = 'x'")) == []


def test_a_transaction_that_the_database_gave_up_is_not_taken_for_written(home) -> None:
    """Whoever swallows an error of the database must not be told that what came before is written."""
    database = home.open()._database

    def swallow(transaction: Any) -> None:
        transaction.run(ADD, ("x",))
        try:
            transaction.run(ADD, ("x",))
        except Exception:
            return

    try:
        database.write(swallow)
        written = True
    except Rejected:
        written = False
    found = database.read(lambda each: each.rows("SELECT name FROM setting WHERE name = 'x'"))
    assert bool(found) == written


def test_all_who_shared_a_transaction_learn_why_it_failed(sqlite_home, monkeypatch) -> None:
    """A full disk makes SQLite give the whole transaction up, and then it knows of no savepoint any more."""
    sqlite_home.open().close()
    connect = sqlite3.connect

    def small(*given: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*given, **more)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    database = sqlite_home.open()._database
    said: list[str] = []

    def write(item: int) -> None:
        try:
            database.write(lambda each: each.run(ADD, (f"{item}" * 60_000,)))
        except Rejected as refusal:
            said.append(str(refusal))

    threads = [threading.Thread(target=write, args=(item,)) for item in range(3)]

    def first(_: Any) -> None:
        for each in threads:
            each.start()
        while len(database._turns._waiting) < len(threads):
            os.sched_yield()

    database.write(first)
    for each in threads:
        each.join()
    assert said
    assert all("the disk is full" in each for each in said)
