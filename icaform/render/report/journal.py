"""The report on a journal: what was begun and never ended, whether it is whole, what was closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from icaform.diagnostic import Diagnostic, Severity
from icaform.journal.account import Account
from icaform.render.report.model import number


@dataclass(frozen=True, slots=True)
class Ledgered:
    """What a command about the journal has to say. ``advice`` is a sentence on what to do next."""

    command: str
    verdict: str
    account: Account
    diagnostics: tuple[Diagnostic, ...] = ()
    exit_code: int = 0
    advice: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is left for a person to do."""
        return not self.errored and not self.account.pending

    @property
    def errored(self) -> bool:
        """Whether something is wrong, and not only worth knowing."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics)


def of_list(account: Account) -> Ledgered:
    """Of ``journal list``."""
    entries = "1 entry" if account.total == 1 else f"{account.total:,} entries"
    where = f"in workspace {account.workspace}, {account.journal}"
    if not account.pending:
        return Ledgered("journal list", f"nothing is pending of {entries} {where}", account)
    return Ledgered(
        "journal list",
        f"{number(account.pending, 'call')} with no known end, of {entries} {where}",
        account,
        advice="icaform apply looks what became of it; icaform journal settle does, too, and sends nothing",
    )


def of_audit(account: Account, flaws: Sequence[Diagnostic], *, exit_code: int) -> Ledgered:
    """Of ``journal audit``."""
    entries = "1 entry" if account.checked == 1 else f"{account.checked or 0:,} entries"
    where = f"in workspace {account.workspace}, {account.journal}"
    if flaws:
        verdict = f"the journal is not whole: {number(len(flaws), 'flaw')} in {entries} {where}"
    else:
        verdict = f"{entries} checked: chain and tables are whole, {where}"
    return Ledgered("journal audit", verdict, account, tuple(flaws), exit_code)


def of_settle(account: Account, before: Sequence[Diagnostic], *, exit_code: int) -> Ledgered:
    """Of ``journal settle``: its lines are the calls that were chosen, as they stand now.

    ``before`` tells of those that had been closed.
    """
    left = sum(line.pending for line in account.lines)
    closed = len(account.lines) - left - len(before)
    parts = [f"{number(closed, 'call')} closed"] if closed else []
    parts += [f"{len(before):,} closed before"] if before else []
    parts += [f"{left} not known"] if left else []
    return Ledgered(
        "journal settle",
        f"{', '.join(parts) or 'nothing is pending'}, in workspace {account.workspace}",
        account,
        tuple(before),
        exit_code=exit_code,
        advice="look in ICA what became of it; then say --as done or --as not-done, or wait and settle again"
        if left
        else "",
    )
