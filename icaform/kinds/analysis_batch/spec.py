"""What may be said of a batch of analyses: ICA's own request fields, with names where ICA wants ids."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError

from icaform import data
from icaform.kinds.analysis_batch.defaults import merged
from icaform.kinds.analysis_batch.external import UUID
from icaform.kinds.analysis_batch.forms import AnalysisInput, InputForm, Text, Texts
from icaform.kinds.analysis_batch.marks import PREFIX
from icaform.reference import PipelineSelect
from icaform.state import Spec

USER_REFERENCE = r"^[a-zA-Z0-9 _-]*(/[a-zA-Z0-9 _-]+)*$"
"""ICA, CreateNextflowAnalysis.userReference: no dots, colons or equal signs."""
MAX_USER_REFERENCE = 255
LOGS_PATH = r"^/([^/]+(/[^/]+)*/?)?$"
"""ICA, CreateAnalysisLogs.logsFolderPath: ``^/([^/]+/?)*``, of which ICA wants the whole text; this says the
same in a way that no editor's matcher takes long over."""
DEFAULT_CHUNK = 100
"""Items a call. ICA publishes no maximum; a chunk is also what one lost answer puts in doubt."""
MAX_CHUNK = 1000

FolderName = Annotated[
    Text, AfterValidator(data.folder), Field(description="Its id, its urn, or icav2://project/path/")
]


class PipelineWish(PipelineSelect):
    """The pipeline to run: selected in ICA, or a Pipeline manifest of this workspace."""

    ref: str | None = Field(
        default=None, pattern=r"^Pipeline/[A-Za-z0-9][A-Za-z0-9._-]*$", description="Pipeline/name"
    )

    @model_validator(mode="after")
    def _one(self) -> PipelineWish:
        if self.ref is None:
            PipelineSelect.model_validate(self.model_dump(exclude_none=True, exclude={"ref"}))
        elif len(self.model_fields_set) > 1:
            raise PydanticCustomError(
                "bad-value", "`ref` stands alone\nremove the other ways to select the pipeline"
            )
        return self


ActionOnExist = Literal[
    "OVERWRITE", "RENAME", "SKIP", "Overwrite", "Rename", "Skip", "overwrite", "rename", "skip"
]
"""ICA's contract has capitals, its guides have words."""


class Output(Spec):
    """Where an output goes. ``targetProjectId`` takes a name, an id or an urn."""

    sourcePath: Text  # noqa: N815
    type: Literal["FILE", "FOLDER"] | None = None
    targetProjectId: Text  # noqa: N815
    targetPath: Text  # noqa: N815
    actionOnExist: ActionOnExist | None = Field(  # noqa: N815
        default=None, description="Of a file that is there already; ICA's default is OVERWRITE"
    )


class Tags(Spec):
    """Tags beside the technical ones by which icaform knows its own."""

    technicalTags: Texts = ()  # noqa: N815
    userTags: Texts = ()  # noqa: N815
    referenceTags: Texts = ()  # noqa: N815

    @model_validator(mode="after")
    def _not_ours(self) -> Tags:
        if any(each.startswith(PREFIX) for each in self.technicalTags):
            raise PydanticCustomError(
                "bad-value",
                "technical tags that begin with `{prefix}` are icaform's own marks\nname the tag otherwise",
                {"prefix": PREFIX},
            )
        return self


class Logs(Spec):
    """Where the logs go: one of the two."""

    logsFolderId: FolderName | None = None  # noqa: N815
    logsFolderPath: str | None = Field(  # noqa: N815
        default=None, pattern=LOGS_PATH, description="A path that begins with /, with no empty part"
    )

    @model_validator(mode="after")
    def _one(self) -> Logs:
        if (self.logsFolderId is None) == (self.logsFolderPath is None):
            raise PydanticCustomError(
                "bad-value", "`logs` has one of `logsFolderId` and `logsFolderPath`\nkeep one of them"
            )
        return self


class ItemFields(Spec):
    """What an item says of its analysis; all of it may also stand in ``defaults``."""

    userReference: str | None = Field(  # noqa: N815
        default=None,
        min_length=1,
        max_length=MAX_USER_REFERENCE,
        pattern=USER_REFERENCE,
        description="ICA's name for the analysis: A-Z a-z 0-9 space _ - in parts divided by /",
    )
    pipeline: PipelineWish | None = None
    analysisInput: AnalysisInput | None = None  # noqa: N815
    inputFormValues: InputForm | None = None  # noqa: N815
    analysisOutput: Annotated[tuple[Output, ...], Field(strict=False)] | None = None  # noqa: N815
    analysisStorage: str | None = Field(  # noqa: N815
        default=None, min_length=1, max_length=255, description="Its name or size; else the pipeline's own"
    )
    analysisStorageId: str | None = Field(default=None, pattern=UUID, description="a UUID")  # noqa: N815
    outputParentFolderId: FolderName | None = None  # noqa: N815
    activationCodeDetailId: str | None = Field(default=None, pattern=UUID, description="a UUID")  # noqa: N815
    logs: Logs | None = None
    tags: Tags | None = None


REMOVES: dict[str, Any] = {"type": "null", "description": "Removes the default"}


def _removable(schema: dict[str, Any], handler: GetJsonSchemaHandler) -> dict[str, Any]:
    """A field's schema that takes null too, as do those of the fields of a mapping: in an item alone."""
    said = {key: schema[key] for key in ("description", "default") if schema.get(key) is not None}
    bare = {key: each for key, each in schema.items() if key not in ("description", "default", "title")}
    choices = [
        _all_removable(each, handler) for each in bare.get("anyOf", [bare]) if each != {"type": "null"}
    ]
    return {**said, "anyOf": [*choices, REMOVES]}


def _all_removable(schema: dict[str, Any], handler: GetJsonSchemaHandler) -> dict[str, Any]:
    inside = handler.resolve_ref_schema(schema) if "$ref" in schema else schema
    if "properties" not in inside:
        return schema
    return inside | {
        "properties": {name: _removable(each, handler) for name, each in inside["properties"].items()}
    }


class Item(ItemFields):
    """One analysis, named within its batch. Null removes what ``defaults`` say, at any depth."""

    name: str = Field(
        min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="A-Z a-z 0-9 . _ -"
    )

    @model_validator(mode="before")
    @classmethod
    def _said(cls, value: Any) -> Any:
        """What it says, without the nulls that only remove defaults."""
        return merged(None, value)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler(schema)
        inside = handler.resolve_ref_schema(made)
        inside["properties"] = {
            name: each if name == "name" else _removable(each, handler)
            for name, each in inside["properties"].items()
        }
        return made


End = Literal["CREATION", "FAILED", "ABORTED"]
"""How an attempt may end so that another one makes sense. FAILED_FINAL is none of these: ICA does not say
what it means, and by its name another try ends the same.
"""


class Retry(Spec):
    """How often an item is started in all, and after which ends it is started again."""

    attempts: int = Field(default=1, ge=1, le=10, description="How often an item is started in all")
    when: Annotated[tuple[End, ...], Field(strict=False, min_length=1)] = Field(
        default=("CREATION",),
        description="CREATION: ICA could not create the analysis. FAILED, ABORTED: it ran and ended so, "
        "and another one costs as much again",
    )

    @model_validator(mode="after")
    def _counts(self) -> Retry:
        if self.attempts == 1 and "when" in self.model_fields_set:
            raise PydanticCustomError(
                "bad-value",
                "`when` says when to try again, and there is one attempt in all\nraise `attempts` above 1",
            )
        return self


class AnalysisBatchSpec(Spec):
    """A set of analyses that shall have run, each once a generation."""

    project: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Name, id or urn; the workspace's project if left out",
    )
    generation: int = Field(default=1, ge=1, le=1_000_000, description="Raise it to run all items again")
    retry: Retry = Retry()
    chunkSize: int = Field(default=DEFAULT_CHUNK, ge=1, le=MAX_CHUNK, description="Items a call")  # noqa: N815
    defaults: ItemFields = Field(
        default=ItemFields(), description="Merged under every item (RFC 7386); null in an item removes one"
    )
    items: Annotated[tuple[Item, ...], Field(strict=False)]
