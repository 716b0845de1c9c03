"""The life of pipelines and storage credentials: what may follow what, and who may do it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from icaform.emulator.lifecycle import ORDER

from .conftest import V3, V4, Caller

VERBS = {"release": "Released", "deprecate": "Deprecated", "archive": "Archived"}


def record(caller: Caller, kind: str, identity: str) -> dict[str, Any]:
    objects = caller.control("GET", "/state")["objects"][kind]
    return next(o for o in objects if o["id"] == identity)


def test_a_pipeline_only_moves_onwards(ada: Caller) -> None:
    tried = 0
    for status, (verb, goal) in product(ORDER, VERBS.items()):
        name = f"{status} {verb}"
        pipeline = {"name": name, "owner": "ada", "status": status, "projects": ["wgs-dev"]}
        ada.control("POST", "/seed", {"pipelines": pipeline})
        identity = ada.pipeline(f"{name} 1-0-0")
        path = f"/api/projects/{ada.project('wgs-dev')}/pipelines/{identity}"
        answer = ada("POST", f"{path}:{verb}")
        onwards = ORDER.index(goal) >= ORDER.index(status)
        assert answer.status_code == (204 if onwards else 409), name
        shown = ada("GET", path, V4).json()["pipeline"]["statusAsString"]
        assert shown == (goal if onwards else status)
        tried += 1
    print(f"{tried} moves tried")


@pytest.mark.parametrize("form", ["project", "alone"])
def test_calling_again_updates_the_message_and_not_calling_with_one_keeps_it(ada: Caller, form: str) -> None:
    identity = ada.pipeline("DRAGEN Germline 4-2-7")
    root = f"/api/projects/{ada.project()}" if form == "project" else "/api"
    path = f"{root}/pipelines/{identity}:deprecate"
    for body, message in (
        ({"message": "one"}, "one"),
        ({"message": "two"}, "two"),
        ({}, "two"),
        ({"message": ""}, ""),
    ):
        assert ada("POST", path, json=body).status_code == 204
        assert record(ada, "Pipeline", identity)["message"] == message
    assert ada("POST", path).status_code == 204
    assert ada("POST", path, data={"message": "from a form"}).status_code == 204
    assert record(ada, "Pipeline", identity)["message"] == "from a form"
    assert ada("POST", path, json={"message": "x" * 256}).status_code == 400


def test_a_repeat_with_the_same_message_has_no_effect(ada: Caller) -> None:
    path = f"/api/pipelines/{ada.pipeline('DRAGEN Germline 4-2-7')}:archive"
    for _ in range(2):
        ada("POST", path, json={"message": "same"})
    assert [e["effect"] for e in ada.control("GET", "/requests")["items"]] == [True, False]


def test_a_linked_pipeline_is_one_object(ada: Caller) -> None:
    identity = ada.pipeline("DRAGEN Germline 4-2-7")
    ada("POST", f"/api/projects/{ada.project('wgs-prod')}/pipelines/{identity}:deprecate")
    other = ada("GET", f"/api/projects/{ada.project('wgs-dev')}/pipelines/{identity}", V4).json()
    assert other["pipeline"]["statusAsString"] == "Deprecated"


def test_only_the_owner_moves_a_pipeline(ada: Caller, grace: Caller) -> None:
    theirs, mine = ada.pipeline("DRAGEN Somatic 4-3-6"), ada.pipeline("DRAGEN Germline 4-2-7")
    project = ada.project()
    assert ada("POST", f"/api/projects/{project}/pipelines/{theirs}:deprecate").status_code == 403
    assert grace("POST", f"/api/projects/{project}/pipelines/{mine}:deprecate").status_code == 403
    shown = ada("GET", f"/api/projects/{project}/pipelines/{theirs}", V4).json()["pipeline"]
    assert shown["tenant"]["name"] == "neighbour-lab"


def test_a_pipeline_of_nobody_or_of_another_project_is_a_404(ada: Caller, linus: Caller) -> None:
    draft = ada.pipeline("nf-core sarek 3-5")
    path = f"/api/projects/{ada.project('wgs-prod')}/pipelines/{draft}"
    assert ada("GET", path).status_code == 404
    assert ada("POST", f"{path}:release").status_code == 404
    assert linus("GET", f"/api/pipelines/{draft}").status_code == 404


def credential(caller: Caller, name: str = "bucket", secret: str = "s3cr/et+") -> dict[str, Any]:
    keys = {"accessKeyId": "AKIA", "secretAccessKey": secret}
    body = {"name": name, "type": "AWS_USER", "awsCredentials": keys}
    answer = caller("POST", "/api/storageCredentials", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_credential_is_seen_by_its_owner_until_it_is_shared_in_the_tenant(
    ada: Caller, grace: Caller, linus: Caller
) -> None:
    path = f"/api/storageCredentials/{credential(ada)['id']}"
    assert [c("GET", path).status_code for c in (ada, grace, linus)] == [200, 404, 404]
    assert [ada("POST", f"{path}:share").status_code for _ in range(2)] == [204, 204]
    assert [c("GET", path).status_code for c in (ada, grace, linus)] == [200, 200, 404]
    assert [len(c("GET", "/api/storageCredentials").json()["items"]) for c in (ada, grace, linus)] == [
        1,
        1,
        0,
    ]
    assert grace("POST", f"{path}:share").status_code == 403


def test_names_of_credentials_need_not_be_unique(ada: Caller) -> None:
    assert credential(ada)["id"] != credential(ada)["id"]


def test_a_rotation_moves_time_modified_and_the_etag_and_no_secret_is_ever_kept(ada: Caller) -> None:
    made = credential(ada, secret="first-secret")
    path = f"/api/storageCredentials/{made['id']}"
    before = ada("GET", path)
    digest = record(ada, "Credential", made["id"])["secret_digest"]
    ada.advance(1)
    body = {"awsCredentials": {"accessKeyId": "AKIA", "secretAccessKey": "second-secret"}}
    assert ada("POST", f"{path}:updateSecrets", json=body).status_code == 204
    after = ada("GET", path)
    assert after.json()["timeModified"] > before.json()["timeModified"] == made["timeModified"]
    assert after.headers["ETag"] != before.headers["ETag"]
    assert record(ada, "Credential", made["id"])["secret_digest"] != digest
    assert "-secret" not in str(ada.control("GET", "/state")["objects"]["Credential"])


def test_a_role_has_no_place_in_v3(ada: Caller) -> None:
    body = {"name": "role", "type": "AWS_ROLE"}
    headers = {"Content-Type": V4}
    made = ada("POST", "/api/storageCredentials", V4, json=body, headers=headers).json()
    path = f"/api/storageCredentials/{made['id']}"
    assert [ada("GET", path, v).status_code for v in (V4, V3)] == [200, 404]
    assert ada("GET", "/api/storageCredentials", V3).json()["items"] == []
