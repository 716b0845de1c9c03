"""The journal remembers what ICA does not tell; losing it costs knowledge and never a second analysis."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tests.front import everything
from tests.front.test_apply import CALLS, fault, forget, killed


def verbs(lab: Any) -> dict[str, list[str]]:
    return {each["address"]: each["verbs"] for each in lab.plan().json["resource_changes"]}


def rows(lab: Any) -> str:
    """Everything that the journal holds, as text."""
    with sqlite3.connect(lab.folder / ".icaform" / "journal.sqlite") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "".join(str(database.execute(f"SELECT * FROM {table}").fetchall()) for table in tables)


def test_what_cannot_be_read_back_is_remembered(lab: Any) -> None:
    everything.write(lab)
    lab.apply()
    assert verbs(lab) == {}
    told = rows(lab)
    assert "Use 4-4-0." in told
    assert '"shared":' in told
    assert '"secret":' in told


def test_without_a_journal_only_what_cannot_be_read_is_written_again(lab: Any) -> None:
    everything.write(lab)
    lab.apply()
    forget(lab)
    assert verbs(lab) == {
        "StorageCredential/lab-archive": ["share", "rotate"],
        "Pipeline/germline-4-2": ["message"],
    }
    assert lab.apply().code == 0
    assert verbs(lab) == {}
    assert everything.wrong(lab) == []


def test_an_entry_is_durable_before_the_bytes_leave_and_after_the_answer(lab: Any) -> None:
    everything.write(lab)
    fault(lab, CALLS[6], {"do": "drop_request"})
    killed(lab)
    told = rows(lab)
    assert told.count('"entry": "begun"') + told.count('"entry":"begun"') >= 7
    pending = [each for each in lab.plan().json["diagnostics"] if "was begun" in each["summary"]]
    assert len(pending) == 1
    assert lab.apply().code == 0
    assert lab.plan().json["diagnostics"] == []


def test_the_journal_and_its_folder_are_for_their_owner_alone(lab: Any) -> None:
    everything.write(lab)
    lab.apply()
    folder = Path(lab.folder, ".icaform")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in folder.glob("journal*")} == {0o600}


def test_a_journal_made_by_one_machine_serves_another(lab: Any, tmp_path: Path) -> None:
    everything.write(lab)
    journal = tmp_path / "shared" / "journal.sqlite"
    journal.parent.mkdir()
    assert lab.apply("--journal", str(journal)).code == 0
    assert lab.plan("--journal", str(journal)).json["resource_changes"] == []
