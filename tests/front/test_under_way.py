"""What is under way, or was said to be, is not started beside it: whatever a journal remembers of before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.front.everything import USERS, become, killed
from tests.front.test_concealed import HIDDEN, LOST, again, held, lose, lose_journal, pacing
from tests.front.test_doubt import cohort, objects, started
from tests.front.test_journal_verbs import journal

__all__ = ["pacing"]

BATCHES = "analysisCreationBatch"
FAILING = [{"userReference": "cohort/a", "analysis": "FAILED"}]
UNCREATED = [{"userReference": "cohort/a", "reason": "no quota"}]


def wished(names: str, generation: int = 1, attempts: int = 1, when: str = "CREATION") -> str:
    retry = f"  retry: {{attempts: {attempts}, when: [{when}]}}\n" if attempts > 1 else ""
    return cohort(names).replace("spec:\n", f"spec:\n  generation: {generation}\n{retry}")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("before", ["all", "one could not be created"])
def test_a_generation_whose_items_appear_one_after_another_is_started_once(
    pacing: Any, before: str, lost: str, user: str
) -> None:
    lab = pacing
    lab.write("b.yaml", wished("abc"))
    if before != "all":
        lab.control("PUT", "/outcomes", UNCREATED)
    lab.apply("--first-run")
    lab.control("PUT", "/outcomes", [])
    lab.clock.sleep(2000)
    lab.control("PUT", "/settings", {"batch_running": 1800.0})
    lab.write("b.yaml", wished("abc", 2))
    lose(lab, lost)
    killed(lab, sent=BATCHES)
    lab.control("PUT", "/faults", [HIDDEN])
    become(lab, user)
    lab.clock.sleep(650)
    again(lab, 6)
    lab.clock.sleep(4000)
    found = started(lab)
    assert found == {"cohort/a": 1 + (before == "all"), "cohort/b": 2, "cohort/c": 2}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("lost", LOST)
def test_a_retry_that_a_person_closed_as_done_is_not_sent_again(pacing: Any, lost: str, user: str) -> None:
    lab = pacing
    lab.write("b.yaml", wished("a", attempts=3, when="FAILED"))
    lab.control("PUT", "/outcomes", FAILING)
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(2000)
    lab.control("PUT", "/outcomes", [])
    lab.control("PUT", "/settings", {"batch_initialized": 4000.0})
    lose(lab, lost, HIDDEN)
    assert lab.apply().code == 14
    journal(lab, "settle", "--no-look", "--as", "done", "--note", "I saw it", "--yes")
    become(lab, user)
    for _ in range(2):
        ran = lab.apply()
        assert (ran.code, held(ran)) == (1, [("a", "foreign-state")])
        lab.clock.sleep(1000)
    lab.clock.sleep(6000)
    assert lab.apply().code == 0
    assert started(lab) == {"cohort/a": 2}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_what_another_machine_has_under_way_is_waited_for_though_it_failed_here_before(
    pacing: Any, elsewhere: Any, attempts: int, user: str
) -> None:
    lab = pacing
    lab.write("b.yaml", wished("ab", attempts=attempts))
    lab.control("PUT", "/outcomes", UNCREATED)
    lab.apply("--first-run")
    lab.control("PUT", "/outcomes", [])
    lab.clock.sleep(2000)
    lab.control("PUT", "/settings", {"batch_initialized": 600.0})
    with elsewhere():
        killed(lab, 15, sent=BATCHES)
    become(lab, user)
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(4000)
    assert started(lab) == {"cohort/a": 1, "cohort/b": 1}


@pytest.mark.parametrize("attempts", [1, 2])
def test_what_failed_of_an_earlier_generation_hides_no_later_one(
    pacing: Any, elsewhere: Any, attempts: int
) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"read_lag": 30.0})
    lab.write("b.yaml", wished("ab", attempts=attempts))
    lab.control("PUT", "/outcomes", UNCREATED)
    lab.apply("--first-run")
    lab.control("PUT", "/outcomes", [])
    lab.clock.sleep(2000)
    lab.write("b.yaml", wished("ab", 2, attempts))
    lab.control("PUT", "/settings", {"batch_initialized": 1500.0})
    with elsewhere():
        killed(lab, 15, sent=BATCHES)
    lab.clock.sleep(200)
    assert lab.apply("--first-run").code == 12
    left = 1500 - (lab.clock.now() - max(each["created"] for each in objects(lab, "Batch")))
    for late in (1, 5, 10, 20):
        lab.clock.sleep(left + late)
        left = 0
        lab.apply("--first-run")
    lab.clock.sleep(4000)
    assert started(lab) == {"cohort/a": 1, "cohort/b": 2}


def test_a_retry_is_held_where_a_later_attempt_has_lost_its_tags(lab: Any) -> None:
    lab.write("b.yaml", wished("a", attempts=3, when="FAILED"))
    lab.control("PUT", "/outcomes", FAILING)
    for _ in range(2):
        assert lab.apply("--first-run").code == 0
        lab.clock.sleep(2000)
    assert started(lab) == {"cohort/a": 2}
    last = max(objects(lab, "Analysis"), key=lambda each: each["created"])
    path = f"/api/projects/{last['project_id']}/analyses/{last['id']}"
    told = lab.api("GET", path)
    kept = [each for each in last["tags"]["technicalTags"] if "attempt" not in each]
    told["tags"]["technicalTags"] = kept
    lab.api("PUT", path, told)
    lose_journal(lab)
    lab.clock.sleep(100)
    ran = lab.apply("--first-run")
    assert (ran.code, held(ran)) == (1, [("a", "foreign-state")])
    assert started(lab) == {"cohort/a": 2}


def test_an_earlier_generation_is_not_tried_again_where_a_later_one_ran(lab: Any) -> None:
    lab.write("b.yaml", wished("a", attempts=2, when="FAILED"))
    lab.control("PUT", "/outcomes", FAILING)
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(2000)
    lab.control("PUT", "/outcomes", [])
    lab.write("b.yaml", wished("a", 2, attempts=2, when="FAILED"))
    assert lab.apply().code == 0
    lab.clock.sleep(2000)
    lab.write("b.yaml", wished("a", 1, attempts=2, when="FAILED"))
    ran = lab.apply()
    assert (ran.code, held(ran)) == (0, [("a", "changed-since-run")])
    assert started(lab) == {"cohort/a": 2}


@pytest.mark.parametrize("late", [1, 5, 15, 25, 29])
def test_an_item_is_not_taken_for_failed_because_its_job_is_told_to_have_ended_first(
    pacing: Any, late: int
) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"batch_initialized": 0.3, "batch_running": 1200.0})
    lab.write("b.yaml", wished("abc", attempts=3))
    killed(lab, 15, sent=BATCHES)
    begun = max(each["created"] for each in objects(lab, "Batch"))
    lab.clock.sleep(begun + 1200.3 + late - lab.clock.now())
    reads = [{"method": "GET", "path": "*/items*"}, {"method": "POST", "path": "*/analysis:search"}]
    lab.control(
        "PUT", "/faults", [{"match": each, "do": "lag", "seconds": 29, "times": 9999} for each in reads]
    )
    assert again(lab) == 0
    lab.control("DELETE", "/faults")
    lab.clock.sleep(2000)
    assert started(lab) == {f"cohort/{each}": 1 for each in "abc"}


def test_what_an_earlier_generation_brought_stands_for_no_later_one(lab: Any, elsewhere: Any) -> None:
    retried = "CREATION, FAILED"
    lab.write("b.yaml", wished("a", 1, 2, retried))
    lab.control("PUT", "/outcomes", FAILING)
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(2000)
    lab.control("PUT", "/outcomes", [])
    assert lab.apply().code == 0
    lab.clock.sleep(2000)
    assert lab.apply().code == 0
    old = {each["id"] for each in objects(lab, "Analysis")}
    assert len(old) == 2
    lab.write("b.yaml", wished("a", 2, 2, retried))
    lab.control("PUT", "/outcomes", FAILING)
    with elsewhere():
        assert lab.apply("--first-run").code == 0
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(2000)
    lab.control("PUT", "/outcomes", [])
    told = lab.run("status", str(lab.folder), "--output", "json")
    assert told.code != 0
    assert not any(each in told.out for each in old)
    assert lab.apply().code == 0
    assert started(lab) == {"cohort/a": 4}
