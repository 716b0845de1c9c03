"""One Report, many dialects.

The folder is the registry: each module here but ``report`` is a dialect (``_`` stands for ``-``). It says its
name in ``DIALECT`` and has a ``render`` that takes a Report and yields lines without their ends. It is
imported when it is asked for.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from icaform.render.report import LIMIT, Report, of_apply, of_drift, of_findings, of_plan

__all__ = [
    "LIMIT",
    "Dialect",
    "Report",
    "dialect",
    "dialects",
    "of_apply",
    "of_drift",
    "of_findings",
    "of_plan",
]


class Dialect(Protocol):
    """How a report is put. A dialect that has no colours, width or limit takes them and does not ask."""

    def __call__(
        self, report: Any, *, colour: bool = False, width: int = 80, limit: int = LIMIT
    ) -> Iterator[str]:
        """The lines of the report, without their ends, each safe to print."""


@cache
def dialects() -> tuple[str, ...]:
    """The names of all dialects, in the order of the alphabet; none of them is imported."""
    return tuple(
        sorted(
            each.name.replace("_", "-") for each in pkgutil.iter_modules(__path__) if each.name != "report"
        )
    )


def dialect(name: str, about: str = "") -> Dialect:
    """The dialect of that name; KeyError where there is none.

    ``about`` is the module in it for what is no Report; such a one takes the value that it is about.
    """
    if name not in dialects():
        raise KeyError(name)
    module = f"{__name__}.{name.replace('-', '_')}" + (f".{about}" if about else "")
    render: Dialect = import_module(module).render
    return render
