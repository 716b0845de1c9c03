"""``metadata.ignore`` leaves a field to others, and the report repeats why."""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.front.test_doubt import credential
from tests.front.test_pipelines import ORDER, live, manifest, paths, seed

WHY = "the support team keeps it"


def ignoring(text: str, *fields: str) -> str:
    said = ", ".join(f"{each}: {WHY}" for each in fields)
    return text.replace("metadata: {", f"metadata: {{ignore: {{{said}}}, ", 1)


def test_an_ignored_status_is_never_moved_and_the_reason_is_told(lab: Any) -> None:
    tried = 0
    for before, after in product(ORDER, ORDER[1:]):
        lab.control("POST", "/reset", {})
        seed(lab, status=before)
        lab.write("p.yaml", ignoring(manifest(after), "status"))
        lab.forget_requests()
        plan = lab.plan()
        assert plan.json["resource_changes"] == [], (before, after)
        assert (WHY in plan.out) == (before != after)
        assert lab.apply().code == 0
        assert lab.run("drift", str(lab.folder), "--detailed-exitcode").code == 0
        assert paths(lab) == []
        assert live(lab)[0] == before
        tried += 1
    print(f"{tried} steps tried")


def test_an_ignored_status_lets_the_message_go_where_the_pipeline_stands(lab: Any) -> None:
    tried = 0
    for status, wanted in product(ORDER, ("Deprecated", "Archived")):
        lab.control("POST", "/reset", {})
        for each in (lab.folder / ".icaform").glob("journal*"):
            each.unlink()
        seed(lab, status=status)
        lab.write("p.yaml", ignoring(manifest(wanted, more="  message: Ask us.\n"), "status"))
        assert lab.apply().code == 0
        assert live(lab) == (status, "Ask us." if status in ("Deprecated", "Archived") else None)
        tried += 1
    print(f"{tried} statuses tried")


def test_an_ignored_message_is_not_written_alone_and_not_with_a_step(lab: Any) -> None:
    seed(lab, status="Released", message="theirs")
    lab.write("p.yaml", ignoring(manifest("Deprecated", more="  message: Ask us.\n"), "message"))
    assert lab.apply().code == 0
    assert live(lab)[0] == "Deprecated"
    assert live(lab)[1] != "Ask us."
    assert lab.plan().json["resource_changes"] == []


def test_ignored_fields_of_a_credential_cost_no_call(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", credential())
    assert lab.apply().code == 0
    lab.environ["S"] = "another-secret"
    lab.write("c.yaml", ignoring(credential(shared="true"), "shared", "secret"))
    lab.forget_requests()
    plan = lab.plan()
    assert plan.json["resource_changes"] == []
    assert plan.out.count(WHY) >= 1
    assert lab.apply().code == 0
    assert lab.writes() == []


def test_what_is_created_is_as_stated_although_a_field_is_ignored_later(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", ignoring(credential(), "secret"))
    assert lab.apply().code == 0
    assert [each["path"] for each in lab.writes()] == ["/api/storageCredentials"]


def test_a_field_that_cannot_be_ignored_or_has_no_reason_is_refused_at_its_place(lab: Any) -> None:
    cases = {
        "{stauts: x}": "did you mean `status`",
        "{project: x}": "it may ignore status, message",
        '{status: ""}': "say why",
        "{status: }": "",
        "[status]": "",
    }
    for text, told in cases.items():
        lab.write("p.yaml", manifest("Archived").replace("metadata: {", f"metadata: {{ignore: {text}, ", 1))
        ran = lab.run("validate", str(lab.folder))
        assert ran.code == 65, text
        assert told in ran.text, (text, ran.text)
        assert "p.yaml:3:" in ran.text, (text, ran.text)
    lab.write(
        "p.yaml",
        ignoring(
            "apiVersion: icaform/v1\nkind: AnalysisBatch\nmetadata: {name: b}\nspec:\n  items:\n"
            "    - {name: a, userReference: a, pipeline: {code: x}, analysisInput: {inputs: []}}\n",
            "items",
        ),
    )
    ran = lab.run("validate", str(lab.folder))
    assert ran.code == 65
    assert "AnalysisBatch has no field `items` that can be ignored" in ran.text, ran.text
