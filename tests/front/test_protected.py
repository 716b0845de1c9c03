"""What is protected, in its manifest or in icaform.yaml, is not changed; what is missing of it is made."""

from __future__ import annotations

import shutil
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


AGAIN = {
    "another generation": everything.cohort(2, more="  generation: 2\n"),
    "other items": everything.cohort(2).replace("S00", "T00"),
    "other items of another generation": everything.cohort(2, more="  generation: 2\n").replace("S00", "T00"),
}


@pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])
@pytest.mark.parametrize("manifest", AGAIN.values(), ids=AGAIN)
def test_a_protected_batch_is_not_sent_again_in_another_guise(lab: Any, manifest: str, lost: bool) -> None:
    lab.write("icaform.yaml", SETTING.format(globs="[AnalysisBatch]"))
    lab.write("cohort.yaml", everything.cohort(2))
    assert lab.apply().code == 0
    if lost:
        lab.clock.sleep(1000)
        shutil.rmtree(lab.folder / ".icaform")
    lab.write("cohort.yaml", manifest)
    ran = apply(lab)
    assert ran.code == 11, ran.text
    assert "AnalysisBatch/cohort is protected, and the plan would submit 2 items of it" in ran.text
    assert len(everything.objects(lab, "Analysis")) == 2
    lab.write("icaform.yaml", SETTING.format(globs="[]"))
    assert apply(lab).code == 0
    assert len(everything.objects(lab, "Analysis")) == 4


def test_a_protected_batch_that_is_still_being_created_is_not_sent_again_either(slow_lab: Any) -> None:
    lab = slow_lab
    lab.control("POST", "/faults", {"match": {"method": "GET", "path": "*/analysisCreationBatch/*"},
                                    "do": "status", "status": 403, "times": 99})  # fmt: skip
    lab.write("icaform.yaml", SETTING.format(globs="[AnalysisBatch]"))
    lab.write("cohort.yaml", everything.cohort(2))
    assert lab.apply().code == 14
    lab.control("DELETE", "/faults")
    lab.write("cohort.yaml", AGAIN["another generation"])
    assert apply(lab).code == 11
