"""The report of a plan."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from icaform.address import Address
from icaform.change import Change, Create, Held, Keep, Standing, Update
from icaform.diagnostic import Severity
from icaform.operation import Operation
from icaform.plan import Plan
from icaform.render.report.model import Cost, Danger, Kept, Report, Row, Sign, Topic, of_severity
from icaform.render.report.shape import section, tallied, untold, warnings

MOVED = (Standing.DRIFTED, Standing.BOTH)
"""How a resource stands that the server's side has moved of."""


def of_plan(
    plan: Plan, *, exit_code: int = 0, rate: float | None = None, arguments: Sequence[str] = ()
) -> Report:
    """What would be done. ``rate`` is the limit in calls a second, where one is known; ``arguments`` are
    what must stand behind ``apply --approve`` to make the same plan again.
    """
    kept = kept_of(plan.changes)
    rows = rows_of(plan)
    buckets: dict[Danger, list[Row]] = {danger: [] for danger in Danger}
    for row in rows:
        buckets[_danger(row)].append(row)
    errors = of_severity(plan.diagnostics, Severity.ERROR)
    price = plan.price
    counts = {
        "create": sum(isinstance(row.change, Create) for row in rows),
        "update": sum(isinstance(row.change, Update) for row in rows),
        "irreversible": len(plan.irreversible),
        "held": len(buckets[Danger.HELD]),
        "unknown": len(errors),
        "drifted": sum(row.standing in MOVED for row in rows),
        "keep": len(plan.changes) - len(rows),
        "busy": sum(each.count for each in kept if each.busy),
        "aside": plan.aside,
        "analyses": price.analyses,
        "unmanaged": len(plan.unmanaged),
        "undeclared": len(plan.undeclared),
        "errors": len(errors),
        "warnings": len(plan.diagnostics) - len(errors),
    }
    return Report(
        topic=Topic.PLAN,
        command="plan",
        verdict=_verdict(counts, rows),
        counts=counts,
        sections=(
            *section(Danger.IRREVERSIBLE, buckets[Danger.IRREVERSIBLE]),
            *section(Danger.HELD, buckets[Danger.HELD]),
            *untold((), errors),
            *section(Danger.DRIFTED, buckets[Danger.DRIFTED]),
            *section(Danger.UPDATE, buckets[Danger.UPDATE]),
            *section(Danger.CREATE, buckets[Danger.CREATE]),
            *warnings(plan.diagnostics),
        ),
        rows=rows,
        drifted=tuple(row for row in rows if row.standing in MOVED),
        kept=kept,
        unmanaged=plan.unmanaged,
        undeclared=plan.undeclared,
        diagnostics=plan.diagnostics,
        cost=Cost(price.reads, price.writes, price.analyses, rate),
        digest=plan.digest,
        workspace=plan.workspace,
        server=plan.server,
        offer=""
        if plan.empty or errors
        else shlex.join(["icaform", "apply", "--approve", plan.digest, *arguments]),
        errored=bool(errors),
        complete=not errors and not counts["held"],
        exit_code=exit_code,
        changes=plan.changes,
    )


def rows_of(plan: Plan) -> tuple[Row, ...]:
    """A row for each change that is not Keep, in the order of the plan."""
    operations = operations_of(plan.operations)
    return tuple(
        row_of(change, operations.get(change.address, ()))
        for change in plan.moves
        if not isinstance(change, Keep)
    )


def row_of(change: Create | Update | Held, operations: tuple[Operation, ...]) -> Row:
    """One change; irreversible where it says so itself, and where one of its operations does."""
    if isinstance(change, Held):
        return Row(
            change.address,
            Sign.HELD,
            edits=change.edits,
            standing=change.standing,
            reason=change.reason,
            change=change,
        )
    final = change.irreversible
    for each in operations:
        final = final or each.irreversible
    sign = Sign.IRREVERSIBLE if final else Sign.CREATE if isinstance(change, Create) else Sign.UPDATE
    return Row(
        change.address,
        sign,
        change.verbs,
        change.edits,
        change.notes,
        change.standing,
        final,
        None,
        change,
        operations,
    )


def operations_of(operations: Iterable[Operation]) -> Mapping[Address, tuple[Operation, ...]]:
    """The operations of each resource, in their order."""
    found: dict[Address, tuple[Operation, ...]] = {}
    for operation in operations:
        alone = (operation,)
        for address in operation.addresses:
            before = found.setdefault(address, alone)
            if before is not alone:
                found[address] = (*before, operation)
    return found


def kept_of(changes: Iterable[Change]) -> tuple[Kept, ...]:
    """What is left as it is, counted by state; the longest row of one state first."""
    # Most of a large plan is kept, so nothing is asked of a kept change that costs more than a look.
    counts: dict[tuple[str, bool], int] = {}
    said: dict[tuple[str, bool], list[Keep]] = {}
    for change in changes:
        if type(change) is Keep:
            key = (change.state, change.busy)
            counts[key] = counts.get(key, 0) + 1
            if change.notes:
                said.setdefault(key, []).append(change)
    return tuple(
        Kept(*key, count, *tallied((note, each.address) for each in said.get(key, ()) for note in each.notes))
        for key, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def unchanged(counts: Mapping[str, int]) -> str:
    """The end of a verdict: how many are as they should be, and on how many work is under way."""
    busy = f" ({counts['busy']:,} under way)" if counts["busy"] else ""
    aside = f", {counts['aside']:,} left aside" if counts.get("aside") else ""
    return f"{counts['keep']:,} unchanged{busy}{aside}"


def _danger(row: Row) -> Danger:
    if row.irreversible:
        return Danger.IRREVERSIBLE
    if row.sign is Sign.HELD:
        return Danger.HELD
    if row.standing in MOVED:
        return Danger.DRIFTED
    return Danger.CREATE if row.sign is Sign.CREATE else Danger.UPDATE


def _verdict(counts: Mapping[str, int], rows: Iterable[Row]) -> str:
    final = [row for row in rows if row.irreversible]
    creates = sum(isinstance(row.change, Create) for row in final)
    parts = [
        f"{count:,} to {word}" + (f" ({of_them:,} cannot be undone)" if of_them else "")
        for word, count, of_them in (
            ("create", counts["create"], creates),
            ("update", counts["update"], len(final) - creates),
        )
        if count
    ]
    parts = parts or ["Nothing to do"]
    parts += [f"{counts['held']:,} held"] if counts["held"] else []
    parts += [f"{counts['unknown']:,} cannot be told"] if counts["unknown"] else []
    return f"{', '.join(parts)}; {unchanged(counts)}"
