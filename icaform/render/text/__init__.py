"""Text for a terminal, and for whoever reads one: the verdict, then what is most dangerous, then the rest.

Signs: ``+`` create, ``~`` update, ``!`` cannot be undone, ``=`` held, ``?`` unknown, ``x`` refused,
``.`` not started, ``-`` gone from the server.
"""

from __future__ import annotations

from collections.abc import Iterator

from icaform.render.report import Report, Topic, price
from icaform.render.text.blocks import finding_lines, kept_lines, named, section_lines
from icaform.render.text.ink import Line, Span, flow, paint, prose, solid

DIALECT = "text"
NARROWEST = 40
"""A terminal that says it is narrower is written to as if it had this width."""
NAMES = 5
"""How many names of what is live and not declared, or no longer declared, are given."""


def render(report: Report, *, colour: bool = False, width: int = 80, **_: object) -> Iterator[str]:
    """The lines of a report. It is as long as it is: a limit is for other dialects."""
    wide = max(width, NARROWEST)
    for each in _findings(report, wide) if report.topic is Topic.FINDINGS else _run(report, wide):
        yield paint(each, colour)


def _findings(report: Report, width: int) -> Iterator[Line]:
    """As compilers do it: everything that is wrong, and the count where a terminal stops scrolling."""
    for section in report.sections:
        for diagnostic in section.findings:
            yield from finding_lines(diagnostic, width)
            yield ()
    yield from flow(prose(report.verdict, width, "bold"), width)


def _run(report: Report, width: int) -> Iterator[Line]:
    yield from flow(prose(report.verdict, width - 2, "bold"), width, hang=2)
    for section in report.sections:
        yield ()
        yield from section_lines(section, width, report.topic)
    for block in (_around(report, width), _end(report, width)):
        lines = list(block)
        if lines:
            yield ()
            yield from lines


def _around(report: Report, width: int) -> Iterator[Line]:
    """What is not to be changed, and what knowing all this took."""
    if report.topic is Topic.APPLY:
        return
    yield from kept_lines(report.kept, width)
    live = [str(each.address) for each in report.unmanaged[:NAMES]]
    yield from named(
        f"{len(report.unmanaged):,} live and not declared, left alone", live, len(report.unmanaged), width
    )
    gone = [str(each) for each in report.undeclared[:NAMES]]
    yield from named(
        f"{len(report.undeclared):,} no longer declared, left as they are",
        gone,
        len(report.undeclared),
        width,
    )
    yield from flow([Span("Price:", "bold"), *prose(price(report.cost), width - 2)], width, hang=2)


def _end(report: Report, width: int) -> Iterator[Line]:
    if report.advice:
        yield from flow(prose(report.advice, width, "bold"), width)
    if report.offer:
        yield from flow(prose("To run this plan and no other:", width), width)
        yield (solid(report.offer, "bold"),)
