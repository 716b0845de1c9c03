"""What became of calls that an earlier run began and never ended: look first, then decide."""

from __future__ import annotations

from collections.abc import Container

from icaform.diagnostic import Code
from icaform.engine.execute import KEY_LIFE, Executor
from icaform.engine.frozen import again
from icaform.engine.run import Run, ago
from icaform.engine.sight import age, is_over, sight_of
from icaform.journal.entry import NO_FACTS, Facts
from icaform.operation import AT_WORK, Call, Operation, Repeat
from icaform.plan import Plan
from icaform.state import Begun


def settle(run: Run, numbers: Container[int] | None = None, *, final: bool = False) -> None:
    """Look what became of the pending entries of the journal, oldest first. Nothing is sent here.

    Where its resources are there, or on their way, it is done; where only some are, their kind has found that
    the others will not come, and the plan that follows tells what to do about these. Where none is, a call
    whose key ICA still honours for us stays pending: the plan states it again to the byte if the manifests
    still want it, and ``run_plan`` begins it anew, in the place of the entry. Any other is taken to have had
    no effect once it is older than its effect can take; until then it stays pending, and in the way of its
    resources.

    Only those of the given numbers are looked at, all unless told. ``final``: no plan follows that would
    state a call again, so one that had no effect is not kept for it.
    """
    started = run.world.clock.now()
    for number, begun in sorted(run.memory().pending.items()):
        if numbers is None or number in numbers:
            _one(run, number, begun, started, final)


def _one(run: Run, number: int, begun: Begun, started: float, final: bool) -> None:
    if not _comparable(run, begun):
        # Nothing can be told, and nothing will be sent; plan tells of it each time.
        return
    executor = Executor(run, {})
    operation = again(begun) or Operation(begun.verb, begun.addresses, _NOTHING)
    sight = sight_of(run, operation, {})
    # The wire may have sent it again until its process ended: count from when that was surely over.
    old = age(run, begun)
    quiet = old if old >= LATEST_SEND else run.world.clock.now() - started
    wait = run.place.setting.readLag + max(operation.appears, AT_WORK) - quiet
    if wait > 0 and not (sight.work or sight.whole or sight.unsure):
        run.pause(
            wait,
            f"{operation.name}: begun {ago(begun, run.now())}; waiting {wait:.0f} s until it would show",
        )
        sight = sight_of(run, operation, {})
    if sight.there:
        # One call carries all of its resources, so each that is there proves it for the others.
        facts = executor.kept_facts(operation, sight.there)
        note = f"a later run found {len(sight.there)} of {len(operation.addresses)} in place"
        run.ended(number, "done" if sight.whole or sight.work else "settled", facts, note)
        return
    if sight.unsure:
        # What cannot be told stays pending; the plan tells the fault, or holds the resource.
        return
    if is_over(run, begun, operation) and (final or not _repeatable(run, begun, operation)):
        run.ended(number, "settled", *_nothing(operation))


def abandon(run: Run, plan: Plan) -> None:
    """End the pending entries whose call the plan does not make: it was looked for, and is not wanted now."""
    wanted = {operation.call.key for operation in plan.operations}
    doubtful = {each.address for each in plan.held if each.reason.code is Code.OUTCOME_UNKNOWN}
    for number, begun in tuple(run.memory().pending.items()):
        if begun.key in wanted or not doubtful.isdisjoint(begun.addresses) or not _comparable(run, begun):
            continue
        operation = again(begun)
        if operation and is_over(run, begun, operation):
            facts, note = _nothing(operation)
            run.ended(number, "settled", facts, f"{note}; the manifests want another call now")


def _nothing(operation: Operation) -> tuple[Facts, str]:
    """What to remember, and to note, of a call that is over and of which nothing shows."""
    if operation.call.repeat is not Repeat.SAME:
        return NO_FACTS, NOT_THERE
    # It may have written what ICA does not show, over what was remembered of an earlier call.
    return {address: dict.fromkeys(operation.unproven) for address in operation.addresses}, UNTOLD


def _repeatable(run: Run, begun: Begun, operation: Operation) -> bool:
    """Whether ICA answers a repeat as it answered the first: the same user, within the life of the key."""
    mine = (begun.user, begun.tenant) == (run.identity.user, run.identity.tenant)
    keyed = operation.call.repeat is Repeat.KEYED
    return mine and keyed and run.now() - begun.time < KEY_LIFE


def _comparable(run: Run, begun: Begun) -> bool:
    """Whether looking from here tells anything of it: its tenant is ours, and something of it is declared."""
    declared = any(address in run.by_address for address in begun.addresses)
    return declared and begun.tenant == run.identity.tenant


NOT_THERE = "looked for and not there"
"""How a note of the journal begins where a call turned out to have had no effect."""
UNTOLD = "nothing shows whether it had its effect, so what it would have written is not known"
LATEST_SEND = 3600.0
"""Seconds after its begin within which a call may have been sent, by the wire's patience and deadlines."""

_NOTHING = Call("GET", "/api", "")
"""Stands for a call that a damaged entry does not tell any more; it is never sent."""
