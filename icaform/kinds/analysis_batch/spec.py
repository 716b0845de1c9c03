"""What may be said of a batch of analyses: ICA's own request fields, with names where ICA wants ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.operation import Json
from icaform.reference import PipelineSelect
from icaform.state import Reference, Spec

UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
USER_REFERENCE = r"^[a-zA-Z0-9 _-]*(/[a-zA-Z0-9 _-]+)*$"
"""ICA, CreateNextflowAnalysis.userReference: no dots, colons or equal signs."""
MAX_USER_REFERENCE = 255
DEFAULT_CHUNK = 100
"""Items a call. ICA publishes no maximum; a chunk is also what one lost answer puts in doubt."""
MAX_CHUNK = 1000

Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]


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

    dataId: Text  # noqa: N815 - ICA's own name, as are all below
    mountPath: Text  # noqa: N815


class CredentialReference(Reference):
    """A StorageCredential manifest of this workspace, by its name there."""

    ref: str = Field(
        pattern=r"^StorageCredential/[A-Za-z0-9][A-Za-z0-9._-]*$", description="StorageCredential/name"
    )


class S3Details(Spec):
    """The storage credential that opens a bucket: its id, or a StorageCredential manifest."""

    storageCredentialsId: Annotated[str, Field(pattern=UUID)] | CredentialReference = Field(  # noqa: N815
        description="its UUID, or {ref: StorageCredential/name}"
    )


class BasespaceDetails(Spec):
    """Where in BaseSpace."""

    workgroupId: str | None = None  # noqa: N815
    extensions: str | None = None
    pathPrefix: str | None = None  # noqa: N815


class ExternalData(Spec):
    """A file outside ICA. The mount path, where given, ends in a file name."""

    url: Text
    type: Literal["s3", "http", "basespace"]
    mountPath: str | None = None  # noqa: N815
    s3Details: S3Details | None = None  # noqa: N815
    basespaceDetails: BasespaceDetails | None = None  # noqa: N815

    @model_validator(mode="after")
    def _opens(self) -> ExternalData:
        if self.type == "s3" and self.s3Details is None:
            raise PydanticCustomError(
                "missing-field",
                "an s3 file needs `s3Details`\nICA opens no public buckets; add a storageCredentialsId",
            )
        if self.mountPath is not None and self.mountPath.endswith("/"):
            raise PydanticCustomError(
                "bad-value", "`mountPath` must end with a file name\nadd the name of the file"
            )
        return self


Externals = Annotated[tuple[ExternalData, ...], Field(strict=False)]
Mounts = Annotated[tuple[Mount, ...], Field(strict=False)]


class DataInput(Spec):
    """The data for one input of the pipeline."""

    parameterCode: Text  # noqa: N815
    dataIds: Texts = ()  # noqa: N815
    mounts: Mounts = ()
    externalData: Externals = ()  # noqa: N815


class ParameterInput(Spec):
    """The value, or the values, of one parameter. ICA takes text: quote numbers."""

    code: Text
    value: str | None = None
    multiValue: Texts | None = None  # noqa: N815


class ReferenceData(Spec):
    """Reference data for one parameter."""

    parameterCode: Text  # noqa: N815
    referenceDataId: str = Field(pattern=UUID, description="a UUID")  # noqa: N815


class AnalysisInput(Spec):
    """The input of a Nextflow analysis, or with ``objectType`` of a CWL one (STRUCTURED or JSON)."""

    objectType: Literal["STRUCTURED", "JSON"] | None = Field(default=None, description="CWL only")  # noqa: N815
    inputs: Annotated[tuple[DataInput, ...], Field(strict=False)] = ()
    parameters: Annotated[tuple[ParameterInput, ...], Field(strict=False)] = ()
    referenceDataParameters: Annotated[tuple[ReferenceData, ...], Field(strict=False)] = ()  # noqa: N815
    inputJson: Text | None = Field(default=None, description="CWL with objectType JSON")  # noqa: N815
    dataIds: Texts = ()  # noqa: N815
    mounts: Mounts = ()
    externalData: Externals = ()  # noqa: N815

    @model_validator(mode="after")
    def _fits(self) -> AnalysisInput:
        said = self.model_fields_set
        if self.objectType == "JSON":
            if self.inputJson is None:
                raise PydanticCustomError("missing-field", "objectType JSON needs `inputJson`\nadd it")
            try:
                json.loads(self.inputJson)
            except ValueError:
                raise PydanticCustomError(
                    "bad-value", "`inputJson` is no JSON\nwrite the CWL input object as JSON text"
                ) from None
            wrong = said & {"inputs", "parameters", "referenceDataParameters"}
        else:
            wrong = said & {"inputJson", "dataIds", "mounts", "externalData"}
        if wrong:
            raise PydanticCustomError(
                "bad-value",
                "{fields} does not go with this objectType\n"
                "STRUCTURED and Nextflow take inputs, parameters, referenceDataParameters; JSON the others",
                {"fields": ", ".join(f"`{each}`" for each in sorted(wrong))},
            )
        return self


class FormData(Spec):
    """A data object in an input form."""

    dataId: Text  # noqa: N815
    mountPath: str | None = None  # noqa: N815


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
    """The values of a Nextflow pipeline's JSON input form."""

    fields: Annotated[tuple[FormField, ...], Field(strict=False)] = ()
    groups: Annotated[tuple[FormGroup, ...], Field(strict=False)] = ()


class Output(Spec):
    """Where an output goes. ``targetProjectId`` takes a name, an id or an urn."""

    sourcePath: Text  # noqa: N815
    type: Literal["FILE", "FOLDER"] | None = None
    targetProjectId: Text  # noqa: N815
    targetPath: Text  # noqa: N815
    actionOnExist: Literal["OVERWRITE", "RENAME", "SKIP"] | None = Field(  # noqa: N815
        default=None, description="ICA's default is OVERWRITE"
    )


class Tags(Spec):
    """Tags beside the technical ones by which icaform knows its own."""

    technicalTags: Texts = ()  # noqa: N815
    userTags: Texts = ()  # noqa: N815
    referenceTags: Texts = ()  # noqa: N815


class Logs(Spec):
    """Where the logs go: one of the two."""

    logsFolderId: str | None = None  # noqa: N815
    logsFolderPath: str | None = Field(  # noqa: N815
        default=None, pattern=r"^/([^/]+/?)*", description="A path that begins with /"
    )


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
    analysisStorage: str | None = Field(default=None, min_length=1, max_length=255, description="Its name")  # noqa: N815
    analysisStorageId: str | None = Field(default=None, pattern=UUID, description="a UUID")  # noqa: N815
    outputParentFolderId: str | None = None  # noqa: N815
    activationCodeDetailId: str | None = Field(default=None, pattern=UUID, description="a UUID")  # noqa: N815
    logs: Logs | None = None
    tags: Tags | None = None


class Item(ItemFields):
    """One analysis, named within its batch."""

    name: str = Field(
        min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="A-Z a-z 0-9 . _ -"
    )


class Retry(Spec):
    """How often an item whose creation failed is sent in all."""

    attempts: int = Field(default=1, ge=1, le=10)


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
