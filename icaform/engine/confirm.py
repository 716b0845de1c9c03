"""Success is what is observed: looks at what ICA has acknowledged until all of it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, repeat

from icaform.address import Address
from icaform.change import Change, Held, Keep, Update
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.run import Run, facts_of
from icaform.engine.stop import Stop, unless
from icaform.operation import Done, Operation, Outcome, RefusedByServer, Unknown
from icaform.plan import Plan
from icaform.state import Live, Observed
from icaform.wire import WireError

LOOKS = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks for what was acknowledged; the last one is repeated until the read lag is over."""


def confirm(
    run: Run,
    plan: Plan,
    observed: Observed,
    outcomes: list[dict[Address, Outcome]],
    stop: Stop,
    pool: ThreadPoolExecutor,
) -> None:
    """Look until all that was done shows. What does not within the read lag is unknown, or still coming."""
    unseen = _Unseen(run, plan, observed, outcomes)
    waited, pauses = 0.0, chain(LOOKS, repeat(LOOKS[-1]))
    last = False
    while not last and (unseen.open or unseen.stale):
        pause = next(pauses)
        waited += pause
        last = waited >= run.place.setting.readLag
        try:
            changes = unless(stop, pool.submit(unseen.look, pause, last=last))
        except (WireError, RefusedByServer) as error:
            run.world.progress("note", f"the result could not be observed: {error}")
            unseen.end(unseen.open, _lost(f"looking at it failed: {error}"))
            return
        if changes is None:
            unseen.end(unseen.open, unread)
            return
        unseen.narrow(changes)
    unseen.end(unseen.coming, lambda operation: _being_created(operation, waited))
    lost = [address for address in unseen.open if address not in unseen.coming]
    unseen.end(lost, _lost(f"ICA acknowledged it, but does not show it after {waited:.0f} s"))


class _Unseen:
    """What was done and does not show yet.

    ``open`` has, for each resource, the numbers of the operations of which that is so; ``coming``, which of
    them ICA is still to create; ``stale``, which show as wanted, and may be told as they were before.
    """

    def __init__(
        self, run: Run, plan: Plan, observed: Observed, outcomes: list[dict[Address, Outcome]]
    ) -> None:
        self._run, self._operations, self._outcomes = run, plan.operations, outcomes
        self._before = observed.live
        self._ids = dict(observed.live)
        self._keeps = True
        self.open: dict[Address, list[int]] = {}
        self.coming: set[Address] = set()
        self.stale: set[Address] = set()
        for number, operation in enumerate(self._operations):
            for address in operation.addresses:
                outcome = outcomes[number].get(address)
                if not isinstance(outcome, Done):
                    continue
                if outcome.id:
                    self._ids[address] = Live(address, outcome.id, {})
                if not outcome.observed:
                    self.open.setdefault(address, []).append(number)

    def look(self, pause: float, *, last: bool) -> Mapping[Address, Change | None]:
        """Look once, after a pause, and remember what is as wanted. The ``last`` look is believed."""
        ahead = list(dict.fromkeys((*self.open, *sorted(self.stale))))
        if pause:
            self._run.pause(pause, f"waiting until what was done can be read back ({len(ahead)} left)")
        changes = self._run.look(ahead, self._ids)
        self._remember(changes, last)
        return changes

    def narrow(self, changes: Mapping[Address, Change | None]) -> None:
        """Leave out what showed. Apart from the look, which may still go on when the run is to stop."""
        self.open = {
            address: left
            for address, numbers in self.open.items()
            if (left := [n for n in numbers if not _shows(changes[address], self._operations[n].verb)])
        }
        self.coming = {
            address
            for address in self.open
            if isinstance(change := changes[address], Keep) and change.awaited
        }

    def _remember(self, changes: Mapping[Address, Change | None], last: bool) -> None:
        facts = {}
        for address, change in changes.items():
            if isinstance(change, Keep) and change.live:
                new = facts_of(self._run, change, None if last else self._before.get(address))
                told = change.live.facts
                if new:
                    facts[address] = new
                self.stale.discard(address)
                if any(fact is None and told.get(name) is not None for name, fact in new.items()):
                    # It may have been told as it was before we wrote: nobody would see the next change of it.
                    self.stale.add(address)
        try:
            if self._keeps:
                self._run.adopt(facts)
        except Rejected as rejected:
            # It is done, and it is seen; the memory of that is all that is lost.
            self._keeps = False
            self._run.world.progress("note", f"{rejected}; what was done stays done")

    def end(self, addresses: Iterable[Address], why: Callable[[Operation], Diagnostic]) -> None:
        """What was done to some resources is unknown after all."""
        for address in addresses:
            for number in self.open[address]:
                reason = replace(why(self._operations[number]), address=address)
                self._outcomes[number][address] = Unknown(reason)


def _shows(change: Change | None, verb: str) -> bool:
    """Whether a fresh comparison shows the effect of a verb: it does not ask for it any more."""
    match change:
        case Keep():
            return not change.awaited
        case Update():
            return verb not in change.verbs
        case Held():
            return change.there
    return False


def unread(operation: Operation) -> Diagnostic:
    """What is known of an operation that ICA has acknowledged when the run is stopped."""
    how = "being created" if operation.starts else "not read back yet"
    return Diagnostic(
        Code.STILL_RUNNING,
        f"acknowledged, {how}: the run was stopped before it could see that",
        "run apply again: it goes on from here and sends nothing twice",
    )


def _being_created(operation: Operation, waited: float) -> Diagnostic:
    return Diagnostic(
        Code.STILL_RUNNING,
        f"ICA took it, and was still to create it {waited:.0f} s later",
        "run apply again: it goes on from here and sends nothing twice",
    )


def _lost(why: str) -> Callable[[Operation], Diagnostic]:
    reason = Diagnostic(Code.OUTCOME_UNKNOWN, why, "run icaform plan to see where it stands now")
    return lambda _: reason
