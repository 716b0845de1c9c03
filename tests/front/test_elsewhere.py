"""A batch that ran in one project is not started again in another, only because a setting names that."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

from tests.front.everything import cohort as of_rnaseq
from tests.front.everything import objects
from tests.front.test_status import status

ELSEWHERE = ("--project-id", "wgs-dev")


def cohort(count: int, more: str = "") -> str:
    """A batch of a pipeline that both projects have."""
    text = of_rnaseq(count, more=more).replace("nf-core rnaseq 3-14", "DRAGEN Germline 4-2-7")
    return text.replace("analysisInput: {", "analysisInput: {objectType: STRUCTURED, ")


def held(ran: Any) -> list[tuple[str, str]]:
    return [(each["item"], each["reason"]["code"]) for each in ran.json["resource_changes"]]


def test_what_ran_in_another_project_is_held_until_somebody_says_that_it_shall_run_here(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(2))
    assert lab.apply().code == 0
    for _ in range(2):
        plan = lab.plan(*ELSEWHERE, "--detailed-exitcode")
        assert (plan.code, held(plan)) == (2, [("S000", "changed-since-run"), ("S001", "changed-since-run")])
        reason = plan.json["resource_changes"][0]["reason"]
        assert "was started in another project" in reason["summary"]
        assert "put the project back, or raise `generation` from 1" in reason["remedy"]
        assert len(objects(lab, "Analysis")) == 2
        lab.apply(*ELSEWHERE)
        lab.clock.sleep(2000)
    assert len(objects(lab, "Analysis")) == 2
    assert "was started in another project" in str(status(lab, *ELSEWHERE)["batches"])
    assert lab.plan("--detailed-exitcode").code == 0
    lab.write("cohort.yaml", cohort(2, more="  generation: 2\n"))
    assert lab.apply(*ELSEWHERE).code == 0
    assert len(objects(lab, "Analysis")) == 4
    assert lab.plan(*ELSEWHERE, "--detailed-exitcode").code == 0


def test_a_batch_that_is_still_being_created_elsewhere_is_held_too(slow_lab: Any) -> None:
    lab = slow_lab
    lab.control("POST", "/faults", {"match": {"method": "GET", "path": "*/analysisCreationBatch/*"},
                                    "do": "status", "status": 403, "times": 99})  # fmt: skip
    lab.write("cohort.yaml", cohort(2))
    assert lab.apply().code == 14
    lab.control("DELETE", "/faults")
    plan = lab.plan(*ELSEWHERE)
    assert [code for _, code in held(plan)] == ["changed-since-run"] * 2
    assert "as batch " in plan.json["resource_changes"][0]["reason"]["summary"]
    lab.clock.sleep(2000)
    assert lab.apply().code == 0
    assert len(objects(lab, "Analysis")) == 2


def test_what_ica_could_not_create_there_may_be_started_here(lab: Any) -> None:
    lab.control("PUT", "/outcomes", [{"userReference": "*", "reason": "no quota"}])
    lab.write("cohort.yaml", cohort(2, more="  retry: {attempts: 2}\n"))
    assert lab.apply().code == 1
    lab.control("DELETE", "/outcomes")
    assert lab.apply(*ELSEWHERE).code == 0
    assert len(objects(lab, "Analysis")) == 2


def test_a_project_is_the_same_however_its_id_is_written(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(2))
    assert lab.apply().code == 0
    listed = lab.api("GET", "/api/projects")["items"]
    (wanted,) = [each["id"] for each in listed if each["name"] == "wgs-prod"]
    urn = f"urn:ilmn:ica:project:{wanted.upper()}#wgs-prod"
    ways = (wanted, wanted.upper(), wanted.title(), urn)
    for way in ways:
        for more in (("--project-id", way), ()):
            lab.write("cohort.yaml", cohort(2, more="" if more else f"  project: '{way}'\n"))
            assert lab.plan("--detailed-exitcode", *more).code == 0, (way, more)
            assert status(lab, *more)["batches"][0]["items"] == status(lab)["batches"][0]["items"]
    # One that was written down in capitals is no other.
    with contextlib.closing(sqlite3.connect(lab.folder / ".icaform" / "journal.sqlite")) as journal, journal:
        for address, facts in journal.execute("SELECT address, facts FROM memory").fetchall():
            capital = json.dumps(json.loads(facts) | {"project": wanted.upper()})
            journal.execute("UPDATE memory SET facts = ? WHERE address = ?", (capital, address))
    for way in ("wgs-prod", *ways):
        assert lab.plan("--detailed-exitcode", "--project-id", way).code == 0, way
    print(f"{len(ways)} ways")
    assert len(objects(lab, "Analysis")) == 2
