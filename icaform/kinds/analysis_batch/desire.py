"""From one manifest to its items, each a resource of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from icaform.address import Address, Origin
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic
from icaform.kind import Manifest
from icaform.kinds.analysis_batch.defaults import Halves, merged, spec_of
from icaform.kinds.analysis_batch.spec import AnalysisBatchSpec, ItemFields, Retry
from icaform.kinds.analysis_batch.starter import starters, uncoded
from icaform.manifest import check_value
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
    raw = spec_of(document)
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
        halves = Halves(document, number)
        wrong = list(_wrong(said, halves, address))
        if name in first:
            wrong.append(_twice(halves, "name", name, first[name], address))
        first.setdefault(name, number)
        user = said.get("userReference", "")
        if user and user in users:
            wrong.append(_twice(halves, "userReference", user, users[user], address))
        users.setdefault(user, number)
        files = _external_files(said)
        if files > MAX_EXTERNAL_FILES:
            wrong.append(
                Diagnostic(
                    Code.BAD_VALUE,
                    f"the item names {files:,} external files, ICA takes {MAX_EXTERNAL_FILES:,} a request",
                    "put the files in a folder of your own storage, or split the item",
                    origin=halves(),
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
                halves,
                manifest.labels,
                references=tuple(dict.fromkeys(_references(said))),
                protected=manifest.protected,
                borrowed=borrowed,
            )
        )
    return wishes, tuple(found.values())


def _wrong(said: Json, place: Halves, address: Address) -> Sequence[Diagnostic]:
    problems = []
    for field in place.mixed:
        # Each half was found right by itself; together they may still not fit.
        _, wrong = check_value({field: said[field]}, ItemFields, (), lambda path, key: place(path))
        problems += [replace(place.blamed(each, field), address=address) for each in wrong]
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
        wanted = Diagnostic(
            Code.BAD_VALUE if inputs else Code.MISSING_FIELD,
            f"item {address.item!r} needs exactly one of `analysisInput` and `inputFormValues`",
            "keep the one that fits the pipeline's input form",
            origin=place(),
            address=address,
        )
        problems.append(place.blamed(wanted))
    if said.get("analysisStorage") is not None and said.get("analysisStorageId") is not None:
        both = Diagnostic(
            Code.BAD_VALUE,
            f"item {address.item!r} has both `analysisStorage` and `analysisStorageId`",
            "keep one of them",
            origin=place(("analysisStorageId",)),
            address=address,
        )
        problems.append(place.blamed(both))
    coded = None if problems else uncoded(said, starters(said))
    if coded:
        coded = replace(coded, origin=place(("activationCodeDetailId",)), address=address)
        problems.append(place.blamed(coded))
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


def _twice(place: Halves, field: str, value: str, other: int, address: Address) -> Diagnostic:
    first = place.document.origin(("spec", "items", other))
    said = "comes from `defaults`, and is" if field in place.borrowed() else "is"
    return Diagnostic(
        Code.DECLARED_TWICE,
        f"`{field}` {value!r} {said} already that of the item at line {first.line}",
        "give each item its own"
        if field == "name"
        else "give each analysis its own, or two cannot be told apart",
        origin=place((field,)),
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
