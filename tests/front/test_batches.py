"""AnalysisBatch: every item a resource of its own, started once, followed to its end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.front import everything
from tests.front.everything import analyses, cohort


def states(lab: Any) -> dict[str, int]:
    """How many resources a plan leaves as they are, by state."""
    return {each["state"] or "": each["count"] for each in lab.plan().json["unchanged"]}


def sent(lab: Any) -> list[int]:
    """How many items each accepted batch had, in the order of their size."""
    return sorted(len(each["items"]) for each in everything.objects(lab, "Batch"))


def changes(lab: Any) -> dict[str, str]:
    """What a plan would do, by item."""
    return {
        each["item"]: each["state"] if each["state"] == "held" else "+".join(each["verbs"])
        for each in lab.plan().json["resource_changes"]
    }


@pytest.mark.parametrize("which", ["lab", "old_lab"])
def test_growing_a_manifest_from_500_to_520_items_sends_20(
    which: str, request: pytest.FixtureRequest
) -> None:
    lab = request.getfixturevalue(which)
    lab.write("cohort.yaml", cohort(500, chunk=100))
    assert lab.apply().code == 0
    assert sent(lab) == [100] * 5
    assert lab.plan().json["resource_changes"] == []
    lab.write("cohort.yaml", cohort(520, chunk=100))
    plan = lab.plan().json
    assert (plan["counts"]["create"], plan["api_calls"]["writes"], plan["api_calls"]["analyses"]) == (
        20,
        1,
        20,
    )
    assert lab.apply().code == 0
    assert sent(lab) == [20] + [100] * 5
    assert set(analyses(lab).values()) == {1}
    assert len(analyses(lab)) == 520
    assert lab.plan().json["resource_changes"] == []


@pytest.mark.parametrize("failed", [0, 1, 3])
def test_new_items_are_sent_although_an_earlier_batch_partly_failed(lab: Any, failed: int) -> None:
    for number in range(failed):
        lab.control("POST", "/outcomes", {"userReference": f"cohort/S{number:03d}", "reason": "no quota"})
    lab.write("cohort.yaml", cohort(5))
    assert lab.apply().code == (12 if failed else 0)
    lab.write("cohort.yaml", cohort(7))
    assert changes(lab) == {f"S{each:03d}": "held" for each in range(failed)} | {
        "S005": "submit",
        "S006": "submit",
    }
    lab.apply()
    assert len(analyses(lab)) == 7 - failed
    assert set(analyses(lab).values()) == {1}


def test_a_partly_failed_batch_is_reported_item_by_item_with_the_servers_reason(lab: Any) -> None:
    lab.control("POST", "/outcomes", {"userReference": "cohort/S001", "reason": "no quota left"})
    lab.write("cohort.yaml", cohort(3, more="  retry: {attempts: 2}\n"))
    ran = lab.apply()
    ended = {each["item"]: each for each in ran.json["outcomes"]}
    assert ran.code == 12
    assert {name: each["outcome"] for name, each in ended.items()} == {
        "S000": "done",
        "S001": "refused",
        "S002": "done",
    }
    assert "no quota left" in ended["S001"]["reason"]["summary"]
    first, second = lab.plan(), lab.plan()
    assert changes(lab) == {"S001": "submit"}, "one attempt is left"
    assert first.json["plan_digest"] == second.json["plan_digest"]
    assert "attempt 2 of 2" in str(first.json["resource_changes"])
    assert lab.apply().code == 1
    assert changes(lab) == {"S001": "held"}, "none is left"
    assert sent(lab) == [1, 3]
    assert lab.apply().json["outcomes"] == []
    lab.control("DELETE", "/outcomes")
    lab.write("cohort.yaml", cohort(3, more="  retry: {attempts: 3}\n"))
    assert lab.apply().code == 0
    assert analyses(lab) == Counter({"cohort/S000": 1, "cohort/S001": 1, "cohort/S002": 1})
    assert lab.plan().json["resource_changes"] == []


def test_an_item_that_failed_and_was_corrected_is_sent_again_whatever_its_retry_says(lab: Any) -> None:
    lab.control("POST", "/outcomes", {"userReference": "cohort/S001", "reason": "bad name"})
    lab.write("cohort.yaml", cohort(2))
    lab.apply()
    assert changes(lab) == {"S001": "held"}
    lab.write("cohort.yaml", cohort(2).replace("cohort/S001", "cohort/T001"))
    assert lab.apply().code == 0
    assert analyses(lab) == Counter({"cohort/S000": 1, "cohort/T001": 1})


def test_an_item_changed_since_it_ran_is_held_until_generation_is_raised(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(3))
    lab.apply()
    lab.write("cohort.yaml", cohort(3).replace("GRCh38", "GRCh37"))
    plan = lab.plan()
    assert changes(lab) == {"S000": "held", "S001": "held", "S002": "held"}
    assert {each["reason"]["code"] for each in plan.json["resource_changes"]} == {"changed-since-run"}
    assert lab.apply().json["outcomes"] == []
    lab.write("cohort.yaml", cohort(3, more="  generation: 2\n").replace("GRCh38", "GRCh37"))
    assert changes(lab) == {"S000": "submit", "S001": "submit", "S002": "submit"}
    assert lab.apply().code == 0
    assert set(analyses(lab).values()) == {2}
    assert lab.plan().json["resource_changes"] == []


def test_a_raised_generation_runs_all_items_again_although_the_last_one_partly_failed(lab: Any) -> None:
    lab.control("POST", "/outcomes", {"userReference": "cohort/S001", "reason": "no quota"})
    lab.write("cohort.yaml", cohort(3))
    lab.apply()
    lab.control("DELETE", "/outcomes")
    lab.write("cohort.yaml", cohort(3, more="  generation: 2\n"))
    assert lab.apply().code == 0
    assert analyses(lab) == Counter({"cohort/S000": 2, "cohort/S001": 1, "cohort/S002": 2})


def test_items_are_shown_while_they_are_created_and_while_they_run(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(3))
    lab.apply()
    assert sum(states(lab).values()) == 3
    lab.clock.sleep(60)
    assert states(lab) == {"succeeded": 3}


def test_an_analysis_that_ends_badly_is_told_and_not_started_again(lab: Any) -> None:
    lab.control(
        "POST", "/outcomes", {"userReference": "cohort/S000", "analysis": "FAILED", "summary": "out of disk"}
    )
    lab.write("cohort.yaml", cohort(2))
    lab.apply()
    lab.clock.sleep(60)
    plan = lab.plan()
    assert plan.json["resource_changes"] == []
    assert states(lab) == {"failed": 1, "succeeded": 1}
    assert "out of disk" in plan.out


def test_items_of_all_three_sorts_go_in_one_call(lab: Any) -> None:
    lab.write(
        "cohort.yaml",
        """
        apiVersion: icaform/v1
        kind: AnalysisBatch
        metadata: {name: mixed}
        spec:
          items:
            - name: structured
              userReference: mixed/structured
              pipeline: {name: DRAGEN Germline, version: 4-4-0}
              analysisInput: {objectType: STRUCTURED, inputs: [{parameterCode: reads, dataIds: [fil.1]}]}
            - name: json
              userReference: mixed/json
              pipeline: {code: DRAGEN Germline 4-4-0}
              analysisInput: {objectType: JSON, inputJson: '{"reads": "x"}'}
            - name: nextflow
              userReference: mixed/nextflow
              pipeline: {code: nf-core rnaseq 3-14}
              analysisInput: {parameters: [{code: genome, value: GRCh38}]}
            - name: form
              userReference: mixed/form
              pipeline: {code: nf-core rnaseq 3-14}
              inputFormValues: {fields: [{id: genome, values: [GRCh38]}]}
        """,
    )
    assert lab.apply().code == 0
    assert sent(lab) == [4]
    assert set(analyses(lab).values()) == {1}
    assert lab.plan().json["resource_changes"] == []


def test_every_analysis_carries_the_marks_by_which_it_is_found(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(1))
    lab.apply()
    (analysis,) = everything.objects(lab, "Analysis")
    tags = str(analysis)
    for said in (
        "icaform.batch=lab/cohort",
        "icaform.item=S000",
        "icaform.generation=1",
        "icaform.attempt=1",
    ):
        assert said in tags, said


def test_an_item_no_longer_declared_is_left_alone_and_told(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(3))
    lab.apply()
    lab.write("cohort.yaml", cohort(2))
    plan = lab.plan().json
    assert plan["resource_changes"] == []
    assert [each["item"] for each in plan["unmanaged"]] == ["S002"]
    assert [each["item"] for each in plan["undeclared"]] == ["S002"]
    assert len(analyses(lab)) == 3


def test_a_project_that_does_not_exist_is_an_error_of_every_manifest_that_names_it(lab: Any) -> None:
    more = "  project: wgs-prd\n"
    lab.write("one.yaml", cohort(2, name="one", more=more))
    lab.write("two.yaml", cohort(2, name="two", more=more).replace("cohort/", "two/"))
    ran = lab.plan()
    assert ran.code == 65
    assert {each["address"] for each in ran.json["diagnostics"]} == {"AnalysisBatch/one", "AnalysisBatch/two"}
    assert "wgs-prod" in ran.text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("    pipeline: {code: nf-core rnasek 3-14}", "nf-core rnaseq 3-14"),
        ("    pipeline: {code: nf-core rnaseq 3-14}\n    analysisStorage: Smal", "Small"),
        (
            "    pipeline: {code: nf-core rnaseq 3-14}\n"
            "    analysisOutput: [{sourcePath: out, targetPath: /x, targetProjectId: wgs-dve}]",
            "wgs-dev",
        ),
        (
            "    pipeline: {code: DRAGEN Germline 4-4-0}\n"
            "    activationCodeDetailId: 5c1b3d0e-8f6a-4f3c-9b1d-2a7e4c6f8b90",
            "objectType",
        ),
    ],
)
def test_what_an_item_names_and_ica_does_not_have_is_an_error_before_any_write(
    lab: Any, said: str, told: str
) -> None:
    text = cohort(2).replace("    pipeline: {code: nf-core rnaseq 3-14}", said)
    lab.write("cohort.yaml", text)
    lab.write("other.yaml", text.replace("{name: cohort}", "{name: other}").replace("cohort/", "other/"))
    ran = lab.run("apply", str(lab.folder), "--yes", "--output", "json")
    assert ran.code == 65
    assert told in ran.text
    assert lab.writes() == []


def test_chunks_are_split_by_the_number_of_external_files(lab: Any) -> None:
    files = ", ".join(
        f"{{url: 's3://b/{n}', type: s3, s3Details: {{storageCredentialsId: {{ref: StorageCredential/c}}}}}}"
        for n in range(3500)
    )
    lab.write(
        "credential.yaml",
        "apiVersion: icaform/v1\nkind: StorageCredential\nmetadata: {name: c}\nspec: {type: AWS_ROLE}\n",
    )
    lab.write(
        "cohort.yaml",
        cohort(4, chunk=100).replace(
            "{parameters: [{code: genome, value: GRCh38}]}",
            f"{{inputs: [{{parameterCode: reads, externalData: [{files}]}}]}}",
        ),
    )
    assert lab.apply().code == 0
    assert sent(lab) == [2, 2]


ARCHIVED = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: p}
spec: {status: Archived, select: {code: nf-core rnaseq 3-14}}
"""


@pytest.mark.parametrize("refers", [False, True], ids=["by code", "by reference"])
def test_a_plan_says_that_a_pipeline_is_archived_or_will_be(lab: Any, refers: bool) -> None:
    lab.write("p.yaml", ARCHIVED)
    text = everything.cohort(2)
    if refers:
        text = text.replace("{code: nf-core rnaseq 3-14}", "{ref: Pipeline/p}")
    else:
        assert lab.apply().code == 0
        (lab.folder / "p.yaml").unlink()
    lab.write("cohort.yaml", text)
    rows = [each for each in lab.plan().json["resource_changes"] if each["kind"] == "AnalysisBatch"]
    assert rows
    for row in rows:
        assert any("ICA may start no analysis of it" in each for each in row["notes"])
