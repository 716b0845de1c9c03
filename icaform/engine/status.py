"""Follows the work that the manifests' resources stand for, to its end where that is asked. It only reads.

What is at its end is not asked for again: a look costs what a plan's look at the manifests left would cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from icaform.address import Address
from icaform.course import Course, Pursuit, Stage, Yield
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.engine.observe import converse
from icaform.engine.run import Run
from icaform.operation import Steps
from icaform.state import Desired
from icaform.wire import WireError

PAUSES = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds between two looks; the last one is repeated. An analysis takes from minutes to days."""
OUTAGE = 900.0
"""Seconds for which a wait goes on although ICA does not answer: what runs there runs on meanwhile."""
AT_ONCE = 50
"""Answers that tell what work brought are read so many at a time: each may be large."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Where all work stands, in the order of the manifests. ``yields`` is None unless it was asked for.

    ``expired``: some of it goes on, and the time to wait for it is over. ``seconds`` is how long was waited.
    """

    courses: tuple[Course, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    yields: Mapping[Address, Sequence[Yield]] | None = None
    expired: bool = False
    seconds: float = 0.0


def follow(run: Run, *, wait: bool = False, within: float | None = None, yields: bool = False) -> Followed:
    """Where the work stands, after a ``wait`` where it came to its end, or ``within`` seconds had passed.

    ``yields`` asks what each work that has succeeded brought, which takes a call for each.
    """
    clock = run.world.clock
    wishes = [wish for wish in run.wishes if run.kinds[wish.address.kind].pursuit]
    courses, faults = _look(run, wishes)
    began = answered = clock.monotonic()
    pauses = chain(PAUSES, repeat(PAUSES[-1]))
    expired = False
    _show(run, courses)
    while wait and (left := _open(courses)):
        remaining = float("inf") if within is None else began + within - clock.monotonic()
        if remaining <= 0:
            expired = True
            break
        run.pause(min(next(pauses), remaining), _told(courses))
        try:
            newer, wrong = _look(run, [wish for wish in wishes if wish.address.parent in left])
        except WireError as error:
            if not error.passing or clock.monotonic() - answered > OUTAGE:
                raise
            run.world.progress("note", f"{error.sentence}; looking again soon")
            continue
        answered = clock.monotonic()
        gone = {each.address for each in wrong}
        courses = {at: each for at, each in courses.items() if not {at, at.parent} & gone} | newer
        faults += wrong
        _show(run, courses)
    brought, refused = _brought(run, list(courses.values())) if yields else (None, [])
    told = tuple(courses.values())
    findings = (*faults, *refused, *_foreign(told))
    return Followed(told, findings, brought, expired, clock.monotonic() - began)


def _look(run: Run, wishes: Sequence[Desired]) -> tuple[dict[Address, Course], list[Diagnostic]]:
    view = run.view(run.memory())
    by_kind: dict[str, list[Desired]] = {}
    for wish in wishes:
        by_kind.setdefault(wish.address.kind, []).append(wish)
    courses: dict[Address, Course] = {}
    faults: list[Diagnostic] = []
    for name, group in by_kind.items():
        pursuit = run.kinds[name].pursuit
        assert pursuit
        observed = converse(pursuit.look(group, view), run.session, run.pause)
        faults += observed.faults
        view = replace(view, resolved=observed.resolved)
        for wish in group:
            if wish.address not in observed.unclear and wish.address.parent not in observed.unclear:
                courses[wish.address] = pursuit.course(wish, observed.live.get(wish.address), view)
    return courses, faults


def _open(courses: Mapping[Address, Course]) -> frozenset[Address]:
    """The manifests of which some work goes on."""
    return frozenset(each.address.parent for each in courses.values() if each.stage.open)


def _told(courses: Mapping[Address, Course]) -> str:
    left = sum(each.stage.open for each in courses.values())
    return f"{len(courses) - left:,} of {len(courses):,} at an end, waiting for the others"


def _show(run: Run, courses: Mapping[Address, Course]) -> None:
    left = sum(each.stage.open for each in courses.values())
    run.world.progress("work", "", len(courses) - left, len(courses))


def _brought(run: Run, courses: Sequence[Course]) -> tuple[dict[Address, Sequence[Yield]], list[Diagnostic]]:
    """What work that has succeeded brought; a warning for each of which ICA does not tell."""
    found: dict[Address, Sequence[Yield]] = {}
    refused: list[Diagnostic] = []
    done = [each for each in courses if each.stage is Stage.SUCCEEDED and each.id]
    for start in range(0, len(done), AT_ONCE):
        some = done[start : start + AT_ONCE]
        for name in dict.fromkeys(each.address.kind for each in some):
            pursuit = run.kinds[name].pursuit
            assert pursuit
            asked = [each for each in some if each.address.kind == name]
            converse(_ask(pursuit, asked, found, refused), run.session, run.pause)
    return found, refused


def _ask(
    pursuit: Pursuit,
    courses: Sequence[Course],
    found: dict[Address, Sequence[Yield]],
    refused: list[Diagnostic],
) -> Steps[None]:
    answers = yield tuple(pursuit.ask(each) for each in courses)
    for each, answer in zip(courses, answers, strict=True):
        if answer.problem is None:
            found[each.address] = pursuit.brought(answer)
            continue
        why = f"ICA does not tell what it brought: {answer.problem}"
        how = "look in ICA, or leave --outputs out"
        warning = Severity.WARNING
        refused.append(Diagnostic(Code.REFUSED, why, how, address=each.address, severity=warning))


def _foreign(courses: Sequence[Course]) -> list[Diagnostic]:
    """A warning for each word of the server's that icaform does not know."""
    firsts: dict[str, list[Course]] = {}
    for each in courses:
        if each.stage is Stage.UNKNOWN:
            firsts.setdefault(each.status, []).append(each)
    return [
        Diagnostic(
            Code.FOREIGN_STATE,
            f"ICA says {status!r} of {len(those):,}, which icaform does not know, nor takes for an end",
            "look in ICA; a newer icaform may know it",
            address=those[0].address,
            severity=Severity.WARNING,
        )
        for status, those in firsts.items()
    ]
