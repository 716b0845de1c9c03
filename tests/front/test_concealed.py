"""An analysis that does not show, or shows another way than it was sent, is not started again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.front.everything import cohort, killed, objects
from tests.front.test_elsewhere import cohort as elsewhere

HIDDEN = {"match": {"method": "GET", "path": "/api/jobs"}, "do": "status", "status": 403, "times": 9999}
"""A tenant that lets nobody list jobs, so that nothing tells of a batch of which no analysis shows."""
LOST = {
    "answer dropped": {"do": "drop_answer"},
    "500 after the effect": {"do": "status", "status": 500, "when": "after"},
}
NEVER = {"request dropped": {"do": "drop_request"}}
OTHERS = 101
"""One more open batch than is looked at."""


@pytest.fixture
def pacing(lab: Any) -> Iterator[Any]:
    """A lab whose batches may be made slower."""
    usual = lab.control("GET", "/settings")
    yield lab
    lab.control("PUT", "/settings", usual)


def started(lab: Any) -> dict[str, int]:
    lab.clock.sleep(4000)
    return dict(Counter(each["user_reference"] for each in objects(lab, "Analysis")))


def once(count: int) -> dict[str, int]:
    return {f"cohort/S{number:03d}": 1 for number in range(count)}


def lose(lab: Any, lost: str, *more: Any) -> None:
    lab.control(
        "PUT",
        "/faults",
        [{"match": {"method": "POST", "path": "*analysisCreationBatch"}} | LOST[lost], *more],
    )


def retag(lab: Any, reference: str, *, keep: str) -> None:
    """What a person does who edits the technical tags of an analysis."""
    (one,) = [each for each in objects(lab, "Analysis") if each["user_reference"] == reference]
    path = f"/api/projects/{one['project_id']}/analyses/{one['id']}"
    told = lab.api("GET", path)
    told["tags"]["technicalTags"] = [each for each in one["tags"]["technicalTags"] if keep and keep in each]
    lab.api("PUT", path, told)


def lose_journal(lab: Any) -> None:
    for each in (lab.folder / ".icaform").iterdir():
        each.unlink()


def held(ran: Any) -> list[tuple[str, str]]:
    return [(each["item"], each["reason"]["code"]) for each in ran.json["resource_changes"] if each["reason"]]


def again(lab: Any, tries: int = 4) -> int:
    """Apply until nothing more is to come, a quarter of an hour apart."""
    for _ in range(tries):
        code: int = lab.apply().code
        if code == 0:
            break
        lab.clock.sleep(1000)
    return code


@pytest.mark.parametrize(("lost", "begins"), list(product(LOST, (5.0, 200.0))))
def test_items_that_were_corrected_after_they_could_not_be_created_are_started_once(
    pacing: Any, lost: str, begins: float
) -> None:
    lab = pacing
    lab.control("PUT", "/outcomes", [{"userReference": "*", "reason": "Storage is full"}])
    lab.write("cohort.yaml", cohort(6, chunk=6))
    assert lab.apply().code == 1
    lab.control("DELETE", "/outcomes")
    lab.clock.sleep(3000)
    lab.control("PUT", "/settings", {"batch_initialized": begins, "batch_running": 305.0 - begins})
    lose(lab, lost)
    lab.write("cohort.yaml", cohort(6, chunk=6).replace("GRCh38", "GRCh37"))
    assert again(lab) == 0
    assert started(lab) == once(6)


def corrected(text: str, item: str) -> str:
    """The manifest with another input of one item."""
    other = "analysisInput: {parameters: [{code: genome, value: GRCh37}]}"
    return re.sub(rf"(- {{name: {item},)", rf"\1 {other},", text)


@pytest.mark.parametrize(("attempts", "dies"), list(product((1, 2, 3), (True, False))))
def test_an_item_that_is_corrected_while_others_of_its_batch_are_being_created_is_started_once(
    pacing: Any, attempts: int, dies: bool
) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"batch_initialized": 0.3, "batch_running": 7200.0})
    lab.control("PUT", "/outcomes", [{"userReference": "*S000", "reason": "Storage is full"}])
    text = cohort(6, chunk=6, more=f"  retry: {{attempts: {attempts}}}\n")
    lab.write("cohort.yaml", text)
    killed(lab, 15, sent="analysisCreationBatch")
    lab.control("DELETE", "/outcomes")
    lab.write("cohort.yaml", corrected(text, "S000"))
    lab.clock.sleep(2000)
    lab.forget_requests()
    only = ("--only", "AnalysisBatch/cohort[S000]")
    lab.control("PUT", "/settings", {"batch_initialized": 600.0, "batch_running": 7200.0})
    if dies:
        killed(lab, 15, *only, sent="analysisCreationBatch")
    else:
        assert lab.apply("--first-run", *only).code == 14
    for _ in range(3):
        lab.apply(*only)
    lab.clock.sleep(20_000)
    assert again(lab) == 0
    assert started(lab) == once(6)


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_what_became_of_an_item_as_it_was_stands_for_no_corrected_one(
    pacing: Any, elsewhere: Any, attempts: int
) -> None:
    lab = pacing
    lab.control("PUT", "/outcomes", [{"userReference": "*S000", "reason": "Storage is full"}])
    text = cohort(3, more=f"  retry: {{attempts: {attempts}}}\n")
    lab.write("cohort.yaml", text)
    lab.apply("--first-run")
    lab.control("DELETE", "/outcomes")
    lab.clock.sleep(3000)
    lab.write("cohort.yaml", corrected(text, "S000"))
    with elsewhere():
        assert lab.apply("--first-run").code == 0
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(3000)
    retag(lab, "cohort/S000", keep="")
    for _ in range(2):
        ran = lab.apply()
        assert (ran.code, held(ran)) == (1, [("S000", "foreign-state")])
    assert started(lab) == once(3)


@pytest.mark.parametrize("lost", LOST)
def test_where_no_jobs_are_listed_a_lost_batch_is_waited_for_and_then_found(slow_lab: Any, lost: str) -> None:
    lab = slow_lab
    lose(lab, lost, HIDDEN)
    lab.write("cohort.yaml", cohort(2))
    ran = lab.apply("--first-run")
    assert ran.code == 14
    assert len(lab.writes()) == 1
    ran = lab.apply()
    assert (ran.code, held(ran)) == (14, [(f"S00{each}", "outcome-unknown") for each in (0, 1)])
    assert "ICA does not list its jobs: HTTP 403" in ran.json["resource_changes"][0]["reason"]["summary"]
    assert again(lab) == 0
    assert started(lab) == once(2)
    assert len(lab.writes()) == 1


@pytest.mark.parametrize("lost", LOST)
def test_where_no_jobs_are_listed_and_the_journal_is_lost_an_apply_waits_until_a_batch_would_show(
    slow_lab: Any, lost: str
) -> None:
    lab = slow_lab
    lose(lab, lost, HIDDEN)
    lab.write("cohort.yaml", cohort(2))
    killed(lab)
    lose_journal(lab)
    ran = lab.apply()
    assert ran.code == 0
    assert "ICA does not tell what it is at work on: waiting 930 s" in ran.err
    assert started(lab) == once(2)
    assert len(lab.writes()) == 1


def test_where_no_jobs_are_listed_what_surely_did_not_come_is_sent_after_a_quarter_of_an_hour(
    lab: Any,
) -> None:
    lose(lab, "answer dropped", HIDDEN)
    lab.control(
        "PUT", "/faults", [{"match": {"path": "*analysisCreationBatch"}, "do": "drop_request"}, HIDDEN]
    )
    lab.write("cohort.yaml", cohort(2))
    assert lab.apply("--first-run").code == 14
    assert lab.apply().code == 14
    lab.clock.sleep(900)
    assert lab.apply().code == 0
    assert started(lab) == once(2)


def test_an_apply_asks_some_forty_times_in_the_quarter_of_an_hour_that_a_stopped_batch_is_waited_for(
    lab: Any,
) -> None:
    lab.control("POST", "/faults", {"match": {"path": "*analysisCreationBatch"}, "do": "stop_batch"})
    lab.write("cohort.yaml", cohort(4, chunk=4))
    lab.apply("--first-run")
    lose_journal(lab)
    lab.forget_requests()
    begun = lab.clock.now()
    assert lab.apply().code == 0
    searches = lab.requests("POST", "analysis:search")
    print(f"{len(searches)} searches in {lab.clock.now() - begun:.0f} s")
    assert lab.clock.now() - begun > 900
    assert len(searches) <= 45
    assert started(lab) == once(4)


@pytest.mark.parametrize("lost", LOST)
def test_a_batch_is_found_among_more_open_ones_than_are_looked_at(slow_lab: Any, lost: str) -> None:
    lab = slow_lab
    body = cohort(1, name="other")
    lab.write("other.yaml", body)
    lab.control("PUT", "/settings", {"batch_initialized": 100_000})
    (pipeline,) = [each for each in objects(lab, "Pipeline") if each["code"] == "nf-core rnaseq 3-14"]
    (project,) = [each for each in objects(lab, "Project") if each["name"] == "wgs-prod"]
    for number in range(OTHERS):
        item = {
            "userReference": f"other/{number}",
            "pipelineId": pipeline["id"],
            "analysisInput": {"inputs": []},
            "tags": {"technicalTags": [], "userTags": [], "referenceTags": []},
        }
        lab.api("POST", f"/api/projects/{project['id']}/analysisCreationBatch", {"nextflowItems": [item]})
    lab.control("PUT", "/settings", {"batch_initialized": 200})
    (lab.folder / "other.yaml").unlink()
    lose(lab, lost)
    lab.write("cohort.yaml", cohort(2))
    lab.apply("--first-run")
    assert again(lab) == 0
    found = started(lab)
    assert {each: found[each] for each in once(2)} == once(2)


def test_what_may_be_on_its_way_when_its_turn_comes_is_not_told_as_done(
    pacing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = pacing
    monkeypatch.setattr("icaform.engine.apply.WORKERS", 1)
    lab.control("PUT", "/settings", {"batch_initialized": 120, "batch_running": 15, "read_lag": 30})
    lab.control("PUT", "/outcomes", [{"userReference": "cohort/S001", "reason": "no quota"}])
    lose(lab, "answer dropped", HIDDEN)
    lab.write("cohort.yaml", cohort(3))
    killed(lab)
    lab.control("DELETE", "/outcomes")
    lose_journal(lab)
    # The chunk of the run that died begins to show while the first of these is on its way.
    lab.write(
        "cohort.yaml", cohort(5).replace("name: S001", "name: R001").replace("cohort/S001", "cohort/R001")
    )
    lab.control("PUT", "/faults", [HIDDEN])
    lab.clock.sleep(105)
    ran = lab.apply("--first-run")
    outcomes = {each["item"]: each["outcome"] for each in ran.json["outcomes"]}
    assert (ran.code, outcomes["S003"], outcomes["S004"]) == (12, "skipped", "skipped"), outcomes
    assert again(lab) == 0
    found = started(lab)
    assert {found["cohort/S003"], found["cohort/S004"]} == {1}


@pytest.mark.parametrize("when", ["at once", "an hour later"])
def test_a_call_in_doubt_in_one_project_holds_its_items_in_another(slow_lab: Any, when: str) -> None:
    lab = slow_lab
    lose(lab, "answer dropped", HIDDEN)
    lab.write("cohort.yaml", elsewhere(2))
    assert lab.apply("--first-run").code == 14
    lab.clock.sleep(0 if when == "at once" else 3600)
    ran = lab.apply("--project-id", "wgs-dev")
    assert (ran.code, [code for _, code in held(ran)]) == (14, ["outcome-unknown"] * 2)
    assert "was begun in another project" in ran.json["resource_changes"][0]["reason"]["summary"]
    pending = lab.run("journal", "list", str(lab.folder), "--output", "json").json["entries"]
    assert len(pending) == 1, "looking in one project tells nothing of what was sent to another"
    assert again(lab) == 0
    assert started(lab) == once(2)


ALONE = "custom input"
CASES = list(
    product(("in a chunk", ALONE), ("", "icaform.batch", "icaform."), ("kept", "lost"), (False, True))
)


@pytest.mark.parametrize(("how", "keep", "journal", "drifted"), CASES)
def test_an_analysis_whose_tags_a_person_changed_is_not_started_again(
    lab: Any, how: str, keep: str, journal: str, drifted: bool
) -> None:
    text = cohort(2)
    lab.write(
        "cohort.yaml",
        text if how != ALONE else re.sub("analysisInput: {.*}", "analysisInput: {customInput: 'a: 1'}", text),
    )
    assert lab.apply().code == 0
    lab.clock.sleep(8 * 86400)
    retag(lab, "cohort/S001", keep=keep)
    if journal == "lost":
        lose_journal(lab)
        if not keep:
            return  # nothing anywhere tells that it is ours
    ran = lab.apply(*["--only-drifted"] * drifted)
    if keep == "icaform." or (how != ALONE and journal == "kept"):
        # The batch that it was sent in tells of it, too, where the journal knows that.
        assert (ran.code, held(ran)) == (0, [])
    elif not drifted or journal == "kept":
        assert (ran.code, held(ran)) == (1, [("S001", "foreign-state")])
    assert started(lab) == once(2)


def test_an_analysis_that_a_person_ran_again_in_ica_stands_for_its_item(lab: Any) -> None:
    lab.control("PUT", "/outcomes", [{"userReference": "*", "analysis": "FAILED"}])
    lab.write("cohort.yaml", cohort(1))
    assert lab.apply().code == 0
    lab.clock.sleep(4000)
    lab.control("DELETE", "/outcomes")
    (one,) = objects(lab, "Analysis")
    body = {
        "userReference": "cohort/S000_rerun",
        "pipelineId": one["pipeline_id"],
        "analysisInput": {"inputs": []},
        "tags": one["tags"],
    }
    lab.api("POST", f"/api/projects/{one['project_id']}/analysis:nextflow", body)
    lab.clock.sleep(4000)
    lab.write("cohort.yaml", cohort(1, more="  retry: {attempts: 2, when: [FAILED]}\n"))
    assert lab.apply().json["resource_changes"] == []
    assert len(objects(lab, "Analysis")) == 2


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_lower_generation_than_the_one_that_ran_is_held(lab: Any, journal: str) -> None:
    lab.write("cohort.yaml", cohort(2, more="  generation: 2\n"))
    assert lab.apply().code == 0
    if journal == "lost":
        lose_journal(lab)
    lab.clock.sleep(8 * 86400)
    lab.write("cohort.yaml", cohort(3))
    ran = lab.apply()
    assert held(ran) == [("S000", "changed-since-run"), ("S001", "changed-since-run")]
    assert "ran as generation 2, which is above 1" in ran.json["resource_changes"][0]["reason"]["summary"]
    assert started(lab) == once(3)
