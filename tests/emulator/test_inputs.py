"""External files: what ICA's API guide rules out is refused, of an item in a batch and of one alone."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import V4, Caller

S3 = {"url": "s3://b/k", "type": "s3"}
HTTP = {"url": "https://b/k", "type": "http"}
NEXTFLOW = "nf-core rnaseq 3-14"


def structured(files: list[Any]) -> Any:
    return {"analysisInput": {"inputs": [{"parameterCode": "reads", "externalData": files}]}}


def custom(files: list[Any]) -> Any:
    return {"analysisInput": {"customInput": "a: 1", "externalData": files}}


def form(files: list[Any]) -> Any:
    return {"inputFormValues": {"fields": [{"id": "reads", "externalDataValues": files}]}}


def group(files: list[Any]) -> Any:
    rows = [{"values": [{"id": "reads", "externalDataValues": files}]}]
    return {"inputFormValues": {"groups": [{"id": "samples", "values": rows}]}}


FORMS = {
    "nextflow": structured,
    "nextflowWithCustomInput": custom,
    "nextflowJson": form,
    "nextflowJson in a group": group,
}


def alone(ada: Caller, form: str, files: list[Any]) -> Any:
    body = {"userReference": "single", "pipelineId": ada.pipeline(NEXTFLOW), **FORMS[form](files)}
    path = f"/api/projects/{ada.project()}/analysis:{form.partition(' ')[0]}"
    return ada("POST", path, V4, json=body, headers={"Content-Type": V4})


def opened(ada: Caller, key: str = "") -> Any:
    """A file in a bucket that is opened with a credential: one that was just made, where none is named."""
    body = {"name": "lab", "type": "AWS_ROLE"}
    made = (
        key
        or ada("POST", "/api/storageCredentials", V4, json=body, headers={"Content-Type": V4}).json()["id"]
    )
    return {**S3, "s3Details": {"storageCredentialsId": made}}


@pytest.mark.parametrize("form", FORMS)
def test_a_credential_that_is_not_there_or_is_another_users_opens_no_bucket(
    ada: Caller, grace: Caller, form: str
) -> None:
    for file in (opened(ada, "11111111-2222-4333-8444-555555555555"), opened(grace)):
        answer = alone(ada, form, [file])
        assert answer.status_code == 400
        assert "were not found" in answer.json()["detail"]


def test_outputs_go_to_no_project_that_is_not_there(ada: Caller) -> None:
    output = {"sourcePath": "out", "type": "FOLDER", "targetProjectId": "nope", "targetPath": "/x"}
    body = {"userReference": "single", "pipelineId": ada.pipeline(NEXTFLOW), **structured([])}
    path = f"/api/projects/{ada.project()}/analysis:nextflow"
    headers = {"Content-Type": V4}
    answer = ada("POST", path, V4, json={**body, "analysisOutput": [output]}, headers=headers)
    assert answer.status_code == 400
    assert "Target project nope" in answer.json()["detail"]
    output["targetProjectId"] = ada.project()
    answer = ada("POST", path, V4, json={**body, "analysisOutput": [output]}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("form", FORMS)
def test_a_bucket_without_credentials_is_refused_and_one_with_them_is_not(ada: Caller, form: str) -> None:
    answer = alone(ada, form, [HTTP, S3])
    assert answer.status_code == 400
    assert "public buckets" in answer.json()["detail"]
    assert alone(ada, form, [HTTP, opened(ada)]).status_code == 201


@pytest.mark.parametrize("form", FORMS)
def test_a_request_names_ten_thousand_external_files_at_most(ada: Caller, form: str) -> None:
    assert alone(ada, form, [HTTP] * 10_001).status_code == 400
    assert alone(ada, form, [HTTP] * 10_000).status_code == 201


def test_the_external_files_of_all_items_of_a_batch_count_together(ada: Caller) -> None:
    def items(count: int) -> Any:
        inputs = structured([HTTP] * count)["analysisInput"]
        return {"nextflowItems": [ada.item(name, analysisInput=inputs) for name in ("one", "two")]}

    path = f"/api/projects/{ada.project()}/analysisCreationBatch"
    assert ada("POST", path, json=items(5_001)).status_code == 400
    assert ada("POST", path, json=items(5_000)).status_code == 201


def test_an_item_of_a_bucket_without_credentials_fails_and_the_others_do_not(ada: Caller) -> None:
    path = f"/api/projects/{ada.project()}/analysisCreationBatch"
    wrong = ada.item("wrong", analysisInput=structured([S3])["analysisInput"])
    made = ada("POST", path, json={"nextflowItems": [wrong, ada.item("right")]}).json()
    ada.advance(60)
    items = ada("GET", f"{path}/{made['id']}/items").json()["items"]
    assert [each["processing"]["status"] for each in items] == ["FAILED", "SUCCEEDED"]


def test_a_rule_of_the_control_door_refuses_a_single_start(ada: Caller) -> None:
    ada.control("POST", "/outcomes", {"userReference": "single", "reason": "no quota"})
    answer = alone(ada, "nextflow", [])
    assert (answer.status_code, answer.json()["detail"]) == (400, "no quota")
    ada.control("DELETE", "/outcomes")
