"""Snapshots: everything comes back as it was, and nothing of what was undone goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from icaform.emulator import Embedded, Settings

from .conftest import V4, Caller
from .test_faults import CREATE, batch, create, fault, log, objects


def snapshot(caller: Caller) -> int:
    return int(caller.control("POST", "/snapshot")["id"])


def restore(caller: Caller, identity: int) -> None:
    caller.control("POST", "/restore", {"id": identity})


def reset(caller: Caller, _: int) -> None:
    caller.control("POST", "/reset", {})


def whole(caller: Caller) -> Any:
    return [
        caller.control("GET", each) for each in ("/state", "/requests", "/faults", "/settings", "/outcomes")
    ]


def test_a_snapshot_brings_everything_back_as_often_as_one_likes(ada: Caller) -> None:
    fault(ada, match={"path": "/api/projects", "nth": 3}, do="status", status=503)
    fault(ada, seed=1, rate=0.5, of=[{"do": "status", "status": 500}], match={"path": "/api/pipelines"})
    create(ada, "kept")
    first = batch(ada, "one", key="k").json()["id"]
    ada("GET", "/api/pipelines")
    ada.control("POST", "/outcomes", {"userReference": "x", "reason": "y"})
    before, taken = whole(ada), snapshot(ada)
    played = []
    for _ in range(3):
        create(ada, "undone")
        ada.control("PUT", "/settings", {"read_lag": 5, "batch_initialized": 99})
        ada.advance(8 * 86400)
        ada.control("DELETE", "/outcomes")
        late = batch(ada, "one", key="k").json()["id"]
        assert late != first, "the key is older than seven days"
        assert whole(ada) != before
        restore(ada, taken)
        assert whole(ada) == before
        assert batch(ada, "one", key="k").json()["id"] == first, "its answer is kept again"
        played.append([ada("GET", f"/api/{each}").status_code for each in ("projects", "pipelines") * 4])
        restore(ada, taken)
    assert played[0] == played[1] == played[2]
    assert {200, 500, 503} == set(played[0])


def test_ids_that_are_given_after_a_restore_are_those_that_were_given_before(ada: Caller) -> None:
    taken, made = snapshot(ada), set()
    for name in ("a", "b"):
        made.add(create(ada, name).json()["id"])
        restore(ada, taken)
    assert len(made) == 1


@pytest.mark.parametrize("undo", [restore, reset])
def test_what_hangs_when_its_world_goes_has_no_effect_any_more(
    undo: Callable[[Caller, int], None], ada: Caller
) -> None:
    taken = snapshot(ada)
    fault(ada, match={"path": "/api/*Credentials"}, delay=60)
    ends: list[str] = []

    def call() -> None:
        try:
            ends.append(str(create(Caller(ada.ica)).status_code))
        except requests.RequestException as error:
            ends.append(type(error).__name__)

    thread = threading.Thread(target=call)
    thread.start()
    while ada.control("GET", "/traffic")["hanging"] == 0:
        pass
    undo(ada, taken)
    thread.join()
    ada.advance(3600)
    assert ends == ["ConnectionError"]
    assert (objects(ada, "Credential"), log(ada)) == ([], [])
    traffic = ada.control("GET", "/traffic")
    assert (traffic["requests"], traffic["hanging"]) == (0, 0)


@pytest.mark.parametrize("undo", [restore, reset])
def test_a_twin_that_was_under_way_is_undone_and_gives_its_key_back(
    undo: Callable[[Caller, int], None], ada: Caller
) -> None:
    taken = snapshot(ada)
    fault(ada, match={"path": "*analysisCreationBatch"}, do="twin", delay=60)
    assert batch(ada, "one", key="k").status_code == 409
    assert ada.control("GET", "/answers")["items"] == []
    undo(ada, taken)
    assert batch(ada, "one", key="k").status_code == 201
    ada.advance(60)
    assert len(objects(ada, "Batch")) == 1
    assert [(each["key"], each["status"]) for each in ada.control("GET", "/answers")["items"]] == [("k", 201)]


def test_a_snapshot_that_was_dropped_is_gone(ada: Caller) -> None:
    first, second = snapshot(ada), snapshot(ada)
    assert ada.control("DELETE", "/snapshot", {"id": first}) == {"dropped": 1}
    answer = ada.session.post(ada.ica.control_url + "/restore", json={"id": first}, timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": f"there is no snapshot {first}"})
    restore(ada, second)
    assert ada.control("DELETE", "/snapshot")["dropped"] >= 1
    assert snapshot(ada) > second, "no id is given twice"


def test_a_state_file_holds_what_was_restored(tmp_path: Path) -> None:
    for number in (0, 1):
        with Embedded(tmp_path / "ica.db", Settings(clock="manual")) as ica:
            caller = Caller(ica)
            if number == 0:
                create(caller, "kept")
                taken = snapshot(caller)
                create(caller, "undone")
                restore(caller, taken)
            assert [each["name"] for each in objects(caller, "Credential")] == ["kept"]


def test_durations_can_be_changed_while_it_runs(ada: Caller) -> None:
    before = ada.control("GET", "/settings")
    try:
        assert ada.control("PUT", "/settings", {"read_lag": 30})["read_lag"] == 30
        create(ada)
        assert ada("GET", "/api/storageCredentials").json()["items"] == []
        ada.advance(30)
        assert len(ada("GET", "/api/storageCredentials").json()["items"]) == 1
        for wrong in ({"api": 1}, {"read_lag": -1}, {"read_lag": 3601}, {"batch_running": -1}):
            answer = ada.session.put(ada.ica.control_url + "/settings", json=wrong, timeout=5)
            assert answer.status_code == 400, wrong
    finally:
        assert ada.control("PUT", "/settings", before) == before


@pytest.mark.parametrize("lag", [0, 30, 3600])
def test_what_is_seeded_can_be_read_at_once_whatever_the_lag(ada: Caller, lag: float) -> None:
    create(ada, "before")
    ada.advance(10)
    fault(ada, **{**CREATE, "match": {"method": "GET"}}, do="lag", seconds=lag, times=99)
    for status in ("Released", "Deprecated"):
        seeds = [{"name": "p", "owner": "ada", "status": status, "projects": ["wgs-dev"]}]
        ada.control("POST", "/seed", {"pipelines": seeds})
        path = f"/api/projects/{ada.project('wgs-dev')}/pipelines"
        rows = [each.get("pipeline", each) for each in ada("GET", path, V4).json()["items"]]
        assert ("p 1-0-0", status) in {(each["code"], each["statusAsString"]) for each in rows}
