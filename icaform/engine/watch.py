"""What a plan saw may have changed by the time that a call is due: look again, then run, skip or hold it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from icaform.address import Address
from icaform.change import Change, Create, Keep, Update
from icaform.diagnostic import Code, Diagnostic
from icaform.engine.run import Run
from icaform.operation import Done, Operation, Outcome, RefusedByServer, Skipped
from icaform.plan import Plan
from icaform.state import Observed
from icaform.wire import WireError

FRESH = 2.0
"""Seconds for which what was seen is taken to hold. A race of this length is left to the calls themselves:
they carry keys, state a state, or are confirmed afterwards."""
CALLS_PER_LOOK = 100
"""With more calls than these still to come, what was seen is taken to hold for longer in proportion: all that
is left is looked at in one go, which then costs a few calls in a hundred."""
LOOKS_OF_TIME = 10.0
"""Where looking is slow, what was seen is taken to hold for so many times as long as that took: no more than
a tenth of a run goes into looking."""


class Watch:
    """Keeps what was seen of the resources of a plan young while its operations run, one after another.

    Not safe for threads: it belongs to whoever schedules the operations.
    """

    def __init__(self, run: Run, plan: Plan, observed: Observed) -> None:
        self._run = run
        self._live = observed.live
        self._planned: Mapping[Address, Change] = {each.address: each for each in plan.moves}
        self._looked = run.observed_at
        self._took = 0.0
        self._fresh: dict[Address, Change | None] = {}
        self._touched: set[Address] = set()

    def verdict(
        self, operation: Operation, left: Collection[Operation]
    ) -> Mapping[Address, Outcome] | Diagnostic | None:
        """How an operation that is due ends without being sent; None where all is as it was seen.

        A Diagnostic where looking failed. ``left`` are the operations not begun yet, this one among them:
        where it is time for a look, it is at all of them at once. What this run has written itself is not
        looked at again.
        """
        mine = [each for each in operation.addresses if each not in self._touched]
        if mine and self._is_due(len(left)):
            try:
                self._look(left)
            except WireError as error:
                return error.diagnostic()
            except RefusedByServer as error:
                return Diagnostic(Code.REFUSED, f"looking at it again failed: {error}", "run apply again")
        ends = {address: self._end_of(address, operation.verb) for address in mine}
        if not any(ends.values()):
            self._touched.update(operation.addresses)
            return None
        # One call carries all of its resources or none: those that are as they were wait for the next plan.
        return {
            address: ends.get(address)
            or Skipped(replace(_changed("another resource of the same call"), address=address))
            for address in operation.addresses
        }

    def _is_due(self, calls: int) -> bool:
        age = self._run.world.clock.now() - self._looked
        holds = max(FRESH, FRESH * calls / CALLS_PER_LOOK, LOOKS_OF_TIME * self._took)
        return not 0 <= age <= holds

    def _look(self, left: Iterable[Operation]) -> None:
        ahead = dict.fromkeys(address for operation in left for address in operation.addresses)
        started = self._run.world.clock.now()
        self._fresh = self._run.look([each for each in ahead if each not in self._touched], self._live)
        self._looked, self._took = started, self._run.world.clock.now() - started

    def _end_of(self, address: Address, verb: str) -> Outcome | None:
        if address not in self._fresh:
            return None
        planned, now = self._planned[address], self._fresh[address]
        match now:
            case Keep(awaited=True):
                return Skipped(replace(_COMING, address=address))
            case Keep():
                return Done(now.live.id if now.live else "", already=True, observed=True)
            case Update() if isinstance(planned, Update) and verb not in now.verbs:
                return Done(now.live.id, already=True, observed=True)
            case Create() | Update() if _seen(now) == _seen(planned):
                return None
        return Skipped(replace(_changed("the resource"), address=address))


def _seen(change: Change) -> object:
    """What a comparison rests on: the id, and each field's value there and in the manifest."""
    live = None if isinstance(change, Create) or change.live is None else change.live.id
    edits = () if isinstance(change, Keep) else change.edits
    return type(change), live, [(each.field, each.before, each.after) for each in edits]


_COMING = Diagnostic(
    Code.STILL_RUNNING,
    "it may be among what an earlier run has sent, of which not all shows yet",
    "run apply again: it waits for that, and sends what has not come",
)


def _changed(what: str) -> Diagnostic:
    return Diagnostic(
        Code.CHANGED_SINCE_PLAN,
        f"{what} changed on the server after the plan was made",
        "read a new plan, then run apply again",
    )
