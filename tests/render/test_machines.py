"""What holds for every dialect that machines read: golden files, safe lines, and work in proportion."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from icaform.address import Address
from icaform.change import Edit, Keep, Standing
from icaform.diagnostic import Code, Diagnostic
from icaform.render import Report, dialect, of_findings, of_plan
from icaform.render.report import Stamp
from tests.render.test_golden import GOLDEN, check
from tests.render.test_safety import report_of, texts, unsafe

ENDS = {
    "github": "github.txt",
    "gitlab": "gitlab.json",
    "gitlab-terraform": "terraform.json",
    "junit": "junit.xml",
    "ndjson": "ndjson",
    "prometheus": "prom",
    "sarif": "sarif",
}
STAMP = Stamp(1_763_769_600.0, "/lab/ica", "/lab")


def shortened(report: Report) -> Report:
    """Without most of what is kept, which one dialect names one by one."""
    kept = islice((each for each in report.changes if isinstance(each, Keep)), 2)
    return replace(
        report, changes=(*kept, *(each for each in report.changes if not isinstance(each, Keep))), stamp=STAMP
    )


@pytest.mark.parametrize("name", ENDS)
def test_a_scene_is_put_as_it_was(scene: tuple[str, Report], name: str) -> None:
    check(GOLDEN / f"{scene[0]}.{ENDS[name]}", dialect(name)(shortened(scene[1])))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_no_line_commands_a_terminal_or_a_runner(make: Any, text: str) -> None:
    plan = report_of(make, text)
    for report in (plan, replace(plan, verdict=text, workspace=text, server=text)):
        findings = of_findings(report.diagnostics, command="validate")
        for name in ENDS:
            for each in (report, findings):
                for line in dialect(name)(each):
                    # GitHub's own commands are what they are; tests of their own hold what is in them.
                    assert not unsafe(line.removeprefix("::") if name == "github" else line), name
                    line.encode("utf-8")


def large(make: Any, count: int) -> tuple[Report, Report]:
    """A plan of all sorts of changes, and as many findings."""
    moved = {"standing": Standing.DRIFTED}
    edit = Edit("a", "x", "y", Standing.DRIFTED)
    changes = [make.create(Address("B", "b", str(n)), Edit("a", None, n)) for n in range(count)]
    changes += [make.update(Address("P", str(n)), edit, irreversible=True, **moved) for n in range(count)]
    reason = Diagnostic(Code.BACKWARD, "it is held")
    changes += [make.held(Address("H", str(n)), reason) for n in range(count)]
    changes += [make.keep(Address("K", str(n)), "done") for n in range(count)]
    plan = make.plan(changes)
    assert plan.digest
    found = [replace(reason, address=Address("D", str(n)), summary=f"bad {n}") for n in range(count)]
    return of_plan(plan), of_findings(found, command="validate")


@pytest.mark.parametrize("name", ENDS)
def test_the_work_grows_with_the_report_and_no_faster(make: Any, name: str) -> None:
    def calls(count: int) -> int:
        reports = large(make, count)
        made = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(count_call)
        try:
            for report in reports:
                for _ in dialect(name)(report):
                    pass
        finally:
            sys.setprofile(None)
        return made

    calls(10)
    assert calls(300) < 11 * calls(30)


@pytest.mark.parametrize("name", ENDS)
def test_a_document_is_never_one_string(make: Any, name: str) -> None:
    for report in large(make, 50):
        lines = dialect(name)(report)
        assert isinstance(lines, Iterator)
        assert max(map(len, lines)) < (40_000 if name == "sarif" else 3_000)
