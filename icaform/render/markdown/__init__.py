"""One comment for a pull request, of a plan of any size, read in thirty seconds by whoever must approve it.

The first line is a hidden marker that names the command and the workspace: whoever posts the comment looks
for it, and writes over the one that has it. Then come a verdict in one line, what is most dangerous, and at
the end the price and the line that approves this plan and no other.

It takes no more than ``limit`` bytes, so no more than as many characters, however they are counted; ``fit``
says what is left out first. A step that cannot be undone is always named. Where so many are to be taken that
not even their names fit, the comment says so before anything else, and holds neither the digest nor the
line that approves: nobody approves what could not be read.
"""

from __future__ import annotations

from collections.abc import Iterator

from icaform.render.markdown.around import alone, approval, foot, head, left_out
from icaform.render.markdown.fit import fitted
from icaform.render.markdown.ink import marker, size
from icaform.render.report import LIMIT, Danger, Report

DIALECT = "markdown"
SHARE = 4
"""The approval may take one part in so many of the comment."""
MANY = 10**9
"""As many as are never left out, and so the most digits that a count has."""


def render(report: Report, *, colour: bool = False, width: int = 80, limit: int = LIMIT) -> Iterator[str]:
    """The lines of the comment. ``colour`` and ``width`` are for other dialects."""
    first = marker(report.command, report.workspace)
    yield first
    if not report.sections and not any(each.notes for each in report.kept):
        yield from alone(report)
        return
    last = [*foot(report), *approval(report, limit // SHARE)]
    frame = size([first, *head(report, MANY), *left_out(report, MANY), *last])
    parts = fitted(report.sections, report.topic, limit - frame)
    unnamed = sum(each.unnamed for each in parts if each.danger is Danger.IRREVERSIBLE)
    yield from head(report, unnamed)
    for each in parts:
        yield from each.lines
    if any(each.cut for each in parts):
        yield from left_out(report, sum(each.left for each in parts))
    yield from foot(report) if unnamed else last
