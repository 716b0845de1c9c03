"""The report of an apply: how it ended, for each resource by the worst that happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, assert_never

from icaform.address import Address
from icaform.diagnostic import Code, Severity
from icaform.operation import Done, Operation, Outcome, Refused, Skipped, Unknown
from icaform.plan import Plan
from icaform.render.report.model import Cost, Danger, Ended, Report, Row, Sign, Topic, of_severity
from icaform.render.report.plan import kept_of, rows_of, unchanged
from icaform.render.report.shape import section, untold, warnings


class Applied(Protocol):
    """What is asked of the result of an apply."""

    @property
    def plan(self) -> Plan:
        """What was meant."""

    @property
    def outcomes(self) -> Sequence[tuple[Operation, Address, Outcome]]:
        """How each operation ended for each of its resources."""


WORST = ("unknown", "refused", "skipped", "done", "already")
"""A resource that took several operations counts once, as the first of these that one of them was."""
WORDS = {"done": "done", "already": "already so", "refused": "refused", "unknown": "unknown"}
DANGERS = {
    "unknown": (Danger.OUTCOME_UNKNOWN, Sign.UNKNOWN),
    "refused": (Danger.REFUSED, Sign.REFUSED),
    "skipped": (Danger.SKIPPED, Sign.SKIPPED),
    "done": (Danger.DONE, None),
    "already": (Danger.ALREADY, None),
}


def of_apply(result: Applied, *, exit_code: int = 0) -> Report:
    """What was done, and what was not and why."""
    plan = result.plan
    planned = rows_of(plan)
    ended = tuple(Ended(*each, word_of(each[2])) for each in result.outcomes)
    buckets: dict[str, list[Row]] = {word: [] for word in WORST}
    by_address: dict[Address, list[Ended]] = {}
    for each in ended:
        by_address.setdefault(each.address, []).append(each)
    known = {row.address: row for row in planned}
    for address, all_of_it in by_address.items():
        worst = min((each.word for each in all_of_it), key=WORST.index)
        row = known.get(address) or Row(address, Sign.UPDATE)
        buckets[worst].append(_row(row, worst, all_of_it))
    held = [row for row in planned if row.sign is Sign.HELD]
    errors = of_severity(plan.diagnostics, Severity.ERROR)
    kept = kept_of(plan.changes)
    counts = {
        **{word: len(buckets[word]) for word in ("done", "already", "refused", "unknown", "skipped")},
        "held": len(held),
        "irreversible": sum(each.operation.irreversible and each.word == "done" for each in ended),
        "keep": len(plan.changes) - len(planned),
        "busy": sum(each.count for each in kept if each.busy),
        "aside": plan.aside,
        "errors": len(errors),
        "warnings": len(plan.diagnostics) - len(errors),
    }
    unfinished = counts["refused"] + counts["unknown"] + counts["skipped"]
    price, awaited = plan.price, plan.awaited
    return Report(
        topic=Topic.APPLY,
        command="apply",
        verdict=_verdict(counts),
        counts=counts,
        sections=(
            *(
                each
                for word in ("unknown", "refused", "skipped")
                for each in section(DANGERS[word][0], buckets[word])
            ),
            *section(Danger.HELD, held),
            *untold((), errors),
            *section(Danger.DONE, buckets["done"]),
            *section(Danger.ALREADY, buckets["already"]),
            *warnings(plan.diagnostics),
        ),
        rows=planned,
        ended=ended,
        kept=kept,
        unmanaged=plan.unmanaged,
        undeclared=plan.undeclared,
        diagnostics=plan.diagnostics,
        cost=Cost(price.reads, price.writes, price.analyses),
        digest=plan.digest,
        workspace=plan.workspace,
        server=plan.server,
        advice=_advice(counts, unfinished, len(by_address), awaited, _doubtful(buckets["unknown"])),
        errored=bool(unfinished or errors),
        complete=not (unfinished or errors or held or awaited),
        exit_code=exit_code,
        changes=plan.changes,
    )


def word_of(outcome: Outcome) -> str:
    """An outcome in the word that the counts use."""
    match outcome:
        case Done(already=True):
            return "already"
        case Done():
            return "done"
        case Refused():
            return "refused"
        case Unknown():
            return "unknown"
        case Skipped():
            return "skipped"
        case _:
            assert_never(outcome)


def _row(row: Row, worst: str, ended: Sequence[Ended]) -> Row:
    deciding = ended if len(ended) == 1 else [each for each in ended if each.word == worst]
    before = [f"{each.operation.verb} was {WORDS[each.word]}" for each in ended if each.word in WORDS]
    outcome = deciding[0].outcome
    final = row.irreversible or any(each.operation.irreversible for each in ended)
    return Row(
        row.address,
        DANGERS[worst][1] or (Sign.IRREVERSIBLE if final else row.sign),
        tuple([each.operation.verb for each in deciding]),
        row.edits,
        () if len(deciding) == len(ended) else tuple(before),
        row.standing,
        final,
        None if isinstance(outcome, Done) else outcome.reason,
        row.change,
        tuple([each.operation for each in ended]),
    )


def _verdict(counts: Mapping[str, int]) -> str:
    words = {**WORDS, "skipped": "not started", "held": "held", "errors": "cannot be told"}
    parts = [f"{counts[word]:,} {said}" for word, said in words.items() if counts[word]]
    return f"{', '.join(parts) or 'Nothing to do'}; {unchanged(counts)}"


def _doubtful(unknown: Sequence[Row]) -> bool:
    """Whether ICA did not even acknowledge some of what is unknown."""
    return any(row.reason is None or row.reason.code is not Code.STILL_RUNNING for row in unknown)


def _advice(counts: Mapping[str, int], unfinished: int, of_all: int, awaited: int, doubtful: bool) -> str:
    if not unfinished:
        return (
            f"{awaited:,} still being created: run icaform apply again to see it through" if awaited else ""
        )
    first = ""
    if doubtful:
        first = "look in ICA at each unknown; "
    elif counts["refused"]:
        first = "mend what was refused; "
    return f"{unfinished:,} of {of_all:,} not done: {first}run icaform apply again to go on"
