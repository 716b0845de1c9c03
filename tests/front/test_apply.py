"""Apply: whatever the network and the server do, everything is there at the end, and once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.everything import cohort, killed

CALLS = (
    ("*/api/storageCredentials", 1),
    ("*/api/storageCredentials", 2),
    ("*:share", 1),
    ("*:deprecate", 1),
    ("*:archive", 1),
    ("*:release", 1),
    ("*/analysisCreationBatch", 1),
    ("*/analysisCreationBatch", 2),
)
"""Every mutating call of the workspace: how its path ends, and which of those that end so it is."""
BODIES = ("json", "html", "empty")
FAULTS = (
    {"do": "drop_request"},
    {"do": "drop_answer"},
    {"do": "status", "status": 429, "when": "before"},
    {"do": "status", "status": 500, "when": "before"},
    {"do": "status", "status": 500, "when": "after"},
    {"do": "status", "status": 503, "when": "before"},
    {"do": "status", "status": 503, "when": "after"},
)
"""What can happen to a call. A 429 after the effect is left out: a limiter answers before the work."""
LASTING = 99
WEEK = 8 * 86400.0


def fault(lab: Any, call: tuple[str, int], how: Any, times: int = 1) -> None:
    lab.control(
        "PUT",
        "/faults",
        [{"match": {"method": "POST", "path": call[0], "nth": call[1]}, "times": times, **how}],
    )


def fresh(lab: Any, count: int = 5) -> None:
    """The same workspace against a new world, with nothing remembered."""
    lab.control("POST", "/reset", {})
    lab.control("DELETE", "/faults")
    lab.control("DELETE", "/outcomes")
    lab.forget_requests()
    forget(lab)
    everything.write(lab, count)


def forget(lab: Any) -> None:
    """Lose the journal."""
    for each in Path(lab.folder, ".icaform").glob("journal*"):
        each.unlink()


def settled(lab: Any, count: int = 5) -> list[str]:
    """What is not as wanted after one more apply without faults; it must end well and leave an empty plan."""
    lab.control("DELETE", "/faults")
    ran = lab.run("apply", str(lab.folder), "--yes", "--output", "json")
    for _ in range(2):
        if ran.code == 11:
            # Irreversible steps are left; under read lag the first count may be that of an older view.
            ran = lab.apply()
    lab.clock.sleep(120)
    found: list[str] = everything.wrong(lab, count)
    if ran.code:
        found.append(f"exit {ran.code}: {ran.json['verdict']} {ran.json['diagnostics']}"[:400])
    plan = lab.plan()
    if plan.code or plan.json["resource_changes"]:
        found.append(f"plan not empty: {plan.json['verdict']}")
    return found


def test_after_any_fault_at_any_call_the_next_run_leaves_everything_there_once(lab: Any) -> None:
    tried, wrong = 0, {}
    for number, (call, how) in enumerate(product(CALLS, FAULTS)):
        body = {"body": BODIES[number % 3]} if "status" in how else {}
        fresh(lab)
        fault(lab, call, {**how, **body})
        ran = lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "4", "--output", "json")
        assert len(ran.json["outcomes"]) == 11, "every resource has an outcome"
        tried += 1
        if found := settled(lab):
            wrong[f"{call} {how}"] = found
    print(f"{tried} cases tried, {len(wrong)} wrong")
    assert not wrong


def test_after_a_fault_that_lasts_the_next_run_goes_on(lab: Any) -> None:
    tried, wrong = 0, {}
    for call, how in product((CALLS[0], CALLS[7]), (FAULTS[1], FAULTS[2], FAULTS[4])):
        fresh(lab)
        fault(lab, call, how, LASTING)
        lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "4")
        tried += 1
        if found := settled(lab):
            wrong[f"{call} {how}"] = found
    print(f"{tried} cases tried, {len(wrong)} wrong")
    assert not wrong


LATER = {
    "at once": lambda lab: None,
    "with the journal lost": forget,
    "with the manifest grown": lambda lab: everything.write(lab, 7),
    "with the manifest grown and the journal lost": lambda lab: (forget(lab), everything.write(lab, 7)),
    "after eight days": lambda lab: lab.clock.sleep(WEEK),
    "grown after eight days": lambda lab: (lab.clock.sleep(WEEK), everything.write(lab, 7)),
}


@pytest.mark.parametrize("later", LATER)
def test_a_run_that_died_in_doubt_is_taken_up_again(lab: Any, later: str) -> None:
    tried, wrong = 0, {}
    for call, how in product((CALLS[0], CALLS[6]), (FAULTS[1], FAULTS[4])):
        fresh(lab)
        fault(lab, call, how)
        killed(lab)
        if "lost" in later:
            # Without a journal nobody knows that there was a call: only time makes its effect readable.
            lab.clock.sleep(30)
        LATER[later](lab)
        tried += 1
        if found := settled(lab, 7 if "grown" in later else 5):
            wrong[f"{call} {how}"] = found
    print(f"{tried} cases tried, {len(wrong)} wrong")
    assert not wrong


def test_a_chunk_in_doubt_that_is_not_wanted_any_more_is_not_sent(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(3))
    fault(lab, CALLS[6], {"do": "drop_request"})
    killed(lab)
    lab.write("cohort.yaml", cohort(3, more="  generation: 2\n"))
    # Until the first call can have no effect any more, another one for its items is not sent.
    assert lab.apply().code == 14
    assert everything.analyses(lab) == {}
    lab.clock.sleep(1000)
    assert lab.apply().code == 0
    tags = str(everything.objects(lab, "Analysis"))
    assert set(everything.analyses(lab).values()) == {1}
    assert "icaform.generation=2" in tags
    assert "icaform.generation=1'" not in tags
    assert lab.plan().json["diagnostics"] == []


def test_a_chunk_in_doubt_is_sent_only_within_what_was_approved(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(3))
    fault(lab, CALLS[6], {"do": "drop_request"})
    killed(lab)
    digest = lab.plan().json["plan_digest"]
    for arguments, code in (
        (("--approve", "sha256:" + "0" * 64), 10),
        (("--yes", "--max-analyses", "2"), 11),
        (("--approve", digest), 0),
    ):
        assert lab.run("apply", str(lab.folder), *arguments).code == code
        assert len(everything.analyses(lab)) == (0 if code else 3)
    assert lab.plan().json["resource_changes"] == []


def test_a_chunk_in_doubt_goes_on_under_its_own_key_although_the_manifest_grew(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(3, chunk=100))
    fault(lab, CALLS[6], {"do": "drop_request"})
    killed(lab)
    lab.write("cohort.yaml", cohort(5, chunk=100))
    assert lab.apply().code == 0
    keys = [each["idempotencyKey"] for each in lab.writes()]
    assert len(keys) == 3
    assert len(set(keys)) == 2, "the one in doubt, again under its key, and the new items"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_plain_refusal_is_reported_and_the_rest_goes_on(lab: Any, status: int) -> None:
    lab.write("pipelines.yaml", everything.PIPELINES)
    lab.control("POST", "/seed", {"pipelines": [{"name": "x", "owner": "grace", "projects": ["wgs-prod"]}]})
    lab.write(
        "x.yaml",
        "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: x}\n"
        "spec: {select: {code: x 1-0-0}, status: Archived}\n",
    )
    ran = lab.apply()
    assert ran.code == 12
    assert sorted(each["outcome"] for each in ran.json["outcomes"]) == ["done", "done", "done", "refused"]


def test_what_needs_a_step_that_failed_is_not_started(lab: Any) -> None:
    everything.write(lab)
    fault(lab, CALLS[0], {"do": "status", "status": 500}, LASTING)
    ran = lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "4", "--output", "json")
    ended = {(each["kind"], each["name"], each["verb"]): each["outcome"] for each in ran.json["outcomes"]}
    assert ran.code == 14
    assert ended["StorageCredential", "lab-archive", "create"] == "unknown"
    assert ended["StorageCredential", "lab-archive", "share"] == "skipped"
    assert ended["AnalysisBatch", "cohort", "submit"] == "skipped"
    assert ended["Pipeline", "sarek", "release"] == "done"
    assert everything.analyses(lab) == {}


def test_a_reference_is_filled_in_with_the_id_of_what_the_same_apply_made(lab: Any) -> None:
    everything.write(lab)
    assert lab.apply().code == 0
    order = [each["path"].rsplit("/", 1)[-1] for each in lab.writes()]
    assert order.index("storageCredentials") < order.index("analysisCreationBatch")
    lab.write("cohort.yaml", cohort(6, credential="lab-archive"))
    assert lab.apply("--only", "AnalysisBatch/*").code == 0
    assert everything.wrong(lab, 6) == []


def test_independent_steps_run_at_the_same_time(lab: Any) -> None:
    lab.write("pipelines.yaml", everything.PIPELINES)
    ends = (":deprecate", ":archive", ":release")
    lab.control("PUT", "/faults", [{"match": {"path": f"*{end}"}, "delay": 20} for end in ends])
    done: list[Any] = []
    arguments = ("apply", str(lab.folder), "--yes", "--allow-irreversible", "3")
    thread = threading.Thread(target=lambda: done.append(lab.run(*arguments)))
    thread.start()
    while thread.is_alive():
        lab.control("POST", "/clock", {"advance": 0.25})
        thread.join(0.01)
    assert done[0].code == 0
    begun = [datetime.fromisoformat(each["time"]) for each in lab.writes()]
    assert len(begun) == 3
    assert (max(begun) - min(begun)).total_seconds() < 20, "none had to wait for the answer to another"


def test_every_mutating_call_carries_a_key_and_a_retry_carries_the_same(lab: Any) -> None:
    everything.write(lab)
    lab.control(
        "PUT",
        "/faults",
        [
            {"match": {"method": "POST", "path": call, "nth": nth}, "do": "drop_request"}
            for call, nth in CALLS
        ],
    )
    assert lab.apply().code == 0
    keys = [each["idempotencyKey"] for each in lab.writes()]
    assert all(keys)
    assert len(set(keys)) == len(CALLS)
    assert len(keys) > len(CALLS)


@pytest.fixture(scope="module")
def slow() -> Iterator[Embedded]:
    """An ICA that shows what was written only after half a minute, and takes its time with batches."""
    with Embedded(
        settings=Settings(clock="manual", read_lag=30, batch_initialized=20, batch_running=60)
    ) as ica:
        yield ica


@pytest.fixture
def lagging(tmp_path: Path, slow: Embedded) -> Lab:
    lab = Lab(tmp_path, slow)
    fresh(lab)
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    return lab


def test_with_read_lag_and_slow_batches_the_plan_after_an_apply_is_empty(lagging: Any) -> None:
    ran = lagging.apply()
    assert ran.code == 0, ran.text
    for pause in (0, 1, 29, 30, 300):
        lagging.clock.sleep(pause)
        plan = lagging.plan().json
        assert plan["resource_changes"] == [], (pause, plan["verdict"])
    assert everything.wrong(lagging) == []


def test_with_read_lag_and_slow_batches_a_fault_doubles_nothing(lagging: Any) -> None:
    tried, wrong = 0, {}
    for call, how in product((CALLS[0], CALLS[6]), (FAULTS[1], FAULTS[4])):
        for kill in (False, True):
            fresh(lagging)
            fault(lagging, call, how)
            if kill:
                killed(lagging)
            else:
                lagging.run("apply", str(lagging.folder), "--yes", "--allow-irreversible", "4")
            tried += 1
            if found := settled(lagging):
                wrong[f"{call} {how} {kill}"] = found
    print(f"{tried} cases tried, {len(wrong)} wrong")
    assert not wrong


def test_a_batch_still_being_created_is_shown_as_such_and_only_new_items_are_sent(lagging: Any) -> None:
    for name in ("pipelines.yaml", "credentials.yaml"):
        (lagging.folder / name).unlink()
    lagging.write("cohort.yaml", cohort(3))
    killed(lagging, 0.1)
    for pause in (0, 10, 30):
        lagging.clock.sleep(pause)
        plan = lagging.plan().json
        assert plan["resource_changes"] == [], pause
        assert [(each["state"], each["count"]) for each in plan["unchanged"]] == [("being created", 3)]
    lagging.write("cohort.yaml", cohort(5))
    assert lagging.plan().json["counts"]["create"] == 2
    assert lagging.apply().code == 0
    assert sorted(len(each["items"]) for each in everything.objects(lagging, "Batch")) == [2, 3]
    lagging.clock.sleep(300)
    assert set(everything.analyses(lagging).values()) == {1}
    assert lagging.plan().json["resource_changes"] == []


def test_a_share_that_is_read_late_is_not_taken_for_somebody_elses_change(lagging: Any) -> None:
    for name in ("pipelines.yaml", "cohort.yaml"):
        (lagging.folder / name).unlink()
    fault(lagging, ("*:share", 1), {"do": "status", "status": 503, "when": "before", "retry_after": 40})
    assert lagging.apply().code == 0
    for pause in (0, 10, 30):
        lagging.clock.sleep(pause)
        assert lagging.plan().json["resource_changes"] == []


def test_a_server_that_dies_at_any_request_and_comes_back_loses_nothing(lab: Any) -> None:
    fresh(lab)
    lab.forget_requests()
    lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "4")
    log = lab.requests()
    first = next(number for number, each in enumerate(log) if each in lab.writes())
    ways = ({"do": "drop_answer"}, {"do": "drop_request"}, {"do": "status", "status": 503, "when": "after"})
    tried, wrong = 0, {}
    for number in range(first + 1, len(log) + 1, 4):
        fresh(lab)
        dead = {"match": {"path": "*", "nth": number}, "times": 10_000, **ways[tried % 3]}
        lab.control("PUT", "/faults", [dead])
        ran = lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "4", "--output", "json")
        assert ran.code in (0, 12, 14, 69, 75), ran.text
        tried += 1
        if found := settled(lab):
            wrong[f"request {number} {dead['do']}"] = found
    print(f"{tried} cases tried, {len(wrong)} wrong")
    assert not wrong


def test_a_read_that_fails_ends_a_plan_with_its_code_and_a_passing_failure_is_waited_out(lab: Any) -> None:
    everything.write(lab)
    lab.plan()
    reads = dict.fromkeys((each["method"], each["path"]) for each in lab.requests() if each["status"] < 400)
    ways = (
        ({"do": "drop_request"}, 69),
        ({"do": "drop_answer"}, 69),
        ({"do": "status", "status": 429}, 75),
        ({"do": "status", "status": 500, "body": "html"}, 69),
        ({"do": "status", "status": 503, "body": "empty"}, 75),
    )
    tried = 0
    for number, (method, path) in enumerate(reads):
        how, code = ways[number % len(ways)]
        for times in (1, LASTING):
            match = {"method": method, "path": path.replace("[", "[[]")}
            lab.control("PUT", "/faults", [{"match": match, "times": times, **how}])
            ran = lab.plan()
            assert ran.code == (0 if times == 1 else code), (path, how, ran.text)
            assert ran.json["exit_code"] == ran.code
            tried += 1
    print(f"{tried} cases tried")
    assert lab.writes() == []
