"""From the paths that the user named to documents, and from these to wishes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from icaform.declare import declare
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic, Rejected, Severity
from icaform.engine.intake import Unreadable, leads_out, regular
from icaform.engine.setting import FILE, Place, find
from icaform.kind import Kind
from icaform.manifest import BYTES, Allowance, Document, read, too_large
from icaform.state import Desired

SUFFIXES = (".yaml", ".yml")
MOST_RESOURCES = 100_000
"""Resources of one run, that small ones come to an end too: a plan of 50,000 items takes some 300 MB."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the declared resources a run is about: by label, and by globs over their addresses."""

    labels: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Nothing is left out."""
        return not (self.labels or self.only or self.exclude)

    def takes(self, wish: Desired) -> bool:
        """Whether a wish is meant. A glob fits an address, its parent, or its kind."""
        names = {str(wish.address), str(wish.address.parent), wish.address.kind}
        return (
            all(wish.labels.get(name) == value for name, value in self.labels.items())
            and (not self.only or any(_fits(glob, names) for glob in self.only))
            and not any(_fits(glob, names) for glob in self.exclude)
        )


def _fits(glob: str, names: set[str]) -> bool:
    # Brackets stand in addresses as themselves, so they are no character class here.
    pattern = glob.replace("[", "[[]")
    return any(fnmatchcase(name, pattern) for name in names)


def load(
    kinds: Mapping[str, Kind],
    paths: Sequence[str],
    stdin: Callable[[], bytes],
    *,
    variables: Mapping[str, str] = {},
    selection: Selection = Selection(),
) -> tuple[Place, list[Desired]]:
    """The workspace of some paths and the wishes that they declare; Rejected with all that is wrong."""
    place = find(paths)
    wishes = gather(kinds, paths, stdin, variables=variables, root=place.folder)
    return place, select(_protected(wishes, place.setting.protected), selection)


def _protected(wishes: list[Desired], globs: Sequence[str]) -> list[Desired]:
    """The wishes, with those that icaform.yaml protects as if their manifests said so."""
    if not globs:
        return wishes
    guarded = Selection(only=tuple(globs))
    return [replace(wish, protected=True) if guarded.takes(wish) else wish for wish in wishes]


def gather(
    kinds: Mapping[str, Kind],
    paths: Sequence[str],
    stdin: Callable[[], bytes],
    *,
    variables: Mapping[str, str] = {},
    root: Path | None = None,
) -> list[Desired]:
    """Everything that the paths declare; Rejected with all that is wrong, in the order of files and lines.

    ``root`` is the workspace's folder, which links may lead into.
    """
    documents: list[Document] = []
    found: list[Diagnostic] = []
    allowance = Allowance()
    for name, data in _texts(paths, stdin, root, found):
        more, wrong = read(data, name, variables, allowance)
        documents += more
        found += wrong
        if len(found) > MOST_TOLD or allowance.spent:
            break
    wishes, wrong = declare(kinds, documents)
    found += wrong
    if not documents and not found:
        found.append(Diagnostic(Code.EMPTY, f"only {FILE} is named", "name its folder, or the manifests too"))
    if len(wishes) > MOST_RESOURCES:
        summary = f"{len(wishes):,} resources are declared; one run takes at most {MOST_RESOURCES:,}"
        found.append(Diagnostic(Code.TOO_LARGE, summary, "split them into several workspaces, or runs"))
    if any(each.severity is Severity.ERROR for each in found):
        raise Rejected(_first(found))
    return wishes


def _first(found: list[Diagnostic]) -> list[Diagnostic]:
    """What is wrong, in the order of files and lines; of very much the first."""
    found.sort(key=lambda each: (each.origin is None, each.origin or 0, each.summary))
    if len(found) <= MOST_TOLD:
        return found
    summary = f"more than {MOST_TOLD:,} errors; the rest is not shown, and may not have been read"
    return [*found[:MOST_TOLD], Diagnostic(Code.TOO_LARGE, summary, "correct these first")]


def _texts(
    paths: Sequence[str], stdin: Callable[[], bytes], root: Path | None, found: list[Diagnostic]
) -> Iterator[tuple[str, bytes]]:
    seen: set[tuple[int, int]] = set()
    for path in dict.fromkeys(paths):
        if path == "-":
            yield "<stdin>", stdin()
            continue
        inside = [each for each in (root, _home(path)) if each is not None]
        for file in _files(path, found):
            try:
                if leads_out(file, inside):
                    raise Unreadable("is a link that leads out of the workspace")
                with regular(file) as (stream, facts):
                    if (facts.st_dev, facts.st_ino) in seen:
                        continue
                    seen.add((facts.st_dev, facts.st_ino))
                    if facts.st_size > BYTES:
                        found.append(too_large(file))
                        continue
                    data = stream.read(BYTES + 1)
            except Unreadable as error:
                found.append(_unreadable(file, str(error)))
            else:
                yield file, data


def _home(path: str) -> str:
    """The folder that a person named, or that of the file that was."""
    return path if os.path.isdir(path) else os.path.dirname(path) or "."


def _files(path: str, found: list[Diagnostic]) -> list[str]:
    try:
        if not os.path.isdir(path):
            # A shell's *.yaml names icaform.yaml too; it is read as what it is, by ``setting``.
            return [path] if os.path.basename(path) != FILE else []
    except ValueError:
        found.append(_unreadable(path, "is no path"))
        return []
    before = len(found)
    files = list(_walk(path, found))
    if not files and len(found) == before:
        found.append(
            Diagnostic(Code.EMPTY, f"{path}: the folder holds no manifest", "add a file that ends in .yaml")
        )
    return files


def _walk(top: str, found: list[Diagnostic]) -> Iterator[str]:
    """The manifests of a folder and of those in it, sorted; links to folders are not followed.

    ``os.walk`` passes over a folder that cannot be read, and before Python 3.12 fails in a deep one.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        files, folders = [], []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif not (entry.is_symlink() and os.path.isdir(entry)):
                        files.append(entry.name)
        except OSError as error:
            found.append(_unreadable(folder, f"cannot be read: {error.strerror}"))
            continue
        if FILE in files and folder != top:
            summary = f"{folder} is a workspace of its own: it has an {FILE}"
            remedy = "run icaform once for each workspace"
            found.append(Diagnostic(Code.BAD_SETTING, summary, remedy))
            continue
        waiting += [
            str(Path(folder, name)) for name in sorted(folders, reverse=True) if not name.startswith(".")
        ]
        for name in sorted(files):
            if name.endswith(SUFFIXES) and not name.startswith(".") and name != FILE:
                yield str(Path(folder, name))


def _unreadable(file: str, why: str) -> Diagnostic:
    return Diagnostic(Code.UNREADABLE_FILE, f"{file} {why}", "name a file or a folder that can be read")


def select(wishes: Sequence[Desired], selection: Selection) -> list[Desired]:
    """The wishes that a run is about, and those that they refer to; Rejected where a selection takes none.

    A reference is an id that only the other resource's observation tells, so it comes along unless excluded.
    """
    if selection.everything:
        return list(wishes)
    chosen = [wish for wish in wishes if selection.takes(wish)]
    needed = {reference for wish in chosen for reference in wish.references}
    if needed:
        along = Selection(exclude=selection.exclude)
        taken = {wish.address for wish in chosen}
        chosen = [
            wish
            for wish in wishes
            if wish.address in taken or (wish.address.parent in needed and along.takes(wish))
        ]
    if not chosen and wishes:
        raise Rejected(
            [
                Diagnostic(
                    Code.USAGE,
                    f"the selection takes nothing of what is declared ({len(wishes)} in all)",
                    "check -l, --only and --exclude; globs fit addresses such as Pipeline/germline-*",
                )
            ]
        )
    return chosen
