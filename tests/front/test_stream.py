"""An apply that is followed tells what happens when it happens, and does not mind who reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.test_apply import fresh
from tests.front.test_ci_outputs import lines_of
from tests.front.test_exit_codes import BACKWARD
from tests.front.test_output import ROOT

YES = ("--yes", "--first-run", "--allow-irreversible", "4", "--output", "ndjson")


def test_a_followed_apply_tells_plan_operations_and_outcomes_in_order(lab: Lab) -> None:
    everything.write(lab)
    ran = lab.run("apply", str(lab.folder), *YES)
    assert ran.code == 0, ran.err
    found = lines_of(ran.out)
    sorts = [each["type"] for each in found]
    commands = [each["command"] for each in found if each["type"] == "summary"]
    assert commands == ["plan", "apply"]
    planned, reported = sorts.index("summary"), sorts.index("outcome")
    assert {"operation_began", "operation_ended"} <= set(sorts[planned:reported])
    assert not {"operation_began", "operation_ended"} & set(sorts[:planned] + sorts[reported:])
    begun: dict[str, Any] = {}
    resources = 0
    for each in found:
        key = each["idempotency"]["key"] if each["type"].startswith("operation_") else ""
        if each["type"] == "operation_began":
            assert key not in begun
            begun[key] = each
        elif each["type"] == "operation_ended":
            assert begun.pop(key)["time"] <= each["time"]
            resources += len(each["addresses"])
            assert each["done"] == resources
            assert each["outcomes"] == {"done": len(each["addresses"])}
            total = each["of"]
    assert (begun, resources) == ({}, total)
    assert total == len([each for each in found if each["type"] == "outcome"])
    assert any(each["type"] == "wait" for each in found)
    print(f"{len(found)} lines, {len(set(sorts))} sorts")


def test_what_was_not_begun_is_told_to_have_ended(lab: Lab) -> None:
    everything.write(lab)
    fault = {"match": {"method": "POST", "path": "*/storageCredentials"}, "do": "status", "status": 500}
    lab.control("PUT", "/faults", [{**fault, "times": 999}])
    ran = lab.run("apply", str(lab.folder), *YES)
    assert ran.code == 14
    found = lines_of(ran.out)
    begun = {each["idempotency"]["key"] for each in found if each["type"] == "operation_began"}
    ended = {
        each["idempotency"]["key"]: each["outcomes"] for each in found if each["type"] == "operation_ended"
    }
    assert begun < set(ended)
    assert all(set(how) == {"skipped"} for key, how in ended.items() if key not in begun)
    assert {"unknown": 1} in ended.values()


def test_a_plan_that_is_streamed_has_one_summary(lab: Lab) -> None:
    everything.write(lab)
    for verb in ("plan", "drift", "validate"):
        found = lines_of(lab.run(verb, str(lab.folder), "-o", "ndjson").out)
        assert [each["command"] for each in found if each["type"] == "summary"] == [verb]


def test_a_secret_in_a_note_is_withheld_and_the_line_still_an_object(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from icaform.engine import verbs

    def plan(run: Any, calls: Any) -> Any:
        run.world.progress("note", f"the key is {lab.ica.api_key}")
        return whole(run, calls)

    whole = verbs.plan
    monkeypatch.setattr(verbs, "plan", plan)
    everything.write(lab)
    ran = lab.run("plan", str(lab.folder), "-o", "ndjson")
    notes = [each["text"] for each in lines_of(ran.out) if each["type"] == "note"]
    assert notes == ["[withheld: it held the value of a secret]"]
    assert lab.ica.api_key not in ran.out


@pytest.fixture(scope="module")
def standing() -> Iterator[Embedded]:
    """An ICA whose clock stands still, so that a delayed call hangs until somebody moves it."""
    with Embedded(settings=Settings(clock="manual")) as ica:
        yield ica


@pytest.fixture
def hanging(tmp_path: Path, standing: Embedded) -> Lab:
    """A workspace whose first deprecation hangs."""
    lab = Lab(tmp_path, standing)
    fresh(lab)
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    lab.write("pipelines.yaml", everything.PIPELINES.split("---")[0])
    (tmp_path / "cohort.yaml").unlink(missing_ok=True)
    (tmp_path / "credentials.yaml").unlink(missing_ok=True)
    match = {"method": "POST", "path": "*:deprecate"}
    lab.control("PUT", "/faults", [{"match": match, "delay": 60, "when": "before"}])
    return lab


def following(lab: Lab, name: str = "ndjson") -> subprocess.Popen[str]:
    line = ["apply", str(lab.folder), "--yes", "--first-run", "--allow-irreversible", "1", "-o", name]
    return subprocess.Popen(
        [sys.executable, "-m", "icaform", *line],
        cwd=ROOT,
        # Nothing but a flush shall bring a line out.
        env={**os.environ, **lab.environ, "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def arrived(lab: Lab) -> None:
    """The call that hangs is at the server: only from then on does the clock end its delay."""
    while not lab.control("GET", "/faults")["items"][0]["seen"]:
        time.sleep(0.005)


def until(process: subprocess.Popen[str], sort: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)["type"] == sort:
            return
    raise AssertionError(f"it ended without {sort}: {process.stderr.read() if process.stderr else ''}")


def test_an_operation_is_told_while_its_call_is_under_way(hanging: Lab) -> None:
    process = following(hanging)
    started = time.monotonic()
    until(process, "operation_began")
    # The call gives up after a minute, and everything is flushed at the end.
    assert (process.poll(), time.monotonic() - started < 40) == (None, True)
    arrived(hanging)
    hanging.control("POST", "/clock", {"advance": 61})
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert [json.loads(line)["type"] for line in out.splitlines()][-1] == "summary"


@pytest.mark.parametrize("name", ["ndjson", "json"])
def test_a_reader_that_goes_away_changes_neither_what_is_done_nor_the_exit_code(
    hanging: Lab, name: str
) -> None:
    hanging.write("held.yaml", BACKWARD)
    process = following(hanging, name)
    assert process.stdout
    if name == "ndjson":
        until(process, "operation_began")
    process.stdout.close()
    arrived(hanging)
    hanging.control("POST", "/clock", {"advance": 61})
    _, err = process.communicate(timeout=30)
    assert process.returncode == 12, err
    assert "Traceback" not in err
    (pipeline,) = (each for each in everything.objects(hanging, "Pipeline") if each["code"].endswith("4-2-7"))
    assert pipeline["status"] == "Deprecated"
