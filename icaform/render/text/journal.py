"""A journal as text: what is pending in full, and every other entry in a line."""

from __future__ import annotations

from collections.abc import Iterator

from icaform.journal.account import Account
from icaform.journal.account import Line as Entry
from icaform.render.report.journal import Ledgered
from icaform.render.report.wording import lasting
from icaform.render.text.blocks import finding_lines
from icaform.render.text.ink import Line, Span, flow, paint, prose, solid

NAMES = 3
"""How many resources of a call are named."""


def render(report: Ledgered, *, colour: bool = False, width: int = 80) -> Iterator[str]:
    """The lines: entries, then whoever has the lease, then what it all comes to."""
    for each in _lines(report, max(width, 40)):
        yield paint(each, colour)


def _lines(report: Ledgered, width: int) -> Iterator[Line]:
    account = report.account
    for diagnostic in report.diagnostics:
        yield from finding_lines(diagnostic, width)
        yield ()
    for entry in account.lines:
        yield from _entry(entry, account, width)
    if account.lines:
        yield ()
    if account.lease:
        yield from flow(prose(_lease(account), width), width)
    yield from flow(prose(report.verdict, width, "bold"), width)
    if report.advice:
        yield from flow(prose(report.advice, width), width)


def _entry(entry: Entry, account: Account, width: int) -> Iterator[Line]:
    about = f"of {entry.of}" if entry.of else ""
    words = " ".join(each for each in (entry.verb, about) if each)
    count = len(entry.addresses)
    names = [solid(str(each)) for each in entry.addresses[:NAMES]]
    more = [Span(f"and {count - NAMES:,} more")] if count > NAMES else []
    state = entry.state if entry.entry == "ended" else "" if entry.entry == entry.state else entry.state
    lead = [
        Span(f"{entry.number:>5}", "bold"),
        Span(entry.entry + (f" {words}" if words else "")),
        *([Span(state, "red bold" if entry.pending else "")] if state else []),
        Span(f"{lasting(account.now - entry.time)} ago", "dim"),
    ]
    yield from flow([*lead, *names, *more], width, hang=7, gap="  ")
    if entry.pending:
        who = f"by user {entry.user or '(not told)'} of tenant {entry.tenant or '(not told)'}"
        for said in (entry.call, f"key {entry.key}", who):
            yield from flow([solid(said)] if said else [], width, indent=7)
    if entry.note:
        yield from flow(prose(entry.note, width - 7), width, indent=7, hang=7)


def _lease(account: Account) -> str:
    lease = account.lease
    assert lease
    left = lease.expires - account.now
    where = f" ({lease.run_url})" if lease.run_url else ""
    if left > 0 and account.free:
        return f"the lease was held by {lease.holder}{where}, whose process has ended; free"
    if left > 0:
        return f"{lease.holder}{where} has the lease for {lasting(left)} more, unless it renews it"
    return f"{lease.holder}{where} left its lease, which ended {lasting(-left)} ago and is in nobody's way"
