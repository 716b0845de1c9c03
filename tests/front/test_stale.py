"""What changed between the plan and a call is seen before the call: it is skipped or held, alone."""

from __future__ import annotations

from typing import Any

import pytest

from icaform.engine.apply import WORKERS
from tests.front import everything
from tests.front.test_pipelines import manifest

COUNT = WORKERS + 4
NAMES = [f"p{number:02}" for number in range(COUNT)]
SLOW = 3
"""Seconds for which ICA turns the first calls away: what was seen of the others is old by then."""


@pytest.fixture
def busy(lab: Any) -> Any:
    """Pipelines to deprecate, and an ICA that lets the first of them wait."""
    lab.control("POST", "/seed", {"pipelines": [pipeline(name, "Released") for name in NAMES]})
    for name in NAMES:
        lab.write(f"{name}.yaml", manifest("Deprecated", f"code: {name} 1", name=name))
    fault = {"match": {"method": "POST", "path": "*:deprecate"}, "do": "status", "status": 429}
    lab.control("POST", "/faults", {**fault, "retry_after": SLOW, "times": WORKERS})
    return lab


def pipeline_id(name: str) -> str:
    return f"00000000-0000-4000-9000-0000000000{name[1:]}"


def pipeline(name: str, status: str) -> dict[str, Any]:
    more = {"version": "1", "owner": "ada", "projects": ["wgs-prod"], "id": pipeline_id(name)}
    return {"name": name, "status": status, **more}


def meanwhile(lab: Any, work: Any) -> None:
    """Do something once, while the run waits."""
    sleep, waiting = lab.clock.sleep, [work]

    def asleep(seconds: float) -> None:
        if waiting:
            waiting.pop()()
        sleep(seconds)

    lab.clock.sleep = asleep


def colleague(lab: Any, name: str, status: str) -> None:
    """Somebody else moves a pipeline."""
    lab.control("POST", "/seed", {"pipelines": [pipeline(name, status)]})


def status(lab: Any) -> dict[str, str]:
    return {each["code"][:3]: each["status"] for each in everything.objects(lab, "Pipeline")}


def test_what_a_colleague_has_done_meanwhile_is_not_done_again(busy: Any) -> None:
    meanwhile(busy, lambda: colleague(busy, NAMES[-1], "Deprecated"))
    ran = busy.apply()
    assert ran.code == 0, ran.text
    assert ran.json["counts"]["already"] == 1
    assert not [each for each in busy.writes() if pipeline_id(NAMES[-1]) in each["path"]]
    assert {status(busy)[name] for name in NAMES} == {"Deprecated"}


def test_what_changed_otherwise_meanwhile_is_held_alone(busy: Any) -> None:
    meanwhile(busy, lambda: colleague(busy, NAMES[-2], "Draft"))
    ran = busy.apply()
    assert ran.code == 12, ran.text
    held = [each for each in ran.json["outcomes"] if each["outcome"] != "done"]
    assert [(each["address"], each["reason"]["code"]) for each in held] == [
        (f"Pipeline/{NAMES[-2]}", "changed-since-plan")
    ]
    assert status(busy)[NAMES[-2]] == "Draft"
    assert {status(busy)[name] for name in NAMES if name != NAMES[-2]} == {"Deprecated"}
    assert busy.plan().json["counts"]["held"] == 0


def test_a_look_that_fails_holds_what_was_due_and_starts_nothing(busy: Any) -> None:
    def blind() -> None:
        busy.control(
            "POST",
            "/faults",
            {"match": {"method": "GET", "path": "*pipelines*"}, "do": "status", "status": 500, "times": 9999},
        )

    meanwhile(busy, blind)
    ran = busy.apply()
    busy.control("DELETE", "/faults")
    assert ran.code == 14, ran.text  # what was done is done, and could not be read back
    writes = [each for each in busy.writes() if each["status"] == 204]
    # Those that were under way; how many these are is up to the machine.
    assert 0 < len(writes) <= WORKERS < len(NAMES)
    assert busy.apply().code == 0
    assert {status(busy)[name] for name in NAMES} == {"Deprecated"}


def test_where_calls_are_rare_few_of_them_look_again(lab: Any) -> None:
    names = [f"p{number:02}" for number in range(60)]
    lab.control("POST", "/seed", {"pipelines": [pipeline(name, "Released") for name in names]})
    for name in names:
        lab.write(f"{name}.yaml", manifest("Deprecated", f"code: {name} 1", name=name))
    usual = lab.control("GET", "/settings")
    lab.control("PUT", "/settings", {"rate": 1, "burst": 1})
    lab.forget_requests()
    try:
        ran = lab.apply()
    finally:
        lab.control("PUT", "/settings", usual)
    # Eight threads share the emulator's clock here, which any of them moves on: one may run out of patience.
    assert ran.code in (0, 12), ran.text[:2000]
    granted = [each for each in lab.requests() if each["status"] < 400]
    done = sum(status(lab)[name] == "Deprecated" for name in names)
    print(f"{done} writes at a call a second, and {len(granted) - done} other calls")
    assert done > 50
    assert len(granted) - done < done
