"""The report on work that was started: where each piece of it stands, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

from icaform.address import Address, Origin
from icaform.course import Course, Stage, Yield
from icaform.diagnostic import Diagnostic, Severity
from icaform.render.report.model import of_severity
from icaform.render.report.wording import lasting


@dataclass(frozen=True, slots=True)
class Crew:
    """All work of one manifest. ``counts`` has the stages that there are, in their order."""

    address: Address
    source: Origin
    courses: tuple[Course, ...]
    counts: Mapping[Stage, int]

    @property
    def told(self) -> tuple[Course, ...]:
        """The work that a person must hear of, one by one."""
        asks = (Stage.WAITING, Stage.UNKNOWN)
        return tuple(each for each in self.courses if each.stage.bad or each.stage in asks)

    @property
    def noted(self) -> Mapping[str, Sequence[Course]]:
        """What is to be said of work that is not told one by one, and of which."""
        found: dict[str, list[Course]] = {}
        for each in self.courses:
            for note in () if each in self.told else each.notes:
                found.setdefault(note, []).append(each)
        return found


@dataclass(frozen=True, slots=True)
class Status:
    """What ``status`` has to say. ``yields`` is what each work brought, None where nobody asked for it.

    ``ended``: nothing is left that goes on, or is to be started. ``elsewhere`` are the files that hold all of
    this.
    """

    about: ClassVar[str] = "status"
    """The module of a dialect that puts it into words."""

    verdict: str
    crews: tuple[Crew, ...]
    counts: Mapping[Stage, int]
    diagnostics: tuple[Diagnostic, ...] = ()
    yields: Mapping[Address, Sequence[Yield]] | None = None
    exit_code: int = 0
    advice: str = ""
    workspace: str = ""
    server: str = ""
    reads: int = 0
    seconds: float = 0.0
    elsewhere: tuple[str, ...] = ()
    command: str = "status"

    @property
    def errored(self) -> bool:
        """Whether something ended badly, or cannot be told."""
        return any(each.bad for each in self.counts) or bool(of_severity(self.diagnostics, Severity.ERROR))

    @property
    def ended(self) -> bool:
        """Whether nothing is left that goes on or is to be started."""
        left = any(each.open or each is Stage.TO_START for each in self.counts)
        return not left and not of_severity(self.diagnostics, Severity.ERROR)


def of_status(
    courses: Sequence[Course],
    diagnostics: tuple[Diagnostic, ...] = (),
    *,
    exit_code: int = 0,
    expired: bool = False,
    seconds: float = 0.0,
    **more: object,
) -> Status:
    """Count the work of each manifest, and say what it all comes to."""
    crews = []
    for address, group in groupby(courses, key=lambda each: each.address.parent):
        those = tuple(group)
        crews.append(Crew(address, those[0].desired.origin, those, _counts(those)))
    counts = _counts(courses)
    made = Status(
        _verdict(counts),
        tuple(crews),
        counts,
        diagnostics,
        exit_code=exit_code,
        advice=_advice(counts, expired, seconds),
        seconds=seconds,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def _counts(courses: Sequence[Course]) -> Mapping[Stage, int]:
    counted = Counter(each.stage for each in courses)
    return {stage: counted[stage] for stage in Stage if counted[stage]}


def counted(counts: Mapping[Stage, int]) -> str:
    """``3 failed, 10 succeeded``: what ended badly first, then what goes on."""
    worst = sorted(counts, key=lambda each: (not each.bad, not each.open, each is Stage.SUCCEEDED))
    return ", ".join(f"{counts[each]:,} {each.value}" for each in worst)


def standing(course: Course) -> str:
    """How one piece of work stands: its stage, ICA's own word where that is not known, and its time."""
    word = f"{course.stage.value}: {course.status}" if course.stage is Stage.UNKNOWN else course.stage.value
    if course.seconds is None:
        return word
    return f"{word} {'for' if course.stage.open else 'after'} {lasting(course.seconds)}"


def identified(course: Course) -> str:
    """Which attempt it is, and under which id the server has it."""
    parts = [f"attempt {course.attempt}"] if course.attempt > 1 else []
    return ", ".join([*([f"analysis {course.id}"] if course.id else []), *parts])


def _verdict(counts: Mapping[Stage, int]) -> str:
    total = sum(counts.values())
    if not total:
        return "no analysis is declared here"
    noun = "analysis" if total == 1 else "analyses"
    return f"{total:,} {noun}: {counted(counts)}"


def _advice(counts: Mapping[Stage, int], expired: bool, seconds: float) -> str:
    if expired:
        return f"not at an end after {lasting(seconds)}; run it again to go on waiting"
    if Stage.WAITING in counts:
        return "what waits for input goes on once somebody gives it in ICA"
    return "icaform apply starts what is to be started" if Stage.TO_START in counts else ""
