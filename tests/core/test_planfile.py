"""A saved plan is read only as it was written: a digest that fits makes nothing else a plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from icaform.diagnostic import Code, Rejected
from icaform.plan import digest_of
from icaform.planfile import differences, from_text, to_text
from tests.core.test_plan import NAMES, planned

Spoil = Callable[[dict[str, Any]], object]
CHANGE = "Box/moved"
STRANGE: dict[str, Spoil] = {
    "no changes": lambda plan: plan.update(changes=[]),
    "no operations": lambda plan: plan.update(operations=None),
    "commands that are a list": lambda plan: plan.update(commands=[]),
    "a change that is a number": lambda plan: plan["changes"].update({CHANGE: 4}),
    "a change without edits": lambda plan: plan["changes"][CHANGE].pop("edits"),
    "edits that are a number": lambda plan: plan["changes"][CHANGE].update(edits=3),
    "an edit that is a number": lambda plan: plan["changes"][CHANGE].update(edits=[3]),
    "an edit without a field": lambda plan: plan["changes"][CHANGE].update(edits=[[]]),
    "an edit without an end": lambda plan: plan["changes"][CHANGE].update(edits=[["f", 1]]),
    "an operation that is nothing": lambda plan: plan["operations"].update(x=None),
    "an operation that is a word": lambda plan: plan["operations"].update(x="abc"),
    "an operation without resources": lambda plan: plan["operations"].update(x=["move"]),
    "an operation on a number": lambda plan: plan["operations"].update(x=["move", 3]),
    "an operation on a list": lambda plan: plan["operations"].update(x=["move", ["Box/a"]]),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_plan_is_refused_although_its_digest_fits(name: str) -> None:
    document = json.loads(to_text(planned(NAMES)))
    STRANGE[name](document["plan"])
    document["plan_digest"] = digest_of(document["plan"])
    with pytest.raises(Rejected) as refused:
        from_text(json.dumps(document), "p.icaform")
    assert [(each.code, each.summary) for each in refused.value.diagnostics] == [
        (Code.NOT_APPROVED, "p.icaform is no plan that icaform saved")
    ]


def test_a_plan_that_was_saved_is_read_back_and_differs_from_another_in_words() -> None:
    plan = planned(NAMES)
    saved = from_text(to_text(plan), "p.icaform")
    assert saved.digest == plan.digest
    assert list(differences(saved, plan)) == []
    assert len(list(differences(saved, planned(())))) == len(plan.moves)
