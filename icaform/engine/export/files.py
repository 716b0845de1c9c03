"""Manifests into a text, or into files that may hold others: those keep their order and their comments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from icaform.address import Address
from icaform.change import Keep
from icaform.declare import admit
from icaform.diagnostic import Code, Rejected
from icaform.engine.export.draw import Drawing, Drawn, LeftOut, differs
from icaform.engine.gather import SUFFIXES, gather
from icaform.engine.run import Run
from icaform.engine.setting import Place
from icaform.kind import Kind
from icaform.kinds import modules
from icaform.manifest import read
from icaform.manifest.writing import comment
from icaform.portrait import Portrait
from icaform.state import Desired

SCHEMA = "schemas/manifest.schema.json"
"""Where a workspace has the schema of its manifests, if it has it (``icaform schema schemas``)."""
_BREAK = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_MARK = "\ufeff"


@dataclass
class Written:
    """What becomes of the files of a target: the new text of each that changes, and what is told of it."""

    texts: dict[Path, str] = field(default_factory=dict)
    new: dict[Path, int] = field(default_factory=dict)
    updated: dict[Path, int] = field(default_factory=dict)
    same: int = 0
    elsewhere: int = 0
    """Things that files outside the target declare."""
    kept: list[str] = field(default_factory=list)
    """Manifests that are not as the server is and stay so, each with the reason."""


def text_of(drawn: Drawn) -> str:
    """All manifests as one text, and as comments what has none."""
    return "---\n".join(each.text for each in drawn.new) + left_out_text(drawn.left_out)


def left_out_text(left_out: Sequence[LeftOut]) -> str:
    """Lines of comment; none where nothing is left out."""
    lines = ["Left out:", *(f"- {each}" for each in left_out)] if left_out else []
    return "".join(f"{line}\n" for line in comment(lines))


def into(
    run: Run, drawn: Drawn, target: Path, variables: Mapping[str, str], *, schema: bool = False
) -> Written:
    """The manifests into a file, or into a folder with a file for each kind; OSError where one is unreadable.

    What is declared in the target gets the state that the server has; what other files declare stays theirs.
    New files name the schema where the workspace has it, or will have it (``schema``).
    """
    done = Written()
    _update(run, drawn, target, variables, done)
    by_file: dict[Path, list[Drawing]] = {}
    for each in drawn.new:
        by_file.setdefault(_file(each.address.kind, target, run.wishes), []).append(each)
    for file, drawings in by_file.items():
        there = done.texts.get(file)
        there = _text(file) if there is None else there
        done.texts[file] = _appended(there or _head(file, run.place.folder, schema), drawings)
        done.new[file] = len(drawings)
        if not there:
            left_out = [each for each in drawn.left_out if _file(each.kind, target, run.wishes) == file]
            done.texts[file] += left_out_text(left_out)
    return done


def declared_in(
    kinds: Mapping[str, Kind], place: Place, target: Path, variables: Mapping[str, str]
) -> list[Desired]:
    """What is declared already where manifests go: in the whole workspace, if the target is in one."""
    whole = place.file is not None and inside(target, place.folder)
    base = place.folder if whole else target
    if not base.exists():
        return []
    try:
        return gather(kinds, [_near(base)], lambda: b"", variables=variables, root=place.folder)
    except Rejected as rejected:
        if all(each.code is Code.EMPTY for each in rejected.diagnostics):
            return []
        raise


def _near(path: Path) -> str:
    """A path as people see it: from where they stand, if it lies there."""
    return os.path.relpath(path) if inside(path, os.curdir) else str(path)


def is_file(target: Path) -> bool:
    """Whether a path names a file and no folder, be it there or not."""
    return target.is_file() or (not target.is_dir() and target.suffix in SUFFIXES)


def inside(file: str | Path, target: str | Path) -> bool:
    """Whether a file is the target, or lies in it."""
    return Path(os.path.realpath(file)).is_relative_to(os.path.realpath(target))


def _file(kind: str, target: Path, wishes: Iterable[Desired]) -> Path:
    """Where a new manifest goes: to the last others of its kind."""
    if is_file(target):
        return target
    files = [Path(wish.origin.file) for wish in wishes if wish.address.kind == kind]
    mine = [each for each in files if inside(each, target)]
    name = modules()[kind].replace("_", "-")
    return mine[-1] if mine else target / f"{name}{'es' if name.endswith('ch') else 's'}.yaml"


def _text(file: Path) -> str:
    try:
        # As it is, line ends included.
        return file.read_bytes().decode()
    except FileNotFoundError:
        return ""


def _head(file: Path, root: Path, schema: bool) -> str:
    """The first line of a new file, by which editors find the schema of its manifests."""
    if not (schema or (root / SCHEMA).is_file()):
        return ""
    where = os.path.relpath(root / SCHEMA, file.parent).replace(os.sep, "/")
    return f"# yaml-language-server: $schema={where}\n"


def _appended(text: str, drawings: Sequence[Drawing]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    holds = any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
    between = ("" if not text or text.endswith("\n") else "\n") + ("---\n" if holds else "")
    new = "---\n".join(each.text for each in drawings)
    return text + (between + new).replace("\n", end)


def _update(run: Run, drawn: Drawn, target: Path, variables: Mapping[str, str], done: Written) -> None:
    declared = {wish.address.parent: wish for wish in run.wishes}
    by_file: dict[Path, list[Desired]] = {}
    for address in drawn.there:
        file = Path(declared[address].origin.file)
        if inside(file, target):
            by_file.setdefault(file, []).append(declared[address])
        else:
            done.elsewhere += 1
    for file, wishes in by_file.items():
        text = _text(file)
        mark, text = (_MARK, text[1:]) if text.startswith(_MARK) else ("", text)
        cuts = [0, *(each.start() for each in _BREAK.finditer(text)), len(text)]
        parts = [text[start:end] for start, end in pairwise(cuts)]
        places = _places(parts, variables)
        for wish in wishes:
            number = places.get(wish.address.parent)
            part = None if number is None else parts[number]
            made, why = _brought(run, drawn, wish, drawn.there[wish.address.parent], part, variables)
            if why:
                done.kept.append(f"{wish.origin}: {wish.address.parent}: {why}")
            if number is not None and made != part:
                parts[number] = made
                done.updated[file] = done.updated.get(file, 0) + 1
            elif not why:
                done.same += 1
        if file in done.updated:
            done.texts[file] = mark + "".join(parts)


def _places(parts: Sequence[str], variables: Mapping[str, str]) -> dict[Address, int]:
    """In which part of a file each manifest stands."""
    found = {}
    for number, part in enumerate(parts):
        documents, wrong = read(part.encode(), "", variables)
        if not wrong and len(documents) == 1:
            value: Any = documents[0].value
            found[Address(value["kind"], value["metadata"]["name"])] = number
    return found


def _brought(
    run: Run, drawn: Drawn, wish: Desired, portrait: Portrait, part: str | None, variables: Mapping[str, str]
) -> tuple[str, str]:
    """The part of a file with the manifest as the server is, and why a plan of it would not be empty."""
    from icaform.manifest.amendment import NotKept, amended

    kind = run.kinds[wish.address.kind]
    if part is None:
        return "", "its text cannot be told from that of others"
    if portrait.fixed:
        return part, ""
    documents, _ = read(part.encode(), "", variables)
    value: Any = documents[0].value
    said = value["spec"]
    changes = {
        name: each for name, each in portrait.state.items() if said.get(name) != each and wish.stated(name)
    }
    gone = [name for name in portrait.gone if name in said and wish.stated(name)]
    made, wishes = part, [wish]
    if changes or gone:
        if portrait.left_out:
            return part, portrait.left_out
        try:
            made = amended(part, "spec", changes, gone, list(kind.spec.model_fields), variables)
        except NotKept as error:
            return part, f"{error}; change {', '.join((*changes, *gone))} by hand"
        documents, _ = read(made.encode(), "", variables)
        _, new, wrong = admit(run.kinds, documents[0])
        if wrong:
            return part, wrong[0].summary
        wishes = list(new)
    changed = [kind.compare(each, drawn.observed.live.get(each.address), drawn.view) for each in wishes]
    return made, next((differs(each) for each in changed if not isinstance(each, Keep)), "")
