"""What a plan may not do unless it is told so: irreversible steps, limits, protected resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from icaform.address import Address
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
    told: Mapping[str, str] = field(default_factory=dict)
    """What has set a bound, by its name, where that is an option or its variable and not icaform.yaml."""


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
                f"{steps} step{'s' * (steps > 1)} of the plan cannot be undone, "
                f"{bounds.irreversible} were allowed: {shown}",
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
                    _higher(name, bounds),
                )
            )
    changed, of = sum(isinstance(each, Create | Update) for each in plan.moves), plan.declared
    # Rounded, for 32.3 % of 1,000 are 322.99999999999994 in binary; no number at all is no permission.
    if bounds.share is not None and of and not 100 * changed <= round(bounds.share * of, 6):
        found.append(
            Diagnostic(
                Code.LIMIT,
                f"the plan changes {changed} of {of} resources"
                f" ({100 * changed / of:.4g} %), the limit is {bounds.share:g} %",
                _higher("share", bounds),
            )
        )
    kept: dict[Address, list[Create | Update]] = {}
    for change in plan.moves:
        if isinstance(change, Create | Update) and _is_kept(change, plan):
            kept.setdefault(change.address.parent, []).append(change)
    return found + [_told(address, changes) for address, changes in kept.items()]


def _higher(name: str, bounds: Bounds) -> str:
    where = bounds.told.get(name, f"limits.{name} in icaform.yaml or --max-{name}")
    return f"raise {where}, or split the change"


def _is_kept(change: Create | Update, plan: Plan) -> bool:
    """Whether a change is to what exists of a protected resource; a batch exists once one item of it does."""
    existing = isinstance(change, Update) or change.grows or change.address.parent in plan.begun
    return change.desired.protected and existing


def _told(address: Address, changes: Sequence[Create | Update]) -> Diagnostic:
    verbs = " and ".join(dict.fromkeys(verb for change in changes for verb in change.verbs))
    items = f" {len(changes)} item{'s' * (len(changes) > 1)} of" if changes[0].address.item else ""
    return Diagnostic(
        Code.PROTECTED,
        f"{address} is protected, and the plan would {verbs}{items} it",
        "remove metadata.protected, or its glob in icaform.yaml, or put the manifest back",
        origin=changes[0].desired.origin,
        address=address,
    )
