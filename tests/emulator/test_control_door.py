"""The control door: faults, the log of requests, seeds and resets."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from .conftest import Caller


def fault(caller: Caller, **wanted: Any) -> None:
    caller.control("POST", "/faults", wanted)


def credentials(caller: Caller) -> int:
    return int(caller.control("GET", "/state")["counts"]["Credential"])


def create(caller: Caller) -> requests.Response:
    return caller("POST", "/api/storageCredentials", json={"name": "b", "type": "AWS_USER"})


@pytest.mark.parametrize(("do", "effects"), [("drop_request", 0), ("drop_answer", 1)])
def test_a_dropped_call_has_an_effect_or_has_none(ada: Caller, do: str, effects: int) -> None:
    fault(ada, match={"method": "POST", "path": "/api/storage*"}, do=do)
    with pytest.raises(requests.ConnectionError):
        create(ada)
    assert credentials(ada) == effects
    assert create(ada).status_code == 201
    first, second = ada.control("GET", "/requests")["items"]
    assert (first["status"], first["fault"], first["effect"]) == (None, do, bool(effects))
    assert (second["status"], second["fault"], second["effect"]) == (201, None, True)


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_falls_before_or_after_the_effect(ada: Caller, status: int, when: str, effects: int) -> None:
    fault(ada, match={"path": "/api/storage*"}, do="status", status=status, when=when, retry_after=7)
    answer = create(ada)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert answer.json()["status"] == status
    assert credentials(ada) == effects


@pytest.mark.parametrize(
    ("body", "media", "start"), [("html", "text/html;charset=utf-8", "<html>"), ("empty", None, "")]
)
def test_an_error_can_be_html_or_empty(ada: Caller, body: str, media: str | None, start: str) -> None:
    fault(ada, match={"path": "/api/projects"}, do="status", status=503, body=body)
    answer = ada("GET", "/api/projects")
    assert (answer.headers.get("Content-Type"), answer.text[: len(start) or 1]) == (media, start)


def test_a_fault_acts_on_the_nth_match_and_so_many_times(ada: Caller) -> None:
    fault(ada, match={"path": "/api/projects", "nth": 2}, do="status", status=503, times=2)
    assert [ada("GET", "/api/projects").status_code for _ in range(4)] == [200, 503, 503, 200]
    ada.control("DELETE", "/faults")
    assert ada.control("GET", "/faults")["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"do": "explode"},
        {"do": "status"},
        {"do": "status", "status": 302},
        {"do": "drop_answer", "sometimes": True},
        {"do": "drop_answer", "match": {"host": "x"}},
        {"delay": 1, "when": "later"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(ada: Caller, wrong: dict[str, Any]) -> None:
    answer = ada.session.post(ada.ica.control_url + "/faults", json=wrong, timeout=5)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_the_log_tells_each_request_in_order(ada: Caller, grace: Caller) -> None:
    grace("GET", "/api/projects?search=wgs")
    ada.key = {}
    ada("GET", "/api/pipelines")
    first, second = ada.control("GET", "/requests")["items"]
    users = {u["name"]: u["id"] for u in ada.control("GET", "/state")["objects"]["User"]}
    assert (first["method"], first["path"], first["query"]) == ("GET", "/api/projects", "search=wgs")
    assert (first["user"], second["user"]) == (users["grace"], None)
    assert (first["status"], second["status"]) == (200, 401)
    assert second["sequence"] == first["sequence"] + 1
    assert ada.control("GET", f"/requests?after={first['sequence']}")["items"] == [second]
    assert ada.control("DELETE", "/requests") == {"items": []} == ada.control("GET", "/requests")


def test_the_demo_world_has_the_same_ids_in_every_run(ada: Caller, april: Caller) -> None:
    first, second = (c.control("GET", "/state")["objects"]["Pipeline"] for c in (ada, april))
    assert [p["id"] for p in first] == [p["id"] for p in second]


def test_a_reset_may_leave_the_world_empty_and_seed_another(ada: Caller) -> None:
    world = {
        "tenants": [{"name": "t"}],
        "users": [{"name": "u", "tenant": "t", "api_key": "k"}],
        "analysisStorages": [{"name": "Small"}],
        "projects": [{"name": "p", "owner": "u"}],
        "pipelines": [{"name": "one", "owner": "u", "projects": ["p"], "status": "Draft"}],
        "data": [{"path": "/one.bed", "project": "p"}],
        "credentials": [{"name": "c", "owner": "u", "secretAccessKey": "s", "shared": True}],
    }
    seeded = ada.control("POST", "/reset", {"demo": False, "seed": world})["seeded"]
    assert set(seeded.values()) == {1}
    state = ada.control("GET", "/state")
    assert state["counts"] | {"Link": 1, "Batch": 0, "Analysis": 0} == state["counts"]
    assert state["objects"]["Credential"][0]["shared"] is True
    assert "digest" not in str(state["objects"]["User"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"planets": []},
        {"projects": [{"name": "p"}]},
        {"projects": [{"name": "p", "owner": "nobody"}]},
        {"pipelines": [{"name": "p", "owner": "ada", "status": "Lost"}]},
    ],
)
def test_a_seed_that_names_nothing_known_is_refused(ada: Caller, wrong: dict[str, Any]) -> None:
    answer = ada.session.post(ada.ica.control_url + "/seed", json=wrong, timeout=5)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
