"""Where work stands, as text: the verdict, then each manifest with what a person must hear of."""

from __future__ import annotations

from collections.abc import Iterator

from icaform.course import Course, Stage
from icaform.render.report.status import Crew, Status, counted, identified, standing
from icaform.render.text.blocks import finding_lines
from icaform.render.text.ink import Line, Span, flow, paint, prose, solid

DIALECT = "text"
NARROWEST = 40
MOST = 200
"""How many pieces of work of one manifest are told one by one; JSON tells of all."""
SIGNS = {
    Stage.FAILED: ("x", "red"),
    Stage.FAILED_FINAL: ("x", "red"),
    Stage.ABORTED: ("x", "red"),
    Stage.NOT_CREATED: ("x", "red"),
    Stage.UNKNOWN: ("?", "red bold"),
    Stage.WAITING: ("=", "magenta"),
    Stage.SUCCEEDED: ("+", "green"),
}


def render(report: Status, *, colour: bool = False, width: int = 80, **_: object) -> Iterator[str]:
    """The lines of the report."""
    for each in _lines(report, max(width, NARROWEST)):
        yield paint(each, colour)


def _lines(report: Status, width: int) -> Iterator[Line]:
    yield from flow(prose(report.verdict, width - 2, "bold"), width, hang=2)
    for crew in report.crews:
        yield ()
        yield from _crew(crew, report, width)
    if report.diagnostics:
        yield ()
    for diagnostic in report.diagnostics:
        yield from finding_lines(diagnostic, width)
    if report.advice:
        yield ()
        yield from flow(prose(report.advice, width, "bold"), width)


def _crew(crew: Crew, report: Status, width: int) -> Iterator[Line]:
    place = solid(str(crew.source), "dim")
    yield from flow([solid(str(crew.address), "bold"), place], width, hang=2, gap="  ")
    yield from flow(prose(counted(crew.counts), width - 2), width, indent=2, hang=2)
    told = crew.told
    for course in told[:MOST]:
        yield from _course(course, report, width)
    if len(told) > MOST:
        yield (Span(f"  and {len(told) - MOST:,} more; --output json tells of all", "dim"),)
    for note, those in crew.noted.items():
        more = f" and {len(those) - 1:,} more" if len(those) > 1 else ""
        spans = [Span("note:", "cyan"), *prose(f"{note} ({those[0].address.item}{more})", width - 4)]
        yield from flow(spans, width, indent=2, hang=4)
    brought = [each for each in crew.courses if each.address in (report.yields or {})]
    for course in brought[:MOST]:
        yield from _course(course, report, width)
    if len(brought) > MOST:
        yield (Span(f"  and {len(brought) - MOST:,} more; --output json tells of all", "dim"),)


def _course(course: Course, report: Status, width: int) -> Iterator[Line]:
    sign, style = SIGNS[course.stage]
    head = [solid(course.address.item or course.address.name), Span(""), *prose(standing(course), width - 6)]
    which = identified(course)
    spans = [head[0], *head[2:], *([solid(f"({which})", "dim")] if which else [])]
    yield from flow(spans, width, indent=2, hang=6, lead=Span(f"{sign} ", style))
    if course.why:
        yield from flow(prose(course.why, width - 8), width, indent=6, hang=8)
    for note in course.notes:
        yield from flow([Span("note:", "cyan"), *prose(note, width - 8)], width, indent=6, hang=8)
    for each in (report.yields or {}).get(course.address, ()):
        told = [solid(f"{each.code}:"), solid(each.name), solid(each.id, "dim")]
        yield from flow(told, width, indent=6, hang=8)
