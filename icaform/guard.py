"""What a plan may not do unless it is told so: irreversible steps, limits, protected resources."""

from __future__ import annotations

from dataclasses import dataclass

from icaform.change import Create, Update
from icaform.diagnostic import Code, Diagnostic
from icaform.plan import Plan


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one apply may do. None means no bound."""

    irreversible: int | None = 0
    """The exact number of irreversible steps that was allowed; None where the plan itself was approved."""
    writes: int | None = None
    analyses: int | None = None
    share: float | None = None
    """Percent of all declared resources that may change."""


def check(plan: Plan, bounds: Bounds) -> list[Diagnostic]:
    """Why this plan may not run, with the arithmetic; an empty list lets it."""
    found = []
    steps = len(plan.irreversible)
    # With none left to take, a count that was right for an earlier run does no harm.
    if steps and bounds.irreversible is not None and steps != bounds.irreversible:
        shown = ", ".join(each.name for each in plan.irreversible[:5]) + (" and more" if steps > 5 else "")
        found.append(
            Diagnostic(
                Code.IRREVERSIBLE,
                f"{steps} steps of the plan cannot be undone, {bounds.irreversible} were allowed: {shown}",
                f"read them, then say --allow-irreversible {steps}, or --approve {plan.digest}",
            )
        )
    price = plan.price
    for name, value, bound in (
        ("writes", price.writes, bounds.writes),
        ("analyses", price.analyses, bounds.analyses),
    ):
        if bound is not None and value > bound:
            found.append(
                Diagnostic(
                    Code.LIMIT,
                    f"the plan needs {value} {name}, the limit is {bound}",
                    f"raise limits.{name} in icaform.yaml or --max-{name}, or split the change",
                )
            )
    changed = sum(isinstance(each, Create | Update) for each in plan.moves)
    if bounds.share is not None and plan.changes and 100 * changed > bounds.share * len(plan.changes):
        found.append(
            Diagnostic(
                Code.LIMIT,
                f"the plan changes {changed} of {len(plan.changes)} resources"
                f" ({100 * changed / len(plan.changes):.0f} %), the limit is {bounds.share:g} %",
                "raise limits.share in icaform.yaml or --max-share, or split the change",
            )
        )
    for change in plan.moves:
        if isinstance(change, Update) and change.desired.protected:
            found.append(
                Diagnostic(
                    Code.PROTECTED,
                    f"{change.address} is protected, and the plan would {' and '.join(change.verbs)} it",
                    "remove metadata.protected, or put the manifest back",
                    origin=change.desired.origin,
                    address=change.address,
                )
            )
    return found
