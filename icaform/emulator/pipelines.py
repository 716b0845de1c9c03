"""Pipelines: reading them, through a project or not, in V3 and V4.

A pipeline is one object that several projects link. `statusAsString` of V4 carries the four statuses; what
`status`, an enumeration of DRAFT and RELEASED, shows of the other two is not documented: here it is RELEASED.
"""

from __future__ import annotations

from collections.abc import Iterator

from .call import Answer, Call, etag, shown, visible_project
from .clock import iso
from .problem import Problem, not_found
from .projects import stamp, tenant_name
from .record import AnalysisStorage, Json, Link, Pipeline, Tenant
from .world import World, encode, stable_id

EMPTY_BUNDLES = '{"items":[]}'


def list_pipelines(call: Call) -> Answer:
    """Pipelines of the caller's tenant, not those that a project merely links."""
    own = (p for p in call.world.all(Pipeline, call.view) if p.tenant_id == call.user.tenant_id)
    return shown({"items": [render(call.world, p, call.version, call.settings.api) for p in own]})


def get_pipeline(call: Call) -> Answer:
    pipeline = reachable(call, call.view)
    document = render(call.world, pipeline, call.version, call.settings.api)
    return shown(document, tag=etag(encode(vars(pipeline))))


def list_project_pipelines(call: Call) -> Answer:
    """Not paged, so with many pipelines long: rendered once, and kept until something in it changes."""
    project = call.project()
    key = ("list", project.id, call.version)
    stamp = call.world.stamp(call.view, Pipeline, Link, Tenant, AnalysisStorage)
    known, body = call.world.rendered.get(key, (None, b""))
    if stamp is None or stamp != known:
        here = linked(call.world, project.id, call.view)
        texts = (_in_project(call.world, p, project.id, call.version, call.settings.api) for p in here)
        body = ('{"items":[' + ",".join(texts) + "]}").encode()
        call.world.rendered[key] = (stamp, body)
    return Answer(200, body)


def get_project_pipeline(call: Call) -> Answer:
    project = call.project()
    pipeline = linked_one(call, project.id, call.path["pipelineId"], call.view)
    text = _in_project(call.world, pipeline, project.id, call.version, call.settings.api)
    body = text.encode()
    return Answer(200, body, {"ETag": etag(encode(vars(pipeline)))})


def link_pipeline(call: Call) -> Answer:
    """For a pipeline that is linked already ICA answers 404 "not eligible" (an example of libica's)."""
    project = visible_project(call.world, call.user, call.path["projectId"], call.now)
    pipeline = call.world.get(Pipeline, call.path["pipelineId"], call.now)
    if pipeline is None or pipeline.tenant_id != call.user.tenant_id:
        raise not_found("Pipeline", call.path["pipelineId"])
    if any(p.id == pipeline.id for p in linked(call.world, project.id, call.now)):
        raise Problem(404, f"Pipeline {pipeline.id} is not eligible to be added to the project.")
    call.world.put(Link(link_id(project.id, pipeline.id), project.id, pipeline.id), call.now)
    return Answer(204)


def unlink_pipeline(call: Call) -> Answer:
    project = visible_project(call.world, call.user, call.path["projectId"], call.now)
    pipeline = linked_one(call, project.id, call.path["pipelineId"], call.now)
    call.world.put(Link(link_id(project.id, pipeline.id), project.id, pipeline.id, active=False), call.now)
    return Answer(204)


def link_id(project: str, pipeline: str) -> str:
    return f"{project}/{pipeline}"


def linked(world: World, project: str, when: float) -> Iterator[Pipeline]:
    for link in world.all(Link, when):
        if link.active and link.project_id == project:
            pipeline = world.get(Pipeline, link.pipeline_id, when)
            if pipeline is not None:
                yield pipeline


def linked_one(call: Call, project: str, identity: str, when: float) -> Pipeline:
    link = call.world.get(Link, link_id(project, identity), when)
    pipeline = call.world.get(Pipeline, identity, when) if link is not None and link.active else None
    if pipeline is None:
        raise not_found("Pipeline", identity)
    return pipeline


def reachable(call: Call, when: float) -> Pipeline:
    """A pipeline of the caller's tenant, or one that a project of that tenant links."""
    identity = call.path["pipelineId"]
    pipeline = call.world.get(Pipeline, identity, when)
    if pipeline is not None and pipeline.tenant_id == call.user.tenant_id:
        return pipeline
    for link in call.world.all(Link, when):
        if pipeline is not None and link.active and link.pipeline_id == identity:
            try:
                visible_project(call.world, call.user, link.project_id, when)
            except Problem:
                continue
            return pipeline
    raise not_found("Pipeline", identity)


def _in_project(world: World, pipeline: Pipeline, project: str, version: str, api: str) -> str:
    """One ProjectPipeline as JSON."""
    text = ready_made(world, pipeline, version, api)
    return f'{{"pipeline":{text},"projectId":"{project}","bundleLinks":{EMPTY_BUNDLES}}}'


def warm(world: World, api: str) -> None:
    """Render what the list of a project shows, lest the first to ask wait for thousands of them."""
    for pipeline in world.all(Pipeline, float("inf")):
        ready_made(world, pipeline, "v3" if api == "2026-04" else "v4", api)


def ready_made(world: World, pipeline: Pipeline, version: str, api: str) -> str:
    """A pipeline as JSON, rendered once per version of its record; what many have in common, once for all."""
    known, text = world.rendered.get((pipeline.id, version), (None, ""))
    if known is not pipeline:
        own = encode(_own(pipeline, version, api))
        text = f"{own[:-1]},{_shared_text(world, pipeline, version)[1:]}"
        world.rendered[pipeline.id, version] = (pipeline, text)
    return str(text)


def _shared_text(world: World, pipeline: Pipeline, version: str) -> str:
    facts = (pipeline.tenant_id, pipeline.owner_id, pipeline.storage_id, pipeline.status, pipeline.language)
    key, stamp = ("shared", version, *facts), world.stamp(float("inf"), Tenant, AnalysisStorage)
    known, text = world.rendered.get(key, (None, ""))
    if known != stamp:
        text = encode(_shared(world, pipeline, version))
        world.rendered[key] = (stamp, text)
    return str(text)


def group_id(pipeline: Pipeline) -> str:
    return stable_id("pipelineGroup", pipeline.tenant_id, pipeline.name)


def render(world: World, pipeline: Pipeline, version: str, api: str) -> Json:
    return _own(pipeline, version, api) | _shared(world, pipeline, version)


def _own(pipeline: Pipeline, version: str, api: str) -> Json:
    """What is particular to a pipeline. The older generation knows no name, version and group."""
    document: Json = {
        "id": pipeline.id,
        "urn": f"urn:ilmn:ica:pipeline:{pipeline.id}#{pipeline.code.replace(' ', '_')}",
        "timeCreated": iso(pipeline.created),
        "timeModified": iso(pipeline.modified),
        "code": pipeline.code,
        "description": pipeline.description,
        "pipelineTags": {"technicalTags": pipeline.technical_tags},
        "proprietary": False,
        "inputFormType": "XML",
    }
    if version == "v4" and api != "2026-04":
        group = {"id": group_id(pipeline)}
        document |= {"pipelineGroup": group, "name": pipeline.name, "version": pipeline.version}
    return document


def _shared(world: World, pipeline: Pipeline, version: str) -> Json:
    """What follows from owner, tenant, storage, status and language."""
    tenant = tenant_name(world, pipeline.tenant_id)
    document: Json = {
        "status": "DRAFT" if pipeline.status == "Draft" else "RELEASED",
        "language": pipeline.language,
        "languageVersion": _language(pipeline.language),
        "analysisStorage": render_storage(world, pipeline.storage_id, version),
    }
    if version == "v3":
        return document | {
            "ownerId": pipeline.owner_id,
            "tenantId": pipeline.tenant_id,
            "tenantName": tenant,
        }
    return document | {
        "owner": {"id": pipeline.owner_id},
        "tenant": {"id": pipeline.tenant_id, "name": tenant},
        "statusAsString": pipeline.status,
    }


def render_storage(world: World, identity: str, version: str) -> Json | None:
    storage = world.get(AnalysisStorage, identity, float("inf"))
    if storage is None:
        return None
    document = {"id": storage.id, "name": storage.name, "description": storage.description}
    if version == "v3":
        document |= stamp(world, storage.tenant_id, storage.owner_id, storage.created, storage.created)
    return document


def list_storages(call: Call) -> Answer:
    """Analysis storage options: the same ones for everybody and in every project."""
    if "projectId" in call.path:
        call.project()
    rows = call.world.all(AnalysisStorage, call.view)
    return shown({"items": [render_storage(call.world, row.id, call.version) for row in rows]})


def _language(language: str) -> Json:
    name = "20.10.0" if language == "NEXTFLOW" else "1.2"
    return {"id": stable_id("languageVersion", language, name), "name": name, "language": language}
