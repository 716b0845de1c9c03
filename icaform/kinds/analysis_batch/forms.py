"""What an analysis reads, in ICA's own fields: data, parameters, input forms, and inputs as text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from icaform import data
from icaform.kinds.analysis_batch.external import UUID, Externals, MountPath
from icaform.kinds.analysis_batch.text import custom_input, input_json, unsigned
from icaform.state import Spec

Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Value = Annotated[str, AfterValidator(unsigned)]
Values = Annotated[tuple[Value, ...], Field(strict=False)]
DataName = Annotated[
    Text,
    AfterValidator(data.named),
    Field(description="Its id, its urn, or icav2://project/path, with a slash at the end of a folder"),
]
DataNames = Annotated[tuple[DataName, ...], Field(strict=False)]


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
    value: Value | None = None
    multiValue: Values | None = None  # noqa: N815

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
            raise PydanticCustomError("missing-field", "`objectType` JSON needs `inputJson`\nadd it")
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
    values: Values | None = None
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
