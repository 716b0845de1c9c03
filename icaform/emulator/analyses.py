"""Analyses: starting one, reading, searching, retagging and aborting them.

Where ICA is silent: a draft or archived pipeline cannot be started, nor one in the other language; search
compares reference and userReference exactly, wants all the tags that it is given and any of the statuses; all
members of a project may do everything with its analyses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from . import data, inputs
from .body import AnalysisQuery, AnalysisQueryWithPipelines, CreateAnalysis, UpdateAnalysis
from .call import DONE, Answer, Call, etag, shown
from .clock import iso
from .outcomes import outcome_of
from .paging import page
from .pipelines import linked, linked_one, render_storage
from .pipelines import render as render_pipeline
from .problem import Problem, not_found
from .progress import TERMINAL, analysis_status, started_at, v3_status
from .projects import stamp, tenant_name
from .record import Analysis, AnalysisStorage, Json, Pipeline
from .world import encode, stable_id


def starter(language: str) -> Callable[[Call], Answer]:
    """The endpoint that starts one analysis of a pipeline in this language."""

    def start(call: Call) -> Answer:
        project, wanted = call.project(), call.body
        assert isinstance(wanted, CreateAnalysis)
        pipeline = linked_one(call, project.id, wanted.pipeline_id, call.now)
        inputs.hold([wanted])
        reason = (
            outcome_of(call.world, wanted.user_reference, call.rules).reason
            or refusal(pipeline, language)
            or storage_refusal(call, wanted)
            or data.refusal(wanted)
            or inputs.refusal(call, wanted)
        )
        if reason:
            raise Problem(400, reason)
        analysis = planned(call, wanted, pipeline, call.world.next_ids("analysis", 1)[0], call.now)
        call.world.put(analysis, call.now)
        return shown(render(replace(call, now=call.now + call.settings.read_lag), analysis), 201)

    return start


def refusal(pipeline: Pipeline, language: str) -> str | None:
    """Why this pipeline cannot be started, if it cannot."""
    if pipeline.status in ("Draft", "Archived"):
        return f"Pipeline {pipeline.code} is {pipeline.status.lower()} and cannot be started."
    if pipeline.language != language:
        return f"Pipeline {pipeline.code} is not a {language} pipeline."
    return None


def storage_refusal(call: Call, wanted: CreateAnalysis) -> str | None:
    identity = wanted.analysis_storage_id
    if identity is not None and call.world.get(AnalysisStorage, str(identity), call.now) is None:
        return f"Analysis storage {identity} was not found."
    return None


def planned(call: Call, wanted: CreateAnalysis, pipeline: Pipeline, identity: str, at: float) -> Analysis:
    """The record of an analysis that exists from `at` on."""
    rule = outcome_of(call.world, wanted.user_reference)
    return Analysis(
        id=identity,
        project_id=call.path["projectId"],
        tenant_id=call.user.tenant_id,
        owner_id=call.user.id,
        pipeline_id=pipeline.id,
        reference=f"{wanted.user_reference[:150]}-{pipeline.code[:60]}-{identity}"[:255],
        user_reference=wanted.user_reference,
        created=at,
        tags=tags_of(wanted),
        storage_id=str(wanted.analysis_storage_id) if wanted.analysis_storage_id else pipeline.storage_id,
        outcome=rule.analysis,
        summary=rule.summary,
    )


def tags_of(wanted: CreateAnalysis) -> Json:
    tags = wanted.tags
    named = {
        "technicalTags": tags and tags.technical_tags,
        "userTags": tags and tags.user_tags,
        "referenceTags": tags and tags.reference_tags,
    }
    return {name: [tag for tag in values or () if tag is not None] for name, values in named.items()}


def get_analysis(call: Call) -> Answer:
    analysis = found(call, call.view)
    return shown(render(call, analysis), tag=tag_of(call, analysis))


def update_analysis(call: Call) -> Answer:
    """Only tags change. A stale If-Match is a 409, as the description says (not 412)."""
    analysis, update = found(call, call.now), call.body
    assert isinstance(update, UpdateAnalysis)
    current = replace(call, now=call.now + call.settings.read_lag)
    if call.headers.get("if-match") not in (None, tag_of(current, analysis)):
        raise Problem(409, "The analysis has changed since it was read.")
    tags = update.tags.model_dump(mode="json", by_alias=True)
    if tags != analysis.tags:
        analysis = replace(analysis, tags=tags, retagged=call.now)
        call.world.put(analysis, call.now)
    return shown(render(current, analysis), tag=tag_of(current, analysis))


def abort_analysis(call: Call) -> Answer:
    analysis = found(call, call.now)
    status = analysis_status(analysis, call.settings, call.now)[0]
    if status in TERMINAL:
        raise Problem(409, f"The analysis is {status} and cannot be aborted.")
    if analysis.abort_at is None:
        call.world.put(replace(analysis, abort_at=call.now), call.now)
    return DONE


def get_outputs(call: Call) -> Answer:
    """One output folder once the analysis has succeeded."""
    analysis = found(call, call.view)
    if analysis_status(analysis, call.settings, call.view)[0] != "SUCCEEDED":
        return shown({"items": []})
    facts = stamp(call.world, analysis.tenant_id, analysis.owner_id, 0, 0)
    folder = {
        "dataId": "fol." + analysis.id.replace("-", ""),
        "name": analysis.reference,
        "dataType": "FOLDER",
        "format": {"id": stable_id("format", "UNKNOWN"), **facts, "code": "UNKNOWN"},
    }
    return shown({"items": [{"code": "Output", "projectId": analysis.project_id, "data": [folder]}]})


def list_analyses(call: Call) -> Answer:
    """The deprecated GET, V3 only; the same filters as the search, one value each."""
    given = call.query
    rows = [
        a
        for a in _of_project(call)
        if given.get("reference") in (None, "", a.reference)
        and given.get("userreference") in (None, "", a.user_reference)
        and given.get("status") in (None, "", v3_status(analysis_status(a, call.settings, call.view)[0]))
        and _tagged(a, "userTags", given.getlist("usertag"))
        and _tagged(a, "technicalTags", given.getlist("technicaltag"))
        and _tagged(a, "referenceTags", given.getlist("referencetag"))
    ]
    return _paged(call, rows)


def search_analyses(call: Call) -> Answer:
    """Answers AnalysisV4 although its media type says v3."""
    query = call.body or AnalysisQuery()
    assert isinstance(query, AnalysisQuery)
    rows = [
        a
        for a in _of_project(call)
        if query.reference in (None, a.reference)
        and query.user_reference in (None, a.user_reference)
        and (not query.status or analysis_status(a, call.settings, call.view)[0] in query.status)
        and _tagged(a, "userTags", query.user_tags)
        and _tagged(a, "technicalTags", query.technical_tags)
        and _tagged(a, "referenceTags", query.reference_tags)
    ]
    if isinstance(query, AnalysisQueryWithPipelines):
        rows = _of_pipelines(call, query, rows)
    return _paged(replace(call, version="v4"), rows)


def found(call: Call, when: float) -> Analysis:
    project, identity = call.project(), call.path["analysisId"]
    analysis = call.world.get(Analysis, identity, when)
    if analysis is None or analysis.project_id != project.id:
        raise not_found("Analysis", identity)
    return analysis


def tag_of(call: Call, analysis: Analysis) -> str:
    return etag(encode(vars(analysis)), analysis_status(analysis, call.settings, call.view))


def render(call: Call, analysis: Analysis) -> Json:
    """The analysis as it is at the moment that reads see."""
    settings, world = call.settings, call.world
    status, since = analysis_status(analysis, settings, call.view)
    pipeline = world.get(Pipeline, analysis.pipeline_id, float("inf"))
    begun, over = started_at(analysis, settings) <= call.view, status in TERMINAL
    document = {
        "id": analysis.id,
        "timeCreated": iso(analysis.created),
        "timeModified": iso(max(since, analysis.retagged or 0.0)),
        "reference": analysis.reference,
        "userReference": analysis.user_reference,
        "pipeline": pipeline and render_pipeline(world, pipeline, call.version, settings.api),
        "status": status if call.version == "v4" else v3_status(status),
        "startDate": iso(started_at(analysis, settings)) if begun else None,
        "endDate": iso(since) if over else None,
        "summary": analysis.summary if over else None,
        "analysisStorage": render_storage(world, analysis.storage_id or "", call.version),
        "analysisPriority": "MEDIUM",
        "tags": analysis.tags,
    }
    if call.version == "v4":
        tenant = {"id": analysis.tenant_id, "name": tenant_name(world, analysis.tenant_id)}
        document |= {"owner": {"id": analysis.owner_id}, "tenant": tenant}
        if settings.api != "2026-04":
            document["projectId"] = analysis.project_id
    else:
        owner = stamp(world, analysis.tenant_id, analysis.owner_id, 0, 0)
        document |= {name: owner[name] for name in ("ownerId", "tenantId", "tenantName")}
    return document


def _of_project(call: Call) -> Iterable[Analysis]:
    project = call.project()
    rows = [a for a in call.world.all(Analysis, call.view) if a.project_id == project.id]
    return sorted(rows, key=_place)


def _of_pipelines(call: Call, query: AnalysisQueryWithPipelines, rows: list[Analysis]) -> list[Analysis]:
    if query.pipeline_names:
        available = linked(call.world, call.path["projectId"], call.view)
        named = {pipeline.id for pipeline in available if pipeline.name in query.pipeline_names}
        rows = [a for a in rows if a.pipeline_id in named]
    if query.pipeline_uuids:
        wanted = {str(identity) for identity in query.pipeline_uuids}
        rows = [a for a in rows if a.pipeline_id in wanted]
    return [] if query.sample_ids else rows


def _place(analysis: Analysis) -> tuple[float, str]:
    return (analysis.created, analysis.id)


def _tagged(analysis: Analysis, name: str, wanted: Iterable[str | None] | None) -> bool:
    return {tag for tag in wanted or () if tag is not None} <= set(analysis.tags.get(name, ()))


def _paged(call: Call, rows: list[Analysis]) -> Answer:
    def status(a: Analysis) -> tuple[str, float]:
        return analysis_status(a, call.settings, call.view)

    sorts: dict[str, Callable[[Analysis], object]] = {
        "reference": lambda a: a.reference,
        "userReference": lambda a: a.user_reference,
        "pipeline": lambda a: a.pipeline_id,
        "status": lambda a: status(a)[0],
        "startDate": lambda a: started_at(a, call.settings),
        "endDate": lambda a: status(a)[1] if status(a)[0] in TERMINAL else None,
        "summary": lambda a: a.summary,
    }
    return shown(page(call, rows, _place, lambda a: render(call, a), sorts))
