"""POST pipelines:search of the newer generation: filters, sorting and both ways of paging."""

from __future__ import annotations

from .body import DateQuery, PipelineQuery, StringQuery
from .call import Answer, Call, shown
from .clock import iso
from .paging import page
from .pipelines import group_id, linked, render
from .problem import Problem
from .record import Analysis, Json, Pipeline


def search_pipelines(call: Call) -> Answer:
    """Answers PipelineV4 although its media type says v3. Nothing is ever pinned here."""
    project, query = call.project(), call.body or PipelineQuery()
    assert isinstance(query, PipelineQuery)
    used = _last_used(call, project.id)
    rows = [p for p in linked(call.world, project.id, call.view) if _matches(p, query, used)]
    rows.sort(key=_place)
    newest = query.number_of_versions_to_include_for_each_pipeline_group
    if newest is not None:
        rows = _newest_of_each_group(rows, newest)
    with_usage = call.query.get("includePipelineUsage", "").lower() == "true"

    def item(pipeline: Pipeline) -> Json:
        document = render(call.world, pipeline, "v4", call.settings.api)
        if with_usage:
            last = used.get(pipeline.id)
            usage = {"date": iso(last.created), "analysisId": last.id} if last else None
            document["pipelineUsage"] = {"lastUsed": usage, "pinnedInProject": False}
        return document

    sorts = {
        "id": lambda p: p.id,
        "pinned": lambda p: False,
        "name": lambda p: p.name,
        "lastUsed": lambda p: used[p.id].created if p.id in used else None,
        "status": lambda p: p.status,
        "description": lambda p: p.description,
        "language": lambda p: p.language,
    }
    return shown(page(call, rows, _place, item, sorts, offset_only=newest is not None))


def _place(pipeline: Pipeline) -> tuple[float, str]:
    return (pipeline.created, pipeline.id)


def _last_used(call: Call, project: str) -> dict[str, Analysis]:
    rows = [a for a in call.world.all(Analysis, call.view) if a.project_id == project]
    return {a.pipeline_id: a for a in sorted(rows, key=lambda a: a.created)}


def _newest_of_each_group(rows: list[Pipeline], count: int) -> list[Pipeline]:
    kept: list[Pipeline] = []
    seen: dict[str, int] = {}
    for pipeline in reversed(rows):
        group = group_id(pipeline)
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= count:
            kept.append(pipeline)
    return kept[::-1]


def _matches(pipeline: Pipeline, query: PipelineQuery, used: dict[str, Analysis]) -> bool:
    language = query.pipeline_language
    status = query.pipeline_language_version_status
    return (
        (not query.ids or pipeline.id in map(str, query.ids))
        and (not query.pipeline_groups or group_id(pipeline) in map(str, query.pipeline_groups))
        and (not query.owners or pipeline.owner_id in map(str, query.owners))
        and (not query.statuses or pipeline.status in query.statuses)
        and (language is None or pipeline.language == language.upper())
        and not query.pinned
        and (status is None or ("Supported" in (status.values or ())) != (status.match_mode == "EXCLUDE"))
        and _text("name", pipeline.name, query.name)
        and _text("version", pipeline.version, query.version)
        and _text("description", pipeline.description, query.description)
        and _date(used.get(pipeline.id), query.last_used)
    )


def _text(field: str, value: str, query: StringQuery | None) -> bool:
    if query is None:
        return True
    given = [text for text in (query.equals, query.contains, query.starts_with) if text is not None]
    if len(given) != 1:
        required = "exactly one of equals, contains, startsWith is required"
        raise Problem(400, f"{field}: {required}", None, {field: required})
    if query.equals is not None:
        return value == given[0]
    return given[0] in value if query.contains is not None else value.startswith(given[0])


def _date(last: Analysis | None, query: DateQuery | None) -> bool:
    if query is None:
        return True
    if query.empty is not None and query.empty != (last is None):
        return False
    if query.before is not None and not (last and last.created < query.before.timestamp()):
        return False
    return query.after is None or bool(last and last.created > query.after.timestamp())
