"""What stands around the sections: the verdict, what stays as it is, where all of it is, and the approval."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from icaform.render.markdown.ink import code, folded, prose, size
from icaform.render.report import Report, Topic, noteworthy, number, plain, price

NAMES, NAME = 5, 40
"""How many names of what is left alone are told, and how many characters of each."""
STATES, NOTES, NOTE = 6, 3, 120
"""How many states of what stays are told, and how many notes, and how many characters of each."""
FILES, FILE = 3, 100
"""How many of the files that hold everything are told, and how many characters of each name."""
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*/?")
LONGEST_LINK = 300


def title(report: Report) -> str:
    """Whose report it is, and the verdict."""
    whose = f" of {code(report.workspace, NAME)}" if report.workspace else ""
    return f"{report.command.capitalize()}{whose}: {prose(report.verdict)}"


def alone(report: Report) -> Iterator[str]:
    """All that is said where there is nothing to do: one line."""
    # The verdict tells what is unchanged.
    beside = [each for each in _left_alone(report) if not each.endswith(" unchanged")]
    yield f"**{title(report)}**{'; ' if beside else ''}{', '.join(beside)}"


def head(report: Report, unnamed: int) -> Iterator[str]:
    """The verdict, and what a reader must know before anything else."""
    yield f"### {title(report)}{'; it cannot be approved from this comment' if unnamed else ''}"
    yield ""
    steps = report.counts.get("irreversible", 0)
    if report.topic is Topic.PLAN and steps:
        yield "> [!CAUTION]"
        if unnamed:
            yield (
                f"> **This plan cannot be approved from this comment: {unnamed:,} of the resources with "
                f"steps that cannot be undone find no room in it.** {_where(report)}"
            )
        else:
            yield f"> **{number(steps, 'step')} cannot be undone.**"
        yield ""
    elif report.advice:
        yield "> [!WARNING]"
        yield f"> {prose(report.advice)}"
        yield ""


def left_out(report: Report, count: int) -> Iterator[str]:
    """How much is not shown, and where it is."""
    much = f"{count:,} {'is' if count == 1 else 'are'} left out here. " if count else ""
    yield f"{much}{_where(report)}"
    yield ""


def _where(report: Report) -> str:
    files = ", ".join(code(each, FILE) for each in report.elsewhere[:FILES])
    run = ""
    if report.run_url:
        linked = len(report.run_url) <= LONGEST_LINK and _LINK.fullmatch(report.run_url)
        run = f" of [this run]({report.run_url})" if linked else f" of {code(report.run_url, FILE)}"
    if files:
        return f"All of it is in {files}{run}."
    return (
        f"All of it: run `icaform {plain(report.command)} --report html=FILE`{run and ', or the log' + run}."
    )


def foot(report: Report) -> Iterator[str]:
    """What stays as it is, folded away, and the price."""
    if report.topic not in (Topic.PLAN, Topic.DRIFT):
        return
    live = [str(each.address) for each in report.unmanaged[:NAMES]]
    gone = [str(each) for each in report.undeclared[:NAMES]]
    lines = [
        *_kept(report),
        *_named("live and not declared, left alone", live, len(report.unmanaged)),
        *_named("no longer declared, left as they are", gone, len(report.undeclared)),
    ]
    if lines:
        yield from folded(", ".join(_left_alone(report)), lines)
        yield ""
    yield f"Price: {price(report.cost)}"
    yield ""


def _left_alone(report: Report) -> list[str]:
    counts = (
        (report.counts.get("keep", 0), "unchanged"),
        (len(report.unmanaged), "live and not declared"),
        (len(report.undeclared), "no longer declared"),
    )
    return [f"{count:,} {word}" for count, word in counts if count]


def _kept(report: Report) -> Iterator[str]:
    if not noteworthy(report.kept):
        return
    states = [
        f"{each.count:,} {prose(each.state, NAME) if each.state else 'as wanted'}"
        for each in report.kept[:STATES]
    ]
    if len(report.kept) > STATES:
        states.append(f"{sum(each.count for each in report.kept[STATES:]):,} in other states")
    yield f"- Unchanged: {', '.join(states)}"
    notes = [note for each in report.kept for note in each.notes]
    for note in notes[:NOTES]:
        more = f" and {note.count - 1:,} more" if note.count > 1 else ""
        yield f"  - {code(str(note.first), NAME)}: {prose(note.text, NOTE)}{more}"
    more_notes = len(notes[NOTES:]) + sum(each.more_notes for each in report.kept)
    if more_notes:
        yield f"  - and {more_notes:,} other notes"


def _named(what: str, names: Sequence[str], count: int) -> Iterator[str]:
    if count:
        more = f" and {count - len(names):,} more" if count > len(names) else ""
        yield f"- {count:,} {what}: {', '.join([code(each, NAME) for each in names])}{more}"


def approval(report: Report, room: int) -> Iterator[str]:
    """The command that runs this plan and no other, to the letter."""
    if not report.offer:
        return
    lines = ["To run this plan and no other:", "", "```sh", report.offer, "```"]
    if plain(report.offer) != report.offer or size(lines) > room:
        yield f"To run this plan and no other: `icaform apply --approve {report.digest}`, and behind it"
        yield "the files and options of this plan, which find no room here."
    else:
        yield from lines
