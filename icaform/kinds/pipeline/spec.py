"""What may be said of a pipeline."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.reference import PipelineSelect
from icaform.state import Spec

NAME = "Pipeline"
ORDER = ("Draft", "Released", "Deprecated", "Archived")
"""The statuses that icaform moves between, forward only (ICA, PipelineV4.statusAsString)."""
MESSAGED = ("Deprecated", "Archived")
"""The statuses whose users are told something."""
VERBS = {"Released": "release", "Deprecated": "deprecate", "Archived": "archive"}
MAX_MESSAGE = 255
"""ICA, the request bodies of :deprecate and :archive."""


class PipelineSpec(Spec):
    """What may be said of a pipeline."""

    project: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Name, id or urn; the workspace's project if left out",
    )
    tenant: bool = Field(
        default=False,
        description="Use the tenant's form of the calls, apart from any project; then `project` is left out",
    )
    select: PipelineSelect = Field(
        description="Which pipeline: exactly one of id, urn, code, or name with version"
    )
    status: Literal["Released", "Deprecated", "Archived"] = Field(description="Forward only")
    message: str | None = Field(
        default=None,
        max_length=MAX_MESSAGE,
        description="What users of a deprecated or archived pipeline are told",
    )

    @model_validator(mode="after")
    def _fits(self) -> PipelineSpec:
        if self.message is not None and self.status == "Released":
            raise PydanticCustomError(
                "bad-value",
                "a released pipeline has no message\nremove `message`, or deprecate or archive it",
            )
        if self.tenant and self.project is not None:
            raise PydanticCustomError(
                "bad-value", "`tenant: true` and `project` exclude each other\nkeep one of them"
            )
        return self
