"""What became of calls that an earlier run began and never ended: look first, then decide."""

from __future__ import annotations

from icaform.engine.execute import KEY_LIFE, Executor
from icaform.engine.frozen import again
from icaform.engine.run import Run
from icaform.operation import Call, Operation, Repeat
from icaform.plan import Plan
from icaform.state import Begun


def settle(run: Run) -> None:
    """Look what became of every pending entry of the journal, oldest first. Nothing is sent here.

    Where its resources are there, or on their way, it is done; where only some are, their kind has found that
    the others will not come, and the plan that follows tells what to do about these. Where none is, a call
    whose key ICA still honours for us stays pending: the plan states it again to the byte if the manifests
    still want it, and ``run_plan`` goes on with the same entry. Any other is taken to have had no effect.
    """
    for number, begun in sorted(run.memory().pending.items()):
        _one(run, number, begun)


def _one(run: Run, number: int, begun: Begun) -> None:
    if not _declared(run, begun):
        # Nothing can be compared, and nothing will be sent; plan tells of it each time.
        return
    now = run.world.clock.now()
    executor = Executor(run, {})
    operation = again(begun) or Operation(begun.verb, begun.addresses, _NOTHING)
    wait = begun.time + run.place.setting.readLag + operation.appears - now
    if wait > 0:
        run.pause(wait, f"{operation.name}: begun {now - begun.time:.0f} s ago; letting it become readable")
    there, missing = executor.seen(operation)
    if there:
        facts = executor.kept_facts(operation, there)
        note = f"a later run found {len(there)} of {len(there) + len(missing)} in place"
        run.ended(number, "settled" if missing else "done", facts, note)
        return
    mine = (begun.user, begun.tenant) == (run.identity.user, run.identity.tenant)
    if not (mine and operation.call.repeat is Repeat.KEYED and now - begun.time < KEY_LIFE):
        run.ended(number, "settled", note="looked for and not there")


def abandon(run: Run, plan: Plan) -> None:
    """End the pending entries whose call the plan does not make: it was looked for, and is not wanted now."""
    wanted = {operation.call.key for operation in plan.operations}
    for number, begun in tuple(run.memory().pending.items()):
        if begun.key not in wanted and _declared(run, begun):
            run.ended(number, "settled", note="looked for and not there; the manifests want another call now")


def _declared(run: Run, begun: Begun) -> bool:
    return any(address in run.by_address for address in begun.addresses)


_NOTHING = Call("GET", "/api", "")
"""Stands for a call that a damaged entry does not tell any more; it is never sent."""
