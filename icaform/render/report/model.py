"""A report as a value: what happened or would happen, sorted and counted, ready to be put in any dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from icaform.address import Address, Origin
from icaform.change import NOT_KNOWN, Change, Edit, Standing
from icaform.diagnostic import Diagnostic, Severity
from icaform.operation import Json, Operation, Outcome
from icaform.state import Desired, Live

LIMIT = 60_000
"""Characters that one comment may have: GitHub takes 65,536 in a pull request, and others may add to ours."""


class Sign(Enum):
    """One character for what becomes of a resource; the first two are Terraform's."""

    CREATE = "+"
    UPDATE = "~"
    IRREVERSIBLE = "!"
    HELD = "="
    UNKNOWN = "?"
    REFUSED = "x"
    SKIPPED = "."
    GONE = "-"


class Topic(Enum):
    """What a report is about. A command that fails reports findings, whatever it was to report."""

    PLAN = "plan"
    APPLY = "apply"
    DRIFT = "drift"
    FINDINGS = "findings"


class Danger(Enum):
    """What a section holds, with its heading. A report has its sections in the order of danger."""

    IRREVERSIBLE = "irreversible", "Cannot be undone"
    OUTCOME_UNKNOWN = "unknown", "Unknown: it could not be decided whether it happened"
    REFUSED = "refused", "Refused: it did not happen"
    SKIPPED = "skipped", "Not started"
    HELD = "held", "Held: nothing is done until a person settles it"
    UNTOLD = "untold", "Cannot be told: left alone"
    DRIFTED = "drifted", "Drift: the server moved since icaform last wrote"
    BOTH = "both", "Drift and wish: the server moved, and so did the manifest"
    UPDATE = "update", "To update"
    CREATE = "create", "To create"
    DONE = "done", "Done"
    ALREADY = "already", "Already so"
    ERRORS = "errors", "Errors"
    WARNINGS = "warnings", "Warnings"

    def __init__(self, slug: str, heading: str) -> None:
        self.slug = slug
        self.heading = heading


@dataclass(frozen=True, slots=True)
class Row:
    """One resource in a report. ``change`` is None where only its outcome is known."""

    address: Address
    sign: Sign
    verbs: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()
    standing: Standing = Standing.PENDING
    irreversible: bool = False
    reason: Diagnostic | None = None
    change: Change | None = None
    operations: tuple[Operation, ...] = ()

    @property
    def source(self) -> Origin | None:
        """The line that declares it. Looked up when asked for, since that costs a walk over the manifest."""
        if self.change is not None:
            return self.change.desired.origin
        return self.reason.origin if self.reason else None


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a whole group changes; ``varies`` where not all its rows change it to the same."""

    edit: Edit
    varies: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """A text that is said of several resources, of the first of which is told which it is."""

    text: str
    count: int
    first: Address


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one shape. ``parent`` is set where they are items of one manifest.

    ``whole`` means that nothing of it may be left out or shortened. ``shown`` are the rows to name: all of
    them in a whole group, else the first few.
    ``reason`` is the first row's, and ``reasons`` counts how many different ones there are.
    """

    sign: Sign
    kind: str
    parent: Address | None
    verbs: tuple[str, ...]
    standing: Standing
    fields: tuple[Field, ...]
    notes: tuple[Tally, ...]
    more_notes: int
    reason: Diagnostic | None
    reasons: int
    rows: tuple[Row, ...]
    shown: tuple[Row, ...]
    whole: bool

    @property
    def more(self) -> int:
        """How many rows are not named."""
        return len(self.rows) - len(self.shown)


@dataclass(frozen=True, slots=True)
class Section:
    """What has one danger: groups of resources, or findings. ``more`` findings are counted and not shown."""

    danger: Danger
    groups: tuple[Group, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    more: int = 0

    @property
    def count(self) -> int:
        """How many resources, or findings, it has."""
        return sum(len(group.rows) for group in self.groups) + len(self.findings) + self.more


@dataclass(frozen=True, slots=True)
class Kept:
    """Resources of one state for which nothing is to be done. ``busy`` where work on them is under way."""

    state: str
    busy: bool
    count: int
    notes: tuple[Tally, ...] = ()
    more_notes: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How one operation ended for one resource, in a word of the counts."""

    operation: Operation
    address: Address
    outcome: Outcome
    word: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Reads made, writes to come, analyses to start, and the calls a second that are known to be allowed."""

    reads: int = 0
    writes: int = 0
    analyses: int = 0
    rate: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long the writes take at that rate; None where none is known."""
        return self.writes / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a report was made, in seconds since 1970, and where: whoever writes a pure report tells it.

    ``folder`` is where relative file names start, ``root`` that of the source tree; both absolute, or empty.
    """

    time: float | None = None
    folder: str = ""
    root: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that any dialect says of one run of one command.

    ``rows`` are the changes of a plan in its order, ``drifted`` those that the server caused, ``ended`` the
    outcomes of an apply. ``complete`` means that nothing is left to do, as far as is known; ``errored``
    that something was wrong. ``offer`` is a command to copy, ``advice`` a sentence on what to do next.
    ``changes`` is all that was compared, what is kept too, ``declared`` what ``validate`` found right.
    ``elsewhere`` are the files that hold all of this run's report, ``run_url`` the page of the CI job.
    """

    topic: Topic
    command: str
    verdict: str
    counts: Mapping[str, int]
    sections: tuple[Section, ...] = ()
    rows: tuple[Row, ...] = ()
    drifted: tuple[Row, ...] = ()
    ended: tuple[Ended, ...] = ()
    kept: tuple[Kept, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    undeclared: tuple[Address, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    cost: Cost = field(default_factory=Cost)
    digest: str = ""
    workspace: str = ""
    server: str = ""
    offer: str = ""
    advice: str = ""
    errored: bool = False
    complete: bool = True
    exit_code: int = 0
    changes: tuple[Change, ...] = ()
    declared: tuple[Desired, ...] = ()
    stamp: Stamp = field(default_factory=Stamp)
    elsewhere: tuple[str, ...] = ()
    run_url: str = ""


def last_written(edit: Edit) -> Json:
    """What we last wrote to a field, as its standing tells; NOT_KNOWN where it does not."""
    match edit.standing:
        case Standing.DRIFTED | Standing.SAME:
            return edit.after
        case Standing.PENDING:
            return edit.before
    return NOT_KNOWN


def number(count: int, noun: str) -> str:
    """``1 error``, ``2 errors``, ``1,000 errors``."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def of_severity(diagnostics: tuple[Diagnostic, ...], severity: Severity) -> tuple[Diagnostic, ...]:
    """The diagnostics of one severity, in their order."""
    return tuple(each for each in diagnostics if each.severity is severity)
