"""The journal remembers what ICA does not tell; losing it costs knowledge and never a second analysis."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator.demo import SECOND_API_KEY
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


LOST = "the journal knows nothing of workspace"


def test_only_who_makes_something_without_any_memory_waits_for_what_may_be_on_its_way(lab: Any) -> None:
    everything.write(lab)
    parts = {name: (lab.folder / name).read_text() for name in ("cohort.yaml", "credentials.yaml")}
    for name in parts:
        (lab.folder / name).unlink()
    assert LOST not in lab.apply().err, "a status that is stated twice is the same"
    for name, text in parts.items():
        forget(lab)
        lab.write("cohort.yaml", everything.cohort(5)) if name == "cohort.yaml" else lab.write(name, text)
        assert LOST in lab.apply().err, name
    lab.write("cohort.yaml", everything.cohort(7, credential="lab-archive"))
    assert LOST not in lab.apply().err, "the journal knows the workspace by now"
    assert everything.wrong(lab, 7) == []


def test_a_first_run_that_is_said_to_be_one_does_not_wait(lab: Any) -> None:
    everything.write(lab)
    assert LOST not in lab.apply("--first-run").err


@pytest.mark.parametrize("manifest", ["unchanged", "grown", "changed"])
@pytest.mark.parametrize("key", ["", SECOND_API_KEY])
def test_what_a_dead_run_started_is_found_without_its_journal(lab: Any, key: str, manifest: str) -> None:
    lab.write("cohort.yaml", everything.cohort(3))
    fault(lab, CALLS[6], {"do": "drop_answer"})
    killed(lab)
    forget(lab)
    items = {"unchanged": 3, "grown": 5, "changed": 2}[manifest]
    lab.write("cohort.yaml", everything.cohort(items))
    if key:
        lab.environ["ICAV2_X_API_KEY"] = key
    assert lab.apply().code == 0
    lab.clock.sleep(120)
    assert everything.analyses(lab) == {f"cohort/S{n:03d}": 1 for n in range(max(3, items))}
