"""The tables that the matrix prints: by what was different afterwards, by fault, by server; what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tests.crash.case import HIDDEN, RESTORED, VARIANTS, Case, Tally
from tests.crash.menu import MUCH_LATER

WORK = ("points", "kills", "states")
HEAD = ("cases", "duplicates", "missing", "unknown")
MOST = 40
"""So many wrong cases are told in full."""


def tables(tallies: Sequence[Tally]) -> Iterator[str]:
    """Everything, line by line."""
    yield "By what was different when icaform came again:"
    yield from _by_variant(tallies)
    yield ""
    yield "By fault of the run that was killed (points passed, processes killed, distinct states left):"
    yield from _by(tallies, "fault", lambda tally: tally.mishap.name)
    yield ""
    yield "By server:"
    yield from _by(tallies, "server", lambda tally: tally.setting)
    yield ""
    yield _total(tallies)


def _by_variant(tallies: Sequence[Tally]) -> Iterator[str]:
    cases = _cases(tallies)
    rows = [
        (*each, *_counts(case for case in cases if case.variant == each)) for each in (*VARIANTS, *RESTORED)
    ]
    yield from _rows(("journal", "rerun", "user", "manifest", *HEAD), rows)


def _by(tallies: Sequence[Tally], head: str, key: Callable[[Tally], str]) -> Iterator[str]:
    rows = []
    for name in dict.fromkeys(map(key, tallies)):
        mine = [each for each in tallies if key(each) == name]
        rows.append((name, *_work(mine), *_counts(_cases(mine))))
    yield from _rows((head, *WORK, *HEAD), rows)


def _total(tallies: Sequence[Tally]) -> str:
    points, kills, states = _work(tallies)
    cases, duplicates, missing, unknown = _counts(_cases(tallies))
    reruns = sum(len(case.codes) for case in _cases(tallies))
    return (
        f"{points} points, {kills} kills, {states} distinct states, {cases} cases ({reruns} reruns): "
        f"{duplicates} with duplicates, {missing} with something missing, {unknown} unknown and said so"
    )


def _cases(tallies: Iterable[Tally]) -> list[Case]:
    return [case for tally in tallies for case in tally.cases]


def _counts(cases: Iterable[Case]) -> tuple[int, int, int, int]:
    """How many cases; and how many have a duplicate, miss something, and said that they cannot tell."""
    found = list(cases)
    return (
        len(found),
        sum(bool(each.verdict.duplicates) for each in found),
        sum(bool(each.verdict.missing) for each in found),
        sum(each.unknown for each in found),
    )


def _work(tallies: Iterable[Tally]) -> tuple[int, int, int]:
    found = list(tallies)
    return (sum(t.points for t in found), sum(t.kills for t in found), sum(t.states for t in found))


def _rows(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [
            cell.rjust(width) if rows and isinstance(rows[0][column], int) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()


def misplaced(case: Case) -> bool:
    """Whether icaform said unknown where SAFETY says that it can be decided.

    It cannot where a batch was sent, its answer is not known, and not one of its analyses shows: then ICA
    would repeat its answer only to the same user and the same body, so another user, or a manifest that wants
    another body, has to wait until the batch has surely come or not; and so has everybody while ICA says that
    the call is still running, or hides its jobs, for it repeats no answer that was a 5xx. Nor can it be
    guessed which of two credentials of one name and owner is ours.
    """
    journal, when, user, manifest = case.variant
    waits = journal == "kept" and when == "now" and (user == "other" or manifest == "changed")
    running = when == "now" and case.mishap.name == MUCH_LATER
    blind = when == "now" and case.setting == HIDDEN
    return case.unknown and not (waits or running or blind) and case.mishap.name != "credential appears"


def wrong(tallies: Sequence[Tally]) -> Iterator[str]:
    """What must not be, each as a sentence that says how to have it again."""
    for tally in tallies:
        for each in tally.wrong:
            yield f"{tally.setting}, {tally.mishap.name} at {tally.mishap.call or 'nothing'}: {each}"
    for case in _cases(tallies):
        for each in (*case.verdict.duplicates, *case.verdict.missing):
            yield f"{_told(case)}: {each}"
        if misplaced(case):
            yield f"{_told(case)}: unknown, where SAFETY says that it can be decided"


def _told(case: Case) -> str:
    where = f"{case.setting}, {case.mishap.name} at {case.mishap.call or 'nothing'}, killed {case.point}"
    return f"{where}; then {', '.join(case.variant)}: exits {' '.join(map(str, case.codes))}"
