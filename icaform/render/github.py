"""GitHub's workflow commands: what a job prints so that it is shown at its line of the pull request.

``::error file=a.yaml,line=3,col=5,title=unknown-field::text`` (GitHub, workflow commands for Actions). A
step shows ten errors and ten warnings, so the worst ten of each are written and the rest is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from icaform.render.report import Report, number
from icaform.render.report.annotation import Annotation, Level, annotated, tallied
from icaform.render.report.wording import plain

DIALECT = "github"
SHOWN = 10
"""Annotations of one level that GitHub shows of a step."""
WORDS = {"error": (Level.ERROR,), "warning": (Level.DANGER, Level.WARNING)}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(report: Report, **_: object) -> Iterator[str]:
    """One command a line; the last is a notice of the verdict, and of what is not shown."""
    counts, more = tallied(report), []
    for word, levels in WORDS.items():
        for each in islice(annotated(report, *levels), SHOWN):
            yield _command(word, each)
        left = sum(counts[level] for level in levels) - SHOWN
        more += [f"{number(left, 'more ' + word)}"] if left > 0 else []
    said = plain(report.verdict) + (f"; {' and '.join(more)} not shown here" if more else "")
    yield f"::notice title={_property(f'icaform {report.command}')}::{said.translate(_DATA)}"


def _command(word: str, each: Annotation) -> str:
    place = f"file={_property(each.path)},line={each.line},col={each.column}," if each.path else ""
    title = f"title={_property(each.rule.slug)}"
    return f"::{word} {place}{title}::" + "\n".join(each.lines).translate(_DATA)


def _property(text: str) -> str:
    # A file's name may hold anything, also bytes that are no text and commands to a terminal.
    return plain(text).translate(_PROPERTY)
