"""A call that a later run sends again has its effect as late after that as after the first time."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.front.everything import USERS, become, killed
from tests.front.test_concealed import HIDDEN, LOST, again, lose, pacing
from tests.front.test_doubt import ALONE, PIPELINE, cohort, started
from tests.front.test_journal_verbs import journal

__all__ = ["pacing"]

GAPS = (1000, 7200, 8 * 86_400)
"""Seconds between the first try, of which nothing came, and the second."""
BEGINS = {"shown": 0.3, "hidden": 100.0}
"""Seconds until a batch begins; where jobs are hidden nothing tells of it until then."""
MANIFESTS = {
    "same": cohort("abc"),
    "grown": cohort("abcd"),
    "dropped": cohort("bc"),
    "edited": cohort("abc").replace("GRCh38", "hg38"),
}
BATCHES = "analysisCreationBatch"
SINGLE = "analysis:nextflowWithCustomInput"


def never_sent(lab: Any, manifest: str, path: str) -> None:
    """A run began a call that never reached ICA, and died."""
    lab.write("b.yaml", manifest)
    lab.control("PUT", "/faults", [{"match": {"method": "POST", "path": f"*{path}"}, "do": "drop_request"}])
    killed(lab)
    lab.control("DELETE", "/faults")
    lab.forget_requests()


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("manifest", MANIFESTS)
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("jobs", BEGINS)
@pytest.mark.parametrize("gap", GAPS)
def test_a_run_that_dies_at_a_second_try_is_no_older_than_that(
    pacing: Any, gap: int, jobs: str, lost: str, manifest: str, user: str
) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"read_lag": 30.0, "batch_initialized": BEGINS[jobs]})
    # A journal that knows nothing else is not believed to be the last one.
    lab.write("p.yaml", PIPELINE.format(more="", select="code: DRAGEN Germline 4-2-7", status="Deprecated"))
    assert lab.apply("--first-run").code == 0
    never_sent(lab, MANIFESTS["same"], BATCHES)
    lab.clock.sleep(gap)
    lose(lab, lost)
    killed(lab, sent=BATCHES)
    lab.control("PUT", "/faults", [HIDDEN] if jobs == "hidden" else [])
    become(lab, user)
    lab.write("b.yaml", MANIFESTS[manifest])
    again(lab)
    lab.clock.sleep(2000)
    found = started(lab)
    assert set(found.values()) == {1}
    assert {f"cohort/{each}" for each in "abc"} <= set(found)


@pytest.mark.parametrize("lost", LOST)
def test_an_answer_that_is_lost_at_a_second_try_is_waited_for_as_at_the_first(pacing: Any, lost: str) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"read_lag": 30.0, "batch_initialized": 200.0})
    never_sent(lab, MANIFESTS["same"], BATCHES)
    lab.clock.sleep(1000)
    lose(lab, lost, HIDDEN)
    lab.apply("--first-run")
    again(lab)
    lab.clock.sleep(2000)
    assert started(lab) == {f"cohort/{each}": 1 for each in "abc"}


@pytest.mark.parametrize(("gap", "user"), list(product(GAPS, USERS)))
def test_one_analysis_that_is_sent_again_is_no_older_than_that(pacing: Any, gap: int, user: str) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"read_lag": 30.0})
    items = "    - {name: a, userReference: cohort/a}"
    manifest = ALONE.format(pipeline="{code: nf-core rnaseq 3-14}", items=items)
    never_sent(lab, manifest, SINGLE)
    lab.clock.sleep(gap)
    lab.control("PUT", "/faults", [{"match": {"method": "POST", "path": f"*{SINGLE}"}, "do": "drop_answer"}])
    killed(lab, sent=SINGLE)
    lab.control("DELETE", "/faults")
    become(lab, user)
    again(lab)
    lab.clock.sleep(2000)
    assert started(lab) == {"cohort/a": 1}


def test_each_try_has_an_entry_and_one_of_them_is_pending(lab: Any) -> None:
    never_sent(lab, MANIFESTS["same"], BATCHES)
    (first,) = journal(lab, "list")["entries"]
    lab.clock.sleep(7200)
    lose(lab, "answer dropped")
    killed(lab, sent=BATCHES)
    (second,) = journal(lab, "list")["entries"]
    assert (second["key"], second["call"]) == (first["key"], first["call"])
    assert second["number"] > first["number"]
    assert second["age_seconds"] < 100
    closed = [each for each in journal(lab, "list", "--all")["entries"] if each["number"] == first["number"]]
    assert [each["note"] for each in closed] == [f"begun again as {second['number']}"]
    assert lab.apply().code == 0
    assert started(lab) == {f"cohort/{each}": 1 for each in "abc"}
    assert journal(lab, "list")["pending"] == 0
