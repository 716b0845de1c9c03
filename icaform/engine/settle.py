"""What became of calls that an earlier run began and never ended: look first, then decide."""

from __future__ import annotations

from collections.abc import Mapping

from icaform.address import Address
from icaform.engine.execute import KEY_LIFE, Executor, again
from icaform.engine.run import Run
from icaform.operation import Call, Operation, Outcome, Repeat, Unknown
from icaform.state import Begun


def settle(run: Run) -> dict[Address, Outcome]:
    """Decide every pending entry of the journal, oldest first; the outcomes that stay undecided.

    Where all its resources are there, or on their way, it is done. Where none is, a call whose key ICA still
    honours for us is repeated to the byte, which returns the first answer if there was one; any other is
    taken to have had no effect, once the read lag has passed. Where only some are there, their kind has found
    that the others will not come, and the plan that follows tells what to do about these.
    """
    undecided: dict[Address, Outcome] = {}
    for number, begun in sorted(run.store.memory().pending.items()):
        undecided |= _one(run, number, begun)
    return undecided


def _one(run: Run, number: int, begun: Begun) -> Mapping[Address, Outcome]:
    now = run.world.clock.now()
    executor = Executor(run, {})
    made = again(begun)
    operation = made[0] if made else Operation(begun.verb, begun.addresses, _NOTHING)
    known = [address for address in begun.addresses if address in run.by_address]
    if not known:
        # Nothing can be compared, and nothing will be sent; plan tells of it each time.
        return {}
    wait = begun.time + run.place.setting.readLag - now
    if wait > 0:
        run.pause(wait, f"{operation.name}: begun {now - begun.time:.0f} s ago; letting it become readable")
    there, missing = executor.seen(operation)
    if there:
        facts = executor.kept_facts(operation, there)
        note = f"a later run found {len(there)} of {len(there) + len(missing)} in place"
        run.store.end(number, "settled" if missing else "done", facts, note, run.world.clock.now())
        return {}
    mine = (begun.user, begun.tenant) == (run.identity.user, run.identity.tenant)
    if (
        made
        and operation.call.repeat is Repeat.KEYED
        and begun.body is not None
        and mine
        and now - begun.time < KEY_LIFE
    ):
        outcomes = executor.deliver(operation, operation.call, made[1], number)
        return {address: each for address, each in outcomes.items() if isinstance(each, Unknown)}
    run.store.end(number, "settled", note="looked for and not there", time=run.world.clock.now())
    return {}


_NOTHING = Call("GET", "/api", "")
"""Stands for a call that a damaged entry does not tell any more; it is never sent."""
