"""What a manifest may say of a storage credential."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.state import Desired, SecretSource, Spec

NAME = "StorageCredential"
LIST = "/api/storageCredentials"


class AwsSecret(Spec):
    """The two halves of an AWS user's key; each is a reference, never a value."""

    accessKeyId: SecretSource = Field(description="Where the access key id is found")  # noqa: N815
    secretAccessKey: SecretSource = Field(description="Where the secret access key is found")  # noqa: N815


class StorageCredentialSpec(Spec):
    """What may be said of a storage credential. Its name in ICA is ``name``, or else the manifest's."""

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=150,
        pattern=r"^[a-zA-Z0-9_-]*$",
        description="Name in ICA: A-Z a-z 0-9 _ -",
    )
    type: Literal["AWS_USER", "AWS_ROLE"] = Field(description="AWS_USER has a secret; AWS_ROLE has none")
    shared: bool = Field(
        default=False, description="Share with all users of the tenant; ICA cannot take this back"
    )
    secret: AwsSecret | None = Field(default=None, description="Needed for AWS_USER")

    @model_validator(mode="after")
    def _secret_fits_type(self) -> StorageCredentialSpec:
        if self.type == "AWS_USER" and self.secret is None:
            raise PydanticCustomError(
                "missing-field",
                "an AWS_USER credential needs `secret`\nadd accessKeyId and secretAccessKey references",
            )
        if self.type == "AWS_ROLE" and self.secret is not None:
            raise PydanticCustomError("bad-value", "an AWS_ROLE credential has no secret\nremove `secret`")
        return self


def name_of(wish: Desired) -> str:
    """What ICA calls it."""
    return str(wish.spec.name or wish.address.name)
