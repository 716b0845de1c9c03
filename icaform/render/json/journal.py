"""The JSON document of the commands about the journal. It begins as every document of ours does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from icaform.journal.account import Account, Line
from icaform.operation import Json
from icaform.render.report.journal import Ledgered
from icaform.render.report.parts import Finding, Named, Part, Versioned, document_schema
from icaform.render.report.record import FORMAT_VERSION, diagnosis, encoded, named


def render(report: Ledgered) -> Iterator[str]:
    """The lines of the document: one for each entry."""
    account = report.account
    head = {
        "format_version": FORMAT_VERSION,
        "command": report.command,
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "errored": report.errored,
        "complete": report.complete,
        "workspace": account.workspace,
        "journal": account.journal,
        "pending": account.pending,
        "total": account.total,
        "checked": account.checked,
        "lease": _lease(account),
        "diagnostics": [diagnosis(each) for each in report.diagnostics],
    }
    yield "{"
    for name, value in head.items():
        yield f"  {encoded(name)}: {encoded(value)},"
    yield '  "entries": ['
    for line in account.lines:
        comma = "" if line is account.lines[-1] else ","
        yield f"    {encoded(_entry(line, account.now))}{comma}"
    yield "  ]"
    yield "}"


def _entry(line: Line, now: float) -> dict[str, Json]:
    return {
        "number": line.number,
        "entry": line.entry,
        "state": line.state or None,
        "time": _moment(line.time),
        "age_seconds": round(now - line.time),
        "verb": line.verb or None,
        "call": line.call or None,
        "key": line.key or None,
        "user_id": line.user or None,
        "tenant_id": line.tenant or None,
        "of": line.of or None,
        "note": line.note or None,
        "resources": [named(address) for address in line.addresses],
    }


def _lease(account: Account) -> Json:
    lease = account.lease
    if lease is None:
        return None
    return {
        "holder": lease.holder,
        "run_url": lease.run_url or None,
        "expires": _moment(lease.expires),
        "seconds_left": max(0, round(lease.expires - account.now)),
        "free": account.free,
    }


def _moment(time: float) -> str | None:
    try:
        return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None  # no clock of ours was ever so wrong


class JournalEntry(Part):
    """One entry of the journal. Bodies and remembered facts are not told."""

    number: int = Field(ge=1)
    entry: Literal["begun", "ended", "adopted", "forgotten"]
    state: str | None = Field(
        description="Of a call, how it stands: `begun` and `unknown` are pending. Of an end, how it ended"
    )
    time: str | None
    age_seconds: int
    verb: str | None
    call: str | None = Field(description="Method and path")
    key: str | None = Field(description="The Idempotency-Key")
    user_id: str | None
    tenant_id: str | None
    of: int | None = Field(description="Of an end, the number of the call")
    note: str | None
    resources: list[Named]


class JournalLease(Part):
    """Who may apply the workspace, or might last and did not give it back; it ends by itself."""

    holder: str
    run_url: str | None
    expires: str | None
    seconds_left: int = Field(ge=0)
    free: bool = Field(description="It ended, or the process that held it has: the next apply takes it")


class JournalDocument(Versioned):
    """What the commands about the journal write with --output json. One that fails writes a report."""

    command: Literal["journal list", "journal audit", "journal settle"]
    verdict: str = Field(description="One line for people")
    exit_code: int
    errored: bool
    complete: bool = Field(description="Nothing is left for a person to do")
    workspace: str
    journal: str = Field(description="Where it is kept, without credentials")
    pending: int = Field(ge=0)
    total: int = Field(ge=0, description="Entries of the workspace")
    checked: int | None = Field(description="Entries that an audit has checked")
    lease: JournalLease | None
    diagnostics: list[Finding]
    entries: list[JournalEntry]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    return document_schema(JournalDocument, f"icaform journal, format {FORMAT_VERSION}")
