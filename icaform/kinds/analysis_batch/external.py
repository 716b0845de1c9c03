"""Files outside ICA that an analysis reads, and where they appear on the machine that runs it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.kinds.analysis_batch.text import unsigned
from icaform.state import Reference, Spec

UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
SCHEMES = {"s3": ("s3",), "http": ("http", "https")}
"""How the url of a type begins. What a BaseSpace data reference looks like is not documented."""


def _file_path(path: str) -> str:
    """ICA, AnalysisInputDataMount.mountPath: relative or absolute, it ends with the name of the file."""
    if path.rpartition("/")[2] in ("", ".", ".."):
        raise PydanticCustomError(
            "bad-value", "`mountPath` must end with a file name\nadd the name of the file"
        )
    return path


def _plain_url(url: str) -> str:
    unsigned("".join(url.split()))
    return url


MountPath = Annotated[str, AfterValidator(_file_path)]


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

    @model_validator(mode="before")
    @classmethod
    def _opened(cls, value: Any) -> Any:
        if value in ({}, {"storageCredentialsId": None}):
            raise PydanticCustomError(
                "missing-field",
                "`s3Details` needs a `storageCredentialsId`\n"
                "ICA opens no public buckets; add its UUID, or {ref: StorageCredential/name}",
            )
        return value


class BasespaceDetails(Spec):
    """Where in BaseSpace."""

    workgroupId: str | None = None  # noqa: N815
    extensions: str | None = None
    pathPrefix: str | None = None  # noqa: N815


class ExternalData(Spec):
    """A file outside ICA; in BaseSpace also a folder. The mount path, where given, ends in a file name.

    The rules are those of ICA's API beginner guide, "Using data from your own S3 Storage" and "Starting
    Nextflow Pipeline with Custom Input".
    """

    url: Annotated[str, Field(min_length=1), AfterValidator(_plain_url)]
    type: Literal["s3", "http", "basespace"] = Field(description="http is for https too")
    mountPath: MountPath | None = None  # noqa: N815
    s3Details: S3Details | None = None  # noqa: N815
    basespaceDetails: BasespaceDetails | None = None  # noqa: N815

    @model_validator(mode="after")
    def _opens(self) -> ExternalData:
        if self.type == "s3" and self.s3Details is None:
            raise PydanticCustomError(
                "missing-field",
                "an s3 file needs `s3Details`\nICA opens no public buckets; add a storageCredentialsId",
            )
        for name, said, of in (
            ("s3Details", self.s3Details, "s3"),
            ("basespaceDetails", self.basespaceDetails, "basespace"),
        ):
            if said is not None and self.type != of:
                raise PydanticCustomError(
                    "bad-value",
                    "`{name}` is for type {of}, this is {type}\nremove it, or correct the type",
                    {"name": name, "of": of, "type": self.type},
                )
        return self

    @model_validator(mode="after")
    def _names_a_file(self) -> ExternalData:
        schemes = SCHEMES.get(self.type)
        if schemes is None:
            return self
        scheme, place, path = _parts(self.url)
        if scheme not in schemes or not place:
            raise PydanticCustomError(
                "bad-value",
                "the url of type {type} begins with {begins} and a {place}\ncorrect the url, or its type",
                {
                    "type": self.type,
                    "begins": " or ".join(f"{each}://" for each in schemes),
                    "place": "bucket" if self.type == "s3" else "host",
                },
            )
        if path.rpartition("/")[2] in ("", ".", ".."):
            raise PydanticCustomError(
                "bad-value",
                "an external file of type {type} is one file, and its url ends with no file name\n"
                "list the files; for whole folders keep the bucket as storage of an ICA project",
                {"type": self.type},
            )
        return self


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, bucket or host, and path. A key of S3 may hold ``?`` and ``#``."""
    try:
        split = urlsplit(url)
    except ValueError:
        return "", "", ""
    rest = url.partition("://")[2]
    return split.scheme, split.netloc, rest.partition("/")[2] if split.scheme == "s3" else split.path


Externals = Annotated[tuple[ExternalData, ...], Field(strict=False)]
