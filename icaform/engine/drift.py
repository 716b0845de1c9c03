"""What changed behind git's back, told apart from what git wants and is not applied yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from icaform.change import Change, Keep, Standing
from icaform.diagnostic import Diagnostic, Severity
from icaform.plan import Plan
from icaform.state import Live


@dataclass(frozen=True, slots=True)
class Drift:
    """A plan, read three ways: each difference is drifted, pending or both; some things cannot be told."""

    plan: Plan
    changes: Mapping[Standing, tuple[Change, ...]]
    unmanaged: tuple[Live, ...]
    unknown: tuple[Diagnostic, ...]

    @property
    def found(self) -> bool:
        """Something changed behind our back, or cannot be told."""
        moved = (Standing.DRIFTED, Standing.BOTH, Standing.UNKNOWN)
        return bool(self.unknown or any(self.changes.get(each) for each in moved))


def drift_of(plan: Plan) -> Drift:
    """Sort what a plan found by who moved. Pure."""
    sorted_: dict[Standing, list[Change]] = {}
    for change in plan.moves:
        if not isinstance(change, Keep):
            sorted_.setdefault(change.standing, []).append(change)
    return Drift(
        plan,
        {sort: tuple(changes) for sort, changes in sorted_.items()},
        plan.unmanaged,
        tuple(each for each in plan.diagnostics if each.severity is Severity.ERROR),
    )
