"""From the paths that the user named to documents, and from these to wishes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from icaform.declare import declare
from icaform.diagnostic import Code, Diagnostic, Rejected, Severity
from icaform.engine.setting import FILE, MAX_FILE, Place, find
from icaform.kind import Kind
from icaform.manifest import Document, read
from icaform.state import Desired

SUFFIXES = (".yaml", ".yml")


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
    return place, select(gather(kinds, paths, stdin, variables=variables), selection)


def gather(
    kinds: Mapping[str, Kind],
    paths: Sequence[str],
    stdin: Callable[[], bytes],
    *,
    variables: Mapping[str, str] = {},
) -> list[Desired]:
    """Everything that the paths declare; Rejected with all that is wrong, in the order of files and lines."""
    documents: list[Document] = []
    found: list[Diagnostic] = []
    for name, data in _texts(paths, stdin, found):
        more, wrong = read(data, name, variables)
        documents += more
        found += wrong
    wishes, wrong = declare(kinds, documents)
    found += wrong
    if not documents and not found:
        found.append(Diagnostic(Code.EMPTY, f"only {FILE} is named", "name its folder, or the manifests too"))
    if any(each.severity is Severity.ERROR for each in found):
        raise Rejected(sorted(found, key=lambda each: (each.origin is None, each.origin or 0, each.summary)))
    return wishes


def _texts(
    paths: Sequence[str], stdin: Callable[[], bytes], found: list[Diagnostic]
) -> Iterator[tuple[str, bytes]]:
    seen: set[tuple[int, int]] = set()
    for path in dict.fromkeys(paths):
        if path == "-":
            yield "<stdin>", stdin()
            continue
        files = _files(path, found)
        for file in files:
            try:
                with open(file, "rb", opener=_open) as stream:
                    about = os.fstat(stream.fileno())
                    if (about.st_dev, about.st_ino) in seen:
                        continue
                    seen.add((about.st_dev, about.st_ino))
                    if not stat.S_ISREG(about.st_mode):
                        found.append(_unreadable(file, "is no regular file", "name a file or a folder"))
                        continue
                    yield file, stream.read(MAX_FILE + 1)
            except OSError as error:
                found.append(
                    _unreadable(file, f"cannot be read: {error.strerror}", "check the path and its rights")
                )


def _open(path: str, flags: int) -> int:
    # A named pipe would block at once without O_NONBLOCK, before it can be seen to be one.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _files(path: str, found: list[Diagnostic]) -> list[str]:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is no path"
        found.append(_unreadable(path, f"cannot be read: {why}", "check the path"))
        return []
    if not stat.S_ISDIR(mode):
        # A shell's *.yaml names icaform.yaml too; it is read as what it is, by ``setting``.
        return [path] if os.path.basename(path) != FILE else []
    files, before = [], len(found)
    for folder, folders, names in os.walk(path, followlinks=False):
        if FILE in names and not os.path.samefile(folder, path):
            found.append(
                Diagnostic(
                    Code.BAD_SETTING,
                    f"{folder} is a workspace of its own: it has an {FILE}",
                    "run icaform once for each workspace",
                )
            )
            folders.clear()
            continue
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        files += [
            str(Path(folder, name))
            for name in sorted(names)
            if name.endswith(SUFFIXES) and not name.startswith(".") and name != FILE
        ]
    if not files and len(found) == before:
        found.append(
            Diagnostic(Code.EMPTY, f"{path}: the folder holds no manifest", "add a file that ends in .yaml")
        )
    return files


def _unreadable(file: str, why: str, remedy: str) -> Diagnostic:
    return Diagnostic(Code.UNREADABLE_FILE, f"{file} {why}", remedy)


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
