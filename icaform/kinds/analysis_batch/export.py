"""Batches that were run, as manifests.

ICA tells of an analysis that it is ours, by its marks, and not what it was started with. The journal does,
and the digest in the marks proves it: an item is written only where the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from icaform.address import Address
from icaform.kinds.analysis_batch.batches import under_way
from icaform.kinds.analysis_batch.desire import NAME
from icaform.kinds.analysis_batch.marks import Marks, marked
from icaform.kinds.analysis_batch.spec import Item, ItemFields
from icaform.kinds.analysis_batch.storage import STORAGES
from icaform.operation import Call, Json, Steps, ask, canonical, digest
from icaform.portrait import Export, Portrait, Scope
from icaform.reference import READS, SHOWN, V3
from icaform.state import View


def portraits(scope: Scope, view: View) -> Steps[Sequence[Portrait]]:
    """Every batch of this workspace that has analyses, in its newest generation."""
    found = []
    for project_id, text in scope.projects.items():
        path = f"/api/projects/{quote(project_id, safe='')}/analysis:search"
        # Tags are matched whole, and the names of the batches are what is to be found.
        answer = yield from ask(Call("POST", path, V3, content_type=V3, body={}, paged=True))
        batches: dict[str, list[Marks]] = {}
        for row in answer.body["items"]:
            marks = marked(row)
            workspace, _, name = marks.batch.partition("/") if marks else ("", "", "")
            if marks and workspace == view.workspace:
                batches.setdefault(name, []).append(marks)
        for name, all_marks in batches.items():
            found.append(_portrait(name, all_marks, f"{project_id}/{name}", text, view))
    return found


def _portrait(name: str, all_marks: Sequence[Marks], identity: str, project: str, view: View) -> Portrait:
    generation = max(marks.generation for marks in all_marks)
    newest: dict[str, Marks] = {}
    for marks in sorted(all_marks, key=lambda each: each.attempt):
        if marks.generation == generation:
            newest[marks.item] = marks
    said = {item: _said(name, newest[item], view) for item in sorted(newest)}
    lost = [item for item, each in said.items() if each is None]
    notes = []
    if lost:
        named = ", ".join(lost[:SHOWN]) + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
        notes.append(f"left out, for the journal does not tell what they were started with: {named}")
    earlier = {marks.item for marks in all_marks} - newest.keys()
    if earlier:
        notes.append(f"{len(earlier)} items ran in an earlier generation alone, and are left out")
    if len(lost) == len(said):
        why = "the journal does not tell what its analyses were started with, and ICA cannot"
        return Portrait(identity, name, fixed=True, left_out=why)
    return Portrait(
        identity,
        name,
        {
            **({"project": project} if project else {}),
            **({"generation": generation} if generation > 1 else {}),
            **_items({item: each for item, each in said.items() if each is not None}),
        },
        fixed=True,
        notes=tuple(notes),
    )


def _said(batch: str, marks: Marks, view: View) -> Mapping[str, Json] | None:
    """What the item's manifest said, where the journal remembers just that; in the order of ICA's fields."""
    said = view.remembered.get(Address(NAME, batch, marks.item), {}).get("said")
    if not said or not _proves(marks, said):
        return None
    try:
        ordered = ItemFields.model_validate_json(canonical(said)).model_dump(mode="json", exclude_unset=True)
    except ValueError:
        return None
    return ordered if _proves(marks, ordered) else said


def _proves(marks: Marks, said: Mapping[str, Json]) -> bool:
    return digest(said, len(marks.spec)) == marks.spec


def _items(said: Mapping[str, Mapping[str, Json]]) -> Mapping[str, Json]:
    """The items, and as defaults what all of them say alike."""
    values = list(said.values())
    defaults = _alike(values) if len(values) > 1 else {}
    items = [{"name": item, **_beyond(defaults, each)} for item, each in said.items()]
    if not _fits(defaults, items):
        # Halves of a mapping need not be right by themselves.
        defaults = {key: each for key, each in defaults.items() if each == values[0][key]}
        items = [{"name": item, **_beyond(defaults, each)} for item, each in said.items()]
    return {**({"defaults": defaults} if defaults else {}), "items": items}


def _alike(values: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    first, *others = values
    found = {}
    for key, value in first.items():
        same = [each[key] for each in others if key in each]
        if len(same) < len(others):
            continue
        if all(each == value for each in same):
            found[key] = value
        elif all(isinstance(each, dict) for each in (value, *same)) and (inner := _alike([value, *same])):
            found[key] = inner
    return found


def _beyond(defaults: Mapping[str, Json], said: Mapping[str, Json]) -> dict[str, Json]:
    """What must be said beside the defaults, so that both merged say the same."""
    return {
        key: _beyond(defaults[key], value) if key in defaults else value
        for key, value in said.items()
        if key not in defaults or defaults[key] != value
    }


def _fits(defaults: Json, items: Sequence[Json]) -> bool:
    try:
        ItemFields.model_validate_json(canonical(defaults))
        for each in items:
            Item.model_validate_json(canonical(each))
    except ValueError:
        return False
    return True


def survey(scope: Scope, view: View) -> Steps[None]:
    """What new items ask, beside pipelines and projects: where they run, and what ICA still works on.

    A batch that is new has no analyses, so these are not asked for.
    """
    for project_id in scope.projects:
        yield from under_way(project_id)
    yield from ask(Call("GET", STORAGES, V3), missing=True)


EXPORT = Export(
    portraits,
    survey,
    READS
    | frozenset(("status", "summary", "reference", "timeCreated", "tags", "technicalTags", "job", "request"))
    | frozenset(("processing", "additionalStatusInformation", "createdAnalysis", "nextPageToken"))
    | frozenset(("project", "subjectId", "subjectType", f"{STORAGES}#description"))
    | frozenset(("data", "details", "path", "dataType", "owningProjectName", "owningProjectId")),
)
