"""What may be said of a resource, what is wanted, what was answered, and what was last written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.address import Address, Origin
from icaform.diagnostic import Diagnostic, Severity
from icaform.manifest.secrecy import looks_secret
from icaform.operation import Json, Made, Secret


class Spec(BaseModel):
    """Base of everything that a manifest may say: no unknown fields, no silent conversions, never changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|")
"""What a shell can set (POSIX, XBD 8.1); that it may not be empty is told otherwise."""


class SecretSource(Spec):
    """Where a secret's value is found when it is needed. Exactly one of the three."""

    env: str | None = Field(
        default=None, min_length=1, max_length=255, description="Name of an environment variable"
    )
    file: str | None = Field(default=None, min_length=1, max_length=4096, description="Path of a file")
    command: tuple[str, ...] | None = Field(
        default=None, min_length=1, strict=False, description="Program and arguments; run by apply alone"
    )

    @model_validator(mode="before")
    @classmethod
    def _reference_only(cls, value: Any) -> Any:
        if isinstance(value, str | int | float):
            raise PydanticCustomError(
                "inline-secret",
                "a secret stands here in plain text\n"
                "rotate it, it is in git now; then write {env: NAME}, {file: PATH} or {command: [..]}",
            )
        name = value.get("env") if isinstance(value, dict) else None
        if any(map(looks_secret, _words(value))) or (isinstance(name, str) and not _NAME.fullmatch(name)):
            raise PydanticCustomError(
                "inline-secret",
                "a secret seems to stand where its source's name belongs\n"
                "rotate it, it is in git now; env takes the name of a variable, file a path",
            )
        return value

    @model_validator(mode="after")
    def _one(self) -> SecretSource:
        if sum(each is not None for each in (self.env, self.file, self.command)) != 1:
            raise PydanticCustomError(
                "bad-value",
                "a secret has exactly one of env, file and command\nkeep the one that says where it is found",
            )
        return self

    @property
    def leaf(self) -> Secret:
        """This source as a leaf of a request body."""
        if self.env is not None:
            return Secret(("env", self.env))
        if self.file is not None:
            return Secret(("file", self.file))
        return Secret(("command", *(self.command or ())))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _words(each)


class Reference(Spec):
    """``{ref: Kind/name}``: another declared resource, whose id ICA wants here."""

    ref: str = Field(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9][A-Za-z0-9._-]*$", description="Kind/name")

    @property
    def address(self) -> Address:
        """The resource that is meant."""
        return Address.parse(self.ref)

    @property
    def leaf(self) -> Made:
        """This reference as a leaf of a request body."""
        return Made(self.address)


MOST_BORROWED = 48 * 1024 * 1024
"""Characters that all resources of a run have from what is said once: a page of defaults times many items."""


@dataclass(frozen=True, slots=True)
class Desired:
    """One resource as the manifests want it.

    ``spec`` is what its kind made of the manifest; ``place`` finds the line of a field when someone asks,
    so that ten thousand resources need not each carry one.
    """

    address: Address
    spec: Any
    place: Callable[..., Origin]
    labels: Mapping[str, str] = field(default_factory=dict)
    references: tuple[Address, ...] = ()
    secrets: tuple[Secret, ...] = ()
    protected: bool = False
    ignore: Mapping[str, str] = field(default_factory=dict)
    """Fields that are left as they are on the server, each with the reason that the manifest gives."""
    borrowed: int = 0
    """Characters of what its manifest says once for many resources, and each of them says to ICA."""

    def stated(self, name: str) -> bool:
        """Whether a field is compared: what a manifest ignores is as if it did not state it."""
        return name not in self.ignore

    def ignored(self, name: str, live: Json, wanted: Json) -> tuple[str, ...]:
        """What is said of a field that is ignored, where it differs."""
        if self.stated(name) or live == wanted:
            return ()
        return (f"{name} is {live}, the manifest wants {wanted}; ignored: {self.ignore[name]}",)

    @property
    def commands(self) -> tuple[Secret, ...]:
        """Those of its secrets that a program gives."""
        return tuple([each for each in self.secrets if each.source[0] == "command"]) if self.secrets else ()

    @property
    def origin(self) -> Origin:
        """The line that declares it."""
        return self.place()


@dataclass(frozen=True, slots=True)
class Live:
    """One resource as the server answered it: its id and the facts that its kind compares."""

    address: Address
    id: str
    facts: Mapping[str, Json]
    scope: str = ""
    """The id of the project that it was read in; empty where ICA asks for none."""


Remembered = Mapping[str, Json]
"""What was last written to one resource, or was seen to be so: facts by name."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that was begun and never ended, as the journal tells it."""

    number: int
    addresses: tuple[Address, ...]
    verb: str
    call: str
    key: str
    body_digest: str
    body: str | None = field(repr=False)
    user: str
    tenant: str
    time: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to the server: a tenant and a user, from the token's own claims."""

    tenant: str
    user: str
    tenant_name: str = ""


PRESENT = "present"
"""Stands for a fingerprint where the journal has no key to make one with."""


@dataclass(frozen=True, slots=True)
class View:
    """What a kind may look at while it observes and compares, apart from the server itself.

    ``clock`` tells ICA's time; it is asked when it is needed, for the first answer may be what tells it.
    ``fingerprint`` gives the keyed fingerprint of a secret's present value, or None where it has none now.
    ``ids`` are ids known from an earlier look, ``resolved`` what an observation found names to mean.
    ``read_lag`` is how many seconds late ICA may tell what is there.
    """

    workspace: str
    project: str
    identity: Identity
    clock: Callable[[], float]
    remembered: Mapping[Address, Remembered] = field(default_factory=dict)
    pending: Mapping[Address, Begun] = field(default_factory=dict)
    ids: Mapping[Address, str] = field(default_factory=dict)
    resolved: Mapping[Address, Mapping[str, Json]] = field(default_factory=dict)
    fingerprint: Callable[[tuple[Secret, ...]], str | None] = lambda _: None
    read_lag: float = 30.0

    @property
    def now(self) -> float:
        """ICA's time, in seconds since 1970."""
        return self.clock()


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found on the server for a set of wishes.

    ``faults`` are the resources that could not be told (an ambiguous selection, say): they are errors.
    ``unmanaged`` are things of ours on the server that no manifest declares.
    """

    live: Mapping[Address, Live] = field(default_factory=dict)
    faults: tuple[Diagnostic, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    resolved: Mapping[Address, Mapping[str, Json]] = field(default_factory=dict)
    """Ids that the manifest's names were found to mean, for resources that are to be written; and what other
    resources must know of one that they refer to."""

    @property
    def unclear(self) -> frozenset[Address | None]:
        """Resources, or all items of a manifest, that the faults say cannot be told."""
        return frozenset(each.address for each in self.faults if each.severity is Severity.ERROR)
