"""Runs a plan: independent operations at once, each by the protocol, and looks at the result afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TypeAlias

from icaform import graph
from icaform.address import Address
from icaform.change import Keep
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.confirm import confirm, unread
from icaform.engine.execute import Executor
from icaform.engine.run import Run, facts_of
from icaform.engine.stop import TICK, Stop, unless
from icaform.engine.watch import Watch
from icaform.operation import Done, Json, Operation, Outcome, Secret, Skipped, Unknown
from icaform.plan import Plan
from icaform.state import Observed

WORKERS = 8
"""Operations at once. ICA publishes no rate; the wire slows all of them down when it is told to."""
GRACE = 2.5
"""Seconds that calls in flight get to end when the run is stopped; a stopped run is gone within five."""
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


def run_plan(run: Run, plan: Plan, observed: Observed, stop: Stop) -> Result:
    """Run the operations of a plan that was just made. Whatever happens, every resource gets an outcome."""
    executor = Executor(run, observed.live)
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="apply")
    stop.heard = True
    try:
        outcomes = _all(run, executor, plan.operations, Watch(run, plan, observed), stop, pool)
        try:
            confirm(run, plan, observed, outcomes, stop, pool)
            if not stop.is_set():
                unless(stop, pool.submit(_adopt, run, plan))
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
        verdict = unless(stop, pool.submit(seen, operations[number]))
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
                    why = unread(operation) if operation.call.key in executor.granted else _IN_FLIGHT
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
