"""Putting objects into the world from one JSON document.

    {"tenants":   [{"name", "id"?}],
     "users":     [{"name", "tenant", "email"?, "api_key"?, "password"?, "ps_token"?, "id"?}],
     "analysisStorages": [{"name", "description"?, "id"?}],
     "projects":  [{"name", "owner", "active"?, "region"?, "description"?, "userTags"?, "technicalTags"?,
                    "id"?}],
     "pipelines": [{"name", "owner", "version"?, "language"?, "status"?, "message"?, "storage"?,
                    "description"?, "code"?, "projects"?: [...], "id"?}],
     "data":      [{"path", "project", "status"?, "size"?, "indexed"?, "projects"?: [...], "id"?}],
     "credentials": [{"name", "owner", "type"?, "accessKeyId"?, "secretAccessKey"?, "shared"?, "id"?}]}

Owners, tenants, projects and storages are named by name or id. Ids that are not given follow from the names.
An entry of "pipelines" may say {"count": N, "project"?: name} for many at once, and "pipelines" may be such
an entry instead of a list. The path of a folder ends with a slash; folders above come into being. "projects"
of data are those that it is linked into. What is seeded can be read at once, whatever the read lag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from .data import STATUSES, data_id
from .lifecycle import ORDER
from .pipelines import link_id
from .record import (
    AnalysisStorage,
    Credential,
    Data,
    DataLink,
    Json,
    Link,
    Pipeline,
    Project,
    Record,
    Tenant,
    User,
)
from .settings import HORIZON
from .token import digest
from .world import World, stable_id

N = TypeVar("N", Tenant, User, Project, AnalysisStorage)
PARTS = ("tenants", "users", "analysisStorages", "projects", "pipelines", "data", "credentials")


class SeedError(ValueError):
    """The seed document names something that does not exist, or lacks a field."""


def seed(world: World, document: Json, now: float) -> dict[str, int]:
    """Write every object of the document; an object with a known id is replaced. Answers how many of each
    part.
    """
    unknown = set(document) - set(PARTS)
    if unknown:
        raise SeedError(f"unknown parts: {', '.join(sorted(unknown))}")
    makers = (_tenants, _users, _storages, _projects, _pipelines, _data, _credentials)
    counts = {}
    for part, make in zip(PARTS, makers, strict=True):
        try:
            given = document.get(part, [])
            records = list(make(world, given if isinstance(given, list) else [given], now))
        except KeyError as missing:
            raise SeedError(f"{part}: {missing.args[0]} is missing") from None
        # Seeds are true from before the earliest moment that anybody can read.
        world.put_many([(now - HORIZON, record) for record in records], now)
        counts[part] = sum(not isinstance(record, Link | DataLink) for record in records)
    return counts


def _tenants(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    for entry in entries:
        yield Tenant(entry.get("id") or stable_id("tenant", entry["name"]), entry["name"])


def _users(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    for entry in entries:
        tenant, name = _named(world, Tenant, entry["tenant"]), entry["name"]
        yield User(
            id=entry.get("id") or stable_id("user", tenant.name, name),
            tenant_id=tenant.id,
            name=name,
            email=entry.get("email", f"{name}@{tenant.name}.example"),
            created=now,
            api_key_digest=digest(entry["api_key"]) if "api_key" in entry else "",
            password_digest=digest(entry["password"]) if "password" in entry else "",
            ps_token_digest=digest(entry["ps_token"]) if "ps_token" in entry else "",
        )


def _storages(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    owner = next(world.all(User, float("inf")), None)
    for entry in entries:
        if owner is None:
            raise SeedError("analysisStorages: seed a user first")
        identity = entry.get("id") or stable_id("analysisStorage", entry["name"])
        yield AnalysisStorage(
            identity,
            owner.tenant_id,
            owner.id,
            entry["name"],
            str(entry.get("description", entry["name"])),
            now,
        )


def _projects(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    for entry in entries:
        owner = _named(world, User, entry["owner"])
        yield Project(
            id=entry.get("id") or stable_id("project", owner.tenant_id, entry["name"]),
            tenant_id=owner.tenant_id,
            owner_id=owner.id,
            name=entry["name"],
            created=now,
            modified=now,
            active=entry.get("active", True),
            region=entry.get("region", "EU"),
            description=entry.get("description", ""),
            user_tags=tuple(entry.get("userTags", ())),
            technical_tags=tuple(entry.get("technicalTags", ())),
        )


def _pipelines(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    for entry in entries:
        projects = [_named(world, Project, name) for name in entry.get("projects", ())]
        if "project" in entry:
            projects.append(_named(world, Project, entry["project"]))
        model = _pipeline(world, entry, projects, now)
        for pipeline in _copies(model, entry["count"]) if "count" in entry else (model,):
            yield pipeline
            for project in projects:
                yield Link(link_id(project.id, pipeline.id), project.id, pipeline.id)


def _pipeline(world: World, entry: Json, projects: list[Project], now: float) -> Pipeline:
    name = entry.get("name", "bulk pipeline") if "count" in entry else entry["name"]
    owner = _named(world, User, entry["owner"] if "owner" in entry else projects[0].owner_id)
    storage = _named(world, AnalysisStorage, entry["storage"]) if "storage" in entry else None
    storage = storage or next(world.all(AnalysisStorage, float("inf")), None)
    version, status = entry.get("version", "1-0-0"), entry.get("status", "Released")
    if status not in ORDER:
        raise SeedError(f"pipelines: status must be one of {', '.join(ORDER)}")
    if storage is None:
        raise SeedError("pipelines: seed an analysis storage first")
    return Pipeline(
        id=entry.get("id") or stable_id("pipeline", owner.tenant_id, name, version),
        tenant_id=owner.tenant_id,
        owner_id=owner.id,
        name=name,
        version=version,
        language=entry.get("language", "NEXTFLOW").upper(),
        status=status,
        storage_id=storage.id,
        description=str(entry.get("description", name)),
        created=now,
        modified=now,
        message=entry.get("message"),
        code=entry.get("code", f"{name} {version}"),
    )


def _copies(model: Pipeline, count: int) -> Iterator[Pipeline]:
    for number in range(1, count + 1):
        name = f"{model.name} {number:05d}"
        identity = stable_id("pipeline", model.tenant_id, name, model.version)
        yield replace(model, id=identity, name=name, code=f"{name} {model.version}")


def _data(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    there = {(each.project_id, each.path) for each in world.all(Data, float("inf"))}
    named: dict[str, Project] = {}
    for entry in entries:
        path, word = entry["path"], entry["project"]
        if not path.startswith("/") or path.strip("/") == "" or "//" in path:
            raise SeedError(f"data: {path!r} is no path from the root of a project")
        if entry.get("status", "AVAILABLE") not in STATUSES:
            raise SeedError(f"data: status must be one of {', '.join(STATUSES)}")
        project = named.get(word) or _named(world, Project, word)
        named[word] = project
        parts = path.strip("/").split("/")
        above = ("/" + "/".join(parts[:depth]) + "/" for depth in range(1, len(parts)))
        for folder in above:
            if (project.id, folder) not in there:
                there.add((project.id, folder))
                yield _datum(project, folder, {}, now)
        there.add((project.id, path))
        datum = _datum(project, path, entry, now)
        yield datum
        for other in entry.get("projects", ()):
            place = _named(world, Project, other)
            yield DataLink(f"{place.id}/{datum.id}", place.id, datum.id)


def _datum(project: Project, path: str, entry: Json, now: float) -> Data:
    return Data(
        id=entry.get("id") or data_id(project.id, path),
        project_id=project.id,
        tenant_id=project.tenant_id,
        owner_id=project.owner_id,
        path=path,
        created=now,
        modified=now,
        status=entry.get("status", "AVAILABLE"),
        size=int(entry.get("size", 0)),
        indexed=bool(entry.get("indexed", True)),
    )


def _credentials(world: World, entries: list[Json], now: float) -> Iterator[Record]:
    for entry in entries:
        owner = _named(world, User, entry["owner"])
        keys: dict[str, Any] = {}
        if "accessKeyId" in entry:
            keys["access_key_digest"] = digest(entry["accessKeyId"])
        if "secretAccessKey" in entry:
            keys["secret_digest"] = digest(entry["secretAccessKey"])
        yield Credential(
            id=entry.get("id") or stable_id("storageCredential", owner.id, entry["name"]),
            tenant_id=owner.tenant_id,
            owner_id=owner.id,
            name=entry["name"],
            type=entry.get("type", "AWS_USER"),
            created=now,
            modified=now,
            shared=entry.get("shared", False),
            **keys,
        )


def _named(world: World, kind: type[N], word: str) -> N:
    for record in world.all(kind, float("inf")):
        if word in (record.id, record.name):
            return record
    raise SeedError(f"there is no {kind.__name__} {word}")
