"""What may be said of a batch of analyses: ICA's own request fields, with names where ICA wants ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from icaform import data
from icaform.kinds.analysis_batch.external import UUID, Externals, MountPath
from icaform.kinds.analysis_batch.marks import PREFIX
from icaform.kinds.analysis_batch.text import custom_input, input_json
from icaform.operation import Json
from icaform.reference import PipelineSelect
from icaform.state import Spec

USER_REFERENCE = r"^[a-zA-Z0-9 _-]*(/[a-zA-Z0-9 _-]+)*$"
"""ICA, CreateNextflowAnalysis.userReference: no dots, colons or equal signs."""
MAX_USER_REFERENCE = 255
DEFAULT_CHUNK = 100
"""Items a call. ICA publishes no maximum; a chunk is also what one lost answer puts in doubt."""
MAX_CHUNK = 1000

Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
DataName = Annotated[
    Text,
    AfterValidator(data.named),
    Field(description="Its id, its urn, or icav2://project/path, with a slash at the end of a folder"),
]
DataNames = Annotated[tuple[DataName, ...], Field(strict=False)]
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


class Mount(Spec):
    """Where a data object appears on the machine that runs the pipeline."""

    dataId: DataName  # noqa: N815 - ICA's own name, as are all below
    mountPath: MountPath  # noqa: N815


Mounts = Annotated[tuple[Mount, ...], Field(strict=False)]


class DataInput(Spec):
    """The data for one input of the pipeline."""

    parameterCode: Text  # noqa: N815
    dataIds: DataNames = ()  # noqa: N815
    mounts: Mounts = ()
    externalData: Externals = ()  # noqa: N815


class ParameterInput(Spec):
    """The value, or the values, of one parameter. ICA takes text: quote numbers."""

    code: Text
    value: str | None = None
    multiValue: Texts | None = None  # noqa: N815

    @model_validator(mode="after")
    def _one(self) -> ParameterInput:
        if self.value is not None and self.multiValue is not None:
            raise PydanticCustomError(
                "bad-value", "a parameter has one of `value` and `multiValue`\nkeep the one that it takes"
            )
        return self


class ReferenceData(Spec):
    """Reference data for one parameter."""

    parameterCode: Text  # noqa: N815
    referenceDataId: str = Field(pattern=UUID, description="a UUID")  # noqa: N815


STRUCTURED = frozenset({"inputs", "parameters", "referenceDataParameters"})
ATTACHED = frozenset({"dataIds", "mounts", "externalData"})


class AnalysisInput(Spec):
    """What an analysis reads, in one of ICA's forms.

    - ``inputs``, ``parameters`` and ``referenceDataParameters``: Nextflow, or CWL past its input form;
    - the same with ``objectType: STRUCTURED``: CWL;
    - ``inputJson`` with the data that it names: CWL past its input form, or with ``objectType: JSON`` not;
    - ``customInput`` with the data that it names: Nextflow past its input form.

    With ``objectType``, and for Nextflow without ``customInput``, many go in one call; the others one by one.
    """

    objectType: Literal["STRUCTURED", "JSON"] | None = Field(default=None, description="CWL only")  # noqa: N815
    inputs: Annotated[tuple[DataInput, ...], Field(strict=False)] = ()
    parameters: Annotated[tuple[ParameterInput, ...], Field(strict=False)] = ()
    referenceDataParameters: Annotated[tuple[ReferenceData, ...], Field(strict=False)] = ()  # noqa: N815
    inputJson: Annotated[Text, AfterValidator(input_json)] | None = Field(  # noqa: N815
        default=None, description="CWL: the input object as JSON text"
    )
    customInput: Annotated[Text, AfterValidator(custom_input)] | None = Field(  # noqa: N815
        default=None, description="Nextflow: a map of its parameters as YAML or JSON text"
    )
    dataIds: DataNames = ()  # noqa: N815
    mounts: Mounts = ()
    externalData: Externals = ()  # noqa: N815

    @model_validator(mode="after")
    def _fits(self) -> AnalysisInput:
        if self.objectType == "JSON" and self.inputJson is None:
            raise PydanticCustomError("missing-field", "objectType JSON needs `inputJson`\nadd it")
        said = self.model_fields_set
        if self.customInput is not None:
            form, wrong = "`customInput`", said & (STRUCTURED | {"inputJson", "objectType"})
        elif self.inputJson is not None and self.objectType != "STRUCTURED":
            form, wrong = "`inputJson`", said & STRUCTURED
        else:
            form, wrong = "a structured input", said & (ATTACHED | {"inputJson"})
        if wrong:
            raise PydanticCustomError(
                "bad-value",
                "{fields} cannot stand beside {form}\n"
                "a structured input has inputs, parameters and referenceDataParameters; customInput and "
                "inputJson have dataIds, mounts and externalData",
                {"fields": ", ".join(f"`{each}`" for each in sorted(wrong)), "form": form},
            )
        return self


class FormData(Spec):
    """A data object in an input form."""

    dataId: DataName  # noqa: N815
    mountPath: MountPath | None = None  # noqa: N815


class FormField(Spec):
    """The values of one field of an input form."""

    id: Text
    values: Texts | None = None
    dataValues: Annotated[tuple[FormData, ...], Field(strict=False)] | None = None  # noqa: N815
    externalDataValues: Externals | None = None  # noqa: N815


class FormRow(Spec):
    """One repetition of a group of an input form."""

    values: Annotated[tuple[FormField, ...], Field(strict=False)] = ()


class FormGroup(Spec):
    """A group of an input form, repeated."""

    id: Text
    values: Annotated[tuple[FormRow, ...], Field(strict=False)] = ()


class InputForm(Spec):
    """The values of a pipeline's JSON input form. Those of a CWL pipeline go one by one."""

    fields: Annotated[tuple[FormField, ...], Field(strict=False)] = ()
    groups: Annotated[tuple[FormGroup, ...], Field(strict=False)] = ()


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
        default=None, pattern=r"^/([^/]+/?)*", description="A path that begins with /"
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


class Item(ItemFields):
    """One analysis, named within its batch."""

    name: str = Field(
        min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="A-Z a-z 0-9 . _ -"
    )


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
    defaults: ItemFields = ItemFields()
    items: Annotated[tuple[Item, ...], Field(strict=False)]


def merged(defaults: Json, item: Json) -> Json:
    """``defaults`` under ``item``: mappings are merged, everything else is replaced by the item's."""
    if isinstance(defaults, Mapping) and isinstance(item, Mapping):
        both = {key: merged(defaults[key], item[key]) if key in defaults else item[key] for key in item}
        return {key: defaults[key] for key in defaults if key not in item} | both
    return item
