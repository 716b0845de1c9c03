"""The three numbers of GitLab's Terraform widget in a merge request (GitLab, artifacts:reports:terraform).

``delete`` is always 0, since icaform deletes nothing. A plan that failed has no numbers, and zeros would say
that nothing changes: the document is then empty, which the widget shows as a report that failed.
"""

from __future__ import annotations

from collections.abc import Iterator

from icaform.render.report import Report, Topic
from icaform.render.report.record import encoded

DIALECT = "gitlab-terraform"


def render(report: Report, **_: object) -> Iterator[str]:
    """One line."""
    if report.topic is not Topic.PLAN or report.errored:
        yield "{}"
        return
    counts = report.counts
    yield encoded({"create": counts["create"], "update": counts["update"], "delete": 0})
