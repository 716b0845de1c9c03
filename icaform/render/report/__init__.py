"""What a run has to say, sorted, grouped and counted once, whatever dialect it is then put in.

A file of this room asks the core's values and makes a Report; a dialect only puts a Report into words.
"""

from __future__ import annotations

from icaform.render.report.apply import Applied, of_apply
from icaform.render.report.drift import Drifted, of_drift
from icaform.render.report.findings import of_findings
from icaform.render.report.model import (
    LIMIT,
    Cost,
    Danger,
    Ended,
    Field,
    Group,
    Kept,
    Report,
    Row,
    Section,
    Sign,
    Stamp,
    Tally,
    Topic,
    last_written,
    number,
    of_severity,
)
from icaform.render.report.names import ranges, term
from icaform.render.report.phrases import leftward, noteworthy, ours, price, remark, stance
from icaform.render.report.plan import of_plan
from icaform.render.report.shape import barest, rougher
from icaform.render.report.wording import line, plain, spoken

__all__ = [
    "LIMIT",
    "Applied",
    "Cost",
    "Danger",
    "Drifted",
    "Ended",
    "Field",
    "Group",
    "Kept",
    "Report",
    "Row",
    "Section",
    "Sign",
    "Stamp",
    "Tally",
    "Topic",
    "barest",
    "last_written",
    "leftward",
    "line",
    "noteworthy",
    "number",
    "of_apply",
    "of_drift",
    "of_findings",
    "of_plan",
    "of_severity",
    "ours",
    "plain",
    "price",
    "ranges",
    "remark",
    "rougher",
    "spoken",
    "stance",
    "term",
]
