"""One JSON object a line, for programs that follow a run; ``schema.py`` says what is in each.

Every line has ``format_version`` and ``type``, and otherwise the fields that the JSON document has for it.
The last one of a report is its ``summary``. An apply that is followed also tells what goes on in between,
each line with its ``time``: operations as they begin and end, waits, and notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from icaform.address import Address
from icaform.operation import Json, Operation, Outcome
from icaform.render.report import Report
from icaform.render.report.apply import word_of
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
    promise,
)

DIALECT = "ndjson"


def render(report: Report, **_: object) -> Iterator[str]:
    """A line for each thing that the report tells, and its summary."""
    for sort, rows in (
        ("resource_change", map(change_row, report.rows)),
        ("resource_drift", map(drift_row, report.drifted)),
        ("outcome", map(outcome_row, report.ended)),
        ("unchanged", map(kept_row, report.kept)),
        ("unmanaged", map(live_row, report.unmanaged)),
        ("undeclared", map(named, report.undeclared)),
        ("diagnostic", map(diagnosis, report.diagnostics)),
        ("summary", iter([head(report)])),
    ):
        for row in rows:
            yield _line(sort, row)


def began(operation: Operation, time: float) -> str:
    """The line of an operation whose call is about to leave."""
    return _event("operation_began", time, _operation(operation))


def ended(operation: Operation, outcomes: Mapping[Address, Outcome], done: int, of: int, time: float) -> str:
    """The line of an operation that ended, with how many of its resources ended how.

    The report has the last word: what is not seen afterwards becomes unknown.
    """
    words = Counter(word_of(each) for each in outcomes.values())
    return _event(
        "operation_ended", time, {**_operation(operation), "outcomes": dict(words), "done": done, "of": of}
    )


def told(sort: str, text: str, time: float) -> str:
    """The line of a ``wait``, or of a ``note``."""
    return _event(sort, time, {"text": text})


def _operation(operation: Operation) -> dict[str, Json]:
    return {
        "verb": operation.verb,
        "addresses": [str(each) for each in operation.addresses],
        "irreversible": operation.irreversible,
        "idempotency": promise(operation),
    }


def _event(sort: str, time: float, more: Mapping[str, Json]) -> str:
    when = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _line(sort, {"time": when, **more})


def _line(sort: str, row: Mapping[str, Json]) -> str:
    return encoded({"format_version": FORMAT_VERSION, "type": sort, **row})
