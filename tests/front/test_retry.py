"""retry: what an analysis that ended badly means is the manifest's to say, and no attempt is made twice."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from icaform.emulator.demo import SECOND_API_KEY
from tests.front.conftest import Lab
from tests.front.everything import Killed, cohort, objects
from tests.front.test_batches import changes, states
from tests.front.test_doubt import HIDDEN
from tests.front.test_status import abort, stages, status

FAILS = {"userReference": "cohort/S000", "analysis": "FAILED", "summary": "out of disk"}
TWICE = "  retry: {attempts: 2, when: [FAILED]}\n"
ANY = "  retry: {attempts: 3, when: [CREATION, FAILED, ABORTED]}\n"
EVERYTHING = os.environ.get("ICAFORM_CRASH") == "all"
"""``ICAFORM_CRASH=all`` tries every case; without it each fault meets one in ``SHARE``, and each case one."""
SHARE = 3
ATTEMPT = re.compile(r"icaform\.attempt=(\d+)")


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A workspace against a server that nobody else uses."""
    with Embedded(settings=Settings(clock="manual")) as ica:
        made = Lab(tmp_path, ica)
        made.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
        yield made


def attempts(lab: Any) -> Counter[tuple[str, int]]:
    """How often each attempt at each item was started, by the marks of all analyses."""
    return Counter(
        (each["user_reference"].removeprefix("cohort/"), int(ATTEMPT.search(str(each))[1]))  # type: ignore[index]
        for each in objects(lab, "Analysis")
    )


def once(*names: str) -> Counter[tuple[str, int]]:
    """``S000:2`` is the second attempt at S000."""
    return Counter((each[:4], int(each[5:])) for each in names)


def ended(lab: Any, more: str = TWICE, count: int = 2, *ends: dict[str, str]) -> None:
    """A batch that has run to its end, in which the first item failed unless told otherwise."""
    lab.control("PUT", "/outcomes", list(ends or [FAILS]))
    lab.write("cohort.yaml", cohort(count, more=more))
    assert lab.apply("--first-run").code in (0, 1, 12)
    lab.clock.sleep(60)


def lose(lab: Any) -> None:
    shutil.rmtree(lab.folder / ".icaform")


def test_a_failed_analysis_is_tried_again_where_the_manifest_says_so(lab: Any) -> None:
    ended(lab)
    plan = lab.plan()
    (row,) = plan.json["resource_changes"]
    assert row["verbs"] == ["submit again (attempt 2)"]
    assert (plan.json["api_calls"]["writes"], plan.json["api_calls"]["analyses"]) == (1, 1)
    assert any("ended as failed: out of disk" in each for each in row["notes"])
    assert any(each.startswith("attempt 2 of 2: another analysis") for each in row["notes"])
    lab.control("PUT", "/outcomes", [])
    assert lab.apply().code == 0
    assert attempts(lab) == once("S000:1", "S000:2", "S001:1")
    assert lab.plan("--detailed-exitcode").code == 0
    lab.clock.sleep(60)
    assert states(lab) == {"succeeded": 2}
    assert stages(status(lab, "--wait")) == {"S000": "succeeded", "S001": "succeeded"}


@pytest.mark.parametrize(
    "more", ["", "  retry: {attempts: 3}\n", "  retry: {attempts: 3, when: [ABORTED]}\n"]
)
def test_nothing_that_ran_is_started_again_unless_the_manifest_names_its_end(lab: Any, more: str) -> None:
    ended(lab, more)
    plan = lab.plan()
    assert plan.json["resource_changes"] == []
    assert "out of disk" in plan.out
    assert lab.apply().json["outcomes"] == []
    assert attempts(lab) == once("S000:1", "S001:1")


def test_what_icas_name_calls_final_is_final(lab: Any) -> None:
    ended(lab, ANY, 2, {**FAILS, "analysis": "FAILED_FINAL"})
    assert lab.plan().json["resource_changes"] == []
    assert states(lab) == {"failed final": 1, "succeeded": 1}


def test_an_aborted_analysis_is_tried_again_where_the_manifest_names_that(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(2, more=TWICE))
    lab.apply("--first-run")
    abort(lab, "S001")
    lab.clock.sleep(60)
    assert changes(lab) == {}
    lab.write("cohort.yaml", cohort(2, more=ANY))
    assert changes(lab) == {"S001": "submit again (attempt 2)"}
    assert lab.apply().code == 0
    assert attempts(lab) == once("S000:1", "S001:1", "S001:2")


def test_after_the_last_attempt_it_is_held_with_icas_summary_and_what_to_do(lab: Any) -> None:
    ended(lab)
    for _ in range(3):
        lab.apply()
        lab.clock.sleep(60)
    assert attempts(lab) == once("S000:1", "S000:2", "S001:1")
    plan = lab.plan()
    (row,) = plan.json["resource_changes"]
    assert (plan.code, row["state"], row["reason"]["code"]) == (1, "held", "retries-used")
    assert "out of disk; it was attempt 2 of 2" in row["reason"]["summary"]
    assert "raise `retry.attempts` above 2" in row["reason"]["remedy"]
    found = status(lab)
    assert (found["exit_code"], stages(found)["S000"]) == (1, "failed")
    assert found["batches"][0]["items"][0]["attempt"] == 2
    lab.control("PUT", "/outcomes", [])
    lab.write("cohort.yaml", cohort(2, more=TWICE.replace("2", "3")))
    assert lab.apply().code == 0
    assert attempts(lab) == once("S000:1", "S000:2", "S000:3", "S001:1")


def test_a_last_attempt_that_failed_before_it_was_looked_for_is_known_to_be_made(lab: Any) -> None:
    ended(lab)
    lab.control("PUT", "/faults", [fault(do="drop_answer")])
    ran = lab.apply()
    assert (ran.code, [each["outcome"] for each in ran.json["outcomes"]]) == (0, ["done"]), ran.text
    assert changes(lab) == {"S000": "held"}
    assert attempts(lab) == once("S000:1", "S000:2", "S001:1")


def test_marks_alone_tell_which_attempt_is_next(lab: Any) -> None:
    ended(lab, ANY)
    for number in (2, 3):
        lose(lab)
        lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY if number == 2 else lab.ica.api_key
        assert changes(lab) == {"S000": f"submit again (attempt {number})"}
        assert lab.apply().code == 0
        lab.clock.sleep(60)
    lose(lab)
    assert changes(lab) == {"S000": "held"}
    assert attempts(lab) == once("S000:1", "S000:2", "S000:3", "S001:1")


def test_a_retry_that_ica_could_not_create_counts_as_an_attempt(lab: Any) -> None:
    ended(lab, ANY)
    lab.control("PUT", "/outcomes", [{"userReference": "*", "reason": "no quota"}])
    assert lab.apply().code == 1
    (row,) = lab.plan().json["resource_changes"]
    assert row["verbs"] == ["submit again (attempt 3)"]
    assert any("could not create attempt 2: no quota" in each for each in row["notes"])
    assert stages(status(lab))["S000"] == "not_created"
    (first, _) = status(lab)["batches"][0]["items"]
    assert (first["id"], first["status"], first["attempt"]) == (None, None, 2), "the first's is not its own"
    lab.write("cohort.yaml", cohort(2, more=ANY.replace("CREATION, ", "")))
    (row,) = lab.plan().json["resource_changes"]
    assert (row["state"], row["reason"]["code"]) == ("held", "retries-used")
    assert "add CREATION to `retry.when`" in row["reason"]["remedy"]
    lab.write("cohort.yaml", cohort(2, more=ANY))
    lab.control("PUT", "/outcomes", [])
    assert lab.apply().code == 0
    assert attempts(lab) == once("S000:1", "S000:3", "S001:1")


def test_a_retry_that_is_still_being_created_is_not_sent_again(slow_lab: Any) -> None:
    lab = slow_lab
    lab.control("PUT", "/outcomes", [FAILS])
    lab.write("cohort.yaml", cohort(2, more=ANY))
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(60)
    lab.control("PUT", "/outcomes", [])
    lab.forget_requests()
    sleep = lab.clock.sleep

    def die(seconds: float) -> None:
        if lab.requests("POST", "analysisCreationBatch"):
            raise Killed
        sleep(seconds)

    lab.clock.sleep = die
    with pytest.raises(Killed):
        lab.apply()
    lab.clock.sleep = sleep
    for more in ("", ANY):
        lab.write("cohort.yaml", cohort(2, more=more))
        assert changes(lab) == {}
        assert stages(status(lab))["S000"] == "creating"
    lose(lab)
    assert stages(status(lab))["S000"] == "creating", "the open job tells it, too"
    assert lab.apply().code == 0
    lab.clock.sleep(400)
    assert attempts(lab) == once("S000:1", "S000:2", "S001:1")


def test_a_retry_is_no_drift_and_is_bounded_as_any_start_is(lab: Any) -> None:
    ended(lab)
    assert lab.run("drift", str(lab.folder), "--detailed-exitcode").code == 0
    assert lab.plan("--only-drifted").json["resource_changes"] == []
    assert lab.apply("--max-analyses", "0").code == 11
    assert attempts(lab) == once("S000:1", "S001:1")


def test_an_approval_from_before_a_failure_does_not_start_it_again(lab: Any) -> None:
    lab.control("PUT", "/outcomes", [FAILS])
    lab.write("cohort.yaml", cohort(2, more=TWICE))
    lab.apply("--first-run")
    digest = lab.plan().json["plan_digest"]
    lab.clock.sleep(60)
    assert lab.run("apply", str(lab.folder), "--approve", digest).code == 10
    assert attempts(lab) == once("S000:1", "S001:1")


def test_a_snapshot_plans_a_retry_as_the_live_server_does(lab: Any) -> None:
    ended(lab)
    file = str(lab.folder / "live.json")
    assert lab.run("export", "--snapshot", file, str(lab.folder)).code == 0
    offline = lab.plan("--from-snapshot", file).json
    assert offline["resource_changes"][0]["verbs"] == ["submit again (attempt 2)"]
    assert offline["plan_digest"] == lab.plan().json["plan_digest"]


def test_a_changed_item_is_not_tried_again_but_held(lab: Any) -> None:
    ended(lab)
    lab.write("cohort.yaml", cohort(2, more=TWICE).replace("GRCh38", "GRCh37"))
    assert changes(lab) == {"S000": "held", "S001": "held"}
    lab.write("cohort.yaml", cohort(2, more=TWICE + "  generation: 2\n"))
    assert changes(lab) == {"S000": "submit", "S001": "submit"}


def test_failures_of_several_attempts_go_in_calls_of_their_own(lab: Any) -> None:
    ended(lab, ANY, 2, {**FAILS, "userReference": "*"})
    lab.write("cohort.yaml", cohort(1, more=ANY))
    lab.apply()
    lab.clock.sleep(60)
    lab.write("cohort.yaml", cohort(3, more=ANY))
    assert changes(lab) == {
        "S000": "submit again (attempt 3)",
        "S001": "submit again (attempt 2)",
        "S002": "submit",
    }
    assert lab.apply().code == 0
    assert attempts(lab) == once("S000:1", "S000:2", "S000:3", "S001:1", "S001:2", "S002:1")


def test_an_item_that_goes_alone_is_tried_again_alone(lab: Any) -> None:
    custom = 'analysisInput: {customInput: \'{"genome": "GRCh38"}\'}'
    text = cohort(2, more=TWICE)
    assert "analysisInput: {parameters: [{code: genome, value: GRCh38}]}" in text
    lab.write(
        "cohort.yaml", text.replace("analysisInput: {parameters: [{code: genome, value: GRCh38}]}", custom)
    )
    lab.control("PUT", "/outcomes", [FAILS])
    assert lab.apply("--first-run").code == 0
    assert stages(status(lab, "--wait")) == {"S000": "failed", "S001": "succeeded"}
    lab.control(
        "PUT", "/faults", [{"match": {"method": "POST", "path": "*CustomInput"}, "do": "drop_answer"}]
    )
    assert lab.apply().code == 0
    lab.clock.sleep(1000)
    lose(lab)
    assert changes(lab) == {"S000": "held"}
    assert attempts(lab) == once("S000:1", "S000:2", "S001:1")
    assert not objects(lab, "Batch")


def fault(**said: Any) -> dict[str, Any]:
    return {"match": {"method": "POST", "path": "*analysisCreationBatch"}, **said}


FAULTS: dict[str, list[dict[str, Any]]] = {
    "request lost": [fault(do="drop_request")],
    "answer lost": [fault(do="drop_answer")],
    "answer cut": [fault(do="cut_answer")],
    "500 before": [fault(do="status", status=500)],
    "500 after": [fault(do="status", status=500, when="after")],
    "twin": [fault(do="twin", delay=20)],
    "none": [],
}
RERUNS: dict[str, Callable[[Any], None]] = {
    "the same": lambda lab: None,
    "journal lost": lose,
    "another user": lambda lab: lab.environ.update(ICAV2_X_API_KEY=SECOND_API_KEY),
    "another user, journal lost": lambda lab: (
        lose(lab),
        lab.environ.update(ICAV2_X_API_KEY=SECOND_API_KEY),
    ),
}


def again(lab: Any) -> None:
    """The same command line once more."""
    lab.run("apply", str(lab.folder), "--yes")


@pytest.mark.parametrize(
    ("name", "lag"), [*((name, 0) for name in FAULTS), ("answer lost", 25), ("none", 25)]
)
def test_no_attempt_is_made_twice_under_any_fault_kill_and_rerun(own_lab: Any, name: str, lag: int) -> None:
    """Attempts end while they are looked for, and badly, so that a later one is due at once."""
    cases, lab = 0, own_lab
    ended(lab, "  retry: {attempts: 3, when: [FAILED]}\n", 2, {**FAILS, "userReference": "*"})
    lab.control("PUT", "/faults", [])
    lab.control("PUT", "/settings", {"read_lag": lag})
    world = lab.control("POST", "/snapshot")
    shutil.copytree(lab.folder / ".icaform", lab.folder / "kept")
    environ = dict(lab.environ)
    every = [("the same", None), *product(RERUNS, (0.4, 30.0))]
    for rerun, dies in every if EVERYTHING else every[list(FAULTS).index(name) % SHARE :: SHARE]:
        lab.control("POST", "/restore", world)
        lab.clock._now = float(lab.control("GET", "/clock")["now"])
        lab.forget_requests()
        lab.environ.update(environ)
        shutil.rmtree(lab.folder / ".icaform")
        shutil.copytree(lab.folder / "kept", lab.folder / ".icaform")
        lab.control("PUT", "/faults", FAULTS[name])
        sleep = lab.clock.sleep

        def die(seconds: float, *, dies: Any = dies, sleep: Any = sleep) -> None:
            if dies and seconds >= dies and lab.requests("POST", "analysisCreationBatch"):
                raise Killed
            sleep(seconds)

        lab.clock.sleep = die
        with suppress(Killed):
            again(lab)
        lab.clock.sleep = sleep
        RERUNS[rerun](lab)
        for _ in range(4):
            again(lab)
            assert not [each for each, count in attempts(lab).items() if count > 1], (rerun, dies)
            lab.clock.sleep(1000)
        assert attempts(lab) == once(*(f"S00{item}:{n}" for item in (0, 1) for n in (1, 2, 3))), (rerun, dies)
        cases += 1
    print(f"{name}, read {lag} s late: {cases} cases")


@pytest.mark.parametrize("rerun", RERUNS)
def test_a_retry_that_nobody_may_look_for_is_never_made_twice(slow_lab: Any, rerun: str) -> None:
    lab = slow_lab
    lab.control("PUT", "/outcomes", [{**FAILS, "userReference": "*"}])
    lab.write("cohort.yaml", cohort(2, more=TWICE))
    lab.apply("--first-run")
    lab.clock.sleep(60)
    lab.control("PUT", "/faults", [fault(do="drop_answer"), HIDDEN])
    sleep = lab.clock.sleep

    def die(seconds: float) -> None:
        if seconds >= 30:
            raise Killed
        sleep(seconds)

    lab.clock.sleep = die
    with pytest.raises(Killed):
        lab.apply()
    lab.clock.sleep = sleep
    RERUNS[rerun](lab)
    if "lost" in rerun:
        # As for a first attempt: without a journal and with hidden jobs only an analysis tells of it.
        lab.clock.sleep(400)
    for _ in range(3):
        again(lab)
        lab.clock.sleep(1000)
    assert attempts(lab) == once("S000:1", "S000:2", "S001:1", "S001:2")
