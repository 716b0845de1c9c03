"""One JSON document, with Terraform's field names where they fit; ``schema.py`` says what is in it.

It is written a resource a line, so that the document of a large plan is never one string.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from icaform.operation import Json
from icaform.render.json.resource import change_row, drift_row, outcome_row
from icaform.render.json.value import diagnosis, named
from icaform.render.report import Kept, Report
from icaform.state import Live

DIALECT = "json"
FORMAT_VERSION = "1.0"
"""A new minor version only adds; a new major one may take away."""


def render(report: Report, *, colour: bool = False, width: int = 80) -> Iterator[str]:
    """The lines of the document. ``colour`` and ``width`` are for other dialects."""
    cost = report.cost
    yield "{"
    for name, value in (
        ("format_version", FORMAT_VERSION),
        ("command", report.command),
        ("verdict", report.verdict),
        ("exit_code", report.exit_code),
        ("errored", report.errored),
        ("complete", report.complete),
        ("workspace", report.workspace or None),
        ("server", report.server or None),
        ("plan_digest", report.digest or None),
        ("counts", dict(report.counts)),
        (
            "api_calls",
            {
                "reads": cost.reads,
                "writes": cost.writes,
                "analyses": cost.analyses,
                "seconds": cost.seconds,
            },
        ),
    ):
        yield f"  {_text(name)}: {_text(value)},"
    yield from _array("resource_changes", map(change_row, report.rows))
    yield from _array("resource_drift", map(drift_row, report.drifted))
    yield from _array("outcomes", map(outcome_row, report.ended))
    yield from _array("unchanged", map(_kept, report.kept))
    yield from _array("unmanaged", map(_live, report.unmanaged))
    yield from _array("undeclared", map(named, report.undeclared))
    yield from _array("diagnostics", map(diagnosis, report.diagnostics), last=True)
    yield "}"


def _array(name: str, rows: Iterable[Json], *, last: bool = False) -> Iterator[str]:
    end = "" if last else ","
    before = ""
    for row in rows:
        # A line waits until it is known whether another one follows it.
        yield f"    {before}," if before else f"  {_text(name)}: ["
        before = _text(row)
    if before:
        yield f"    {before}"
        yield f"  ]{end}"
    else:
        yield f"  {_text(name)}: []{end}"


def _text(value: Json) -> str:
    # Only ASCII leaves here; and "##[" and "##vso[" would be commands to a CI runner, wherever they stand.
    return json.dumps(value, ensure_ascii=True).replace("##", "\\u0023\\u0023")


def _kept(kept: Kept) -> Json:
    return {
        "state": kept.state or None,
        "busy": kept.busy,
        "count": kept.count,
        "notes": [
            {"text": note.text, "count": note.count, "address": str(note.first)} for note in kept.notes
        ],
        "more_notes": kept.more_notes,
    }


def _live(live: Live) -> Json:
    return {**named(live.address), "id": live.id}
