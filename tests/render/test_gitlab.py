"""GitLab's code quality report has the fields that GitLab reads, and its Terraform widget three numbers."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from icaform.address import Address, Origin
from icaform.diagnostic import Code, Diagnostic
from icaform.render import Report, dialect, of_findings, of_plan
from icaform.render.report.annotation import annotated
from tests.render.test_safety import report_of, texts

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def findings(report: Report) -> Any:
    told = json.loads("\n".join(dialect("gitlab")(report)))
    for each in told:
        assert each["severity"] in SEVERITIES
        assert each["description"]
        assert each["check_name"]
        assert each["location"]["path"]
        assert each["location"]["lines"]["begin"] >= 1
    prints = [each["fingerprint"] for each in told]
    assert len(set(prints)) == len(prints)
    return told


def test_every_finding_is_one_with_a_fingerprint_of_its_own(scene: tuple[str, Report]) -> None:
    assert [each["check_name"] for each in findings(scene[1])] == [
        each.rule.slug for each in annotated(scene[1])
    ]


def test_errors_are_critical_and_dangers_major(scenes: dict[str, Report]) -> None:
    assert [each["severity"] for each in findings(scenes["plan"])] == [
        *["critical", "critical", "major", "major", "major", "minor"]
    ]


def test_what_has_no_line_is_said_of_the_workspace() -> None:
    (each,) = findings(of_findings([Diagnostic(Code.UNREACHABLE, "no answer")], command="plan"))
    assert each["location"] == {"path": "icaform.yaml", "lines": {"begin": 1}}


def test_a_file_s_name_is_given_to_the_letter_where_it_is_text() -> None:
    for name, shown in (("a b/é.yaml", "a b/é.yaml"), ("\udcff.yaml", "\ufffd.yaml")):
        report = of_findings([Diagnostic(Code.SYNTAX, "x", origin=Origin(name, 3, 1))], command="validate")
        assert findings(report)[0]["location"] == {"path": shown, "lines": {"begin": 3}}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_nasty_text_leaves_it_a_list_of_findings(make: Any, text: str) -> None:
    report = report_of(make, text)
    assert len(findings(report)) == len(list(annotated(report)))
    for line in dialect("gitlab")(report):
        line.encode("ascii")


def test_the_widget_counts_what_a_plan_makes_and_changes_and_never_a_deletion(
    scenes: dict[str, Report], make: Any
) -> None:
    def widget(report: Report) -> Any:
        return json.loads("\n".join(dialect("gitlab-terraform")(report)))

    assert widget(scenes["plan-empty"]) == {"create": 0, "update": 0, "delete": 0}
    for name in ("plan", "findings", "drift"):  # errors: zeros would say that nothing changes
        assert widget(scenes[name]) == {}
    changes = [make.create(Address("A", str(number))) for number in range(3)]
    changes += [make.update(Address("B", str(number)), irreversible=True) for number in range(2)]
    assert widget(of_plan(make.plan(changes))) == {"create": 3, "update": 2, "delete": 0}
