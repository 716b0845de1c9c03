"""Which projects an export is about, and what a manifest calls each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from icaform.operation import Call, Steps, ask
from icaform.portrait import Scope
from icaform.reference import V3, id_in, project, promised

EVERY = "*"
"""Stands for all projects that we may see."""
MANY = 41
"""Up to so many visible projects a scope has others: a plan asks no more of them about one pipeline."""


def scope_of(names: Sequence[str], own: str) -> Steps[Scope]:
    """The projects of these names, ids and urns; without any the workspace's ``own``, or all without one.

    Rejected where no project, or more than one, has such a name.
    """
    answer = yield from ask(Call("GET", "/api/projects", V3, paged=True))
    called = {promised(row["id"]): promised(row["name"]) for row in answer.body["items"]}
    counts = Counter(called.values())
    home = (yield from project(own)) if own else ""
    wanted: dict[str, str] = {}
    for name in names or ([own] if own else [EVERY]):
        ids = sorted(called, key=lambda each: each != home) if name == EVERY else [(yield from project(name))]
        for each in ids:
            title = called.get(each, "")
            # A name that could be taken for an id, or for another's, is none that a manifest could use.
            sure = title.strip() and counts[title] == 1 and not id_in(title)
            wanted[each] = "" if each == home else title if sure else each
    others = [each for each in called if each not in wanted] if len(called) <= MANY else []
    return Scope(wanted, tuple(others))
