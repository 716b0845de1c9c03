"""From one manifest to its items, each a resource of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from icaform.address import Address, Origin
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic
from icaform.kind import Manifest
from icaform.kinds.analysis_batch.spec import AnalysisBatchSpec, ItemFields, Retry, merged
from icaform.kinds.analysis_batch.starter import starters, uncoded
from icaform.manifest import Document, check_value
from icaform.operation import Json, canonical, digest
from icaform.state import MOST_BORROWED, Desired

NAME = "AnalysisBatch"
MAX_EXTERNAL_FILES = 10_000
"""External files a request (ICA API beginner guide, "Starting Nextflow Pipeline with Custom Input")."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One item, with its batch's settings and the defaults merged in. ``said`` is what the manifest says."""

    batch: str
    project: str | None
    generation: int
    retry: Retry
    chunk_size: int
    said: Mapping[str, Json]
    spec_digest: str
    external_files: int


def desire(manifest: Manifest) -> tuple[Sequence[Desired], Sequence[Diagnostic]]:
    """Merge the defaults under each item and check what only the whole item can tell."""
    spec = manifest.spec
    assert isinstance(spec, AnalysisBatchSpec)
    document = manifest.document
    raw = _spec(document)
    defaults = raw.get("defaults") or {}
    borrowed = len(canonical(defaults))
    count = len(raw["items"])
    if borrowed * count > MOST_BORROWED:
        summary = f"`defaults` under {count:,} items come to more than {MOST_BORROWED:,} characters"
        place = document.origin(("spec", "defaults"), key=True)
        return (), (Diagnostic(Code.TOO_LARGE, summary, "say less in `defaults`, or split it", origin=place),)
    wishes: list[Desired] = []
    found: dict[tuple[Origin | None, str], Diagnostic] = {}
    first: dict[str, int] = {}
    users: dict[str, int] = {}
    for number, item in enumerate(raw["items"]):
        name = item["name"]
        address = Address(NAME, manifest.name, name)
        said = _plain(merged(defaults, {key: value for key, value in item.items() if key != "name"}))
        mixed = any(isinstance(item.get(key), dict) for key in defaults)
        wrong = list(_wrong(said, document, number, address, mixed))
        if name in first:
            wrong.append(_twice(document, number, "name", name, first[name], address))
        first.setdefault(name, number)
        user = said.get("userReference", "")
        if user and user in users:
            wrong.append(_twice(document, number, "userReference", user, users[user], address))
        users.setdefault(user, number)
        files = _external_files(said)
        if files > MAX_EXTERNAL_FILES:
            wrong.append(
                Diagnostic(
                    Code.BAD_VALUE,
                    f"the item names {files:,} external files, ICA takes {MAX_EXTERNAL_FILES:,} a request",
                    "put the files in a folder of your own storage, or split the item",
                    origin=document.origin(("spec", "items", number)),
                    address=address,
                )
            )
        for each in wrong:
            found.setdefault((each.origin, each.summary), each)
        if len(found) > MOST_TOLD:
            break
        if wrong:
            continue
        wishes.append(
            Desired(
                address,
                Wish(
                    manifest.name,
                    spec.project,
                    spec.generation,
                    spec.retry,
                    spec.chunkSize,
                    said,
                    digest(said, 24),
                    files,
                ),
                _Place(document, number),
                manifest.labels,
                references=tuple(dict.fromkeys(_references(said))),
                protected=manifest.protected,
                borrowed=borrowed,
            )
        )
    return wishes, tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Place:
    """Finds the line of an item's field: in the item, else in the defaults."""

    document: Document
    number: int

    def __call__(self, path: Sequence[str | int] = ()) -> Origin:
        raw = _spec(self.document)
        if path and not _has(raw["items"][self.number], path):
            defaults = raw.get("defaults") or {}
            if _has(defaults, path):
                return self.document.origin(("spec", "defaults", *path))
        return self.document.origin(("spec", "items", self.number, *path))


def _spec(document: Document) -> dict[str, Any]:
    value: Any = document.value
    spec: dict[str, Any] = value["spec"]
    return spec


def _has(value: Json, path: Sequence[str | int]) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _wrong(
    said: Json, document: Document, number: int, address: Address, checked: bool
) -> Sequence[Diagnostic]:
    place = _Place(document, number)
    problems = []
    if checked:
        # Each part was found right by itself; together they may still not fit.
        _, wrong = check_value(said, ItemFields, (), lambda path, key: place(path))
        problems = [replace(each, address=address) for each in wrong]
    for name, sense in (
        ("userReference", "ICA's name for the analysis"),
        ("pipeline", "the pipeline to run"),
    ):
        if said.get(name) is None:
            problems.append(
                Diagnostic(
                    Code.MISSING_FIELD,
                    f"item {address.item!r} needs `{name}`, {sense}",
                    "add it to the item, or to `defaults`",
                    origin=place(),
                    address=address,
                )
            )
    inputs = [each for each in ("analysisInput", "inputFormValues") if said.get(each) is not None]
    if len(inputs) != 1:
        problems.append(
            Diagnostic(
                Code.BAD_VALUE if inputs else Code.MISSING_FIELD,
                f"item {address.item!r} needs exactly one of `analysisInput` and `inputFormValues`",
                "keep the one that fits the pipeline's input form",
                origin=place(),
                address=address,
            )
        )
    if said.get("analysisStorage") is not None and said.get("analysisStorageId") is not None:
        problems.append(
            Diagnostic(
                Code.BAD_VALUE,
                f"item {address.item!r} has both `analysisStorage` and `analysisStorageId`",
                "keep one of them",
                origin=place(("analysisStorageId",)),
                address=address,
            )
        )
    coded = None if problems else uncoded(said, starters(said))
    if coded:
        problems.append(replace(coded, origin=place(("activationCodeDetailId",)), address=address))
    return problems


def _plain(said: Json) -> Json:
    """The item with words that have several spellings in ICA's own, so that no analysis differs by one."""
    outputs = said.get("analysisOutput")
    if not isinstance(outputs, list | tuple):
        return said
    return {**said, "analysisOutput": [_capital(each) for each in outputs]}


def _capital(output: Json) -> Json:
    action = output.get("actionOnExist")
    return {**output, "actionOnExist": action.upper()} if action else output


def _twice(
    document: Document, number: int, field: str, value: str, other: int, address: Address
) -> Diagnostic:
    first = document.origin(("spec", "items", other))
    return Diagnostic(
        Code.DECLARED_TWICE,
        f"`{field}` {value!r} is already that of the item at line {first.line}",
        "give each item its own"
        if field == "name"
        else "give each analysis its own, or two cannot be told apart",
        origin=_Place(document, number)((field,)),
        address=address,
    )


def _external_files(value: Json) -> int:
    if isinstance(value, Mapping):
        here = sum(len(value.get(name) or ()) for name in ("externalData", "externalDataValues"))
        return here + sum(_external_files(each) for each in value.values())
    return sum(_external_files(each) for each in value) if isinstance(value, list | tuple) else 0


def _references(value: Json) -> Sequence[Address]:
    if isinstance(value, Mapping):
        if set(value) == {"ref"} and isinstance(value["ref"], str):
            return [Address.parse(value["ref"])]
        return [address for each in value.values() for address in _references(each)]
    return (
        [address for each in value for address in _references(each)]
        if isinstance(value, list | tuple)
        else []
    )
