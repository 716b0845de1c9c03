"""A row of ``resource_changes``, ``resource_drift`` or ``outcomes``."""

from __future__ import annotations

from collections.abc import Iterable

from icaform.change import Create, Held, Standing
from icaform.operation import Done, Json, Operation
from icaform.render.json.value import diagnosis, known, named, shown, source_of
from icaform.render.report import Ended, Row, last_written

Side = tuple[str, Json, bool]
"""A field, its value, and whether that stands for a secret."""


def change_row(row: Row) -> Json:
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
        "idempotency": [_promise(each) for each in row.operations],
    }


def drift_row(row: Row) -> Json:
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


def outcome_row(ended: Ended) -> Json:
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
        "idempotency": _promise(ended.operation),
    }


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
        values[name] = None if private else shown(value)
        if private:
            secret[name] = True
        elif not known(value):
            unknown[name] = True
    return values, unknown, secret


def _promise(operation: Operation) -> Json:
    call = operation.call
    return {"verb": operation.verb, "call": str(call), "key": call.key, "repeat": call.repeat.value}
