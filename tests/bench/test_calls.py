"""What a plan asks of ICA. Unlike times, counts of calls are exact, so they may fail a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .conftest import Trial

PIPELINES, CREDENTIALS, ITEMS = 10_000, 50, 1_000
HOUR = 3600
"""Seconds after which all analyses have ended."""

PIPELINE = """\
apiVersion: icaform/v1
kind: Pipeline
metadata: {{name: bulk-{number:05d}}}
spec:
  select: {{code: bulk {number:05d} 1-0-0}}
  status: Released
"""
CREDENTIAL = """\
apiVersion: icaform/v1
kind: StorageCredential
metadata: {{name: role-{number:02d}}}
spec: {{type: AWS_ROLE}}
"""
BATCH = """\
apiVersion: icaform/v1
kind: AnalysisBatch
metadata: {name: cohort}
spec:
  defaults:
    pipeline: {code: nf-core rnaseq 3-14}
    analysisStorage: Small
  items:
"""
ITEM = """\
  - name: S{number:04d}
    userReference: cohort/S{number:04d}
    analysisInput: {{inputs: [{{parameterCode: reads, dataIds: [fil.{number:032d}]}}]}}
"""

EMPTY_PLAN = {
    "POST /api/tokens": 1,
    "GET /api/projects": 1,
    "GET /api/projects/*/pipelines": 1,
    "GET /api/storageCredentials": 1,
    "POST /api/projects/*/analysis:search": 1,
}
"""A page of analyses holds 1,000."""


def test_an_empty_plan_costs_five_calls(trial: Trial) -> None:
    """10,000 pipelines of one project, 50 credentials, and 1,000 analyses that have ended."""
    _write(trial, "credentials.yaml", (CREDENTIAL.format(number=each) for each in range(CREDENTIALS)))
    _write(trial, "cohort.yaml", [BATCH + "".join(ITEM.format(number=each) for each in range(ITEMS))])
    applied = trial.icaform("apply", "--yes")
    assert applied["counts"]["done"] == CREDENTIALS + ITEMS
    trial.control("POST", "/clock", {"advance": HOUR})
    trial.control("POST", "/seed", {"pipelines": {"count": PIPELINES, "name": "bulk", "project": "wgs-prod"}})
    _write(trial, "pipelines.yaml", (PIPELINE.format(number=each + 1) for each in range(PIPELINES)))

    trial.forget_calls()
    plan = trial.icaform("plan")

    calls = trial.calls()
    for call, count in sorted(calls.items()):
        print(f"{count} {call}")
    assert calls == EMPTY_PLAN
    assert plan["api_calls"]["reads"] == sum(EMPTY_PLAN.values())
    assert plan["resource_changes"] == []
    assert plan["counts"]["keep"] == PIPELINES + CREDENTIALS + ITEMS
    assert plan["counts"]["busy"] == 0


def _write(trial: Trial, name: str, documents: Iterable[str]) -> None:
    (trial.folder / name).write_text("---\n".join(documents), encoding="utf-8")
