"""Prometheus's own parser reads the textfile, and what could not be counted is not there."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from prometheus_client.parser import text_string_to_metric_families

from icaform.diagnostic import Code, Diagnostic
from icaform.render import Report, dialect, of_findings
from icaform.render.report import Stamp, plain
from tests.render.test_safety import texts

NAMES = {
    "icaform_run_success",
    "icaform_run_exit_code",
    "icaform_run_timestamp_seconds",
    "icaform_diagnostics",
    "icaform_resources",
    "icaform_api_calls",
}


def metrics(report: Report) -> dict[str, dict[tuple[str, ...], float]]:
    """The values of each metric, by the labels beside the command and the workspace."""
    text = "".join(f"{line}\n" for line in dialect("prometheus")(report))
    found = {}
    for family in text_string_to_metric_families(text):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        values = {}
        for sample in family.samples:
            assert sample.labels["command"] == report.command
            assert sample.labels["workspace"] == plain(report.workspace)
            key = tuple(v for k, v in sample.labels.items() if k not in ("command", "workspace"))
            assert key not in values
            values[key] = sample.value
        found[family.name] = values
    return found


def test_a_drift_is_counted_by_state_with_the_time_of_the_check(scenes: dict[str, Report]) -> None:
    found = metrics(replace(scenes["drift"], stamp=Stamp(1_763_769_600.25)))
    assert set(found) == NAMES
    assert found["icaform_run_timestamp_seconds"] == {(): 1_763_769_600.25}
    assert found["icaform_run_exit_code"] == {(): 2}
    assert found["icaform_run_success"] == {(): 0}
    assert found["icaform_diagnostics"] == {("error",): 1, ("warning",): 0}
    assert found["icaform_api_calls"] == {("read",): 5, ("write",): 0}
    assert found["icaform_resources"] == {
        ("drifted",): 1,
        ("both",): 1,
        ("pending",): 1,
        ("unknown",): 1,
        ("unmanaged",): 1,
        ("undeclared",): 0,
        ("keep",): 1,
        ("busy",): 0,
    }


def test_every_scene_is_read_by_prometheus(scene: tuple[str, Report]) -> None:
    assert set(metrics(scene[1])) <= NAMES


def test_a_run_that_failed_counts_no_resources() -> None:
    report = of_findings([Diagnostic(Code.UNREACHABLE, "no answer")], command="drift", exit_code=69)
    found = metrics(replace(report, workspace="wgs"))
    assert set(found) == {"icaform_run_success", "icaform_run_exit_code", "icaform_diagnostics"}
    assert found["icaform_run_success"] == {(): 0}


@settings(max_examples=40, deadline=None)
@given(texts)
def test_a_nasty_workspace_is_one_label(text: str) -> None:
    text += '"} 7 \\n\\'
    report = replace(of_findings((), command="drift"), workspace=text)
    assert metrics(report)["icaform_run_success"] == {(): 1}
