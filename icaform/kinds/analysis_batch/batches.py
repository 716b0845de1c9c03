"""What batches tell of their items while they are being created, and which batches ICA is still working on.

There is no list of batches in ICA. The journal remembers the ids of those that answered; of any other the job
that creates its analyses tells, for as long as it runs (ICA, GET /api/jobs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from icaform.kinds.analysis_batch.marks import Marks, marked
from icaform.operation import Call, Json, Steps, ask
from icaform.reference import V3, V4, moment, promised

BATCH = "analysisCreationBatch"
"""What ICA calls a chunk in the paths of its calls."""
JOB_ENDED = frozenset({"STOPPED", "SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED"})
"""ICA, Job.status: the values after which a batch creates nothing more."""
JOB_OPEN = ("INITIALIZED", "WAITING_FOR_RESOURCES", "RUNNING")
"""ICA, Job.status: the others."""
SUBJECT = "analysis"
"""Is part of a Job's subjectType where it creates analyses: ICA's own example is SampleCreationBatch."""
MOST_JOBS = 100
"""How many open batches are asked whether they are ours, the newest first; a lab has a handful at a time."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An item of an open batch: its marks, the batch, and what that tells of it."""

    marks: Marks
    batch: str
    facts: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Items of ours that ICA is still working on; ``blind`` says why there may be more, or nothing."""

    sent: tuple[Sent, ...] = ()
    blind: str = ""


def batch_job(project_id: str, batch_id: str) -> Steps[Json]:
    """The job of a batch, None where ICA does not know the batch (any more)."""
    answer = yield from ask(Call("GET", _form(project_id, batch_id), V3), missing=True)
    return None if answer.status == 404 else answer.body.get("job") or {}


def batch_items(
    project_id: str, batch_id: str, young: bool, before: float = float("inf")
) -> Steps[dict[str, dict[str, Json]]]:
    """What a batch tells of each of its items, by name: creating, failed (why), or its analysis; and what it
    was sent as.

    Under the empty name stands what holds for an item that the batch does not list. A batch that is ``young``
    may be read late: that it is not there, or that its job has ended and an item has not, proves nothing yet;
    neither does the last of a job that did not end ``before`` that time.
    """
    job = yield from batch_job(project_id, batch_id)
    if job is None:
        return {"": {"creating": True} if young else {}}
    lately = young or (moment(job.get("timeFinished")) or 0.0) >= before
    ended = job.get("status") in JOB_ENDED and not lately
    answer = yield from ask(_items(project_id, batch_id, paged=True))
    told: dict[str, dict[str, Json]] = {"": {} if ended else {"creating": True}}
    for marks, facts in _told(answer.body, job if ended else None):
        sent = {"generation": marks.generation, "spec": marks.spec, "attempt": marks.attempt}
        told[marks.item] = {**sent, **facts}
    return told


def under_way(project_id: str) -> Steps[UnderWay]:
    """Items of ours in the batches that ICA is still working on, whoever sent them.

    That a batch of another user is not among them proves nothing: which jobs one sees is not documented.
    """
    jobs = Call("GET", "/api/jobs", V3, query=tuple(("status", each) for each in JOB_OPEN), paged=True)
    (answer,) = yield (jobs,)
    if answer.problem:
        return UnderWay(blind=f"ICA does not list its jobs: {answer.problem}")
    open_ = [job for job in answer.body["items"] if _creates_analyses(job, project_id)]
    open_.sort(key=lambda job: str(job.get("timeCreated")), reverse=True)
    # The first items of a batch tell whose it is: ours are all of one workspace and manifest.
    asked = [job["subjectId"] for job in open_[:MOST_JOBS]]
    firsts = (yield tuple(_items(project_id, each) for each in asked)) if asked else ()
    blind = f"ICA is at work on {len(open_)} batches, too many to look at" if len(open_) > len(asked) else ""
    found: list[Sent] = []
    for batch_id, first in zip(asked, firsts, strict=True):
        if first.problem:
            blind = blind or f"ICA does not tell what batch {batch_id} holds: {first.problem}"
            continue
        ours = list(_told(first.body, None))
        if ours and first.body.get("nextPageToken"):
            whole = yield from ask(_items(project_id, batch_id, paged=True))
            ours = list(_told(whole.body, None))
        found += [Sent(marks, batch_id, facts) for marks, facts in ours]
    return UnderWay(tuple(found), blind)


def _creates_analyses(job: Json, project_id: str) -> bool:
    project = (job.get("project") or {}).get("id")
    return SUBJECT in str(job.get("subjectType")).lower() and project in (None, project_id)


def _form(project_id: str, batch_id: str) -> str:
    return f"/api/projects/{quote(project_id, safe='')}/{BATCH}/{quote(batch_id, safe='')}"


def _items(project_id: str, batch_id: str, *, paged: bool = False) -> Call:
    return Call("GET", f"{_form(project_id, batch_id)}/items", V4, paged=paged)


def _told(body: Json, ended: Json | None) -> Iterator[tuple[Marks, dict[str, Json]]]:
    """What a list of items tells of those that are ours; ``ended`` is the job of a batch that surely has."""
    for row in body["items"]:
        marks = marked(row["request"])
        if marks is None:
            continue
        processing = row.get("processing") or {}
        created = row.get("createdAnalysis") or {}
        match processing.get("status"):
            case "FAILED":
                reason = processing.get("additionalStatusInformation") or "ICA gave no reason"
                yield marks, {"failed": str(reason)}
            case "SUCCEEDED" if created:
                told = {"status": "status", "summary": "summary", "began": "startDate", "ended": "endDate"}
                facts = {name: created.get(field) for name, field in told.items()}
                yield marks, {"analysis": promised(created["id"]), **facts}
            case "SUCCEEDED":
                # It is there, and which it is is not told yet.
                yield marks, {"creating": True}
            case _ if ended is not None:
                reason = ended.get("additionalStatusInformation")
                yield marks, {"failed": str(reason or f"the batch ended as {ended.get('status')}")}
            case _:
                yield marks, {"creating": True}
