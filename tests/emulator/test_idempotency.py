"""The Idempotency-Key: each case that ICA documents."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import requests

from .conftest import V3, V4, Caller

WEEK = 7 * 24 * 3600


@pytest.fixture
def batch(ada: Caller) -> tuple[str, bytes]:
    body = json.dumps({"nextflowItems": [ada.item("sample 1")]}).encode()
    return f"/api/projects/{ada.project()}/analysisCreationBatch", body


def post(
    caller: Caller, batch: tuple[str, bytes], key: str | None, body: bytes | None = None
) -> requests.Response:
    headers = {"Content-Type": V3} | ({"Idempotency-Key": key} if key is not None else {})
    return caller("POST", batch[0], data=body or batch[1], headers=headers)


def batches(caller: Caller) -> int:
    return int(caller.control("GET", "/state")["counts"]["Batch"])


def test_the_same_body_gets_the_stored_answer_and_nothing_is_executed(ada: Caller, batch: Any) -> None:
    first, second = post(ada, batch, "k"), post(ada, batch, "k")
    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, first.content)
    assert first.headers["Content-Type"] == second.headers["Content-Type"] == V3
    assert batches(ada) == 1
    entries = ada.control("GET", "/requests")["items"][-3:]
    assert [(e["replayed"], e["effect"]) for e in entries] == [(False, False), (False, True), (True, False)]


def test_another_body_is_a_422(ada: Caller, batch: Any) -> None:
    assert post(ada, batch, "k").status_code == 201
    assert post(ada, batch, "k", batch[1] + b" ").status_code == 422
    assert batches(ada) == 1


def test_another_key_or_none_is_another_call(ada: Caller, batch: Any) -> None:
    ids = {post(ada, batch, key).json()["id"] for key in ("a", "b", None, None)}
    assert len(ids) == batches(ada) == 4


def test_another_user_is_another_call(ada: Caller, grace: Caller, batch: Any) -> None:
    assert post(ada, batch, "k").json()["id"] != post(grace, batch, "k").json()["id"]
    assert batches(ada) == 2


def test_another_endpoint_is_another_call(ada: Caller, batch: Any) -> None:
    assert post(ada, batch, "k").status_code == 201
    project = ada.project()
    headers = {"Idempotency-Key": "k", "Content-Type": V4}
    answer = ada(
        "POST", f"/api/projects/{project}/analysis:nextflow", V4, json=ada.item("x"), headers=headers
    )
    assert answer.status_code == 201


def test_an_answer_is_kept_for_seven_days_and_no_longer(ada: Caller, batch: Any) -> None:
    first = post(ada, batch, "k").json()["id"]
    ada.advance(WEEK - 1)
    assert post(ada, batch, "k").json()["id"] == first
    ada.advance(1)
    assert post(ada, batch, "k").json()["id"] != first
    assert batches(ada) == 2


def test_an_error_is_not_kept(ada: Caller, batch: Any) -> None:
    assert post(ada, batch, "k", b'{"nextflowItems": 1}').status_code == 400
    assert post(ada, batch, "k").status_code == 201


def test_a_key_over_255_characters_is_a_400(ada: Caller, batch: Any) -> None:
    assert post(ada, batch, "k" * 256).status_code == 400
    assert post(ada, batch, "k" * 255).status_code == 201


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_twin_of_a_running_call_is_a_409_and_with_another_body_a_422(
    ada: Caller, batch: Any, when: str
) -> None:
    fault = {"match": {"path": "*/analysisCreationBatch"}, "delay": 10, "when": when}
    ada.control("POST", "/faults", fault)
    answers: list[requests.Response] = []
    first = threading.Thread(target=lambda: answers.append(post(Caller(ada.ica), batch, "k")))
    first.start()
    while ada.control("GET", "/faults")["items"][0]["seen"] == 0:
        time.sleep(0.001)
    assert post(ada, batch, "k").status_code == 409
    assert post(ada, batch, "k", batch[1] + b" ").status_code == 422
    ada.advance(10)
    first.join()
    assert answers[0].status_code == 201
    assert post(ada, batch, "k").content == answers[0].content


def test_a_lost_answer_is_replayed_but_a_500_after_the_effect_runs_again(ada: Caller, batch: Any) -> None:
    ada.control("POST", "/faults", {"match": {"method": "POST", "path": "*Batch"}, "do": "drop_answer"})
    with pytest.raises(requests.ConnectionError):
        post(ada, batch, "lost")
    assert post(ada, batch, "lost").status_code == 201
    assert batches(ada) == 1
    fault = {"match": {"method": "POST", "path": "*Batch"}, "do": "status", "status": 500, "when": "after"}
    ada.control("POST", "/faults", fault)
    assert [post(ada, batch, "broken").status_code for _ in range(2)] == [500, 201]
    assert batches(ada) == 3


def test_a_key_means_nothing_on_an_endpoint_that_does_not_list_it(ada: Caller) -> None:
    body = {"name": "bucket", "type": "AWS_USER"}
    made = [
        ada("POST", "/api/storageCredentials", json=body, headers={"Idempotency-Key": "k"}).json()["id"]
        for _ in range(2)
    ]
    assert len(set(made)) == 2
