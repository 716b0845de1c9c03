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
from icaform.engine.setting import FILE
from icaform.kind import Kind
from icaform.manifest import Document, read
from icaform.state import Desired

SUFFIXES = (".yaml", ".yml")
MAX_FILE = 64 * 1024 * 1024
"""Bytes of one file; a larger one is no manifest that a person reviews."""


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
    if any(each.severity is Severity.ERROR for each in found):
        raise Rejected(sorted(found, key=lambda each: (each.origin is None, each.origin or 0, each.summary)))
    return wishes


def _texts(
    paths: Sequence[str], stdin: Callable[[], bytes], found: list[Diagnostic]
) -> Iterator[tuple[str, bytes]]:
    seen: set[tuple[int, int]] = set()
    for path in paths:
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
        return [path]
    files = []
    for folder, folders, names in os.walk(path, followlinks=False):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        files += [
            str(Path(folder, name))
            for name in sorted(names)
            if name.endswith(SUFFIXES) and not name.startswith(".") and name != FILE
        ]
    if not files:
        found.append(
            Diagnostic(Code.EMPTY, f"{path}: the folder holds no manifest", "add a file that ends in .yaml")
        )
    return files


def _unreadable(file: str, why: str, remedy: str) -> Diagnostic:
    return Diagnostic(Code.UNREADABLE_FILE, f"{file} {why}", remedy)


def select(wishes: Sequence[Desired], selection: Selection) -> list[Desired]:
    """The wishes that a run is about; Rejected where a selection takes none of them."""
    if selection.everything:
        return list(wishes)
    chosen = [wish for wish in wishes if selection.takes(wish)]
    if not chosen and wishes:
        raise Rejected(
            [
                Diagnostic(
                    Code.USAGE,
                    f"the selection takes none of the {len(wishes)} declared resources",
                    "check -l, --only and --exclude; globs fit addresses such as Pipeline/germline-*",
                )
            ]
        )
    return chosen
