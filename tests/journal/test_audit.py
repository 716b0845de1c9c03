"""An audit finds what was done to a journal behind the store's back: every row, all kinds of tampering."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from icaform.address import Address
from icaform.diagnostic import Code, Rejected
from icaform.journal import Store, replay

ONE, TWO = Address("AnalysisBatch", "cohort", "one"), Address("Pipeline", "germline")
KEYS = {
    "entry": ("workspace", "number"),
    "head": ("workspace",),
    "memory": ("workspace", "address"),
    "pending": ("workspace", "number"),
    "setting": ("name",),
}
COLUMNS = {
    "entry": ("workspace", "number", "text", "hash"),
    "head": ("workspace", "number", "hash"),
    "memory": ("workspace", "address", "facts"),
    "pending": ("workspace", "number"),
    "setting": ("name", "value"),
}


def fill(home, intent) -> Store:
    """A journal with entries of every kind, and with rows in every table."""
    store = home.open()
    for each in (intent("one"), intent("two"), intent("three", body=None)):
        store.begin(each)
    store.end(1, "done", {ONE: {"id": "x", "message": "hello"}}, "fine", 1.0)
    store.adopt({TWO: {"shared": True}, Address("K", "n"): {}}, 2.0)
    store.end(2, "unknown", {}, "lost", 3.0)
    store.forget([Address("K", "n")], 4.0)
    home.open("other").begin(intent("one"))
    return store


def rows(home, table: str) -> list[tuple]:
    mine = "" if table == "setting" else " WHERE workspace = 'cohort'"
    return home.sql(f"SELECT {', '.join(COLUMNS[table])} FROM {table}{mine}")


def changed(value: object) -> Iterator[object]:
    """Other values for a column, of its type and of another."""
    if isinstance(value, int):
        yield from (value + 1, value - 1, value + 100, -value)
    else:
        text = str(value)
        for place in {0, len(text) // 2, len(text) - 1}:
            yield text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
        yield text[:-1]
        yield text + " "
        yield ""
        yield "{}"
        yield "[]"


def tamperings(home) -> Iterator[tuple[str, list[tuple[str, Sequence[object]]]]]:
    """Name and statements of everything that is tried."""
    for table, keys in KEYS.items():
        found = rows(home, table)
        assert found, f"no row in {table} to tamper with"
        where = " AND ".join(f"{key} = ?" for key in keys)
        for row in found:
            key = row[: len(keys)]
            yield f"remove {table} {key}", [(f"DELETE FROM {table} WHERE {where}", key)]
            for column, value in zip(COLUMNS[table], row, strict=True):
                for other in changed(value):
                    change = f"UPDATE {table} SET {column} = ? WHERE {where}"
                    yield f"change {table} {key} {column} to {other!r}", [(change, (other, *key))]
        for one in found:
            for two in found:
                for column in range(len(keys), len(COLUMNS[table])):
                    if one < two and one[column] != two[column]:
                        swap = f"UPDATE {table} SET {COLUMNS[table][column]} = ? WHERE {where}"
                        yield (
                            f"swap {COLUMNS[table][column]} of {one[: len(keys)]} and {two[: len(keys)]}",
                            [
                                (swap, (two[column], *one[: len(keys)])),
                                (swap, (one[column], *two[: len(keys)])),
                            ],
                        )
    entries = rows(home, "entry")
    exchange = "UPDATE entry SET number = ? WHERE workspace = 'cohort' AND number = ?"
    for one in entries:
        for two in entries:
            if one < two:
                yield (
                    f"reorder entries {one[1]} and {two[1]}",
                    [
                        (exchange, (-999, one[1])),
                        (exchange, (one[1], two[1])),
                        (exchange, (two[1], -999)),
                    ],
                )
    add = "INSERT INTO entry (workspace, number, text, hash) VALUES (?, ?, ?, ?)"
    for number in (-1, 0, len(entries) + 1, len(entries) + 2):
        yield f"add entry {number}", [(add, ("cohort", number, entries[0][2], entries[0][3]))]
    yield "add memory", [("INSERT INTO memory VALUES ('cohort', '[\"K\",\"x\",\"\"]', '{}')", ())]
    for number in (1, 4, 99):
        yield f"add pending {number}", [("INSERT INTO pending VALUES ('cohort', ?)", (number,))]


def test_an_audit_finds_every_row_that_was_changed_removed_reordered_or_added(
    home, intent, record_property
) -> None:
    store = fill(home, intent)
    restore = [(f"DELETE FROM {table}", ()) for table in KEYS]
    for table in KEYS:
        columns, marks = ", ".join(COLUMNS[table]), ", ".join("?" * len(COLUMNS[table]))
        put = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
        restore += [(put, row) for row in home.sql(f"SELECT {columns} FROM {table}")]
    assert store.audit() == []
    tried, missed = 0, []
    # What an audit sees does not depend on the store, so where each try takes a while some are enough.
    for name, statements in list(tamperings(home))[:: 1 if home.is_file else 4]:
        if home.tamper(statements):
            findings = store.audit()
            if not findings or any(each.code is not Code.JOURNAL or not each.remedy for each in findings):
                missed.append(name)
            tried += 1
            home.tamper(restore)
    assert store.audit() == []
    print(f"tampering: {tried} tried, {len(missed)} missed")
    record_property("tamperings", tried)
    assert missed == []
    assert tried > (300 if home.is_file else 75)


@pytest.mark.parametrize("text", ["SESAME", '"SESAME"', '{"entry":"begun","SESAME":1}', "[]", ""])
def test_a_row_that_cannot_be_read_is_a_diagnostic_that_does_not_quote_it(home, intent, text: str) -> None:
    store = fill(home, intent)
    home.sql("UPDATE entry SET text = ? WHERE number = 2", (text,))
    home.sql("UPDATE memory SET facts = ?", (text,))
    for read in (store.memory, lambda: list(store.entries()), lambda: store.end(2, "done", {ONE: {}})):
        with pytest.raises(Rejected) as refusal:
            read()
        assert "SESAME" not in str(refusal.value)
        assert refusal.value.diagnostics[0].remedy
    assert "SESAME" not in str(store.audit())


def test_tampering_in_one_workspace_leaves_the_others_whole(home, intent) -> None:
    fill(home, intent)
    home.sql("DELETE FROM entry WHERE workspace = 'cohort' AND number = 3")
    assert home.open("other").audit() == []


def test_the_entries_alone_give_back_the_memory(home, intent) -> None:
    store = fill(home, intent)
    assert store.memory() == replay(store.entries())
    assert [json.loads(row[2])["entry"] for row in rows(home, "entry")].count("ended") == 2
