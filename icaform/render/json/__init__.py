"""One JSON document, with Terraform's field names where they fit; ``schema.py`` says what is in it.

It is written a resource a line, so that the document of a large plan is never one string.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from icaform.operation import Json
from icaform.render.report import Report
from icaform.render.report.record import (
    FORMAT_VERSION,
    change_row,
    diagnosis,
    drift_row,
    encoded,
    head,
    kept_row,
    live_row,
    named,
    outcome_row,
)

DIALECT = "json"


def render(report: Report, **_: object) -> Iterator[str]:
    """The lines of the document. Colour, width and limit are for other dialects."""
    yield "{"
    for name, value in {"format_version": FORMAT_VERSION, **head(report)}.items():
        yield f"  {encoded(name)}: {encoded(value)},"
    yield from _array("resource_changes", map(change_row, report.rows))
    yield from _array("resource_drift", map(drift_row, report.drifted))
    yield from _array("outcomes", map(outcome_row, report.ended))
    yield from _array("unchanged", map(kept_row, report.kept))
    yield from _array("unmanaged", map(live_row, report.unmanaged))
    yield from _array("undeclared", map(named, report.undeclared))
    yield from _array("diagnostics", map(diagnosis, report.diagnostics), last=True)
    yield "}"


def _array(name: str, rows: Iterable[Json], *, last: bool = False) -> Iterator[str]:
    end = "" if last else ","
    before = ""
    for row in rows:
        # A line waits until it is known whether another one follows it.
        yield f"    {before}," if before else f"  {encoded(name)}: ["
        before = encoded(row)
    if before:
        yield f"    {before}"
        yield f"  ]{end}"
    else:
        yield f"  {encoded(name)}: []{end}"
