"""A journal whose tables say what no icaform writes: nothing rests on it, and the audit is named."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest

from icaform.journal.sort import amiss
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.test_apply import CALLS, fault, killed
from tests.postgres import Postgres

Sql = Callable[..., list[tuple[Any, ...]]]

WRONG: tuple[Any, ...] = ("x", 1e308, float("nan"), 10**400, -1, True, [], {"a": []})
VERBS = (["plan"], ["apply", "--yes"], ["drift"], ["status"], ["journal", "settle"])


@pytest.fixture(params=["sqlite", "postgres"])
def tables(request: pytest.FixtureRequest, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Sql:
    """Does something to the tables of the lab's journal, wherever it is; values are marked ``?``."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        monkeypatch.setenv("ICAFORM_JOURNAL", server.url())
        monkeypatch.setattr("icaform.journal.postgres.PATIENCE_SECONDS", 0.0)

        def sql(statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
            for table in ("memory", "entry", "lease"):
                statement = statement.replace(f" {table} ", f" icaform.{table} ")
            return server.sql(statement.replace("?", "%s"), values)

        return sql

    def in_file(statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        path = lab.folder / ".icaform" / "journal.sqlite"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(statement, tuple(values)).fetchall()

    return in_file


def refused(lab: Lab, *verb: str) -> None:
    """It ends as a journal that cannot be used does, and says what to run."""
    ran = lab.run(*verb, str(lab.folder), "--output", "json")
    assert (ran.code, [each["code"] for each in ran.json["diagnostics"]]) == (78, ["journal"]), ran.text
    assert "icaform journal audit" in ran.json["diagnostics"][0]["remedy"]
    assert len(ran.text) < 2000


def test_a_remembered_time_that_is_none_stops_every_verb_that_rests_on_it(lab: Lab, tables: Sql) -> None:
    everything.write(lab)
    assert lab.apply().code == 0
    lab.write("pipelines.yaml", everything.PIPELINES.replace("Use 4-4-0.", "Use 4-4-1."))
    whole = dict(tables("SELECT address, facts FROM memory "))
    lab.forget_requests()
    for wrong in WRONG:
        for address, facts in whole.items():
            if "written" in facts:
                damaged = json.dumps(json.loads(facts) | {"written": wrong})
                tables("UPDATE memory SET facts = ? WHERE address = ?", (damaged, address))
        for verb in VERBS[:4]:
            refused(lab, *verb)
        assert lab.run("journal", "audit", str(lab.folder)).code != 0
    assert lab.writes() == []
    for address, facts in whole.items():
        tables("UPDATE memory SET facts = ? WHERE address = ?", (facts, address))
    assert lab.apply().code == 0
    print(f"{len(WRONG)} values, {len(VERBS[:4])} verbs")


def test_whatever_fact_is_damaged_no_plan_meets_a_defect(lab: Lab, tables: Sql) -> None:
    everything.write(lab)
    assert lab.apply().code == 0
    seen: set[tuple[str, str]] = set()
    stopped = went_on = 0
    for address, text in tables("SELECT address, facts FROM memory "):
        facts = json.loads(text)
        for name in facts:
            if (json.loads(address)[0], name) in seen:
                continue
            seen.add((json.loads(address)[0], name))
            for wrong in (1.5, {"a": []}):
                damaged = facts | {name: wrong}
                tables("UPDATE memory SET facts = ? WHERE address = ?", (json.dumps(damaged), address))
                if amiss(damaged):
                    refused(lab, "plan")
                    stopped += 1
                else:
                    assert lab.plan().code == 0, (address, damaged)
                    went_on += 1
        tables("UPDATE memory SET facts = ? WHERE address = ?", (text, address))
    assert lab.plan().json["resource_changes"] == []
    print(f"{len(seen)} facts: {stopped} plans refused, {went_on} went on")
    assert stopped > went_on > 0


def test_a_call_whose_entry_is_damaged_is_not_settled_on_a_guess(lab: Lab, tables: Sql) -> None:
    everything.write(lab)
    fault(lab, CALLS[6], {"do": "drop_answer"})
    killed(lab)
    lab.control("DELETE", "/faults")
    (pending,) = lab.run("journal", "list", str(lab.folder), "--output", "json").json["entries"]
    number = pending["number"]
    ((whole,),) = tables("SELECT text FROM entry WHERE number = ?", (number,))
    lab.forget_requests()
    for name, wrong in (
        ("time", "x"),
        ("time", 1e308),
        ("key", 1),
        ("user", None),
        ("addresses", [[1, 2, 3]]),
    ):
        damaged = json.dumps(json.loads(whole) | {name: wrong})
        tables("UPDATE entry SET text = ? WHERE number = ?", (damaged, number))
        for verb in VERBS:
            refused(lab, *verb)
    assert lab.writes() == []
    tables("UPDATE entry SET text = ? WHERE number = ?", (whole, number))
    assert lab.apply().code == 0
    assert everything.wrong(lab) == []


def test_a_lease_that_cannot_be_read_stops_what_would_take_it_and_is_found_by_the_audit(
    lab: Lab, tables: Sql
) -> None:
    everything.write(lab)
    assert lab.apply().code == 0
    ((entries,),) = tables("SELECT count(*) FROM entry ")
    lab.forget_requests()
    for wrong in (float("inf"), -1.0, "abc", "", b"x"):
        tables("DELETE FROM lease ")
        try:
            tables("INSERT INTO lease VALUES ('lab', 't', 'h', 'u', ?)", (wrong,))
        except psycopg.Error:
            continue  # PostgreSQL keeps no other sort in a column of numbers
        for verb in (["apply", "--yes"], ["journal", "settle"], ["journal", "list"]):
            refused(lab, *verb)
        ran = lab.run("journal", "audit", str(lab.folder))
        assert (ran.code, "may apply it is malformed" in " ".join(ran.text.split())) == (78, True), ran.text
    assert lab.writes() == []
    assert tables("SELECT count(*) FROM entry ") == [(entries,)]
    tables("DELETE FROM lease ")
    assert lab.apply().code == 0
