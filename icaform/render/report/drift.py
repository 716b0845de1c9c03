"""The report of a drift: what changed behind git's back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from icaform.change import Change, Create, Keep, Standing
from icaform.diagnostic import Diagnostic, Severity
from icaform.plan import Plan
from icaform.render.report.model import Cost, Danger, Report, Row, Sign, Topic, of_severity
from icaform.render.report.plan import kept_of, row_of, unchanged
from icaform.render.report.shape import section, untold, warnings
from icaform.state import Live


class Drifted(Protocol):
    """What is asked of a drift."""

    @property
    def plan(self) -> Plan:
        """The plan that it was read from."""

    @property
    def changes(self) -> Mapping[Standing, Sequence[Change]]:
        """The differences by who moved."""

    @property
    def unmanaged(self) -> Sequence[Live]:
        """What is live and not declared."""

    @property
    def unknown(self) -> Sequence[Diagnostic]:
        """What cannot be told."""


def of_drift(drift: Drifted, *, exit_code: int = 0) -> Report:
    """What the server's side moved, apart from what the manifests want."""
    plan = drift.plan
    by_standing = {sort: _rows(drift.changes.get(sort, ())) for sort in Standing}
    drifted, both = by_standing[Standing.DRIFTED], by_standing[Standing.BOTH]
    unclear = by_standing[Standing.UNKNOWN]
    said = of_severity(plan.diagnostics, Severity.WARNING)
    kept = kept_of(plan.changes)
    counts = {
        "drifted": len(drifted),
        "both": len(both),
        "pending": len(drift.changes.get(Standing.PENDING, ())),
        "unknown": len(unclear) + len(drift.unknown),
        "unmanaged": len(drift.unmanaged),
        "undeclared": len(plan.undeclared),
        "keep": len(plan.changes) - len(plan.moves),
        "busy": sum(each.count for each in kept if each.busy),
        "errors": len(drift.unknown),
        "warnings": len(said),
    }
    return Report(
        topic=Topic.DRIFT,
        command="drift",
        verdict=_verdict(counts),
        counts=counts,
        sections=(
            *untold(unclear, drift.unknown),
            *section(Danger.BOTH, both),
            *section(Danger.DRIFTED, drifted),
            *warnings(said),
        ),
        drifted=(*unclear, *both, *drifted),
        kept=kept,
        unmanaged=tuple(drift.unmanaged),
        undeclared=plan.undeclared,
        diagnostics=plan.diagnostics,
        cost=Cost(plan.price.reads),
        digest=plan.digest,
        workspace=plan.workspace,
        server=plan.server,
        errored=bool(drift.unknown),
        complete=not counts["unknown"],
        exit_code=exit_code,
        changes=plan.changes,
    )


def _rows(changes: Sequence[Change]) -> list[Row]:
    """Rows of what is, not of what will be done: nothing is irreversible in a drift."""
    found = []
    for change in changes:
        if not isinstance(change, Keep):
            row = row_of(change, ())
            sign = Sign.GONE if isinstance(change, Create) else Sign.UPDATE
            verbs = ("gone",) if sign is Sign.GONE else ()
            found.append(replace(row, sign=sign, verbs=verbs, irreversible=False))
    return found


def _verdict(counts: Mapping[str, int]) -> str:
    parts = [
        f"{counts[word]:,} {said}"
        for word, said in (
            ("drifted", "drifted"),
            ("both", "drifted while the manifest changed too"),
            ("unknown", "cannot be told"),
        )
        if counts[word]
    ]
    if not counts["drifted"] and not counts["both"]:
        parts.insert(0, "No drift")
    pending = f"{counts['pending']:,} pending, " if counts["pending"] else ""
    return f"{', '.join(parts)}; {pending}{unchanged(counts)}"
