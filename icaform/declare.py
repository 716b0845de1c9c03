"""From documents to wishes: the envelope, the spec, what is declared twice, where references lead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from icaform import graph
from icaform.address import Address
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic, did_you_mean
from icaform.kind import Kind, Manifest
from icaform.manifest import Document, check, shown
from icaform.state import MOST_BORROWED, Desired, Spec

API_VERSION = "icaform/v1"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
MAX_NAME = 100
PLAIN = frozenset({"name", "labels"})
FIELDS = frozenset({"apiVersion", "kind", "metadata", "spec"})

_NAME = re.compile(NAME + r"\Z")


class Metadata(Spec):
    """What every manifest says of itself."""

    name: str = Field(min_length=1, max_length=MAX_NAME, pattern=NAME, description="A-Z a-z 0-9 . _ -")
    labels: dict[str, str] = Field(default={}, description="Local to the manifests; select with -l key=value")
    protected: bool = Field(
        default=False,
        description="No plan may change what exists of it while this is true; what is missing is still made",
    )
    ignore: dict[str, str] = Field(
        default={},
        description="Fields to leave as they are on the server, each with the reason why: reports repeat it",
    )


class Envelope(Spec):
    """The four fields of every manifest."""

    apiVersion: str  # noqa: N815 - the field's own name, as in Kubernetes
    kind: str
    metadata: dict[str, object]
    spec: dict[str, object]


def declare(
    kinds: Mapping[str, Kind], documents: Iterable[Document]
) -> tuple[list[Desired], list[Diagnostic]]:
    """All wishes of all documents, and everything that is wrong with them."""
    wishes: list[Desired] = []
    found: list[Diagnostic] = []
    first: dict[Address, Document] = {}
    borrowed = 0
    for document in documents:
        address, more, wrong = admit(kinds, document)
        found += wrong
        if len(found) > MOST_TOLD:
            return wishes, found
        borrowed += sum(wish.borrowed for wish in more)
        if borrowed > MOST_BORROWED:
            found.append(_too_much(document))
            break
        if address is None:
            continue
        other = first.setdefault(address, document)
        if other is document:
            wishes += more
        else:
            found.append(_twice(address, document, other))
    found += graph.check(wishes) if any(wish.references for wish in wishes) else []
    return wishes, found


def admit(
    kinds: Mapping[str, Kind], document: Document
) -> tuple[Address | None, Sequence[Desired], Sequence[Diagnostic]]:
    """What one document declares, its wishes, and what is wrong with it."""
    value: Any = document.value
    if not isinstance(value, dict) or value.keys() != FIELDS or not isinstance(value["spec"], dict):
        return None, (), _refused(kinds, document)
    name = value["kind"]
    if value["apiVersion"] != API_VERSION or not isinstance(name, str) or name not in kinds:
        return None, (), _refused(kinds, document)
    kind = kinds[name]
    about, wrong = _about(document, value["metadata"])
    spec, more = check(document, ("spec",), kind.spec)
    if about is None or spec is None:
        return (Address(name, about.name) if about else None), (), [*wrong, *more]
    unknown = _ignored(kind, document, about.ignore)
    if unknown:
        return Address(name, about.name), (), unknown
    return Address(name, about.name), *kind.desire(
        Manifest(about.name, about.labels, spec, document, about.protected, about.ignore)
    )


@dataclass(frozen=True, slots=True)
class _About:
    """What a manifest says of itself, in fewer words than its model."""

    name: str
    labels: Mapping[str, str]
    protected: bool = False
    ignore: Mapping[str, str] = field(default_factory=dict)


def _about(document: Document, value: Any) -> tuple[_About | None, Sequence[Diagnostic]]:
    """What a manifest says of itself. What nearly all of them say, a name and labels, needs no model."""
    if isinstance(value, dict) and value.keys() <= PLAIN:
        name, labels = value.get("name"), value.get("labels", {})
        if name.__class__ is str and len(name) <= MAX_NAME and _NAME.match(name) and isinstance(labels, dict):
            for label in labels.values():
                if label.__class__ is not str:
                    break
            else:
                return _About(name, labels), ()
    said, wrong = check(document, ("metadata",), Metadata)
    return _About(said.name, said.labels, said.protected, said.ignore) if said else None, wrong


def _ignored(kind: Kind, document: Document, ignore: Mapping[str, str]) -> Sequence[Diagnostic]:
    """What is wrong with the fields that a manifest leaves to others, and with its reasons."""
    found = []
    for name, reason in ignore.items():
        origin = document.origin(("metadata", "ignore", name))
        if name not in kind.ignorable:
            may = f"it may ignore {', '.join(kind.ignorable)}" if kind.ignorable else "remove `ignore`"
            near = did_you_mean(name[:MAX_NAME], kind.ignorable) or may
            what = f"{kind.name} has no field {shown(name)} that can be ignored"
            found.append(Diagnostic(Code.UNKNOWN_FIELD, what, near, origin=origin))
        elif not reason.strip():
            what = f"`ignore.{name}` gives no reason"
            found.append(Diagnostic(Code.BAD_VALUE, what, "say why; reports repeat it", origin=origin))
    return found


def _refused(kinds: Mapping[str, Kind], document: Document) -> Sequence[Diagnostic]:
    """All that is wrong with a document whose four fields are not right, in them and below them."""
    value: Any = document.value
    if not isinstance(value, dict) or not FIELDS & value.keys():
        return [
            Diagnostic(
                Code.NOT_A_MANIFEST,
                "the document is no manifest",
                "write apiVersion, kind, metadata and spec",
                origin=document.origin(),
            )
        ]
    _, found = check(document, (), Envelope)
    version, name = value.get("apiVersion"), value.get("kind")
    if isinstance(version, str) and version != API_VERSION:
        found.append(
            Diagnostic(
                Code.UNKNOWN_API_VERSION,
                f"apiVersion is {shown(version)}, this icaform reads `{API_VERSION}`",
                f"write apiVersion: {API_VERSION}",
                origin=document.origin(("apiVersion",)),
            )
        )
    if isinstance(name, str) and name not in kinds:
        found.append(
            Diagnostic(
                Code.UNKNOWN_KIND,
                f"there is no kind {shown(name)}",
                did_you_mean(name[:MAX_NAME], kinds) or f"the kinds are {', '.join(kinds)}",
                origin=document.origin(("kind",)),
            )
        )
    if isinstance(value.get("metadata"), dict):
        found += _about(document, value["metadata"])[1]
    if isinstance(name, str) and name in kinds and isinstance(value.get("spec"), dict):
        found += check(document, ("spec",), kinds[name].spec)[1]
    return found


def _too_much(document: Document) -> Diagnostic:
    return Diagnostic(
        Code.TOO_LARGE,
        f"what is said once for many resources comes to more than {MOST_BORROWED:,} characters in all",
        "say less in `defaults`, or split the resources into several workspaces, or runs",
        origin=document.origin(("spec",)),
    )


def _twice(address: Address, document: Document, other: Document) -> Diagnostic:
    return Diagnostic(
        Code.DECLARED_TWICE,
        f"{address} is already declared at {other.origin(('metadata', 'name'))}",
        "keep one of the two, or give one another name",
        origin=document.origin(("metadata", "name")),
        address=address,
    )
