"""What is decided beforehand about items and analyses, by a pattern of their userReference; told through the
control door.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from .record import Json
from .world import World


@dataclass(frozen=True)
class Outcome:
    """`reason` makes a batch item fail and a single start be refused; `analysis` is how the analysis ends,
    with its `summary`.
    """

    user_reference: str = "*"
    reason: str | None = None
    analysis: str = "SUCCEEDED"
    summary: str | None = None

    def __post_init__(self) -> None:
        if self.analysis not in ("SUCCEEDED", "FAILED", "FAILED_FINAL"):
            raise ValueError("analysis must be SUCCEEDED, FAILED or FAILED_FINAL")


def outcome_of(world: World, user_reference: str, first: tuple[Outcome, ...] = ()) -> Outcome:
    """The first rule that fits, `first` before those that were told; without one everything succeeds."""
    for rule in (*first, *map(read, world.fact("outcomes") or ())):
        if fnmatchcase(user_reference, rule.user_reference):
            return rule
    return Outcome()


def read(document: Json) -> Outcome:
    """{"userReference": glob, "reason"?: text, "analysis"?: status, "summary"?: text}"""
    known = {
        "userReference": "user_reference",
        "reason": "reason",
        "analysis": "analysis",
        "summary": "summary",
    }
    unknown = set(document) - set(known)
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    return Outcome(**{known[name]: value for name, value in document.items()})
