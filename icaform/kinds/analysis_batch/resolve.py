"""What an item names, as ICA knows it: the pipeline, the storage, the project that its outputs go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from icaform.address import Address
from icaform.diagnostic import Diagnostic, Rejected
from icaform.kinds.analysis_batch.starter import misfit, starters
from icaform.kinds.analysis_batch.storage import STORAGES, Storage, chosen, offered
from icaform.operation import Call, Json, Steps, ask, canonical
from icaform.reference import V3, Catalogue, PipelineSelect, id_in, pipelines, project, whole
from icaform.state import Desired


def resolve(
    missing: Sequence[Desired],
    project_id: str,
    place: str,
    resolved: dict[Address, Mapping[str, Json]],
    faults: list[Diagnostic],
) -> Steps[None]:
    """Fill ``resolved`` and ``faults`` for items that are to be sent; Rejected where nothing can be told."""
    if not missing:
        return
    ids: dict[str, str] = {}
    storages: tuple[Storage, ...] = ()
    said = [wish.spec.said for wish in missing]
    catalogue = None
    if any(_is_looked_for(each) for each in said):
        catalogue = yield from pipelines(project_id, f"project {place!r}")
    if any(each.get("analysisStorage") for each in said):
        answer = yield from ask(Call("GET", STORAGES, V3))
        storages = offered(whole(answer))
    for name in sorted({out["targetProjectId"] for each in said for out in each.get("analysisOutput") or ()}):
        ids[name] = id_in(name) or (project_id if name == place else (yield from project(name)))
    # Thousands of items name a handful of pipelines: each is looked for once, found or not.
    looked: dict[str, Json | Rejected] = {}
    for wish in missing:
        one: dict[str, Json] = {**resolved[wish.address], "targets": ids}
        try:
            if "ref" not in wish.spec.said["pipeline"]:
                question = canonical(wish.spec.said["pipeline"])
                if question not in looked:
                    looked[question] = _look(_select(wish.spec.said["pipeline"]), catalogue)
                row = looked[question]
                if isinstance(row, Rejected):
                    raise row
                wrong = misfit(wish.spec.said, row)
                if wrong:
                    raise Rejected([wrong])
                one["pipeline"], one["language"] = row["id"], row.get("language")
                one["status"] = row.get("statusAsString")
            storage = wish.spec.said.get("analysisStorage")
            if storage is not None:
                one["storage"] = chosen(storage, storages)
        except Rejected as rejected:
            faults += [
                replace(each, origin=wish.origin, address=wish.address) for each in rejected.diagnostics
            ]
        resolved[wish.address] = one


def _look(select: PipelineSelect, catalogue: Catalogue | None) -> Json | Rejected:
    listed = catalogue.find(select) if catalogue else []
    if select.known_id and not listed:
        return {"id": select.known_id}
    try:
        return listed[0] if len(listed) == 1 or not catalogue else catalogue.only(select)
    except Rejected as rejected:
        return rejected


def _is_looked_for(said: Json) -> bool:
    """Whether ICA must be asked for the pipeline: for its id, or where its language decides how it starts."""
    select = said["pipeline"]
    return "ref" not in select and (not _select(select).known_id or len(starters(said)) > 1)


def _select(said: Json) -> PipelineSelect:
    return PipelineSelect.model_validate(said)
