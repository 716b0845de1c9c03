"""What ICA accepts as request bodies: fields, lengths, patterns and enumerations of the OpenAPI description.

Fields that the description does not name are ignored. A pattern must match the whole value, as in Java's bean
validation: read as a search, `[^=,]*` of the AWS keys would forbid nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from .problem import Problem
from .world import encode


class Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True)


Tags = tuple[str | None, ...] | None
AwsKey = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^=,]*$")]
CredentialName = Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[a-zA-Z0-9_-]*$")]
UserReference = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9 _-]*(/[a-zA-Z0-9 _-]+)*$")
]
STATUSES = (
    "REQUESTED|QUEUED|INITIALIZING|PREPARING_INPUTS|IN_PROGRESS|GENERATING_OUTPUTS|AWAITING_INPUT|ABORTING|SUCCEEDED"
    "|FAILED|FAILED_FINAL|ABORTED"
)


class AwsCredentials(Body):
    access_key_id: AwsKey
    secret_access_key: AwsKey


class CreateCredentialV3(Body):
    name: CredentialName
    type: Literal["AWS_USER"]
    aws_credentials: AwsCredentials | None = None


class CreateCredentialV4(Body):
    name: CredentialName
    type: Annotated[str, Field(pattern=r"^(AWS_USER|AWS_ROLE)$")]
    aws_credentials: AwsCredentials | None = None


class UpdateSecrets(Body):
    aws_credentials: AwsCredentials | None = None


class PipelineMessage(Body):
    message: Annotated[str, Field(max_length=255)] | None = None


class StringQuery(Body):
    equals: str | None = None
    contains: str | None = None
    starts_with: str | None = None


class DateQuery(Body):
    before: AwareDatetime | None = None
    after: AwareDatetime | None = None
    empty: bool | None = None


class LanguageStatusQuery(Body):
    values: tuple[Annotated[str, Field(pattern=r"^(Supported|Deprecated|Not Supported)$")], ...] | None = None
    match_mode: Annotated[str, Field(pattern=r"^(INCLUDE|EXCLUDE)$")] | None = None


class PipelineQuery(Body):
    ids: Annotated[tuple[UUID, ...], Field(max_length=10)] | None = None
    pipeline_groups: Annotated[tuple[UUID, ...], Field(max_length=10)] | None = None
    name: StringQuery | None = None
    version: StringQuery | None = None
    description: StringQuery | None = None
    statuses: tuple[str, ...] | None = None
    pipeline_language: Annotated[str, Field(pattern=r"^(Nextflow|CWL)$")] | None = None
    pipeline_language_version_status: LanguageStatusQuery | None = None
    last_used: DateQuery | None = None
    pinned: bool | None = None
    owners: Annotated[tuple[UUID, ...], Field(max_length=10)] | None = None
    number_of_versions_to_include_for_each_pipeline_group: int | None = None


class CreateTags(Body):
    technical_tags: Tags = None
    user_tags: Tags = None
    reference_tags: Tags = None


class AnalysisTags(Body):
    technical_tags: tuple[str, ...]
    user_tags: tuple[str, ...]
    reference_tags: tuple[str, ...]


class UpdateAnalysis(Body):
    """Only tags change; the description requires the rest, and it is otherwise not looked at."""

    id: UUID
    time_created: AwareDatetime
    time_modified: AwareDatetime
    reference: Annotated[str, Field(min_length=1, max_length=255)]
    user_reference: Annotated[str, Field(min_length=1, max_length=255)]
    pipeline: dict[str, Any]
    status: str
    tags: AnalysisTags


class UpdateAnalysisV3(UpdateAnalysis):
    owner_id: UUID
    tenant_id: UUID


class UpdateAnalysisV4(UpdateAnalysis):
    owner: dict[str, Any]
    tenant: dict[str, Any]


class AnalysisQuery(Body):
    reference: str | None = None
    user_reference: str | None = None
    status: tuple[Annotated[str, Field(pattern=f"^({STATUSES})$")] | None, ...] | None = None
    user_tags: Tags = None
    technical_tags: Tags = None
    reference_tags: Tags = None


class AnalysisQueryWithPipelines(AnalysisQuery):
    pipeline_names: Annotated[tuple[str | None, ...], Field(max_length=20)] | None = None
    pipeline_uuids: Annotated[tuple[UUID | None, ...] | None, Field(max_length=20, alias="pipelineUUIDs")] = (
        None
    )
    sample_ids: Annotated[tuple[UUID | None, ...], Field(max_length=20)] | None = None


class Mount(Body):
    data_id: str
    mount_path: str


class S3Details(Body):
    storage_credentials_id: UUID | None = None


class ExternalData(Body):
    url: str
    type: Annotated[str, Field(pattern=r"^(s3|http|basespace)$")]
    mount_path: str | None = None
    s3_details: S3Details | None = None
    basespace_details: dict[str, Any] | None = None


class Attached(Body):
    data_ids: tuple[str, ...] | None = None
    mounts: tuple[Mount, ...] | None = None
    external_data: tuple[ExternalData, ...] | None = None


class DataInput(Attached):
    parameter_code: str


class Parameter(Body):
    code: str | None = None
    value: str | None = None
    multi_value: tuple[str | None, ...] | None = None


class ReferenceData(Body):
    parameter_code: str | None = None
    reference_data_id: UUID | None = None


class StructuredInput(Body):
    inputs: tuple[DataInput, ...]
    parameters: tuple[Parameter, ...] | None = None
    reference_data_parameters: tuple[ReferenceData, ...] | None = None


class CwlStructured(StructuredInput):
    object_type: Literal["STRUCTURED"]


class CwlJson(Attached):
    object_type: Literal["JSON"]
    input_json: str


class JsonInput(Attached):
    input_json: str


class CustomInput(Attached):
    custom_input: str


class FormData(Body):
    data_id: str
    mount_path: str | None = None


class FormField(Body):
    id: str
    values: tuple[str | None, ...] | None = None
    data_values: tuple[FormData, ...] | None = None
    external_data_values: tuple[ExternalData, ...] | None = None


class FormRow(Body):
    values: tuple[FormField, ...] | None = None


class FormGroup(Body):
    id: str
    values: tuple[FormRow, ...] | None = None


class InputForm(Body):
    entries: Annotated[tuple[FormField, ...] | None, Field(alias="fields")] = None
    groups: tuple[FormGroup, ...] | None = None


class Logs(Body):
    logs_folder_id: str | None = None
    logs_folder_path: Annotated[str, Field(pattern=r"^/([^/]+/?)*$")] | None = None


class OutputMapping(Body):
    source_path: str
    type: Literal["FILE", "FOLDER"] | None = None
    target_project_id: str
    target_path: str
    action_on_exist: Annotated[str, Field(pattern=r"^(OVERWRITE|RENAME|SKIP)$")] | None = None


class CreateAnalysis(Body):
    user_reference: UserReference
    pipeline_id: str
    tags: CreateTags | None = None
    analysis_storage_id: UUID | None = None
    output_parent_folder_id: str | None = None
    logs: Logs | None = None
    analysis_output: tuple[OutputMapping, ...] | None = None


class CreateCwl(CreateAnalysis):
    analysis_input: Annotated[CwlStructured | CwlJson, Field(discriminator="object_type")]
    activation_code_detail_id: UUID | None = None


class CreateNextflow(CreateAnalysis):
    analysis_input: StructuredInput
    activation_code_detail_id: UUID | None = None


class CreateCwlWithStructured(CreateAnalysis):
    analysis_input: StructuredInput


class CreateFromForm(CreateAnalysis):
    input_form_values: InputForm


class CreateCwlWithJson(CreateAnalysis):
    analysis_input: JsonInput


class CreateNextflowWithCustom(CreateAnalysis):
    analysis_input: CustomInput


class CreateBatch(Body):
    cwl_items: tuple[CreateCwl, ...] | None = None
    nextflow_items: tuple[CreateNextflow, ...] | None = None
    nextflow_json_items: tuple[CreateFromForm, ...] | None = None


def parsed(model: type[Body], raw: bytes, form: bool = False) -> Body:
    """The body as `model`, or a 400 that names the fields; what was sent is never repeated in it."""
    if form:
        raw = encode(dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))).encode()
    try:
        return model.model_validate_json(raw)
    except ValidationError as rejected:
        wrong: dict[str, str] = {}
        for error in rejected.errors(include_input=False, include_context=False, include_url=False):
            field = ".".join(str(step) for step in error["loc"]) or "body"
            wrong.setdefault(field, error["msg"])
        detail = "; ".join(f"{field}: {why}" for field, why in list(wrong.items())[:10])
        raise Problem(400, detail, None, wrong) from None
