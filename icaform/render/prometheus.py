"""Gauges in Prometheus's text format, for the textfile collector of node_exporter.

All are labelled with the command and the workspace, so that the files of several can lie in one folder. What
a failed run could not count is left out; ``icaform_run_success`` is then 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from icaform.render.report import Report, Topic
from icaform.render.report.wording import plain

DIALECT = "prometheus"
FINDINGS = ("errors", "warnings")
PRICE = ("analyses",)
"""Counts that are of no resources: diagnostics, and what a plan costs."""

Sample = tuple[Mapping[str, str], float]


def render(report: Report, **_: object) -> Iterator[str]:
    """Each metric with its help, its type and its samples."""
    whole = {"command": report.command, "workspace": report.workspace}
    ran = report.topic is not Topic.FINDINGS
    yield from _gauge("run_success", "Whether all could be told, 1 or 0.", [(whole, not report.errored)])
    yield from _gauge("run_exit_code", "The exit code of the last run.", [(whole, report.exit_code)])
    if report.stamp.time is not None:
        yield from _gauge(
            "run_timestamp_seconds", "When the last run ended, since 1970.", [(whole, report.stamp.time)]
        )
    yield from _gauge(
        "diagnostics",
        "Errors and warnings of the last run.",
        [({**whole, "severity": word.removesuffix("s")}, report.counts[word]) for word in FINDINGS],
    )
    if not ran:
        return
    yield from _gauge(
        "resources",
        "Resources by how the last run found or left them; one may be counted under several states.",
        [
            ({**whole, "state": name}, count)
            for name, count in report.counts.items()
            if name not in FINDINGS + PRICE
        ],
    )
    cost = report.cost
    yield from _gauge(
        "api_calls",
        "Calls to ICA: read by the last run, written by what it planned.",
        [({**whole, "kind": "read"}, cost.reads), ({**whole, "kind": "write"}, cost.writes)],
    )


def _gauge(name: str, sense: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP icaform_{name} {sense}"
    yield f"# TYPE icaform_{name} gauge"
    for labels, value in samples:
        said = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"icaform_{name}{{{said}}} {value:.15g}"


def _escaped(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace('"', '\\"')
