"""GitLab's code quality report: findings that a merge request shows beside its lines.

A list of objects with the fields that GitLab reads (GitLab, code quality report format); ``fingerprint`` is
unique in a report and the same in the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from icaform.operation import Json
from icaform.render.report import Report
from icaform.render.report.annotation import Annotation, Level, annotated
from icaform.render.report.record import encoded

DIALECT = "gitlab"
SEVERITIES = {Level.ERROR: "critical", Level.DANGER: "major", Level.WARNING: "minor"}
NOWHERE = "icaform.yaml"
"""GitLab wants a file and a line. What has none is said of the file that tells where all of it applies."""


def render(report: Report, **_: object) -> Iterator[str]:
    """The lines of the document, one a finding."""
    before = "["
    for each in annotated(report):
        yield before
        before = f"  {encoded(_finding(each))},"
    yield before.removesuffix(",") if before != "[" else before
    yield "]"


def _finding(each: Annotation) -> Json:
    return {
        "type": "issue",
        "check_name": each.rule.slug,
        "description": "; ".join(each.lines),
        "severity": SEVERITIES[each.level],
        "fingerprint": each.fingerprint,
        "categories": ["Bug Risk"],
        "location": {"path": _text(each.path) or NOWHERE, "lines": {"begin": each.line or 1}},
    }


def _text(path: str) -> str:
    # Bytes of a file's name that are no text are lone surrogates here, which many readers of JSON refuse.
    return re.sub("[\ud800-\udfff]", "\ufffd", path)
