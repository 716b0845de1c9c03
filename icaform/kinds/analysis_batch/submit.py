"""From missing items to calls, and from a call's answer to how each of its items ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from urllib.parse import quote

from icaform.address import Address
from icaform.change import Create, Update
from icaform.diagnostic import Code, Diagnostic
from icaform.kinds.analysis_batch.batches import BATCH, JOB_ENDED, batch_items, batch_job
from icaform.kinds.analysis_batch.compare import ARRIVAL
from icaform.kinds.analysis_batch.desire import MAX_EXTERNAL_FILES, Wish
from icaform.kinds.analysis_batch.item import attempt_of, request, starter_of
from icaform.operation import (
    AT_WORK,
    Answer,
    Call,
    Done,
    Json,
    Operation,
    Outcome,
    Refused,
    Repeat,
    Steps,
    Unknown,
    Wait,
    digest,
)
from icaform.reference import V3, V4
from icaform.state import Live, View

ANALYSIS = "analysis"
"""Under which name the id of an item's analysis is remembered."""
POLLS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks at a batch that is being created; the last one is repeated."""
SETTLES = 30.0
"""Seconds after which an item that an ended job has left open is not only read late, at the least."""
FOLLOWED = 900.0
"""Seconds after which a batch that is still being created is left to the next run."""


def operate(changes: Sequence[Create | Update], view: View) -> Sequence[Operation]:
    """Chunks of one batch and project each, as even as their limits allow, and items that go alone."""
    found = []
    for group in _chunks(changes, view):
        chunk = digest(
            [[each.address.item, each.desired.spec.spec_digest, attempt_of(each)] for each in group], 16
        )
        found.append(
            _alone(group[0], chunk, view) if _goes_alone(group[0], view) else _batch(group, chunk, view)
        )
    return found


def _batch(group: Sequence[Create | Update], chunk: str, view: View) -> Operation:
    body: dict[str, list[Json]] = {}
    for each in group:
        body.setdefault(starter_of(each, view).name, []).append(request(each, chunk, len(group), view))
    return Operation(
        group[0].verbs[0],
        tuple(each.address for each in group),
        Call(
            "POST",
            _path(group[0], view, BATCH),
            V3,
            content_type=V3,
            body=body,
            repeat=Repeat.KEYED,
        ),
        starts=len(group),
        after=tuple(dict.fromkeys(ref for each in group for ref in each.desired.references)),
        remember={each.address: _facts(each, chunk, view) for each in group},
        id_fact="batch",
        appears=AT_WORK,
        arrives=ARRIVAL,
        hides=ARRIVAL if any(view.resolved[each.address].get("blind") for each in group) else 0.0,
    )


def _alone(change: Create | Update, chunk: str, view: View) -> Operation:
    facts = _facts(change, chunk, view)
    return Operation(
        change.verbs[0],
        (change.address,),
        Call(
            "POST",
            _path(change, view, f"analysis:{starter_of(change, view).name}"),
            V4,
            content_type=V4,
            body=request(change, chunk, 1, view),
            repeat=Repeat.KEYED,
        ),
        starts=1,
        after=tuple(dict.fromkeys(change.desired.references)),
        remember={change.address: facts},
        fails={change.address: {**facts, "failures": facts["failures"] + 1}},
        id_fact=ANALYSIS,
        appears=AT_WORK,
        arrives=ARRIVAL,
    )


def _goes_alone(change: Create | Update, view: View) -> bool:
    return starter_of(change, view).alone


def _path(change: Create | Update, view: View, end: str) -> str:
    return f"/api/projects/{quote(view.resolved[change.address]['project'], safe='')}/{end}"


def _facts(change: Create | Update, chunk: str, view: View) -> Mapping[str, Json]:
    spec: Wish = change.desired.spec
    return {
        "generation": spec.generation,
        "spec": spec.spec_digest,
        "said": spec.said,
        "failed": None,
        "failures": attempt_of(change) - 1,
        ANALYSIS: None,
        "chunk": chunk,
        "batch": None,
        "vouched": None,
        "project": view.resolved[change.address]["project"],
    }


def _chunks(changes: Sequence[Create | Update], view: View) -> Iterator[list[Create | Update]]:
    groups: dict[tuple[str, ...], list[Create | Update]] = {}
    begun = _begun(changes, view)
    yield from begun
    again = {change.address for group in begun for change in group}
    # By name, so that a plan does not depend on the order in which a manifest lists its items.
    for change in sorted(changes, key=lambda each: each.address):
        if change.address in again:
            continue
        if _goes_alone(change, view):
            yield [change]
            continue
        key = (view.resolved[change.address]["project"], change.address.name, *change.verbs)
        groups.setdefault(key, []).append(change)
    for group in groups.values():
        chunk: list[Create | Update] = []
        files = 0
        for change in group:
            spec: Wish = change.desired.spec
            if chunk and (len(chunk) >= spec.chunk_size or files + spec.external_files > MAX_EXTERNAL_FILES):
                yield chunk
                chunk, files = [], 0
            chunk.append(change)
            files += spec.external_files
        if chunk:
            yield chunk


def _begun(changes: Sequence[Create | Update], view: View) -> list[list[Create | Update]]:
    """Chunks of calls that were begun and have no known end: as they were, so that their key holds."""
    if not view.pending:
        return []
    by_address = {change.address: change for change in changes}
    calls = {view.pending[each].number: view.pending[each] for each in by_address if each in view.pending}
    groups = [
        [by_address[each] for each in call.addresses]
        for _, call in sorted(calls.items())
        if by_address.keys() >= set(call.addresses)
        and all(call.verb in by_address[each].verbs for each in call.addresses)
    ]
    return [
        group for group in groups if len(group) == 1 or not any(_goes_alone(each, view) for each in group)
    ]


def proves(operation: Operation, live: Live) -> bool:
    """An analysis of the very chunk, or an open batch that makes it; not what other chunks lack."""
    sent = operation.remember.get(live.address, {})
    shown = [live.facts.get(name) for name in ("chunk", "generation")]
    return shown[0] is not None and shown == [sent.get(name) for name in ("chunk", "generation")]


def follow(operation: Operation, answer: Answer, view: View) -> Steps[Mapping[Address, Outcome]]:
    """Look at the batch until its job has ended, then tell how each item of it did.

    An item succeeds when its analysis is created; how the analysis itself ends is another matter. One that
    went alone has been created with the answer, and is looked for as any other thing that was made.
    """
    if operation.id_fact == ANALYSIS:
        return {address: Done(str(answer.body["id"])) for address in operation.addresses}
    batch_id = str(answer.body["id"])
    project_id = operation.call.path.split("/")[3]
    waited = 0.0
    for poll in chain(POLLS, repeat(POLLS[-1])):
        job = yield from batch_job(project_id, batch_id)
        status = job.get("status") if job else "not to be seen yet"
        if status in JOB_ENDED or waited >= FOLLOWED:
            break
        count = len(operation.addresses)
        yield Wait(poll, f"{operation.addresses[0].parent}: {count} being created, batch {status}")
        waited += poll
    told = yield from batch_items(project_id, batch_id, young=True)
    names = {address: told.get(address.item) or told[""] for address in operation.addresses}
    if status in JOB_ENDED and any(facts.get("creating") for facts in names.values()):
        # The job has ended and an item has not: once that was not only read late, it is final.
        settles = max(SETTLES, view.read_lag)
        yield Wait(settles, f"{operation.addresses[0].parent}: batch {status}, waiting for its last items")
        told = yield from batch_items(project_id, batch_id, young=False)
        names = {address: told.get(address.item) or told[""] for address in operation.addresses}
    outcomes: dict[Address, Outcome] = {}
    for address, facts in names.items():
        if facts.get("failed"):
            failures = int(operation.remember[address].get("failures") or 0) + 1
            outcomes[address] = Refused(
                Diagnostic(
                    Code.REFUSED,
                    f"ICA could not create the analysis: {facts['failed']}",
                    "mend the cause and apply again, as often as `retry.attempts` allows",
                    address=address,
                ),
                {"failed": facts["failed"], "failures": failures},
            )
        elif facts.get("analysis"):
            outcomes[address] = Done(
                facts["analysis"], observed=True, remember={"analysis": facts["analysis"]}
            )
        else:
            outcomes[address] = Unknown(
                Diagnostic(
                    Code.STILL_RUNNING,
                    f"ICA took the item, and has not told after {waited:.0f} s what became of it",
                    "run apply again later: it goes on from here and sends nothing twice",
                    address=address,
                )
            )
    return outcomes
