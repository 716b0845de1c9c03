"""What status says, kept as files, and safe whatever a server or a manifest says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from icaform.address import Address
from icaform.course import Course, Stage, Yield
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.render import dialect
from icaform.render.markdown.ink import size
from icaform.render.report.status import Status, lasting, of_status
from tests.render.test_golden import GOLDEN, check
from tests.render.test_safety import texts, unsafe

SCHEMA = Path(__file__).parents[2] / "schemas" / "status.schema.json"
DOCUMENT = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
ENDS = {"text": "txt", "json": "json", "markdown": "md"}
SAMPLE = Address("AnalysisBatch", "cohort", "S1")


def course(make: Any, stage: Stage, item: str, **more: Any) -> Course:
    wish = make.wish(Address("AnalysisBatch", "cohort", item), 3)
    known = {} if stage in (Stage.TO_START, Stage.CREATING, Stage.NOT_CREATED) else {"id": f"id-of-{item}"}
    return Course(wish, stage, **{"scope": "project-1", "attempt": 1, **known, **more})


def every(make: Any) -> Status:
    """One piece of work in each stage."""
    courses = [
        course(make, Stage.SUCCEEDED, "S1", status="SUCCEEDED", seconds=7380.4),
        course(make, Stage.FAILED, "S2", status="FAILED", seconds=59, attempt=2, why="out of disk " * 20),
        course(make, Stage.FAILED_FINAL, "S3", status="FAILED_FINAL", why="no such index"),
        course(make, Stage.ABORTED, "S4", status="ABORTED", notes=("icaform apply starts attempt 2 of 2",)),
        course(make, Stage.NOT_CREATED, "S5", why="no quota", notes=("icaform apply starts attempt 2 of 2",)),
        course(make, Stage.RUNNING, "S6", status="IN_PROGRESS", seconds=90061, notes=("it differs",)),
        course(make, Stage.QUEUED, "S7", status="QUEUED", notes=("it differs",)),
        course(make, Stage.WAITING, "S8", status="AWAITING_INPUT", seconds=60),
        course(make, Stage.UNKNOWN, "S9", status="PAUSED", seconds=1),
        course(make, Stage.CREATING, "T1"),
        course(make, Stage.TO_START, "T2", attempt=0),
    ]
    other = make.wish(Address("AnalysisBatch", "panel", "P1"), 9)
    courses.append(Course(other, Stage.SUCCEEDED, "id-of-P1", "project-2", "SUCCEEDED", attempt=1))
    warning = Diagnostic(Code.FOREIGN_STATE, "ICA says 'PAUSED'", "look in ICA", severity=Severity.WARNING)
    brought = {
        SAMPLE: [Yield("bam", "fil.1", "S1.bam", "FILE", "project-1"), Yield("qc", "fol.2", "qc", "FOLDER")]
    }
    more = {"yields": brought, "workspace": "lab", "server": "https://ica.example/ica/rest", "reads": 7}
    return of_status(courses, (warning,), exit_code=1, expired=True, seconds=5400.0, **more)


@pytest.mark.parametrize("name", ENDS)
def test_a_status_is_put_as_it_was(name: str, make: Any) -> None:
    lines = list(dialect(name, "status")(every(make)))
    check(GOLDEN / f"status.{ENDS[name]}", lines)
    if name == "json":
        DOCUMENT.validate(json.loads("\n".join(lines)))


def test_nothing_declared_is_said_in_every_dialect(make: Any) -> None:
    for name in ENDS:
        assert "no analysis is declared here" in "\n".join(dialect(name, "status")(of_status([])))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts, st.integers(40, 120))
def test_text_of_others_commands_nothing(make: Any, text: str, width: int) -> None:
    wish = make.wish(Address("AnalysisBatch", text, text))
    bad = Course(wish, Stage.UNKNOWN, text, text, text, text, 2, 3.0, (text,))
    reason = Diagnostic(Code.REFUSED, text, text, text)
    calm = replace(bad, stage=Stage.SUCCEEDED)
    brought = {wish.address: [Yield(text, text, text, text, text)]}
    report = of_status([bad, calm], (reason,), yields=brought, workspace=text, server=text)
    for name in ENDS:
        for each in dialect(name, "status")(report, width=width):
            assert not unsafe(each), name
            each.encode("utf-8")
    told = json.loads("\n".join(dialect("json", "status")(report)))
    assert told["batches"][0]["items"][0]["reason"] == (text or None)


@pytest.mark.parametrize("limit", [16_000, 60_000])
def test_a_comment_keeps_to_its_limit_and_counts_what_it_leaves_out(make: Any, limit: int) -> None:
    courses = [
        course(make, Stage.FAILED, f"S{each}", why="\N{DNA DOUBLE HELIX}`" * 400) for each in range(900)
    ]
    lines = list(dialect("markdown", "status")(of_status(courses), limit=limit))
    assert limit - 3000 < size(lines) <= limit
    told = sum(each.startswith("- `S") for each in lines)
    left = next(each for each in lines if "left out" in each)
    assert int(left.split()[0].replace(",", "")) == 900 - told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (3599, "59 min 59 s"),
        (3660, "1 h 1 min"),
        (9e4, "1 d 1 h"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
