"""What is protected, in its manifest or in icaform.yaml, is not changed; what is missing of it is made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.front import everything

SETTING = "workspace: lab\nproject: wgs-prod\nprotected: {globs}\n"


def apply(lab: Any) -> Any:
    return lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "9", "--output", "json")


@pytest.mark.parametrize(
    ("globs", "stopped"),
    [
        ("[Pipeline/*]", True),
        ("[Pipeline]", True),
        ("[Pipeline/germline-4-2]", True),
        ("[StorageCredential, AnalysisBatch/cohort]", False),
        ("[]", False),
    ],
)
def test_a_glob_in_the_setting_protects_what_exists(lab: Any, globs: str, stopped: bool) -> None:
    everything.write(lab)
    lab.write("icaform.yaml", SETTING.format(globs=globs))
    ran = lab.apply()
    assert ran.code == (11 if stopped else 0), ran.text
    assert ("is protected" in ran.text) == stopped
    assert bool(lab.writes()) != stopped


def test_a_protected_batch_is_sent_once_and_does_not_grow(lab: Any) -> None:
    lab.write("icaform.yaml", SETTING.format(globs="[AnalysisBatch]"))
    lab.write("cohort.yaml", everything.cohort(3))
    assert lab.apply().code == 0
    lab.write("cohort.yaml", everything.cohort(5))
    ran = apply(lab)
    assert ran.code == 11
    assert "AnalysisBatch/cohort is protected, and the plan would submit 2 items of it" in ran.text
    assert sum(everything.analyses(lab).values()) == 3
    lab.write("icaform.yaml", SETTING.format(globs="[]"))
    assert apply(lab).code == 0
    assert sum(everything.analyses(lab).values()) == 5
