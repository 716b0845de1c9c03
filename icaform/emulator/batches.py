"""Analysis creation batches: many analyses from one call, each item with its own fate.

The fate of an item is settled when the batch arrives and comes to light in its turn: an item fails for an
unknown, draft or archived pipeline, one in the other language, an unknown storage, or a rule of the control
door. An item that SUCCEEDED has its analysis from that very moment. ICA states no largest number of items; an
empty batch succeeds at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import data, inputs
from .analyses import planned, refusal, storage_refusal, tags_of
from .analyses import render as render_analysis
from .body import CreateAnalysis, CreateBatch
from .call import Answer, Call, shown
from .jobs import render as render_job
from .outcomes import outcome_of
from .paging import page
from .pipelines import linked_one
from .problem import Problem, not_found
from .progress import item_moment, item_status
from .record import Analysis, Batch, Json, Pipeline
from .settings import Settings

ITEM_STATUSES = ("RUNNING", "WAITING_RESOURCES", "SUCCEEDED", "FAILED")


def create_batch(call: Call) -> Answer:
    project, wanted = call.project(), call.body
    assert isinstance(wanted, CreateBatch)
    entries: list[tuple[str, CreateAnalysis]] = [
        *(("CWL", item) for item in wanted.cwl_items or ()),
        *(("NEXTFLOW", item) for item in wanted.nextflow_items or ()),
        *(("NEXTFLOW", item) for item in wanted.nextflow_json_items or ()),
    ]
    inputs.hold(entry for _, entry in entries)
    count = len(entries)
    item_ids = call.world.next_ids("analysisCreationBatchItem", count)
    analysis_ids = call.world.next_ids("analysis", count)
    items: list[Json] = []
    analyses: list[tuple[float, Analysis]] = []
    stops = _stop(call, count)
    for index, (language, entry) in enumerate(entries):
        pipeline, reason = _fate(call, project.id, language, entry)
        never = stops is not None and index >= stops
        if pipeline is not None and reason is None and not never:
            moment = item_moment(call.now, index, count, call.settings)
            analyses.append((moment, planned(call, entry, pipeline, analysis_ids[index], moment)))
        items.append(
            {
                "id": item_ids[index],
                "userReference": entry.user_reference,
                "pipelineId": entry.pipeline_id,
                "tags": tags_of(entry),
                "analysis": analysis_ids[index] if reason is None and not never else None,
                "reason": reason,
            }
        )
    batch_id, job_id = call.world.next_ids("analysisCreationBatch", 2)
    batch = Batch(batch_id, project.id, call.user.id, job_id, call.now, tuple(items), stops)
    call.world.put_many([(call.now, batch), *analyses], call.now)
    return shown(_render(replace(call, now=call.now + call.settings.read_lag), batch), 201)


def get_batch(call: Call) -> Answer:
    return shown(_render(call, _found(call)))


def list_items(call: Call) -> Answer:
    batch, wanted = _found(call), call.query.getlist("status")
    if not set(wanted) <= set(ITEM_STATUSES):
        allowed = f"supported values are {', '.join(ITEM_STATUSES)}"
        raise Problem(400, f"status: {allowed}", None, {"status": allowed})
    rows = range(len(batch.items))
    if wanted:
        kept = [i for i in rows if item_status(batch, i, call.settings, call.view) in wanted]
        return shown(page(call, kept, lambda i: (i,), lambda i: _render_item(call, batch, i)))
    return shown(page(call, rows, lambda i: (i,), lambda i: _render_item(call, batch, i)))


def get_item(call: Call) -> Answer:
    batch = _found(call)
    for index, item in enumerate(batch.items):
        if item["id"] == call.path["itemId"]:
            return shown(_render_item(call, batch, index))
    raise not_found("Item", call.path["itemId"])


def item_states(batch: Batch, settings: Settings, when: float) -> list[str]:
    return [item_status(batch, index, settings, when) for index in range(len(batch.items))]


def _stop(call: Call, count: int) -> int | None:
    """After how many items the job stops, where a fault makes it stop."""
    if not call.stops or not count:
        return None
    return min(count, count // 2 if call.stops_after is None else max(0, call.stops_after))


def _fate(
    call: Call, project: str, language: str, entry: CreateAnalysis
) -> tuple[Pipeline | None, str | None]:
    try:
        pipeline = linked_one(call, project, entry.pipeline_id, call.now)
    except Problem as problem:
        return None, problem.detail
    scripted = outcome_of(call.world, entry.user_reference, call.rules).reason
    refused = (
        refusal(pipeline, language)
        or storage_refusal(call, entry)
        or data.refusal(entry)
        or inputs.refusal(call, entry)
    )
    return pipeline, scripted or refused


def _found(call: Call) -> Batch:
    project, identity = call.project(), call.path["batchId"]
    batch = call.world.get(Batch, identity, call.view)
    if batch is None or batch.project_id != project.id:
        raise not_found("Analysis creation batch", identity)
    return batch


def _render(call: Call, batch: Batch) -> Json:
    return {"id": batch.id, "job": render_job(call, batch)}


def _render_item(call: Call, batch: Batch, index: int) -> Json:
    item = batch.items[index]
    status = item_status(batch, index, call.settings, call.view)
    document: dict[str, Any] = {
        "id": item["id"],
        "request": {name: item[name] for name in ("userReference", "pipelineId", "tags")},
        "processing": {
            "status": status,
            "additionalStatusInformation": item["reason"] if status == "FAILED" else None,
        },
    }
    analysis = call.world.get(Analysis, item["analysis"] or "", call.view)
    if status == "SUCCEEDED" and analysis is not None:
        document["createdAnalysis"] = render_analysis(call, analysis)
    return document
