"""What sort of value icaform itself writes under a name; any other is damage, or a stranger's. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from icaform.operation import Json

LATEST = 253_402_300_799.0
"""The last second of the year 9999, after which there are no dates, in seconds since 1970."""
MOST = 2**53
"""More than anything that is counted here; any database and any JSON keeps it as it is."""


def is_text(value: Json) -> bool:
    """A string."""
    return type(value) is str


def is_moment(value: Json) -> bool:
    """Seconds since 1970; neither NaN nor infinite."""
    return type(value) in (int, float) and 0 <= value <= LATEST


def is_flag(value: Json) -> bool:
    """True or false."""
    return type(value) is bool


def is_count(value: Json) -> bool:
    """A whole number of things, or a number of one."""
    return type(value) is int and 0 <= value <= MOST


_FACTS: Mapping[str, Callable[[Json], bool]] = MappingProxyType(
    {
        "written": is_moment,
        "failures": is_count,
        "generation": is_count,
        **dict.fromkeys(("shared", "vouched"), is_flag),
        "said": lambda value: type(value) is dict,
        **dict.fromkeys(
            ("id", "name", "message", "secret", "spec", "chunk", "batch", "analysis", "project", "failed"),
            is_text,
        ),
    }
)
"""Facts that are icaform's own, or that it has looked at before it wrote them; None stands in no memory.

What ICA told and nobody looked at (a status, a time of its own) may be anything, and so may any other fact.
"""


def amiss(facts: Mapping[str, Json]) -> str:
    """The name of a fact that is not of its sort; empty where there is none."""
    return next((name for name, fact in facts.items() if name in _FACTS and not _FACTS[name](fact)), "")
