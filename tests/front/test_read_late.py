"""Each look may be told the past, by another age than the last: one that shows nothing proves little."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.front.everything import USERS, become, killed
from tests.front.test_concealed import LOST, again, lose, lose_journal, pacing
from tests.front.test_doubt import ALONE, cohort, started

__all__ = ["pacing"]

LAG = 30
"""Seconds; the longest that icaform takes a read to be late, unless told."""
SEARCH = "*analysis:search"
JOBS = "/api/jobs"
BATCH = "*analysisCreationBatch"


def alone(names: str) -> str:
    items = "\n".join(f"    - {{name: {each}, userReference: cohort/{each}}}" for each in names)
    return ALONE.format(pipeline="{code: nf-core rnaseq 3-14}", items=items)


WAYS = {"a batch": (cohort, BATCH), "one by one": (alone, "*analysis:nextflowWithCustomInput")}
MANIFESTS = {"same": "abc", "grown": "abcd", "dropped": "bc"}


def late(path: str, nth: int = 1, times: int = 9999, seconds: float = LAG) -> dict[str, Any]:
    return {"match": {"path": path, "nth": nth}, "do": "lag", "times": times, "seconds": seconds}


def each_once(lab: Any, names: str) -> None:
    lab.clock.sleep(4000)
    found = started(lab)
    assert set(found.values()) == {1}
    assert {f"cohort/{each}" for each in names} <= set(found)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("names", ["abc", "abcd"], ids=["same", "grown"])
@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("way", WAYS)
def test_what_one_look_has_found_no_later_one_makes_undone(
    lab: Any, way: str, how: str, names: str, user: str
) -> None:
    text, path = WAYS[way]
    for nth in range(1, 6):
        lab.control("POST", "/reset", {})
        if nth > 1:
            lose_journal(lab)
        lab.write("b.yaml", text("abc"))
        lab.control("PUT", "/faults", [{"match": {"method": "POST", "path": path}, **LOST[how]}])
        killed(lab, sent=path[1:])
        lab.clock.sleep(6)
        lab.control("PUT", "/faults", [late(SEARCH, nth, 1)])
        become(lab, user)
        lab.write("b.yaml", text(names))
        again(lab)
        each_once(lab, names)
    print("5 cases")


@pytest.mark.parametrize("queued", range(56, 106, 7))
@pytest.mark.parametrize("how", LOST)
def test_a_job_that_ended_while_a_run_waited_is_not_one_that_never_was(
    pacing: Any, how: str, queued: int
) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"batch_initialized": queued, "batch_running": 5.0})
    lab.write("b.yaml", cohort("abc"))
    lose(lab, how, late(SEARCH))
    assert lab.apply("--first-run").code == 0
    each_once(lab, "abc")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("names", MANIFESTS)
@pytest.mark.parametrize("journal", ["kept", "lost"])
@pytest.mark.parametrize("queued", range(57, 117, 12))
def test_a_job_that_ended_while_the_next_run_waited_is_not_one_that_never_was(
    pacing: Any, queued: int, journal: str, names: str, user: str
) -> None:
    lab = pacing
    lab.control("PUT", "/settings", {"batch_initialized": queued, "batch_running": 5.0})
    lab.write("b.yaml", cohort("abc"))
    lose(lab, "500 after the effect")
    killed(lab, sent=BATCH[1:])
    if journal == "lost":
        lose_journal(lab)
    # To plan and to the first look of apply the job does not show yet, and to the next not any more.
    lab.control("PUT", "/faults", [late(SEARCH), late(JOBS, 1, 2)])
    become(lab, user)
    lab.write("b.yaml", cohort(MANIFESTS[names]))
    again(lab)
    each_once(lab, MANIFESTS[names])


@pytest.mark.parametrize(("how", "nth", "names"), list(product(LOST, (1, 2), ("abc", "abcd"))))
def test_a_call_of_which_a_look_could_not_tell_is_not_sent_by_that_run(
    pacing: Any, how: str, nth: int, names: str
) -> None:
    """The job is listed, its batch is not there yet, and by the next look it is listed no more."""
    lab = pacing
    lab.control("PUT", "/settings", {"batch_initialized": 5.0, "batch_running": 1.0})
    lab.write("b.yaml", cohort("abc"))
    lose(lab, how)
    killed(lab, sent=BATCH[1:])
    lab.clock.sleep(6)
    lab.control("PUT", "/faults", [late(SEARCH), late(JOBS, nth, 1, 5), late(f"{BATCH}/*")])
    lab.write("b.yaml", cohort(names))
    again(lab)
    each_once(lab, names)


@pytest.mark.parametrize("second", range(0, 31, 5))
@pytest.mark.parametrize("first", range(14, 20))
def test_two_chunks_of_one_batch_are_each_looked_for(pacing: Any, first: int, second: int) -> None:
    """Both are done, and a late look is told a part of one: the other may be still to come, or not."""
    lab = pacing
    lab.control("PUT", "/settings", {"batch_initialized": 100.0, "batch_running": 6.0})
    for names, gap in (("de", 10), ("abc", 5)):
        lab.write("b.yaml", cohort(names))
        lose(lab, "500 after the effect")
        killed(lab, sent=BATCH[1:])
        lab.clock.sleep(gap)
    lab.write("b.yaml", cohort("abcde"))
    lab.control("PUT", "/faults", [late(SEARCH, 3, 2, first), late(SEARCH, 5, 1, second), late(JOBS, 1, 2)])
    again(lab)
    each_once(lab, "abcde")
