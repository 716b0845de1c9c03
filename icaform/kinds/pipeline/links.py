"""In which other projects a pipeline is linked: a change to it reaches all of them.

A link is no copy: what happens to a pipeline happens wherever it is linked (ICA help, Pipelines). No answer
lists a pipeline's projects, so the other projects are asked about the few pipelines that are to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from icaform.operation import Call, Steps
from icaform.reference import V3, pipeline_call

MAX_IDS = 10
"""Ids in one search (ICA, PipelineQuery.ids)."""
MAX_CALLS = 40
"""Calls that this is worth. Where it needs more, the plan says that it was not looked up."""

NOT_ASKED = "?"
"""Stands in the answer for: whether there are others was not looked up."""


def elsewhere(project_id: str, ids: Sequence[str], searchable: bool) -> Steps[Mapping[str, tuple[str, ...]]]:
    """For each pipeline the names of the other projects that have it, of those that we may see.

    ``searchable`` where the server has pipelines:search, which asks about ten pipelines at once; the older
    API is asked one by one.
    """
    size = MAX_IDS if searchable else 1
    groups = [tuple(ids[at : at + size]) for at in range(0, len(ids), size)]
    if not ids or len(groups) > MAX_CALLS:
        return dict.fromkeys(ids, (NOT_ASKED,))
    (answer,) = yield (Call("GET", "/api/projects", V3, paged=True),)
    if answer.problem:
        # A note is not worth a failed plan.
        return dict.fromkeys(ids, (NOT_ASKED,))
    others = [(row["id"], str(row.get("name"))) for row in answer.body["items"] if row["id"] != project_id]
    if len(others) * len(groups) > MAX_CALLS:
        return dict.fromkeys(ids, (NOT_ASKED,))
    asked = [(name, group, _call(other, group, searchable)) for other, name in others for group in groups]
    answers = yield tuple(call for _, _, call in asked)
    found: dict[str, list[str]] = {each: [] for each in ids}
    for (name, group, _), answer in zip(asked, answers, strict=True):
        if answer.problem:
            continue
        there = {row["id"] for row in answer.body["items"]} if searchable else set(group)
        for each in group:
            if each in there:
                found[each].append(name)
    return {each: tuple(sorted(names)) for each, names in found.items()}


def _call(project_id: str, group: Sequence[str], searchable: bool) -> Call:
    if not searchable:
        return pipeline_call(project_id, group[0])
    path = f"/api/projects/{quote(project_id, safe='')}/pipelines:search"
    return Call("POST", path, V3, content_type=V3, body={"ids": list(group)}, paged=True)
