"""What a report has to say of single lines of the manifests: the diagnostics, and the dangers of a plan.

The dialects that CI systems show beside the code, or keep as alerts, put the same annotations in their words.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from hashlib import sha256
from typing import TypeAlias

from icaform.address import Address, Origin
from icaform.change import NOT_KNOWN, Create, Edit, Standing
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import Json
from icaform.render.report.model import Danger, Report, Row, Sign, Stamp, Topic, last_written
from icaform.render.report.wording import plain, spoken

STDIN = "<stdin>"
"""What a manifest from stdin has for a file: nothing that anybody could be shown a line of."""
FIELDS, LONGEST = 3, 80
"""How many fields an annotation tells, and how many characters of each value: it stands on one line."""


class Mark(Enum):
    """What a plan or a drift finds that is no diagnostic: its name, what it means, a remedy."""

    IRREVERSIBLE_STEP = (
        "irreversible-step",
        "A step of the plan cannot be undone.",
        "read it; apply wants the exact count of such steps, or the digest of the plan",
    )
    DRIFTED = (
        "drifted",
        "The server moved since icaform last wrote.",
        "apply puts it back; or write what is there now into the manifest",
    )
    BOTH = (
        "drifted-and-changed",
        "The server moved since icaform last wrote, and so did the manifest.",
        "decide which of the two is right: apply makes it as the manifest says",
    )
    GONE = (
        "gone",
        "What icaform wrote is not on the server any more.",
        "apply makes it anew; or remove the manifest",
    )
    STANDING_UNKNOWN = (
        "standing-unknown",
        "The server differs, and who moved cannot be told.",
        "look in ICA, and keep the journal between runs",
    )

    def __init__(self, slug: str, meaning: str, remedy: str) -> None:
        self.slug = slug
        self.meaning = meaning
        self.remedy = remedy


Rule: TypeAlias = Code | Mark


class Level(Enum):
    """How bad it is, the worst first. A danger is nothing wrong, but must not be overlooked."""

    ERROR = 0
    DANGER = 1
    WARNING = 2


@dataclass(frozen=True, slots=True)
class Annotation:
    """One thing to be told at one line. All its texts are plain, but the path is to the letter.

    ``path`` is relative to the source tree's root where it lies in there, and empty where there is no line.
    ``fingerprint`` is the same in the next run, also when lines above were added or removed.
    """

    rule: Rule
    level: Level
    summary: str
    detail: tuple[str, ...]
    remedy: str
    address: str
    path: str
    line: int
    column: int
    fingerprint: str

    @property
    def lines(self) -> tuple[str, ...]:
        """All of its text."""
        return (self.summary, *self.detail, *((f"help: {self.remedy}",) if self.remedy else ()))


@dataclass(frozen=True, slots=True)
class _Draft:
    rule: Rule
    summary: str
    remedy: str
    origin: Origin | None
    address: Address | None
    same: tuple[str, ...]
    """What stays the same of it from run to run."""
    detail: Sequence[str] = ()


_Later: TypeAlias = Callable[[], _Draft]
"""What there is to be told, not told yet: of fifty thousand findings some dialects tell ten."""


def annotated(report: Report, *levels: Level) -> Iterator[Annotation]:
    """The annotations of these levels, or all, the worst first, otherwise in the order of the report."""
    seen: dict[bytes, int] = {}
    for level in levels or Level:
        for found, later in _drafts(report):
            if found is level:
                yield _finished(later(), level, report.stamp, seen)


def tallied(report: Report) -> Counter[Level]:
    """How many annotations of each level there are."""
    return Counter(level for level, _ in _drafts(report))


def path_of(file: str, stamp: Stamp) -> str:
    """A file's path from the root of the source tree; absolute where it lies elsewhere, empty for stdin."""
    if file == STDIN:
        return ""
    path = posixpath.normpath(posixpath.join(stamp.folder, file))
    root = stamp.root.rstrip("/") + "/"
    return path[len(root) :] if stamp.root and path.startswith(root) else path


def _drafts(report: Report) -> Iterator[tuple[Level, _Later]]:
    match report.topic:
        case Topic.PLAN:
            yield from _of_rows(report.rows)
        case Topic.DRIFT:
            for row in report.drifted:
                yield Level.DANGER, partial(_drift, row)
        case Topic.APPLY:
            yield from _of_outcomes(report)
    for each in report.diagnostics:
        level = Level.ERROR if each.severity is Severity.ERROR else Level.WARNING
        yield level, partial(_of_diagnostic, each)


def _of_rows(rows: Iterable[Row]) -> Iterator[tuple[Level, _Later]]:
    for row in rows:
        if row.sign is Sign.HELD and row.reason:
            yield _weight(row.reason), partial(_of_diagnostic, row.reason, row)
        if row.irreversible:
            yield Level.DANGER, partial(_irreversible, row)
        if row.standing in (Standing.DRIFTED, Standing.BOTH):
            yield Level.DANGER, partial(_drift, row)


def _of_outcomes(report: Report) -> Iterator[tuple[Level, _Later]]:
    for section in report.sections:
        for group in section.groups:
            for row in group.rows:
                if row.reason:
                    skipped = section.danger is Danger.SKIPPED
                    level = Level.DANGER if skipped else _weight(row.reason)
                    yield level, partial(_of_diagnostic, row.reason, row)


def _weight(reason: Diagnostic) -> Level:
    # An item that changed since it ran is as it should be until its generation is raised.
    return Level.DANGER if reason.code is Code.CHANGED_SINCE_RUN else Level.ERROR


def _irreversible(row: Row) -> _Draft:
    # One that is made and shared can be made again, but not unshared.
    final = dict.fromkeys(each.verb for each in row.operations if each.irreversible)
    verbs = " and ".join(final or row.verbs)
    said = f"{row.address}: {verbs} cannot be undone{_edits(row.edits, '; ')}"
    return _marked(Mark.IRREVERSIBLE_STEP, row, row.edits[:1], said, row.verbs)


def _drift(row: Row) -> _Draft:
    if isinstance(row.change, Create):
        return _marked(Mark.GONE, row, (), f"{row.address} is not on the server any more")
    moved = [edit for edit in row.edits if edit.standing is not Standing.PENDING]
    said = f"{row.address}: the server moved"
    for number, edit in enumerate(moved[:FIELDS]):
        wrote = f", icaform wrote {_brief(last_written(edit))}" if edit.standing is Standing.DRIFTED else ""
        said += f"{'; ' if number else ': '}{plain(edit.field)} is {_brief(edit.before)}{wrote}"
    mark = {Standing.BOTH: Mark.BOTH, Standing.UNKNOWN: Mark.STANDING_UNKNOWN}.get(row.standing, Mark.DRIFTED)
    return _marked(mark, row, moved, said + _more(len(moved)))


def _marked(mark: Mark, row: Row, edits: Sequence[Edit], said: str, same: Iterable[str] = ()) -> _Draft:
    return _Draft(mark, said, mark.remedy, _place(row, edits), row.address, tuple(same), row.notes)


def _of_diagnostic(each: Diagnostic, row: Row | None = None) -> _Draft:
    """A diagnostic by itself, or as the reason of what happens to a row."""
    address = row.address if row else each.address
    origin = each.origin or (row.source if row else None)
    told = f"{address}: " if address and str(address) not in each.summary else ""
    # Lines, seconds and counts in a sentence change without the finding becoming another one.
    same = re.sub(r"\d+", "0", each.summary)
    detail = each.detail.split("\n") if each.detail else ()
    return _Draft(each.code, told + each.summary, each.remedy, origin, address, (same,), detail)


def _finished(draft: _Draft, level: Level, stamp: Stamp, seen: dict[bytes, int]) -> Annotation:
    origin = draft.origin
    path = path_of(origin.file, stamp) if origin else ""
    address = str(draft.address) if draft.address else ""
    identity = "\0".join((draft.rule.slug, address or path, *draft.same))
    same = sha256(identity.encode("utf-8", "surrogatepass")).digest()[:16]
    seen[same] = seen.get(same, 0) + 1
    return Annotation(
        draft.rule,
        level,
        plain(draft.summary.replace("\n", " ")),
        tuple([plain(each) for each in draft.detail]),
        plain(draft.remedy.replace("\n", " ")),
        plain(address),
        path,
        origin.line if origin and path else 0,
        origin.column if origin and path else 0,
        f"{same.hex()}:{seen[same]}",
    )


def _place(row: Row, edits: Sequence[Edit]) -> Origin | None:
    """The line of the first of these fields that the manifest has, else that which declares the resource."""
    if row.change is None:
        return row.source
    place, spec = row.change.desired.place, () if row.address.item else ("spec",)
    for edit in edits:
        # A path that is not there has the place of its nearest ancestor.
        found = place((*spec, *_steps(edit.field)))
        if found != place(spec):
            return found
    return row.source


def _steps(field: str) -> list[str | int]:
    """``a.b[0]`` as the path of a value."""
    return [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field)]


def _edits(edits: Sequence[Edit], before: str) -> str:
    said = [
        f"{plain(each.field)} {_brief(each.before)} -> {_brief(each.after)}"
        for each in edits[:FIELDS]
        if not each.private
    ]
    return (before if said else "") + "; ".join(said) + _more(len(edits))


def _more(fields: int) -> str:
    return f"; and {fields - FIELDS:,} more fields" if fields > FIELDS else ""


def _brief(value: Json) -> str:
    said = spoken(value)
    said = said if len(said) <= LONGEST else said[: LONGEST - 3] + "..."
    return f'"{said}"' if isinstance(value, str) and " " in said and value != NOT_KNOWN else said
