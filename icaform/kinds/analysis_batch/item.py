"""One item as ICA wants to be told of it, in a batch or alone: its body, with ids where names were."""

from __future__ import annotations

from collections.abc import Mapping

from icaform.address import Address
from icaform.change import Create, Update
from icaform.kinds.analysis_batch.desire import Wish
from icaform.kinds.analysis_batch.marks import Marks
from icaform.kinds.analysis_batch.starter import Starter, starter
from icaform.operation import Json, Made
from icaform.state import View

DATA = frozenset({"dataId", "dataIds", "outputParentFolderId", "logsFolderId"})
"""The fields that name data of ICA."""


def attempt_of(change: Create | Update) -> int:
    """Which attempt at the item this is, counted from 1."""
    return int(change.remember.get("failures", 0)) + 1


def starter_of(change: Create | Update, view: View) -> Starter:
    """Which of ICA's calls starts the item. Of a Pipeline manifest its own kind tells the language."""
    said = change.desired.spec.said
    where = Address.parse(said["pipeline"]["ref"]) if "ref" in said["pipeline"] else change.address
    return starter(said, view.resolved.get(where, {}).get("language"))


def request(change: Create | Update, chunk: str, size: int, view: View) -> Json:
    """The item's body. Its marks name the chunk of that size in which it is sent."""
    spec: Wish = change.desired.spec
    said, resolved = spec.said, view.resolved[change.address]
    data: Mapping[str, str] = resolved.get("data", {})
    tags = said.get("tags") or {}
    marks = Marks(
        f"{view.workspace}/{spec.batch}",
        change.address.item,
        spec.generation,
        attempt_of(change),
        spec.spec_digest,
        chunk,
        size,
    )
    body: dict[str, Json] = {
        "userReference": said["userReference"],
        "pipelineId": resolved["pipeline"]
        if "pipeline" in resolved
        else Made(Address.parse(said["pipeline"]["ref"])),
        "tags": {
            "technicalTags": [*tags.get("technicalTags", ()), *marks.tags],
            "userTags": list(tags.get("userTags", ())),
            "referenceTags": list(tags.get("referenceTags", ())),
        },
    }
    storage = resolved.get("storage") or said.get("analysisStorageId")
    if storage:
        body["analysisStorageId"] = storage
    for name in ("outputParentFolderId", "activationCodeDetailId", "logs"):
        if said.get(name) is not None:
            body[name] = _sent(name, said[name], data)
    if said.get("analysisOutput"):
        body["analysisOutput"] = [
            _sent("", each, {}) | {"targetProjectId": resolved["targets"][each["targetProjectId"]]}
            for each in said["analysisOutput"]
        ]
    if said.get("inputFormValues") is not None:
        body["inputFormValues"] = _sent("", said["inputFormValues"], data)
        return body
    given = _sent("", said["analysisInput"], data)
    text = given.get("customInput") or given.get("inputJson")
    body["analysisInput"] = given if text else {"inputs": [], **given}
    return body


def _sent(field: str, value: Json, data: Mapping[str, str]) -> Json:
    """A copy in which references stand as Made, and ids where ``data`` knows the text of a field."""
    match value:
        case {"ref": ref, **others} if not others:
            return Made(Address.parse(ref))
        case Mapping():
            return {name: _sent(name, each, data) for name, each in value.items() if each is not None}
        case list() | tuple():
            return [_sent(field, each, data) for each in value]
    return data.get(value, value) if field in DATA else value
