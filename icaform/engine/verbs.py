"""What the verbs do, for programs as well as for the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from icaform import guard
from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected, Severity
from icaform.engine import drift as drifting
from icaform.engine import gather as gathering
from icaform.engine.connect import Options, open_run
from icaform.engine.gather import Selection
from icaform.engine.run import Run, planned, prepare, recalled
from icaform.engine.setting import Place
from icaform.engine.world import World
from icaform.guard import Bounds
from icaform.kinds import Kinds
from icaform.plan import Plan
from icaform.planfile import WHOSE, Saved, differences, meaning
from icaform.state import Desired, Observed

if TYPE_CHECKING:
    from icaform.engine.apply import Result
    from icaform.engine.stop import Stop

__all__ = ["Options", "apply", "drift", "load", "open_run", "plan"]


def load(
    paths: Sequence[str],
    world: World | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    selection: Selection = Selection(),  # noqa: B008 - frozen
) -> tuple[Place, list[Desired]]:
    """The workspace of some paths and the wishes that they declare; Rejected with all that is wrong."""
    world = world or World()
    return gathering.load(Kinds(), paths, world.stdin, variables=variables or {}, selection=selection)


def plan(run: Run, calls: Mapping[str, int] | None = None) -> Plan:
    """Compare the wishes with the live server. Writes nothing anywhere."""
    return prepare(run, calls)[0]


def drift(run: Run, calls: Mapping[str, int] | None = None) -> drifting.Drift:
    """What changed behind git's back. Writes nothing anywhere."""
    return drifting.drift_of(prepare(run, calls)[0])


def apply(
    run: Run,
    bounds: Bounds,
    *,
    approve: str | Saved | None = None,
    confirm: Callable[[Plan, Bounds], Bounds | None] = lambda _, bounds: bounds,
    holder: str = "",
    run_url: str = "",
    stop: Stop | None = None,
    calls: Mapping[str, int] | None = None,
    first: bool = False,
) -> Result | None:
    """Make the server as the manifests want it, by the protocol. None where ``confirm`` declined.

    ``first`` says that no earlier run of this workspace can have left anything behind.
    ``approve`` is the digest of the one plan that may run, or that plan as it was saved. Rejected before any
    write where the plan has errors, is not the approved one, or is out of bounds.
    """
    # What only an apply needs, only an apply imports: a plan is what people wait for.
    from icaform.engine import apply as applying
    from icaform.engine.lease import lease
    from icaform.engine.settle import abandon, settle
    from icaform.engine.stop import Stop

    stop = stop or Stop()
    with lease(run, holder, run_url, stop.oust):
        settle(run)
        made, observed = recalled(run, calls, first=first)
        _sound(made)
        if approve is not None:
            _agreed(made, approve)
            bounds = replace(bounds, irreversible=None)
        else:
            asked = _confirmed(run, made, observed, bounds, confirm, calls)
            if asked is None:
                return None
            made, observed, bounds = asked
        _guarded(made, bounds)
        if run.secrets.agreed() and any(wish.commands for wish in run.wishes):
            # Only now, for until here anybody could have written what they are.
            before, made = made, planned(run, observed, calls)
            new = _others(before, made)
            if approve is None and new:
                asked = _confirmed(run, made, observed, bounds, confirm, calls)
                if asked is None:
                    return None
                made, observed, bounds = asked
            elif not all(run.by_address[each].commands for each in new):
                _agreed(made, approve or "")
            _guarded(made, bounds)
        applying.secrets_of(run, made)
        abandon(run, made)
        return applying.run_plan(run, made, observed, stop)


def _confirmed(
    run: Run,
    made: Plan,
    observed: Observed,
    bounds: Bounds,
    confirm: Callable[[Plan, Bounds], Bounds | None],
    calls: Mapping[str, int] | None,
) -> tuple[Plan, Observed, Bounds] | None:
    """What may run by the word of whoever is asked; None where that is no."""
    asked = confirm(made, bounds)
    if asked is None:
        return None
    if asked is not bounds:
        # A person took time to read: what was shown must still be what is there.
        again, observed = prepare(run, calls)
        _agreed(again, Saved(made.covered, made.digest))
        made = again
    return made, observed, asked


def _others(before: Plan, made: Plan) -> list[Address]:
    """What a plan does that the one before did not."""
    known = {each.call.key for each in before.operations}
    return [each for op in made.operations if op.call.key not in known for each in op.addresses]


def _guarded(made: Plan, bounds: Bounds) -> None:
    wrong = guard.check(made, bounds)
    if wrong:
        raise Rejected(wrong)


def _sound(made: Plan) -> None:
    errors = [each for each in made.diagnostics if each.severity is Severity.ERROR]
    if errors:
        raise Rejected(made.diagnostics)


SHOWN = 20
"""How many differences, or changes, the refusal of a plan names."""


def _agreed(made: Plan, approved: str | Saved) -> None:
    """Rejected, with what differs, unless the plan is the approved one."""
    digest = approved.digest if isinstance(approved, Saved) else approved
    if digest == made.digest:
        return
    whose: list[str] = []
    if isinstance(approved, Saved):
        words, lines = "what differs", list(differences(approved, made))
    else:
        # A digest does not tell what it was made of: another user's plan may read like this one.
        whose = ["whose plan it is now:", *(f"{name}: {made.covered[name]}" for name in WHOSE)]
        words = "what would be done now"
        lines = [f"{address}: {meaning(change)}" for address, change in made.covered["changes"].items()]
    more = [f"and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
    raise Rejected(
        [
            Diagnostic(
                Code.NOT_APPROVED,
                f"the plan is not the one that was approved: it is {made.digest}, approved was {digest}",
                "read the new plan (icaform plan shows it), then approve its digest",
                detail="\n".join([*whose, f"{words}:", *(lines[:SHOWN] or ["nothing"]), *more]),
            )
        ]
    )
