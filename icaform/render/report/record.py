"""What is said of one thing, a change, an outcome or a diagnostic, as plain JSON values.

Every dialect for machines says the same of it; ``parts.py`` is the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from icaform.address import Address, Origin
from icaform.change import NOT_KNOWN, Create, Held, Standing
from icaform.diagnostic import Diagnostic
from icaform.operation import Done, Json, Made, Operation, Secret
from icaform.render.report.model import Ended, Kept, Report, Row, last_written
from icaform.state import Live

FORMAT_VERSION = "1.0"
"""A new minor version only adds; a new major one may take away."""

Side = tuple[str, Json, bool]
"""A field, its value, and whether that stands for a secret."""


def encoded(value: Json, indent: int | None = None) -> str:
    """JSON that no CI runner takes for a command: ``##[`` and ``##vso[`` are ones anywhere in a line."""
    return json.dumps(value, ensure_ascii=True, indent=indent).replace("##", "\\u0023\\u0023")


def head(report: Report) -> dict[str, Json]:
    """What is said of the whole run."""
    cost = report.cost
    return {
        "command": report.command,
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "errored": report.errored,
        "complete": report.complete,
        "workspace": report.workspace or None,
        "server": report.server or None,
        "plan_digest": report.digest or None,
        "counts": dict(report.counts),
        "api_calls": {
            "reads": cost.reads,
            "writes": cost.writes,
            "analyses": cost.analyses,
            "seconds": cost.seconds,
            "calls_per_second": cost.rate,
        },
    }


def named(address: Address) -> dict[str, Json]:
    """An address, whole and in its parts."""
    return {
        "address": str(address),
        "kind": address.kind,
        "name": address.name,
        "item": address.item or None,
    }


def source_of(origin: Origin | None) -> Json:
    """A place in a manifest."""
    return {"file": origin.file, "line": origin.line, "column": origin.column} if origin else None


def diagnosis(diagnostic: Diagnostic) -> dict[str, Json]:
    """One diagnostic."""
    return {
        "code": diagnostic.code.slug,
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail or None,
        "remedy": diagnostic.remedy or None,
        "source": source_of(diagnostic.origin),
        "address": str(diagnostic.address) if diagnostic.address else None,
    }


def change_row(row: Row) -> dict[str, Json]:
    """What a plan means to do with one resource, or why it does nothing."""
    change = row.change
    live = None if change is None or isinstance(change, Create) else change.live
    action = "create" if isinstance(change, Create) else "no-op" if isinstance(change, Held) else "update"
    before = None if live is None else [(edit.field, edit.before, edit.private) for edit in row.edits]
    return {
        **named(row.address),
        "change": _change(action, before, [(edit.field, edit.after, edit.private) for edit in row.edits]),
        "state": "held" if isinstance(change, Held) else "planned",
        "verbs": list(row.verbs),
        "irreversible": row.irreversible,
        "standing": row.standing.value,
        "reason": diagnosis(row.reason) if row.reason else None,
        "notes": list(row.notes),
        "source": source_of(row.source),
        "precondition": {"exists": live is not None, "id": (live.id or None) if live else None},
        "idempotency": [promise(each) for each in row.operations],
    }


def drift_row(row: Row) -> dict[str, Json]:
    """What the server's side did to one resource: from what we last wrote to what is there now."""
    change = row.change
    gone = isinstance(change, Create)
    moved = [edit for edit in row.edits if gone or edit.standing is not Standing.PENDING]
    before = [(edit.field, edit.after if gone else last_written(edit), edit.private) for edit in moved]
    after = None if gone else [(edit.field, edit.before, edit.private) for edit in moved]
    live = None if change is None or isinstance(change, Create) else change.live
    return {
        **named(row.address),
        "change": _change("delete" if gone else "update", before, after),
        "standing": row.standing.value,
        "id": live.id if live else None,
        "reason": diagnosis(row.reason) if row.reason else None,
        "notes": list(row.notes),
        "source": source_of(row.source),
    }


def outcome_row(ended: Ended) -> dict[str, Json]:
    """How one operation ended for one resource."""
    outcome = ended.outcome
    return {
        **named(ended.address),
        "verb": ended.operation.verb,
        "outcome": ended.word,
        "irreversible": ended.operation.irreversible,
        "observed": outcome.observed if isinstance(outcome, Done) else False,
        "id": (outcome.id or None) if isinstance(outcome, Done) else None,
        "reason": None if isinstance(outcome, Done) else diagnosis(outcome.reason),
        "idempotency": promise(ended.operation),
    }


def kept_row(kept: Kept) -> dict[str, Json]:
    """Resources for which nothing is to be done, counted."""
    notes = [{"text": note.text, "count": note.count, "address": str(note.first)} for note in kept.notes]
    return {
        "state": kept.state or None,
        "busy": kept.busy,
        "count": kept.count,
        "notes": notes,
        "more_notes": kept.more_notes,
    }


def live_row(live: Live) -> dict[str, Json]:
    """A thing on the server that no manifest declares."""
    return {**named(live.address), "id": live.id}


def promise(operation: Operation) -> dict[str, Json]:
    """The call of an operation, its key, and what a repeat would do."""
    call = operation.call
    return {"verb": operation.verb, "call": str(call), "key": call.key, "repeat": call.repeat.value}


def _change(action: str, before: Iterable[Side] | None, after: Iterable[Side] | None) -> Json:
    told, untold, hidden = _side(before)
    wanted, unknown, secret = _side(after)
    return {
        "actions": [action],
        "before": told,
        "after": wanted,
        "before_unknown": untold,
        "after_unknown": unknown,
        "before_sensitive": hidden,
        "after_sensitive": secret,
    }


def _side(fields: Iterable[Side] | None) -> tuple[Json, dict[str, bool], dict[str, bool]]:
    if fields is None:
        return None, {}, {}
    values: dict[str, Json] = {}
    unknown, secret = {}, {}
    for name, value, private in fields:
        values[name] = None if private else _shown(value)
        if private:
            secret[name] = True
        elif not _known(value):
            unknown[name] = True
    return values, unknown, secret


def _known(value: Json) -> bool:
    """False for what ICA does not show, and for an id that is known only after the apply."""
    match value:
        case Made():
            return False
        case str():
            return value != NOT_KNOWN
        case Mapping():
            return all(map(_known, value.values()))
        case list() | tuple():
            return all(map(_known, value))
    return True


def _shown(value: Json) -> Json:
    """A value as JSON has it; what is not known is null, and a secret is only its source."""
    match value:
        case Made():
            return None
        case Secret():
            return str(value)
        case str():
            return None if value == NOT_KNOWN else value
        case Mapping():
            return {str(name): _shown(each) for name, each in value.items()}
        case list() | tuple():
            return [_shown(each) for each in value]
    return value
