"""Each exit code is reached through the command line: one table, and a process that is told to stop."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from icaform.cli.exit import Exit
from icaform.journal.store import open_store
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.test_usage import process, silent_server

PIPELINE = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {{name: {name}}}
spec: {{select: {{code: {code}}}, status: {status}}}
"""
CREDENTIAL = """
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab}
spec: {type: AWS_ROLE}
"""
FORWARD = PIPELINE.format(name="forward", code="DRAGEN Germline 4-2-7", status="Deprecated")
BACKWARD = PIPELINE.format(name="backward", code="DRAGEN Germline 4-0-3", status="Released")
MISSING = PIPELINE.format(name="missing", code="none of these", status="Released")
YES = ("apply", "--yes", "--first-run", "--allow-irreversible", "1")


def nothing(lab: Lab) -> None:
    """The server is as it was seeded."""


def fault(**said: Any) -> Callable[[Lab], None]:
    def arrange(lab: Lab) -> None:
        lab.control("PUT", "/faults", [{"times": 999, **said}])

    return arrange


def applied_and_moved(lab: Lab) -> None:
    """Somebody archives behind our back what an apply has deprecated."""
    assert lab.run(*YES, str(lab.folder)).code == 0
    (found,) = (each for each in everything.objects(lab, "Pipeline") if each["code"].endswith("4-2-7"))
    lab.api("POST", f"/api/pipelines/{found['id']}:archive", {})


def held_by_another(lab: Lab) -> None:
    (lab.folder / ".icaform").mkdir()
    path = str(lab.folder / ".icaform" / "journal.sqlite")
    store = open_store(path, "lab", lab.clock.now, read_only=False)
    assert store.acquire("another machine:1:1", "", lab.clock.now(), 300)
    store.close()


@dataclass(frozen=True)
class Row:
    code: Exit
    why: str
    line: tuple[str, ...]
    text: str = FORWARD
    arrange: Callable[[Lab], None] = nothing
    environ: dict[str, str] = field(default_factory=dict)


TABLE = (
    Row(Exit.DONE, "valid", ("validate",)),
    Row(Exit.DONE, "a plan with changes", ("plan",)),
    Row(Exit.DONE, "applied", YES),
    Row(Exit.FAILED, "what is wanted cannot be", ("plan",), BACKWARD),
    Row(Exit.FAILED, "nothing of it could be done", YES, BACKWARD),
    Row(Exit.CHANGES, "changes", ("plan", "--detailed-exitcode")),
    Row(Exit.CHANGES, "drift", ("drift", "--detailed-exitcode"), FORWARD, applied_and_moved),
    Row(Exit.NOT_APPROVED, "another plan", ("apply", "--first-run", "--approve", "sha256:" + "0" * 64)),
    Row(Exit.GUARDED, "steps not allowed", ("apply", "--yes", "--first-run")),
    Row(Exit.GUARDED, "a limit", (*YES, "--max-writes", "0")),
    Row(Exit.GUARDED, "protected", YES, FORWARD.replace("forward", "forward, protected: true")),
    Row(Exit.PARTLY, "one done and one held", YES, FORWARD + "---" + BACKWARD),
    Row(Exit.LOCKED, "another apply", YES, FORWARD, held_by_another),
    Row(
        Exit.UNKNOWN,
        "it failed each time, perhaps after its effect",
        YES,
        CREDENTIAL,
        fault(match={"method": "POST", "path": "*/storageCredentials"}, do="status", status=500),
    ),
    Row(Exit.USAGE, "no such option", ("plan", "--nope")),
    Row(Exit.USAGE, "no such dialect", ("plan", "--output", "klingon")),
    Row(Exit.USAGE, "nobody to ask", ("apply",)),
    Row(Exit.MANIFEST, "a manifest that is none", ("validate",), "a: 1\n"),
    Row(Exit.MANIFEST, "nothing fits the selection", ("plan",), MISSING),
    Row(Exit.UNREACHABLE, "no server there", ("plan", "--server-url", "http://127.0.0.1:1")),
    Row(Exit.UNREACHABLE, "it fails", ("plan",), arrange=fault(do="status", status=500)),
    Row(Exit.RATE_LIMITED, "too many calls", ("plan",), arrange=fault(do="status", status=429)),
    Row(Exit.UNAUTHORISED, "no key", ("plan",), environ={"ICAV2_X_API_KEY": ""}),
    Row(Exit.UNAUTHORISED, "a wrong key", ("plan",), environ={"ICAV2_X_API_KEY": "no-such-key-at-all"}),
    Row(Exit.SETTING, "no server named", ("plan",), environ={"ICAV2_BASE_URL": ""}),
    Row(Exit.SETTING, "a report that cannot be written", ("validate", "--report", "json=/dev/full")),
)
STOPPED = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.code.value} {row.why}")
def test_a_run_ends_with_its_exit_code(lab: Lab, row: Row) -> None:
    lab.write("a.yaml", row.text)
    row.arrange(lab)
    ran = lab.run(*row.line, str(lab.folder), environ=row.environ)
    assert ran.code == row.code, ran.text
    assert "Traceback" not in ran.text
    if row.code not in (Exit.DONE, Exit.CHANGES):
        assert ran.text.strip()


@pytest.mark.parametrize(("number", "code"), STOPPED.items())
def test_a_process_that_is_told_to_stop_ends_with_its_code(
    lab: Lab, number: signal.Signals, code: Exit
) -> None:
    lab.write("a.yaml", FORWARD)
    with silent_server() as (url, listening):
        running = process("drift", str(lab.folder), "--server-url", url, "--output", "ndjson")
        connection, _ = listening.accept()
        assert connection.recv(1)
        running.send_signal(number)
        out, err = running.communicate(timeout=5)
        connection.close()
    assert running.returncode == code, err
    assert json.loads(out.splitlines()[-1])["exit_code"] == code


def test_the_table_has_every_code() -> None:
    reached = {row.code for row in TABLE} | set(STOPPED.values())
    assert reached == set(Exit)
    print(f"{len(TABLE) + len(STOPPED)} ends, {len(reached)} exit codes: {sorted(map(int, reached))}")
