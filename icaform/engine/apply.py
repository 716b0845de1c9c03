"""Runs a plan: independent operations at once, each by the protocol, and looks at the result afterwards."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from icaform import graph
from icaform.address import Address
from icaform.change import Change, Keep
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.execute import Executor, shows
from icaform.engine.run import Run, facts_of
from icaform.engine.watch import Watch
from icaform.operation import Done, Json, Operation, Outcome, RefusedByServer, Secret, Skipped, Unknown
from icaform.plan import Plan
from icaform.state import Live, Observed
from icaform.wire import WireError

WORKERS = 8
"""Operations at once. ICA publishes no rate; the wire slows all of them down when it is told to."""
LOOKS = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks for what was acknowledged; further ones follow until the read lag is over."""
GRACE = 2.5
"""Seconds that calls in flight get to end when the run is stopped; a stopped run is gone within five."""
TICK = 0.2
"""Seconds between two looks whether the run is to stop."""
Told = TypeVar("Told")
Verdict: TypeAlias = Mapping[Address, Outcome] | Diagnostic | None
"""How an operation that is due ends without being sent, or why; None where it is to be sent."""


@dataclass(frozen=True, slots=True)
class Result:
    """How each operation ended for each of its resources, in the order of the plan."""

    plan: Plan
    outcomes: tuple[tuple[Operation, Address, Outcome], ...]

    def count(self, sort: type[Outcome]) -> int:
        """How many resources ended like that."""
        return sum(isinstance(outcome, sort) for _, _, outcome in self.outcomes)


_IN_FLIGHT = Diagnostic(
    Code.OUTCOME_UNKNOWN,
    "the run was stopped while the call was in flight",
    "run apply again; it looks before it sends",
)


def secrets_of(run: Run, plan: Plan) -> None:
    """Fetch every secret that the plan must send. Rejected with all that cannot be had, before any write."""
    wrong = []
    for operation in plan.operations:
        for secret in leaves(operation.call.body):
            try:
                run.secrets.value(secret)
            except Rejected as rejected:
                wish = run.by_address[operation.addresses[0]]
                wrong += [
                    replace(each, origin=wish.origin, address=wish.address) for each in rejected.diagnostics
                ]
    if wrong:
        raise Rejected(dict.fromkeys(wrong))


def leaves(body: Json) -> Iterator[Secret]:
    """The secrets in a body."""
    match body:
        case Secret():
            yield body
        case Mapping():
            for each in body.values():
                yield from leaves(each)
        case list() | tuple():
            for each in body:
                yield from leaves(each)


class Stop(threading.Event):
    """Asks a run to end. ``heard`` once operations are under way: these are let end, and the report tells of
    each. Before, whoever wants to stop the run may simply raise. ``why`` is told of what is not begun.
    """

    heard = ousted = False
    why = Diagnostic(Code.STILL_RUNNING, "the run was stopped before this was started", "run apply again")

    def oust(self) -> None:
        """Ask it to end because another run has the workspace."""
        self.ousted = True
        self.why = Diagnostic(
            Code.LOCKED,
            "another run has taken this workspace before this was started",
            "wait until that run has ended, then run apply again",
        )
        self.set()


def run_plan(run: Run, plan: Plan, observed: Observed, stop: Stop) -> Result:
    """Run the operations of a plan that was just made. Whatever happens, every resource gets an outcome."""
    executor = Executor(run, observed.live)
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="apply")
    stop.heard = True
    try:
        outcomes = _all(run, executor, plan.operations, Watch(run, plan, observed), stop, pool)
        try:
            _confirm(run, plan, observed, outcomes, stop, pool)
            _unless(stop, pool.submit(_adopt, run, plan))
        except Rejected as rejected:
            # What was done is done and written down; only what was seen of it afterwards could not be.
            run.world.progress("note", f"{rejected}; what was done stays done")
    finally:
        pool.shutdown(wait=not stop.is_set(), cancel_futures=True)
    return Result(
        plan,
        tuple(
            (operation, address, outcomes[number][address])
            for number, operation in enumerate(plan.operations)
            for address in operation.addresses
        ),
    )


def _all(
    run: Run,
    executor: Executor,
    operations: Sequence[Operation],
    watch: Watch,
    stop: Stop,
    pool: ThreadPoolExecutor,
) -> list[dict[Address, Outcome]]:
    needs = graph.dependencies(operations)
    waits = [len(each) for each in needs]
    dependents: list[list[int]] = [[] for _ in operations]
    for number, each in enumerate(needs):
        for need in each:
            dependents[need].append(number)
    outcomes: list[dict[Address, Outcome]] = [{} for _ in operations]
    ready = deque(number for number, count in enumerate(waits) if not count)
    under_way: dict[Future[dict[Address, Outcome]], int] = {}
    left = dict(enumerate(operations))
    total = sum(len(operation.addresses) for operation in operations)
    told = 0
    if total:
        run.world.progress("operation", "", told, total)

    def end(number: int, how: Mapping[Address, Outcome]) -> None:
        nonlocal told
        outcomes[number] = dict(how)
        told += len(how)
        run.world.follower.ended(operations[number], how, told, total)
        for each in dependents[number]:
            waits[each] -= 1
            if not waits[each]:
                ready.append(each)

    def seen(operation: Operation) -> Verdict:
        if not run.holds() or run.bookmark.moved():
            stop.oust()
        return watch.verdict(operation, left.values())

    def verdict_on(number: int) -> Verdict:
        """How an operation ends without being sent, or why; None where it is to be sent."""
        reason = _reason_not_to(needs[number], operations, outcomes, stop)
        if reason:
            return reason
        verdict = _unless(stop, pool.submit(seen, operations[number]))
        return _reason_not_to((), operations, outcomes, stop) or verdict

    stopped = 0.0
    while ready or under_way:
        while ready and len(under_way) < WORKERS:
            number = ready.popleft()
            operation = operations[number]
            verdict = verdict_on(number)
            del left[number]
            if isinstance(verdict, Diagnostic):
                verdict = dict.fromkeys(operation.addresses, Skipped(verdict))
            if verdict is None:
                run.world.follower.began(operation)
                under_way[pool.submit(executor.execute, operation)] = number
            else:
                end(number, verdict)
        if stop.is_set():
            stopped = stopped or time.monotonic()
            if time.monotonic() - stopped > GRACE:
                for number in under_way.values():
                    operation = operations[number]
                    why = _unread(operation) if operation.call.key in executor.granted else _IN_FLIGHT
                    end(number, dict.fromkeys(operation.addresses, Unknown(why)))
                under_way.clear()
                continue
        done, _ = wait(under_way, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in done:
            number = under_way.pop(future)
            end(number, _result(executor, operations[number], future))
            run.world.progress("operation", operations[number].name, told, total)
    return outcomes


def _result(
    executor: Executor, operation: Operation, future: Future[dict[Address, Outcome]]
) -> dict[Address, Outcome]:
    error = future.exception()
    if error is None or not isinstance(error, Exception):
        return future.result()
    # A defect of ours: what it left behind is not known, and nothing more is begun.
    reason = Diagnostic(
        Code.INTERNAL,
        f"a defect of icaform ended `{operation.name}`: {type(error).__name__}",
        "run apply again; it looks before it sends; and report it",
    )
    executor.stopping = reason
    return dict.fromkeys(operation.addresses, Unknown(reason))


def _reason_not_to(
    needs: Sequence[int],
    operations: Sequence[Operation],
    outcomes: Sequence[Mapping[Address, Outcome]],
    stop: Stop,
) -> Diagnostic | None:
    if stop.is_set():
        return stop.why
    for number in needs:
        if not all(isinstance(each, Done) for each in outcomes[number].values()):
            return Diagnostic(
                Code.STILL_RUNNING,
                f"it needs `{operations[number].name}`, which was not done",
                "see what became of that, then run apply again",
            )
    return None


def _unread(operation: Operation) -> Diagnostic:
    """What is known of an operation that ICA has acknowledged when the run is stopped."""
    how = "being created" if operation.starts else "not read back yet"
    return Diagnostic(
        Code.STILL_RUNNING,
        f"acknowledged, {how}: the run was stopped before it could see that",
        "run apply again: it goes on from here and sends nothing twice",
    )


def _unless(stop: Stop, doing: Future[Told]) -> Told | None:
    """What is done elsewhere, for this thread must hear a stop while server or journal keep silent.

    None once the run is to stop.
    """
    while not (doing.done() or stop.is_set()):
        wait([doing], timeout=TICK)
    return None if stop.is_set() else doing.result()


def _confirm(
    run: Run,
    plan: Plan,
    observed: Observed,
    outcomes: list[dict[Address, Outcome]],
    stop: Stop,
    pool: ThreadPoolExecutor,
) -> None:
    """Success is what is observed right afterwards. What is not seen within the read lag is unknown."""
    open_: dict[Address, list[int]] = {}
    for number, operation in enumerate(plan.operations):
        for address in operation.addresses:
            outcome = outcomes[number].get(address)
            if isinstance(outcome, Done) and not outcome.observed:
                open_.setdefault(address, []).append(number)

    unkept = ""
    coming: set[Address] = set()
    stale: set[Address] = set()

    def look(pause: float, *, last: bool) -> dict[Address, Change | None]:
        nonlocal unkept
        ahead = dict.fromkeys((*open_, *sorted(stale)))
        if pause:
            run.pause(pause, f"waiting until what was done can be read back ({len(ahead)} left)")
        changes = run.look(list(ahead), {**observed.live, **_made(plan, outcomes)})
        facts = {}
        for address, change in changes.items():
            if isinstance(change, Keep) and change.live:
                new = facts_of(run, change, None if last else observed.live.get(address))
                if any(
                    fact is None and change.live.facts.get(name) is not None for name, fact in new.items()
                ):
                    # It may have been told as it was before we wrote: nobody would see the next change of it.
                    stale.add(address)
                else:
                    stale.discard(address)
                facts[address] = new
        try:
            if not unkept:
                run.adopt(facts)
        except Rejected as rejected:
            # It is done, and it is seen; the memory of that is all that is lost.
            unkept = str(rejected)
            run.world.progress("note", f"{rejected}; what was done stays done")
        return changes

    waited = 0.0
    looks = iter(LOOKS)
    while open_ or stale:
        pause = next(looks, LOOKS[-1])
        waited += pause
        last = waited >= run.place.setting.readLag
        try:
            changes = _unless(stop, pool.submit(look, pause, last=last))
        except (WireError, RefusedByServer) as error:
            run.world.progress("note", f"the result could not be observed: {error}")
            _not_seen(open_, outcomes, _unseen(f"looking at it failed: {error}"))
            return
        if changes is None:
            if not stop.ousted:
                _not_seen(open_, outcomes, lambda number: _unread(plan.operations[number]))
            return
        coming = {each for each, change in changes.items() if isinstance(change, Keep) and change.awaited}
        for address in list(open_):
            change = changes[address]
            open_[address] = [n for n in open_[address] if not shows(change, plan.operations[n].verb)]
            if not open_[address]:
                del open_[address]
        if last:
            break
    made = {address: numbers for address, numbers in open_.items() if address in coming}
    _not_seen(made, outcomes, lambda number: _being_created(plan.operations[number], waited))
    lost = {address: numbers for address, numbers in open_.items() if address not in coming}
    _not_seen(lost, outcomes, _unseen(f"ICA acknowledged it, but does not show it after {waited:.0f} s"))


def _being_created(operation: Operation, waited: float) -> Diagnostic:
    return Diagnostic(
        Code.STILL_RUNNING,
        f"ICA took it, and was still to create it {waited:.0f} s later",
        "run apply again: it goes on from here and sends nothing twice",
    )


def _unseen(why: str) -> Callable[[int], Diagnostic]:
    reason = Diagnostic(Code.OUTCOME_UNKNOWN, why, "run icaform plan to see where it stands now")
    return lambda _: reason


def _made(plan: Plan, outcomes: Sequence[Mapping[Address, Outcome]]) -> dict[Address, Live]:
    found = {}
    for number, operation in enumerate(plan.operations):
        for address in operation.addresses:
            outcome = outcomes[number].get(address)
            if isinstance(outcome, Done) and outcome.id:
                found[address] = Live(address, outcome.id, {})
    return found


def _not_seen(
    open_: Mapping[Address, Sequence[int]],
    outcomes: list[dict[Address, Outcome]],
    why: Callable[[int], Diagnostic],
) -> None:
    for address, numbers in open_.items():
        for number in numbers:
            outcomes[number][address] = Unknown(replace(why(number), address=address))


def _adopt(run: Run, plan: Plan) -> None:
    """Remember how things stood that needed no change, so that a later drift can be told from a new wish."""
    remembered = run.memory().remembered
    facts = {}
    for change in plan.changes:
        if not isinstance(change, Keep):
            continue
        new = facts_of(run, change, None)
        old = remembered.get(change.address, {})
        if any(old.get(name) != fact for name, fact in new.items()):
            facts[change.address] = new
    run.adopt(facts)
