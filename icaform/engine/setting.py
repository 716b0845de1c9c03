"""icaform.yaml: where a workspace's manifests apply, and within what bounds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.intake import Unreadable, leads_out, regular
from icaform.journal import url
from icaform.manifest import BYTES, check, read
from icaform.state import Spec

FILE = "icaform.yaml"
MAX_FILE = BYTES
"""Bytes of one file; a larger one is no manifest that a person reviews."""
STATE = ".icaform"
"""The folder beside icaform.yaml for the journal and the embedded ICA; it ignores itself in git."""
DEFAULT_WORKSPACE = "default"


class Limits(Spec):
    """How much one apply may do, and how fast."""

    writes: int | None = Field(default=None, ge=0, description="Calls that change something")
    analyses: int | None = Field(default=None, ge=0, description="Analyses started")
    share: float | None = Field(
        default=None, ge=0, le=100, description="Percent of declared resources changed"
    )
    callsPerSecond: float | None = Field(  # noqa: N815 - spelled as all fields of manifests are
        default=None, ge=0.1, le=1000, description="Never more calls to ICA than these, in any command"
    )


class Setting(Spec):
    """What icaform.yaml may say."""

    workspace: str = Field(
        default=DEFAULT_WORKSPACE,
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="A-Z a-z 0-9 . _ -; it marks the analyses that are started, so never rename it",
    )
    server: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="`embedded`, or the URL of an ICA of Illumina's or on loopback",
    )
    project: str | None = Field(
        default=None, min_length=1, max_length=2000, description="For manifests that name none"
    )
    journal: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="A path inside the workspace, or postgresql://[USER@]HOST[:PORT]/DATABASE",
    )
    limits: Limits = Limits()
    protected: tuple[str, ...] = Field(
        default=(),
        description="Globs of resources, as for --only, of which no plan may change what exists",
    )
    readLag: float = Field(  # noqa: N815 - spelled as all fields of manifests are
        default=30.0,
        ge=0,
        le=3600,
        description="Seconds after which a write can be read everywhere",
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace: its folder, and what its icaform.yaml says."""

    folder: Path
    setting: Setting
    file: str | None = None

    @property
    def state(self) -> Path:
        """The folder for what icaform keeps beside the manifests."""
        return self.folder / STATE


def find(paths: Sequence[str]) -> Place:
    """The workspace of the given files and folders: the nearest icaform.yaml at or above them.

    Rejected where two of the paths belong to different workspaces, or where icaform.yaml is not right.
    """
    found: dict[Path, None] = {}
    for path in paths:
        start = Path.cwd() if path == "-" else Path(path).absolute()
        start = start if os.path.isdir(start) else start.parent
        file = next((each / FILE for each in (start, *start.parents) if _ours(each)), None)
        found[file or start] = None
    files = [each for each in found if each.name == FILE]
    if len(files) > 1 or (files and len(found) > 1):
        raise Rejected(
            [
                Diagnostic(
                    Code.BAD_SETTING,
                    "the paths belong to different workspaces: " + ", ".join(str(each) for each in found),
                    "run icaform once for each workspace",
                )
            ]
        )
    if not files:
        return Place(next(iter(found)), Setting())
    return load(files[0])


def _ours(folder: Path) -> bool:
    # One that is there and cannot be read is an error later: its limits must not be passed over.
    return os.path.lexists(folder / FILE)


def load(file: Path) -> Place:
    """Read one icaform.yaml; Rejected with everything that is wrong with it."""
    name = _relative(file)
    try:
        if leads_out(file, [file.parent]):
            raise Unreadable("is a link that leads out of the workspace")
        with regular(file) as (stream, _):
            data = stream.read(MAX_FILE + 1)
    except Unreadable as error:
        raise Rejected(
            [Diagnostic(Code.BAD_SETTING, f"{name} {error}", "make it a file that can be read, or remove it")]
        ) from None
    documents, wrong = read(data, name)
    if [each.code for each in wrong] == [Code.EMPTY]:
        return Place(file.parent, Setting(), name)
    if not wrong and len(documents) != 1:
        wrong = [
            Diagnostic(
                Code.BAD_SETTING,
                f"{name} holds {len(documents)} documents",
                "keep one",
                origin=documents[1].origin(),
            )
        ]
    if wrong:
        raise Rejected(wrong)
    setting, wrong = check(documents[0], (), Setting)
    if setting is None:
        raise Rejected(wrong)
    wrong_journal = _journal_flaw(file.parent, setting.journal)
    if wrong_journal:
        summary, remedy = wrong_journal
        origin = documents[0].origin(("journal",))
        summary = f"`journal` in {name} {summary}"
        raise Rejected([Diagnostic(Code.BAD_SETTING, summary, remedy, origin=origin)])
    return Place(file.parent, setting, name)


def _journal_flaw(folder: Path, journal: str | None) -> tuple[str, str] | None:
    """Why icaform.yaml may not name this journal, and the remedy."""
    if journal is None:
        return None
    wrong = url.flaw(journal)
    if wrong or "://" in journal:
        return wrong
    try:
        if (folder / journal).resolve().is_relative_to(folder.resolve()):
            return None
    except (OSError, ValueError, RuntimeError):  # the last for a loop of links, before Python 3.13
        return "is no path", "name a path inside the workspace"
    return (
        "leads out of the workspace",
        "name a path inside it, or choose the journal with --journal or ICAFORM_JOURNAL",
    )


def _relative(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
