"""icaform status: where the analyses stand, the wait for their end, and the exit code by result."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from icaform.cli.exit import Exit
from icaform.cli.progress.tally import Tally
from icaform.emulator import Embedded, Settings
from icaform.engine.status import PAUSES
from tests.front.conftest import SCHEMAS, Lab
from tests.front.everything import cohort, objects

ROOT = Path(__file__).parents[2]
DOCUMENT = Draft202012Validator(json.loads((SCHEMAS / "status.schema.json").read_text("utf-8")))
ENDS: tuple[dict[str, str], ...] = (
    {"userReference": "cohort/S001", "analysis": "FAILED", "summary": "out of \x1b[2Jdisk\n::error::x"},
    {"userReference": "cohort/S002", "analysis": "FAILED_FINAL", "summary": "no such index"},
    {"userReference": "cohort/S004", "reason": "no quota"},
)
SEARCH = "/analysis:search"


@pytest.fixture
def long_lab(tmp_path: Path) -> Iterator[Lab]:
    """A workspace against a server whose analyses take an hour."""
    with Embedded(settings=Settings(clock="manual", analysis_in_progress=3600)) as ica:
        made = Lab(tmp_path, ica)
        made.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
        yield made


def status(lab: Any, *more: str) -> Any:
    """``icaform status`` of the whole workspace, as JSON that fits its schema."""
    ran = lab.run("status", str(lab.folder), "--output", "json", *more)
    document = json.loads(ran.out)
    if "batches" in document:
        DOCUMENT.validate(document)
        assert document["exit_code"] == ran.code
    return document


def stages(document: Any) -> dict[str, str]:
    return {each["item"]: each["stage"] for batch in document["batches"] for each in batch["items"]}


def searches(lab: Any) -> int:
    return len(lab.requests("POST", SEARCH))


def started(lab: Any, count: int = 2, *ends: dict[str, str], more: str = "") -> None:
    """A batch that was applied, so many items of it."""
    lab.control("PUT", "/outcomes", list(ends))
    lab.write("cohort.yaml", cohort(count, more=more, chunk=100))
    assert lab.apply("--first-run").json["command"] == "apply"
    lab.forget_requests()


def abort(lab: Any, item: str) -> None:
    (found,) = (each for each in objects(lab, "Analysis") if each["user_reference"] == f"cohort/{item}")
    path = f"/api/projects/{found['project_id']}/analyses/{found['id']}:abort"
    lab.api("POST", path, accept="application/vnd.illumina.v3+json")


def test_every_end_is_told_with_icas_summary_its_id_and_its_time(lab: Any) -> None:
    started(lab, 5, *ENDS)
    abort(lab, "S003")
    lab.clock.sleep(60)
    lab.write("cohort.yaml", cohort(6))
    found = status(lab)
    assert stages(found) == {
        "S000": "succeeded",
        "S001": "failed",
        "S002": "failed_final",
        "S003": "aborted",
        "S004": "not_created",
        "S005": "to_start",
    }
    assert (found["exit_code"], found["errored"], found["complete"]) == (1, True, False)
    rows = {each["item"]: each for each in found["batches"][0]["items"]}
    ids = {each["user_reference"]: each["id"] for each in objects(lab, "Analysis")}
    assert {name: row["id"] for name, row in rows.items() if row["id"]} == {
        each.removeprefix("cohort/"): known for each, known in ids.items()
    }
    assert [rows[name]["reason"] for name in ("S001", "S002", "S004")] == [
        ENDS[0]["summary"],
        "no such index",
        "no quota",
    ]
    assert rows["S000"]["seconds"] == 3
    text = lab.run("status", str(lab.folder)).out
    for said in ("out of \\x1b[2Jdisk ::error::x", f"analysis {ids['cohort/S001']}", "failed after 3 s"):
        assert said in text, text
    assert "\x1b" not in text
    assert not [each for each in text.splitlines() if each.lstrip().startswith("::")]


def test_items_are_followed_from_being_created_to_the_end(slow_lab: Any) -> None:
    lab = slow_lab
    lab.control("PUT", "/settings", {"analysis_requested": 60})
    lab.write("cohort.yaml", cohort(2))
    assert set(stages(status(lab)).values()) == {"to_start"}
    lab.control("PUT", "/faults", [{"match": {"method": "POST", "path": "*Batch"}, "do": "drop_answer"}])
    sleep, seen = lab.clock.sleep, []

    def watched(seconds: float) -> None:
        sleep(seconds)
        if seconds > 1:
            lab.clock.sleep = sleep
            seen.append(set(stages(status(lab)).values()))
            lab.clock.sleep = watched

    lab.clock.sleep = watched
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep = sleep
    assert {"creating"} in seen
    while seen[-1] != {"succeeded"}:
        assert len(seen) < 400
        sleep(0.4)
        seen.append(set(stages(status(lab)).values()))
    assert {"queued", "running", "succeeded"} <= set().union(*seen)


@dataclass(frozen=True)
class Row:
    code: Exit
    why: str
    ends: tuple[dict[str, str], ...] = ()
    line: tuple[str, ...] = ()
    items: int = 2


RUNS = (
    Row(Exit.DONE, "some run, and nobody waits"),
    Row(Exit.DONE, "some are to be started, and nobody waits", items=4),
    Row(Exit.DONE, "all succeed in time", line=("--wait",)),
    Row(Exit.FAILED, "one fails", ENDS[:1], ("--wait",)),
    Row(Exit.FAILED, "one fails for good", ({**ENDS[1], "userReference": "cohort/S001"},), ("--wait",)),
    Row(Exit.FAILED, "one was not created", ({**ENDS[2], "userReference": "cohort/S001"},)),
    Row(Exit.PARTLY, "some run on", line=("--wait", "--timeout", "10m")),
    Row(Exit.PARTLY, "one look", line=("--wait", "--timeout", "0")),
    Row(Exit.PARTLY, "some were never started", line=("--wait",), items=4),
    Row(Exit.USAGE, "a time to wait without a wait", line=("--timeout", "5m")),
    Row(Exit.USAGE, "no time", line=("--wait", "--timeout", "soon")),
    Row(Exit.MANIFEST, "no such project", line=("--project-id", "nowhere")),
)


@pytest.mark.parametrize("row", RUNS, ids=lambda each: each.why)
def test_the_exit_code_is_that_of_the_result(long_lab: Any, row: Row) -> None:
    lab = long_lab
    started(lab, 2, *row.ends)
    if row.code is Exit.MANIFEST:
        lab.write("icaform.yaml", "workspace: lab\n")
    lab.write("cohort.yaml", cohort(row.items))
    ran = lab.run("status", str(lab.folder), *row.line)
    assert ran.code == row.code, ran.text
    assert lab.writes() == []


def test_a_wait_asks_seldom_and_more_and_more_so(long_lab: Any) -> None:
    lab = long_lab
    started(lab, 2)
    times: list[float] = []
    sleep = lab.clock.sleep

    def watched(seconds: float) -> None:
        times.append(seconds)
        sleep(seconds)

    lab.clock.sleep = watched
    found = status(lab, "--wait")
    assert (found["exit_code"], found["complete"]) == (0, True)
    assert times[: len(PAUSES)] == list(PAUSES)
    assert all(one <= other for one, other in pairwise(times))
    assert found["waited_seconds"] == sum(times) >= 3600
    assert searches(lab) == len(times) + 1 < 40
    print(f"{searches(lab)} searches in {sum(times):.0f} s")


def test_a_timeout_is_kept_to_the_second_and_ends_with_a_look(long_lab: Any) -> None:
    lab = long_lab
    started(lab, 2)
    for said, seconds in (("90", 90), ("2m", 120), ("1h10m", 4200)):
        found = status(lab, "--wait", "--timeout", said)
        assert found["waited_seconds"] <= seconds
        assert found["exit_code"] == (0 if seconds == 4200 else 12), found["verdict"]
        if found["exit_code"]:
            assert found["waited_seconds"] == seconds


def test_only_batches_that_are_not_at_their_end_are_asked_for_again(long_lab: Any) -> None:
    lab = long_lab
    started(lab, 2, {"userReference": "early/*", "reason": "no quota"})
    lab.write("early.yaml", cohort(2, name="early").replace("cohort/", "early/"))
    lab.apply("--first-run")
    lab.forget_requests()
    found = status(lab, "--wait", "--timeout", "20m")
    assert found["exit_code"] == 1
    looks = found["waited_seconds"] // 120
    assert looks < searches(lab) - 2 < looks + len(PAUSES), "the first look is at both, others at what runs"


def test_what_has_ended_costs_as_many_calls_as_it_has_pages(lab: Any) -> None:
    started(lab, 150, more="  retry: {attempts: 2, when: [FAILED]}\n")
    lab.clock.sleep(60)
    found = status(lab)
    assert found["counts"]["succeeded"] == 150
    assert len(lab.requests()) <= 4, [each["path"] for each in lab.requests()]


def test_outputs_cost_a_call_for_each_success_and_only_where_they_are_asked_for(lab: Any) -> None:
    started(lab, 3, {"userReference": "cohort/S001", "analysis": "FAILED"})
    lab.clock.sleep(60)
    rows = status(lab)["batches"][0]["items"]
    assert [each["outputs"] for each in rows] == [None] * 3
    assert lab.requests("GET", "/outputs") == []
    rows = status(lab, "--outputs")["batches"][0]["items"]
    assert [bool(each["outputs"]) for each in rows] == [True, False, True]
    assert len(lab.requests("GET", "/outputs")) == 2
    (output,) = rows[0]["outputs"]
    assert (output["code"], output["type"]) == ("Output", "FOLDER")
    assert output["id"] in lab.run("status", str(lab.folder), "--outputs").out
    refusal = {"match": {"method": "GET", "path": "*/outputs"}, "do": "status", "status": 403, "times": 9}
    lab.control("PUT", "/faults", [refusal])
    found = status(lab, "--outputs")
    assert [each["severity"] for each in found["diagnostics"]] == ["warning"] * 2
    assert found["exit_code"] == 1


def test_a_status_writes_nothing_and_needs_no_lease(lab: Any) -> None:
    started(lab, 2)
    before = {each: each.read_bytes() for each in (lab.folder / ".icaform").glob("*.sqlite")}
    assert status(lab, "--wait")["exit_code"] == 0
    assert lab.writes() == []
    assert {each: each.read_bytes() for each in before} == before


def test_a_status_needs_no_journal(lab: Any) -> None:
    started(lab, 2, ENDS[0])
    lab.clock.sleep(60)
    found = status(lab, "--journal", str(lab.folder / "another.sqlite"))
    assert stages(found) == {"S000": "succeeded", "S001": "failed"}


def test_what_is_selected_is_followed_and_nothing_else(lab: Any) -> None:
    started(lab, 3)
    lab.clock.sleep(60)
    assert set(stages(status(lab, "--only", "AnalysisBatch/cohort[S001]"))) == {"S001"}
    assert set(stages(status(lab, "--exclude", "AnalysisBatch/cohort[S001]"))) == {"S000", "S002"}
    pipeline = "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: p}\n"
    lab.write("cohort.yaml", pipeline + "spec: {select: {code: nf-core sarek 3-5}, status: Released}\n")
    found = status(lab, "--wait")
    assert (found["exit_code"], found["batches"]) == (0, [])
    assert "no analysis is declared here" in found["verdict"]


def test_an_item_that_changed_since_it_ran_is_noted_and_does_not_count_otherwise(lab: Any) -> None:
    started(lab, 2)
    lab.clock.sleep(60)
    lab.write("cohort.yaml", cohort(2).replace("GRCh38", "GRCh37"))
    found = status(lab, "--wait")
    assert (found["exit_code"], found["counts"]["succeeded"]) == (0, 2)
    assert "raise `generation` to run" in str(found["batches"][0]["items"][0]["notes"])
    said = " ".join(lab.run("status", str(lab.folder)).out.split())
    assert (
        "the item differs from what ran; raise `generation` to run it as it is now (S000 and 1 more)" in said
    )


@pytest.mark.parametrize("while_", [40.0, 1e6])
def test_a_wait_outlives_a_server_that_is_away_for_a_while_and_no_longer(
    long_lab: Any, while_: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = long_lab
    monkeypatch.setattr("icaform.engine.status.OUTAGE", 200.0)
    started(lab, 2)
    sleep, begun = lab.clock.sleep, lab.clock.now()
    away = {"match": {"path": f"*{SEARCH}"}, "do": "status", "status": 500, "times": 10**6}

    def watched(seconds: float) -> None:
        sleep(seconds)
        gone = lab.clock.now() - begun
        lab.control("PUT", "/faults", [away] if 10 < gone < 10 + while_ else [])

    lab.clock.sleep = watched
    assert lab.run("status", str(lab.folder), "--wait").code == (0 if while_ == 40 else 69)
    if while_ > 40:
        assert 200 < lab.clock.now() - begun < 500
        assert lab.run("status", str(lab.folder), "--wait").code == 69, "the first look must succeed"


def test_reports_go_to_files_and_to_the_ci_runner(lab: Any, tmp_path: Path) -> None:
    started(lab, 5, *ENDS)
    lab.clock.sleep(60)
    summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"
    environ = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(outputs)}
    files = [f"{name}={tmp_path / name}" for name in ("json", "markdown", "text")]
    more = [word for each in files for word in ("--report", each)]
    ran = lab.run("status", str(lab.folder), *more, environ=environ)
    assert ran.code == 1
    DOCUMENT.validate(json.loads((tmp_path / "json").read_text()))
    assert (tmp_path / "text").read_text() == ran.out
    said = (tmp_path / "markdown").read_text()
    assert said == summary.read_text()
    assert said.startswith("<!-- icaform status lab -->\n### Status of `lab`: 5 analyses: 1 failed")
    assert "::error::x" in said
    assert not [each for each in said.splitlines() if each.startswith("::")]
    assert outputs.read_text() == "exit_code=1\n"


def test_markdown_keeps_to_its_limit_and_says_what_is_left_out(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icaform.render.text.status.MOST", 20)
    started(lab, 60, {"userReference": "*", "analysis": "FAILED", "summary": "x" * 400})
    lab.clock.sleep(60)
    ran = lab.run("status", str(lab.folder), "--output", "markdown", "--limit", "16000")
    assert len(ran.out.encode()) <= 16000
    assert "lines are left out here" in ran.out
    text = lab.run("status", str(lab.folder)).out
    assert "and 40 more; --output json tells of all" in text


def test_elsewhere_than_on_a_terminal_a_plain_line_comes_now_and_then(long_lab: Any) -> None:
    lab = long_lab
    started(lab, 2)
    ran = lab.run("status", str(lab.folder), "--wait")
    assert "icaform: 0 of 2 at an end, waiting for the others\n" in ran.err
    assert "2 analyses: 2 succeeded" in ran.out
    assert len(ran.err.splitlines()) < 10


def test_a_bar_shows_how_much_has_ended_and_guesses_no_end() -> None:
    tally = Tally("status", 0.0)
    for kind, done, of, now in (("read", 1, 1, 1.0), ("work", 3, 10, 2.0), ("read", 2, 3, 3.0)):
        tally.hear(kind, "", done, of, now=now, who=1)
    tally.hear("wait", "3 of 10 at an end, waiting for the others", 0, 0, now=4.0, who=1)
    counts, wait = ("".join(span.text for span in line) for line in tally.lines(70, 60.0))
    assert counts.startswith(" status: waiting  ━━━")
    assert "3 of 10" in counts
    assert "left" not in counts
    assert "waiting for the others" in wait


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_wait_that_is_told_to_stop_is_gone_soon(lab: Any, number: signal.Signals, code: int) -> None:
    started(lab, 2)
    running = subprocess.Popen(
        [sys.executable, "-m", "icaform", "status", str(lab.folder), "--wait", "--output", "json"],
        cwd=ROOT,
        env={**os.environ, **lab.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stderr
        line = running.stderr.readline()
        assert "0 of 2 at an end" in line
        told = time.monotonic()
        running.send_signal(number)
        out, err = running.communicate(timeout=15)
    finally:
        running.kill()
        running.wait()
    assert time.monotonic() - told < 5
    assert running.returncode == code, err
    assert json.loads(out)["exit_code"] == code
    assert "Traceback" not in err


def test_the_help_says_how_it_exits_and_what_outputs_cost(lab: Any) -> None:
    said = " ".join(lab.run("status", "--help").out.split())
    for each in ("0 where all succeeded", "12 where some run on", "14 where some", "a call for each"):
        assert each in said, said


def test_the_example_is_followed_over_a_failure_to_its_end(lab: Any) -> None:
    shutil.copytree(ROOT / "examples" / "follow", lab.folder, dirs_exist_ok=True)
    lab.control("PUT", "/outcomes", [{"userReference": "follow/NA12891", "analysis": "FAILED"}])
    assert lab.apply("--first-run").code == 0
    found = status(lab, "--wait", "--timeout", "12h")
    assert (found["exit_code"], stages(found)) == (1, {"NA12878": "succeeded", "NA12891": "failed"})
    assert found["batches"][0]["items"][1]["notes"] == ["icaform apply starts attempt 2 of 3"]
    lab.control("PUT", "/outcomes", [])
    assert lab.apply().code == 0
    assert status(lab, "--wait", "--timeout", "12h")["exit_code"] == 0
    assert len(objects(lab, "Analysis")) == 3
