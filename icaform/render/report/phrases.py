"""What is said in the same words wherever it is said: of the price, of what stays, of who moved."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from icaform.change import NOT_KNOWN, Standing
from icaform.operation import Json, Made
from icaform.render.report.model import Cost, Danger, Group, Kept, Sign, Topic, number

REMARKS = {
    Standing.DRIFTED: "drifted",
    Standing.BOTH: "drifted, and changed here",
    Standing.UNKNOWN: "standing not known",
}


def price(cost: Cost) -> str:
    """What knowing all this took, and what doing it will take."""
    parts = [f"{number(cost.reads, 'read')} made"]
    parts += [f"{number(cost.writes, 'write')} to come"] if cost.writes else []
    if cost.analyses:
        analyses = "analysis" if cost.analyses == 1 else "analyses"
        parts.append(f"{cost.analyses:,} {analyses} to be started")
    if cost.seconds is not None and cost.writes:
        seconds = max(1.0, cost.seconds)
        span = f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
        parts.append(f"about {span} at {cost.rate:,.3g} calls a second")
    return ", ".join(parts)


def noteworthy(kept: Sequence[Kept]) -> bool:
    """Whether there is more to say of what stays than that it does."""
    return any(each.state or each.notes for each in kept)


def stance(group: Group, danger: Danger, topic: Topic) -> str:
    """Who moved, where that does not go without saying: in a drift, and below its heading in a plan, it does;
    in an apply it is over.
    """
    told = topic is not Topic.PLAN or (danger, group.standing) == (Danger.DRIFTED, Standing.DRIFTED)
    return "" if told else REMARKS.get(group.standing, "")


def remark(group: Group, danger: Danger, topic: Topic) -> str:
    """The same, and of what is in no section of such steps that it cannot be undone."""
    final = group.sign is Sign.IRREVERSIBLE and danger is not Danger.IRREVERSIBLE
    return "cannot be undone" if final else stance(group, danger, topic)


def ours(value: Json) -> bool:
    """Whether a value is spoken of in icaform's own words, and does not speak for itself."""
    return value is None or value == NOT_KNOWN or isinstance(value, Made)


def leftward(text: str) -> bool:
    """Whether a text has letters that are read from right to left. Two such texts change places on a page
    where nothing but a sign stands between them, so that before is taken for after.
    """
    return not text.isascii() and any(unicodedata.bidirectional(each) in ("R", "AL") for each in text)
