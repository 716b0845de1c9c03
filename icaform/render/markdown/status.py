"""Where work stands, as one comment: a table of the manifests, then what a person must hear of."""

from __future__ import annotations

from collections.abc import Iterator

from icaform.course import Course
from icaform.render.markdown.ink import code, marker, prose, size
from icaform.render.report import LIMIT
from icaform.render.report.status import Status, counted, identified, standing

DIALECT = "markdown"
NAME, REASON = 120, 300
"""How many characters of a name and of a reason are told."""
FINDINGS = 20
END = 200
"""Room for the line that says how many are left out."""


def render(report: Status, *, limit: int = LIMIT, **_: object) -> Iterator[str]:
    """The lines of the comment, within ``limit`` bytes; what finds no room in it is counted."""
    left = limit - END
    omitted = 0
    for line in _lines(report):
        left -= size([line])
        if left < 0 or omitted:
            omitted += 1
        else:
            yield line
    if omitted:
        yield ""
        yield f"{omitted:,} lines are left out here. `--output json` tells of all."


def _lines(report: Status) -> Iterator[str]:
    yield marker(report.command, report.workspace)
    whose = f" of {code(report.workspace, NAME)}" if report.workspace else ""
    yield f"### Status{whose}: {prose(report.verdict)}"
    yield ""
    for crew in report.crews:
        yield f"- {code(str(crew.address), NAME)} {prose(counted(crew.counts))}"
    for crew in report.crews:
        if crew.told:
            yield ""
            yield f"**{code(str(crew.address), NAME)}**"
            yield ""
        for course in crew.told:
            yield _course(course)
    if report.diagnostics:
        yield ""
    for each in report.diagnostics[:FINDINGS]:
        yield f"- {each.severity.value.capitalize()}: {prose(each.summary, REASON)}"
    if report.advice:
        yield ""
        yield prose(report.advice)


def _course(course: Course) -> str:
    name = course.address.item or course.address.name
    which = identified(course)
    parts = [f"- {code(name, NAME)} {prose(standing(course), NAME)}"]
    parts += [f"({prose(which, NAME)})"] if which else []
    said = " ".join(parts)
    reasons = [prose(each, REASON) for each in (course.why, *course.notes) if each]
    return said + (f": {'; '.join(reasons)}" if reasons else "")
