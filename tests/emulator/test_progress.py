"""Batches and analyses: how they get on as time passes, and how they fail."""

from __future__ import annotations

from typing import Any

import pytest

from icaform.emulator import Settings
from icaform.emulator.progress import stages

from .conftest import V3, V4, Caller


def submitted(caller: Caller, *items: dict[str, Any], kind: str = "nextflowItems") -> str:
    path = f"/api/projects/{caller.project()}/analysisCreationBatch"
    answer = caller("POST", path, json={kind: list(items)})
    assert answer.status_code == 201, answer.text
    return f"{path}/{answer.json()['id']}"


def items(caller: Caller, batch: str, version: str = V4) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = caller("GET", f"{batch}/items", version).json()["items"]
    return listed


def search(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    path = f"/api/projects/{caller.project()}/analysis:search"
    found: list[dict[str, Any]] = caller("POST", path, json=query).json()["items"]
    return found


def test_a_batch_and_its_items_pass_through_their_statuses(ada: Caller) -> None:
    batch = submitted(ada, *(ada.item(f"s{n}") for n in range(4)))
    seen: list[tuple[str, ...]] = []
    for _ in range(16):
        job = ada("GET", batch).json()["job"]["status"]
        moment = (job, *(item["processing"]["status"] for item in items(ada, batch)))
        if moment not in seen:
            seen.append(moment)
        created = [
            item["createdAnalysis"]["userReference"]
            for item in items(ada, batch)
            if "createdAnalysis" in item
        ]
        assert [a["userReference"] for a in search(ada)] == created
        assert len(created) == moment.count("SUCCEEDED") - (job == "SUCCEEDED")
        ada.advance(0.1)
    waiting, running, done = "WAITING_RESOURCES", "RUNNING", "SUCCEEDED"
    assert seen == [
        ("INITIALIZED", waiting, waiting, waiting, waiting),
        ("RUNNING", running, waiting, waiting, waiting),
        ("RUNNING", done, running, waiting, waiting),
        ("RUNNING", done, done, running, waiting),
        ("RUNNING", done, done, done, running),
        ("SUCCEEDED", done, done, done, done),
    ]


def test_items_fail_one_by_one_and_say_why(ada: Caller) -> None:
    ada.control("POST", "/outcomes", {"userReference": "bad*", "reason": "No activation code."})
    archived = ada.pipeline("DRAGEN Germline 4-4-0")
    ada("POST", f"/api/pipelines/{archived}:archive")
    unknown = {**ada.item("unknown"), "pipelineId": "00000000-0000-0000-0000-000000000000"}
    batch = submitted(
        ada,
        ada.item("good"),
        ada.item("bad 1"),
        unknown,
        ada.item("archived", "DRAGEN Germline 4-4-0"),
        ada.item("language", "DRAGEN Germline 4-2-7"),
        ada.item("draft", "nf-core sarek 3-5"),
        ada.item("storage", analysisStorageId="00000000-0000-0000-0000-000000000000"),
    )
    ada.advance(10)
    assert ada("GET", batch).json()["job"]["status"] == "PARTIALLY_SUCCEEDED"
    fates = {item["request"]["userReference"]: item["processing"] for item in items(ada, batch)}
    assert fates.pop("good") == {"status": "SUCCEEDED", "additionalStatusInformation": None}
    assert {fate["status"] for fate in fates.values()} == {"FAILED"}
    assert fates["bad 1"]["additionalStatusInformation"] == "No activation code."
    assert "archived" in fates["archived"]["additionalStatusInformation"]
    assert all(fate["additionalStatusInformation"] for fate in fates.values())
    failed = ada("GET", f"{batch}/items?status=FAILED&status=RUNNING", V4).json()["items"]
    assert len(failed) == len(fates) == 6
    assert ada("GET", f"{batch}/items?status=DONE", V4).status_code == 400


def test_a_batch_of_which_nothing_succeeds_has_failed_and_an_empty_one_succeeds(ada: Caller) -> None:
    ada.control("PUT", "/outcomes", [{"userReference": "*", "reason": "no"}])
    batch, empty = submitted(ada, ada.item("a")), submitted(ada)
    ada.advance(10)
    assert ada("GET", batch).json()["job"]["status"] == "FAILED"
    assert ada("GET", empty).json()["job"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize("outcome", ["SUCCEEDED", "FAILED", "FAILED_FINAL"])
def test_an_analysis_passes_through_the_statuses_of_each_version(ada: Caller, outcome: str) -> None:
    rule = {"userReference": "one", "analysis": outcome, "summary": "Out of disk."}
    ada.control("POST", "/outcomes", rule)
    path = f"/api/projects/{ada.project()}"
    made = ada(
        "POST", f"{path}/analysis:nextflow", V4, json=ada.item("one"), headers={"Content-Type": V4}
    ).json()
    older, newer = [], []
    for _, lasts in (*stages(Settings()), ("", 0.1)):
        ada.advance(0.01)
        older.append(ada("GET", f"{path}/analyses/{made['id']}", V3).json()["status"])
        newer.append(ada("GET", f"{path}/analyses/{made['id']}", V4).json()["status"])
        ada.advance(lasts)
    assert newer == [*(status for status, _ in stages(Settings())), outcome]
    assert older == ["REQUESTED"] * 3 + ["INPROGRESS"] * 3 + [outcome.replace("_", "")]
    last = ada("GET", f"{path}/analyses/{made['id']}", V4).json()
    assert last["summary"] == "Out of disk."
    assert last["startDate"] < last["endDate"] == last["timeModified"]


def test_an_abort_is_not_immediate_and_cannot_follow_the_end(ada: Caller) -> None:
    path = f"/api/projects/{ada.project()}"
    made = ada("POST", f"{path}/analysis:nextflow", json=ada.item("one")).json()
    path = f"{path}/analyses/{made['id']}"
    assert ada("POST", f"{path}:abort").status_code == 204
    seen = []
    for _ in range(4):
        seen.append(ada("GET", path, V4).json()["status"])
        ada.advance(0.25)
    assert seen == ["REQUESTED", "ABORTING", "ABORTED", "ABORTED"]
    assert ada("POST", f"{path}:abort").status_code == 409


def test_a_stale_if_match_is_a_409_and_a_missing_one_is_not_checked(ada: Caller) -> None:
    path = f"/api/projects/{ada.project()}"
    made = ada(
        "POST", f"{path}/analysis:nextflow", V4, json=ada.item("one"), headers={"Content-Type": V4}
    ).json()
    path = f"{path}/analyses/{made['id']}"
    tag = ada("GET", path, V4).headers["ETag"]
    for tags, headers, status in (
        (["a"], {"If-Match": tag}, 200),
        (["b"], {"If-Match": tag}, 409),
        (["c"], {}, 200),
    ):
        body = made | {"tags": {"technicalTags": tags, "userTags": [], "referenceTags": []}}
        answer = ada("PUT", path, V4, json=body, headers={"Content-Type": V4, **headers})
        assert answer.status_code == status
    assert ada("GET", path, V4).json()["tags"]["technicalTags"] == ["c"]
    assert ada("PUT", path, V4, json={"tags": {}}, headers={"Content-Type": V4}).status_code == 400


def test_a_single_analysis_of_a_draft_archived_foreign_or_unknown_pipeline_is_refused(ada: Caller) -> None:
    path = f"/api/projects/{ada.project('wgs-dev')}/analysis:nextflow"
    draft = ada("POST", path, json=ada.item("x", "nf-core sarek 3-5"))
    language = ada("POST", path, json=ada.item("x", "DRAGEN Germline 4-2-7"))
    elsewhere = ada("POST", path, json=ada.item("x", "nf-core rnaseq 3-14"))
    assert [a.status_code for a in (draft, language, elsewhere)] == [400, 400, 404]


def test_search_wants_all_tags_and_any_status(ada: Caller) -> None:
    path = f"/api/projects/{ada.project()}/analysis:nextflow"
    for reference, tags in (("one", ["a", "b"]), ("two", ["a"]), ("three", [])):
        assert ada("POST", path, json=ada.item(reference, tags={"technicalTags": tags})).status_code == 201
    assert len(search(ada, technicalTags=["a"])) == 2
    assert [a["userReference"] for a in search(ada, technicalTags=["a", "b"])] == ["one"]
    assert len(search(ada, status=["REQUESTED", "FAILED"])) == 3
    assert search(ada, status=["FAILED"]) == []
    assert len(search(ada, pipelineNames=["nf-core rnaseq"])) == 3
    assert search(ada, pipelineUUIDs=[ada.pipeline("DRAGEN Germline 4-2-7")]) == []


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"userReference": ""}, "userReference"),
    ({"userReference": "dots.are.not.allowed"}, "userReference"),
    ({"userReference": "x" * 256}, "userReference"),
    ({"userReference": 5}, "userReference"),
    ({"pipelineId": None}, "pipelineId"),
    ({"analysisStorageId": "not-a-uuid"}, "analysisStorageId"),
    ({"analysisInput": {}}, "analysisInput.inputs"),
    ({"analysisInput": {"inputs": [{}]}}, "analysisInput.inputs.0.parameterCode"),
    ({"tags": {"userTags": "one"}}, "tags.userTags"),
    ({"logs": {"logsFolderPath": "relative"}}, "logs.logsFolderPath"),
    (
        {
            "analysisInput": {
                "inputs": [{"parameterCode": "x", "externalData": [{"url": "u", "type": "ftp"}]}]
            }
        },
        "analysisInput.inputs.0.externalData.0.type",
    ),
]


@pytest.mark.parametrize(("change", "field"), BROKEN)
def test_a_body_that_breaks_the_description_is_a_400_naming_the_field(
    ada: Caller, change: dict[str, Any], field: str
) -> None:
    path = f"/api/projects/{ada.project()}"
    body = ada.item("one") | change
    single = ada("POST", f"{path}/analysis:nextflow", json=body)
    batch = ada("POST", f"{path}/analysisCreationBatch", json={"nextflowItems": [ada.item("fine"), body]})
    assert (single.status_code, list(single.json()["parameters"])) == (400, [field])
    assert (batch.status_code, list(batch.json()["parameters"])) == (400, [f"nextflowItems.1.{field}"])
    assert ada.control("GET", "/state")["counts"]["Analysis"] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 151}, "name"),
        ({"type": "AWS_ROLE"}, "type"),
        ({"awsCredentials": {"accessKeyId": "a"}}, "awsCredentials.secretAccessKey"),
        (
            {"awsCredentials": {"accessKeyId": "a", "secretAccessKey": "TOP=SECRET"}},
            "awsCredentials.secretAccessKey",
        ),
        ({"awsCredentials": {"accessKeyId": "", "secretAccessKey": "b"}}, "awsCredentials.accessKeyId"),
    ],
)
def test_a_credential_that_breaks_the_description_is_a_400_that_does_not_repeat_the_secret(
    ada: Caller, change: dict[str, Any], field: str
) -> None:
    answer = ada("POST", "/api/storageCredentials", json={"name": "bucket", "type": "AWS_USER"} | change)
    assert (answer.status_code, list(answer.json()["parameters"])) == (400, [field])
    assert "TOP" not in answer.text


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_json_object_is_a_400(ada: Caller, raw: bytes) -> None:
    answer = ada("POST", "/api/storageCredentials", data=raw, headers={"Content-Type": V3})
    assert (answer.status_code, list(answer.json()["parameters"])) == (400, ["body"])
