"""Data: files and folders of projects, listed and read; nothing here is uploaded, moved or deleted.

`details.path` is the path of the data itself, and a folder's ends with a slash: so clients in the field read
it, although the description says "of the parent". Filters of one name are any of, those of several names all
of. Where ICA is silent: a filter that is not imitated is a 400, and not a list that is too long; data that
is linked shows at the path that it has at home, a folder with all that is in it. What an analysis names as
data is not looked up, only refused where it cannot be an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from .body import Body, CreateAnalysis
from .call import Answer, Call, etag, shown
from .clock import iso
from .paging import page
from .problem import Problem, not_found
from .projects import region, stamp, tenant_name
from .record import Data, DataLink, Json, Project
from .world import World, encode, stable_id

STATUSES = ("PARTIAL", "AVAILABLE", "ARCHIVING", "ARCHIVED", "UNARCHIVING", "DELETING")
PATH_MODES = ("STARTS_WITH_CASE_INSENSITIVE", "FULL_CASE_INSENSITIVE")
NAME_MODES = ("EXACT", "EXCLUDE", "FUZZY")
PAGING = ("pageOffset", "pageToken", "pageSize", "sort")
FILTERS = (
    "id",
    "filename",
    "filenameMatchMode",
    "filePath",
    "filePathMatchMode",
    "status",
    "type",
    "nonIndexedFolders",
    "parentFolderPath",
    "owningProjectId",
)
LONGEST_URL = 2000
"""Characters; what users report of filters by name. The description states no limit."""

_URN = re.compile(r"urn:ilmn:ica:region:(?P<region>[0-9a-fA-F-]{36}):data:(?P<id>[^:/#]+)(#.*)?", re.DOTALL)


def list_data(call: Call) -> Answer:
    """Data of the project and what is linked into it."""
    project, query = call.project(), call.query
    for name in query:
        if name not in (*FILTERS, *PAGING):
            raise _refused(name, "this filter is not imitated")
    if len(f"/ica/rest/api/projects/{project.id}/data?{query}") > LONGEST_URL:
        raise Problem(414, f"The URL is longer than {LONGEST_URL} characters.")
    rows = [each for each in visible(call.world, project.id, call.view) if _fits(call, each)]
    rows.sort(key=_place)
    sorts = {
        "timeCreated": lambda each: each.created,
        "timeModified": lambda each: each.modified,
        "name": name_of,
        "path": lambda each: each.path,
        "fileSizeInBytes": lambda each: each.size,
        "status": lambda each: each.status,
        "dataType": type_of,
    }
    return shown(page(call, rows, _place, lambda each: _in_project(call.world, each, project.id), sorts))


def get_project_data(call: Call) -> Answer:
    project, identity = call.project(), call.path["dataId"]
    for each in visible(call.world, project.id, call.view):
        if each.id == identity:
            return shown(_in_project(call.world, each, project.id), tag=etag(encode(vars(each))))
    raise not_found("Data", identity)


def get_data(call: Call) -> Answer:
    """By urn; the path in it is a hint for people. Data of another tenant does not exist."""
    found = _URN.fullmatch(unquote(call.path["dataUrn"]))
    if found is None:
        raise _refused("dataUrn", "the format is urn:ilmn:ica:region:<region>:data:<data>#<path>")
    data = call.world.get(Data, found["id"], call.view)
    if data is None or data.tenant_id != call.user.tenant_id or _region(call.world, data) != found["region"]:
        raise not_found("Data", found["id"])
    return shown(render(call.world, data), tag=etag(encode(vars(data))))


def visible(world: World, project: str, when: float) -> Iterator[Data]:
    """Own data and linked data, each once."""
    linked = [
        data
        for link in world.all(DataLink, when)
        if link.project_id == project and (data := world.get(Data, link.data_id, when))
    ]
    homes = {data.project_id for data in linked}
    for each in world.all(Data, when):
        if each.project_id == project or (
            each.project_id in homes and any(_holds(top, each) for top in linked)
        ):
            yield each


def refusal(wanted: CreateAnalysis) -> str | None:
    """Why data that an analysis names cannot be meant, if it cannot."""
    for name, text in _named(wanted):
        if not text or re.search(r"[:/\s]", text):
            return f"{name} is not the id of data."
    return None


def render(world: World, data: Data) -> Json:
    home = world.get(Project, data.project_id, float("inf"))
    assert home is not None
    stamped = stamp(world, data.tenant_id, data.owner_id, 0, 0)
    document: Json = {
        "id": data.id,
        "urn": f"urn:ilmn:ica:region:{_region(world, data)}:data:{data.id}#{data.path}",
        "details": {
            "timeCreated": iso(data.created),
            "timeModified": iso(data.modified),
            "creatorId": data.owner_id,
            "tenantId": data.tenant_id,
            "tenantName": tenant_name(world, data.tenant_id),
            "owningProjectId": home.id,
            "owningProjectName": home.name,
            "name": name_of(data),
            "path": data.path,
            "fileSizeInBytes": data.size if type_of(data) == "FILE" else None,
            "status": data.status,
            "tags": {name: [] for name in ("technicalTags", "userTags", "connectorTags", "referenceTags")},
            "format": {"id": stable_id("format", "UNKNOWN"), **stamped, "code": "UNKNOWN"},
            "dataType": type_of(data),
            "region": region(world, home),
        },
    }
    if type_of(data) == "FOLDER":
        document["folderDetails"] = {"nonIndexed": not data.indexed}
    return document


def data_id(project: str, path: str) -> str:
    prefix = "fol" if path.endswith("/") else "fil"
    return f"{prefix}.{stable_id('data', project, path).replace('-', '')}"


def name_of(data: Data) -> str:
    return data.path.rstrip("/").rpartition("/")[2]


def type_of(data: Data) -> str:
    return "FOLDER" if data.path.endswith("/") else "FILE"


def _fits(call: Call, data: Data) -> bool:
    query = call.query

    def among(name: str, value: str) -> bool:
        given = query.getlist(name)
        return not given or value in given

    for name, known in (("status", STATUSES), ("type", ("FILE", "FOLDER"))):
        if not set(query.getlist(name)) <= set(known):
            raise _refused(name, f"supported values are {', '.join(known)}")
    return (
        among("id", data.id)
        and among("status", data.status)
        and among("type", type_of(data))
        and among("owningProjectId", data.project_id)
        and among("parentFolderPath", _above(data.path))
        and (not query.get("nonIndexedFolders") or (query["nonIndexedFolders"] == "true") != data.indexed)
        and _named_so(query.getlist("filename"), _mode(call, "filename", NAME_MODES), name_of(data))
        and _lies_there(query.getlist("filePath"), _mode(call, "filePath", PATH_MODES), data.path)
    )


def _mode(call: Call, name: str, known: tuple[str, ...]) -> str:
    mode = call.query.get(f"{name}MatchMode") or known[0]
    if mode not in known:
        raise _refused(f"{name}MatchMode", f"supported values are {', '.join(known)}")
    return mode


def _named_so(given: list[str], mode: str, name: str) -> bool:
    if mode == "FUZZY":
        return not given or any(each.lower() in name.lower() for each in given)
    return not given or (name in given) == (mode == "EXACT")


def _lies_there(given: list[str], mode: str, path: str) -> bool:
    low = path.lower()
    if mode == "FULL_CASE_INSENSITIVE":
        return not given or any(low == each.lower() for each in given)
    return not given or any(low.startswith(each.lower()) for each in given)


def _above(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0] + "/"


def _holds(top: Data, data: Data) -> bool:
    inside = type_of(top) == "FOLDER" and data.path.startswith(top.path)
    return top.project_id == data.project_id and (top.id == data.id or inside)


def _place(data: Data) -> tuple[float, str]:
    return (data.created, data.id)


def _region(world: World, data: Data) -> str:
    home = world.get(Project, data.project_id, float("inf"))
    assert home is not None
    return str(region(world, home)["id"])


def _in_project(world: World, data: Data, project: str) -> Json:
    return {"data": render(world, data), "projectId": project}


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Every id of data in a body, with the name of its field."""
    if isinstance(value, Body):
        for field in type(value).model_fields:
            held = getattr(value, field)
            if field in ("data_id", "output_parent_folder_id", "logs_folder_id") and isinstance(held, str):
                yield field, held
            elif field == "data_ids":
                yield from ((field, each) for each in held or ())
            else:
                yield from _named(held)
    elif isinstance(value, tuple):
        for each in value:
            yield from _named(each)


def _refused(name: str, why: str) -> Problem:
    return Problem(400, f"{name}: {why}", None, {name: why})
