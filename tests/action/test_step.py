"""A whole step: the real icaform against its embedded ICA, and a GitHub on a socket."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import pytest

from action.inputs import Inputs
from action.mark import Mark
from action.program import surroundings
from action.run import step
from tests.action.conftest import HEAD, MERGE, TOKEN, Job
from tests.action.fake_github import BOT

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
PIPELINE = """
    apiVersion: icaform/v1
    kind: Pipeline
    metadata: {name: germline-4-2}
    spec:
      project: wgs-prod
      select: {code: DRAGEN Germline 4-2-7}
      status: Deprecated
      message: Use germline-4-4.
"""


@pytest.fixture
def ica(tmp_path: Path) -> Path:
    """A workspace with one irreversible wish, against an ICA of its own."""
    folder = tmp_path / "ica"
    folder.mkdir()
    (folder / "icaform.yaml").write_text("workspace: lab\nserver: embedded\n", encoding="utf-8")
    (folder / "pipelines.yaml").write_text(dedent(PIPELINE), encoding="utf-8")
    return folder


def ran(job: Job, **inputs: str) -> int:
    """The exit code of a step on the workspace."""
    pull = 7 if inputs.get("command", "plan") == "plan" else None
    inputs = {"working_directory": str(job.folder), "paths": "ica", "name": "lab", **inputs}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return step(kept | job.environ(pull=pull, **inputs), job.time.clock)


def test_plan_comment_merge_apply_and_drift(job: Job, ica: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The whole way of a change: reviewed as a comment, merged, applied by the digest in it, and watched."""
    assert ran(job) == 0
    planned = job.outputs()
    [(made, comment)] = job.hub.comments.items()
    mark = Mark.of(comment["body"])
    assert planned == {
        "has_changes": "true",
        "has_drift": "false",
        "irreversible": "1",
        "creates": "0",
        "updates": "1",
        "plan_digest": mark.digest if mark else "",
        "exit_code": "0",
        "comment_id": str(made),
    }
    assert mark == Mark("plan", "lab", HEAD, planned["plan_digest"])
    assert f"apply --approve {planned['plan_digest']}" in comment["body"]
    assert "cannot be undone" in comment["body"]
    assert "cannot be undone" in job.summary
    assert "::warning file=ica/pipelines.yaml,line=" in capfd.readouterr().out

    job.hub.merged(MERGE, HEAD)
    assert ran(job, command="apply", approve="comment") == 0
    applied = job.outputs()
    assert (applied["has_changes"], applied["irreversible"]) == ("true", "1")

    assert ran(job, command="drift", issue="true") == 0
    assert job.outputs()["has_drift"] == "false"
    assert not job.hub.issues

    # The plan is another one by now: there is nothing left to do, which nobody approved.
    assert ran(job, command="apply", approve="comment") == 10
    assert job.outputs()["exit_code"] == "10"


def test_apply_without_a_valid_approval_does_not_even_start_icaform(
    job: Job, ica: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job.hub.merged(MERGE, HEAD)
    job.hub.comment(str(Mark("plan", "lab", HEAD, "sha256:" + "1" * 64)), ("User", "mallory"))
    assert ran(job, command="apply", approve="comment") == 10
    assert job.outputs() == {"exit_code": "10"}
    assert "::error title=icaform::not approved: " in capfd.readouterr().out
    assert not (ica / ".icaform").exists()


def test_a_digest_of_another_plan_runs_nothing(job: Job, ica: Path) -> None:
    assert ran(job, command="apply", approve="sha256:" + "1" * 64) == 10
    assert job.outputs()["has_changes"] == "false"


def test_apply_without_approval_stops_at_irreversible_steps_unless_counted(job: Job, ica: Path) -> None:
    assert ran(job, command="apply") == 11
    assert ran(job, command="apply", allow_irreversible="1") == 0


def test_a_fork_gets_its_plan_in_the_summary(job: Job, ica: Path, capfd: pytest.CaptureFixture[str]) -> None:
    job.hub.fail("POST", "/comments", 403, body={"message": "Resource not accessible by integration"})
    assert ran(job) == 0, "the plan itself went well"
    assert job.outputs()["has_changes"] == "true"
    assert "cannot be undone" in job.summary
    said = capfd.readouterr().out
    assert "::warning title=icaform::what icaform found is in the summary of this run alone" in said
    assert "Resource not accessible by integration" in said


def test_a_comment_that_cannot_name_all_that_cannot_be_undone_approves_nothing(job: Job, ica: Path) -> None:
    credentials = [
        "{apiVersion: icaform/v1, kind: StorageCredential, "
        f"metadata: {{name: {sha256(bytes([number])).hexdigest()}}}, spec: {{type: AWS_ROLE, shared: true}}}}"
        for number in range(256)
    ]
    (ica / "credentials.yaml").write_text("\n---\n".join(credentials), encoding="utf-8")
    assert ran(job, args="--limit\n16000") == 0
    [comment] = job.hub.comments.values()
    assert "cannot be approved from this comment" in comment["body"]
    assert Mark.of(comment["body"]) == Mark("plan", "lab", HEAD, "")
    assert job.outputs()["plan_digest"], "it can still be approved by hand"
    job.hub.merged(MERGE, HEAD)
    assert ran(job, command="apply", approve="comment") == 10


def test_a_plan_with_nothing_to_do_is_approved_by_its_comment(job: Job, ica: Path) -> None:
    released = PIPELINE.partition("status:")[0] + "status: Released"
    (ica / "pipelines.yaml").write_text(dedent(released), encoding="utf-8")
    assert ran(job) == 0
    job.hub.merged(MERGE, HEAD)
    assert ran(job, command="apply", approve="comment") == 0


def test_a_refused_manifest_takes_the_digest_out_of_the_comment(job: Job, ica: Path) -> None:
    assert ran(job) == 0
    (ica / "pipelines.yaml").write_text(dedent(PIPELINE).replace("message:", "mesage:"), encoding="utf-8")
    assert ran(job) == 65
    [comment] = job.hub.comments.values()
    assert Mark.of(comment["body"]) == Mark("plan", "lab", HEAD, "")
    assert "mesage" in comment["body"]
    assert job.outputs()["plan_digest"] == ""


def test_drift_opens_one_issue_and_its_end_closes_it(job: Job, ica: Path) -> None:
    credential = """
        apiVersion: icaform/v1
        kind: StorageCredential
        metadata: {name: lab}
        spec: {type: AWS_ROLE}
    """
    (ica / "pipelines.yaml").write_text(dedent(credential), encoding="utf-8")
    assert ran(job, command="apply") == 0
    world = next((ica / ".icaform").rglob("*.sqlite*"), None)
    assert world is not None
    kept = {each: each.read_bytes() for each in (ica / ".icaform").rglob("*") if each.is_file()}
    emptied = [each for each in kept if "journal" not in each.name]
    for each in emptied:
        each.unlink()
    for _ in range(2):
        assert ran(job, command="drift", issue="true") == 0
        assert job.outputs()["has_drift"] == "true"
    [(number, issue)] = job.hub.issues.items()
    assert "StorageCredential/lab" in issue["body"]
    for each in emptied:
        each.write_bytes(kept[each])
    assert ran(job, command="drift", issue="true") == 0
    assert job.hub.issues[number]["state"] == "closed"


def test_a_drift_that_could_not_be_looked_for_closes_no_issue(job: Job, ica: Path) -> None:
    number = job.hub.issue(str(Mark("drift", "lab")), BOT)
    (ica / "icaform.yaml").write_text("server: http://127.0.0.1:9\n", encoding="utf-8")
    assert ran(job, command="drift", issue="true") != 0
    assert job.hub.issues[number]["state"] == "open"
    assert job.hub.count("PATCH") == 0


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"command": "destroy"}, "`command` is one of"),
        ({"command": "plan", "approve": "comment"}, "`approve` is for"),
        ({"command": "apply", "approve": "yes"}, "`approve` wants"),
        ({"command": "apply", "approve": "sha256:" + "A" * 64}, "`approve` wants"),
        ({"command": "apply", "allow_irreversible": "many"}, "number of steps"),
        ({"command": "apply", "allow_irreversible": "-1"}, "number of steps"),
        ({"command": "apply", "approve": "comment", "allow_irreversible": "1"}, "already covers"),
        ({"command": "plan", "comment": "yes"}, "`comment` is true or false"),
        ({"command": "x\n::error::%0A"}, "`command` is one of"),
    ],
)
def test_an_input_that_cannot_be_used_is_said_and_nothing_runs(
    job: Job, inputs: dict[str, str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ran(job, **inputs) == 64
    [line] = [line for line in capfd.readouterr().out.splitlines() if line.startswith("::")]
    assert line.startswith("::error title=icaform::")
    assert said in line
    assert job.outputs() == {"exit_code": "64"}
    assert not job.hub.calls


def test_no_line_of_icaform_is_a_command_and_no_path_an_option(
    job: Job, ica: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ran(job, command="validate", paths="--help\n::add-mask::x") != 0
    out = capfd.readouterr().out.splitlines()
    word = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", out[0])
    assert word is not None
    assert f"::{word[1]}::" in out


def test_icaform_gets_neither_the_token_nor_the_files_of_the_step(job: Job) -> None:
    seen = surroundings(job.environ() | {"GITHUB_TOKEN": TOKEN})
    assert TOKEN not in seen.values()
    assert not {"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} & set(seen)
    assert {"GITHUB_RUN_ID", "GITHUB_REPOSITORY"} <= set(seen), "an apply says which run holds the lease"


def test_nothing_of_the_callers_checkout_is_imported(job: Job, ica: Path) -> None:
    for name in ("requests", "action", "icaform", "json", "sitecustomize"):
        (job.folder / f"{name}.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    environ = job.environ(command="validate", paths="ica", working_directory=str(job.folder), pull="7")
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "action")],
        cwd=job.folder,
        env=environ | {"PATH": os.environ["PATH"], "PYTHONPATH": str(job.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert job.outputs()["exit_code"] == "0"


def test_a_signal_reaches_icaform_which_knows_how_to_stop(job: Job, ica: Path) -> None:
    """icaform waits on its standard input here; that it then ends with its own code says that it heard."""
    environ = job.environ(command="validate", paths="-", working_directory=str(ica))
    child = subprocess.Popen(
        [sys.executable, "-I", str(ROOT / "action")],
        env=environ | {"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    word = child.stdout.readline().strip().removeprefix("::stop-commands::")
    watch = threading.Timer(PATIENCE, child.kill)
    watch.start()
    over = threading.Event()
    # Whether icaform is already listening cannot be seen from outside, so it is told until it ends.
    sender = threading.Thread(target=_signalled, args=(child, over))
    sender.start()
    said = next((line for line in child.stdout if line == f"::{word}::\n"), "")
    over.set()
    sender.join()
    child.stdout.read()
    assert said
    assert child.wait() == 143
    watch.cancel()
    assert job.outputs()["exit_code"] == "143"


def test_a_signal_while_the_comment_is_written_loses_no_output(job: Job, ica: Path) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    job.hub.fail("POST", "/graphql", 500, meanwhile=lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        assert ran(job) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert job.outputs()["comment_id"]
    assert not heard, "it would have ended the step"


def _signalled(child: subprocess.Popen[str], over: threading.Event) -> None:
    while not over.is_set():
        child.send_signal(signal.SIGTERM)
        over.wait(0.5)


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({}, "."),
        ({"paths": "ica"}, "ica"),
        ({"paths": "ica\n more.yaml \n\n"}, "ica more.yaml"),
        ({"working_directory": "lab", "paths": "ica"}, "lab ica"),
        ({"working_directory": "lab"}, "lab"),
        ({"working_directory": "lab", "name": "wgs"}, "wgs"),
    ],
)
def test_a_workspace_is_called_by_its_paths_unless_it_is_named(
    job: Job, inputs: dict[str, str], name: str
) -> None:
    planned = Inputs.of(job.environ(**inputs))
    applied = Inputs.of(job.environ(command="apply", **inputs))
    assert planned.name == applied.name == name
