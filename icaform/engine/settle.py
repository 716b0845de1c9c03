"""What became of calls that an earlier run began and never ended: look first, then decide."""

from __future__ import annotations

from collections.abc import Container
from itertools import chain, repeat

from icaform.diagnostic import Code
from icaform.engine.execute import KEY_LIFE, Executor
from icaform.engine.frozen import again
from icaform.engine.run import AWAITED, LOOKS, TWICE, Run, ago
from icaform.engine.sight import Sight, age, is_over, sight_of
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
    chosen = [
        (number, begun, again(begun) or Operation(begun.verb, begun.addresses, _NOTHING))
        for number, begun in sorted(run.memory().pending.items())
        # Where nothing can be told nothing will be sent, and plan tells of it each time.
        if (numbers is None or number in numbers) and _comparable(run, begun)
    ]
    absent = [
        (number, begun, operation, run.world.clock.now())
        for number, begun, operation in chosen
        if _is_absent(run, number, operation, _first(run, begun, operation, started), final)
    ]
    for number, begun, operation, looked in absent:
        stated, over = _repeatable(run, begun, operation) and not final, is_over(run, begun, operation)
        if operation.works and (stated or over):
            wait = looked + run.place.setting.readLag - run.world.clock.now()
            if wait > 0:
                run.pause(wait, f"{operation.name}: {TWICE}")
            if not _is_absent(run, number, operation, sight_of(run, operation, {}), final):
                continue
        if over and not stated:
            run.ended(number, "settled", *_nothing(operation))


def _first(run: Run, begun: Begun, operation: Operation, started: float) -> Sight:
    """What shows of a call by the time at which it is known to ICA, if it ever came there."""
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
        return sight_of(run, operation, {})
    return sight


def _is_absent(run: Run, number: int, operation: Operation, sight: Sight, final: bool) -> bool:
    """Whether nothing shows of a call; where its resources do, it is ended. What cannot be told stays
    pending, and is not sent by this run: the plan tells the fault, or holds the resource.
    """
    waited, looks = 0.0, chain(LOOKS, repeat(LOOKS[-1]))
    while sight.coming and not (sight.there or sight.unsure or final) and waited < AWAITED:
        # Others of its batch are being created, and nothing tells yet whether these are among them.
        pause = next(looks)
        run.pause(pause, f"{operation.name}: {len(sight.coming)} may still be created")
        waited += pause
        sight = sight_of(run, operation, {})
    if sight.there:
        # One call carries all of its resources, so each that is there proves it for the others.
        facts = Executor(run, {}).kept_facts(operation, sight.there)
        note = f"a later run found {len(sight.there)} of {len(operation.addresses)} in place"
        run.ended(number, "done" if sight.whole or sight.work else "settled", facts, note)
    elif sight.unsure or sight.coming:
        run.unclear.add(number)
    return not (sight.there or sight.coming or sight.unsure)


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
