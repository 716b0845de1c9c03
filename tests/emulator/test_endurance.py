"""What outlives what: restarts, kill -9, the passing of time, and reads that lag behind writes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from icaform.emulator import Embedded, Settings

from .conftest import V3, V4, Caller


@contextmanager
def process(*arguments: str) -> Iterator[tuple[Caller, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "icaform.emulator", *arguments]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as running:
        assert running.stdout is not None
        try:
            yield Caller(SimpleNamespace(**json.loads(running.stdout.readline()))), running  # type: ignore[arg-type]
        finally:
            running.kill()


def everything(caller: Caller) -> Any:
    state = caller.control("GET", "/state")
    return state["objects"], state["clock"], caller.control("GET", "/requests")


def test_the_state_survives_kill_9(tmp_path: Path) -> None:
    arguments = ("--state", str(tmp_path / "ica.db"), "--clock", "manual")
    with process(*arguments) as (ada, running):
        body = {"nextflowItems": [ada.item("one"), ada.item("two")]}
        path = f"/api/projects/{ada.project()}/analysisCreationBatch"
        headers = {"Idempotency-Key": "k"}
        token = ada("POST", "/api/tokens").json()["token"]
        ada.advance(1)
        first = ada("POST", path, json=body, headers=headers)
        assert (
            ada("POST", "/api/storageCredentials", json={"name": "b", "type": "AWS_USER"}).status_code == 201
        )
        before = everything(ada)
        running.send_signal(signal.SIGKILL)
        running.wait()
    with process(*arguments) as (ada, _):
        assert everything(ada) == before
        again = ada("POST", path, json=body, headers=headers)
        assert again.content == first.content
        bearer = {"Authorization": f"Bearer {token}"}
        ada.key = {}
        assert ada("GET", "/api/projects", headers=bearer).status_code == 200


def test_the_process_ends_well_when_asked_to(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"projects": [{"name": "mine", "owner": "ada"}]}))
    with process("--seed", str(seed), "--api", "2026-04", "--read-lag", "0.5") as (ada, running):
        assert ada.project("mine")
        running.send_signal(signal.SIGTERM)
        began = time.monotonic()
        running.wait(10)
        assert time.monotonic() - began < 5


def test_only_loopback_is_listened_on() -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.org", "::"):
        with pytest.raises(ValueError, match="loopback only"), Embedded(host=host):
            pass


def test_what_is_written_is_not_read_before_the_lag_is_over() -> None:
    with Embedded(settings=Settings(clock="manual", read_lag=30)) as ica:
        ada = Caller(ica)
        project, pipeline = ada.project(), ada.pipeline("DRAGEN Germline 4-2-7")
        path = f"/api/projects/{project}/pipelines/{pipeline}"
        made = ada("POST", "/api/storageCredentials", json={"name": "b", "type": "AWS_USER"}).json()
        analysis = ada("POST", f"/api/projects/{project}/analysis:nextflow", json=ada.item("one")).json()
        assert ada("POST", f"{path}:deprecate").status_code == 204
        reads = [
            lambda: ada("GET", f"/api/storageCredentials/{made['id']}").status_code,
            lambda: len(ada("GET", "/api/storageCredentials").json()["items"]),
            lambda: ada("GET", path, V4).json()["pipeline"]["statusAsString"],
            lambda: [
                item["pipeline"]["statusAsString"]
                for item in ada("GET", f"/api/projects/{project}/pipelines", V4).json()["items"]
            ].count("Deprecated"),
            lambda: ada("GET", f"/api/projects/{project}/analyses/{analysis['id']}", V3).status_code,
            lambda: len(ada("POST", f"/api/projects/{project}/analysis:search", json={}).json()["items"]),
        ]
        for advance, expected in (
            (0, [404, 0, "Released", 1, 404, 0]),
            (29.9, [404, 0, "Released", 1, 404, 0]),
            (0.2, [200, 1, "Deprecated", 2, 200, 1]),
        ):
            ada.advance(advance)
            assert [read() for read in reads] == expected
        # Writes see the truth at once: a step backward is refused although readers still see the old status.
        other = ada.pipeline("DRAGEN Germline 4-4-0")
        ada("POST", f"/api/pipelines/{other}:archive")
        assert ada("POST", f"/api/pipelines/{other}:deprecate").status_code == 409


def test_a_lag_survives_a_restart(tmp_path: Path) -> None:
    settings, state = Settings(clock="manual", read_lag=30), tmp_path / "ica.db"
    with Embedded(state, settings) as ica:
        ada = Caller(ica)
        path = f"/api/pipelines/{ada.pipeline('DRAGEN Germline 4-2-7')}"
        ada("POST", f"{path}:deprecate")
    with Embedded(state, settings) as ica:
        ada = Caller(ica)
        assert ada("GET", path, V4).json()["statusAsString"] == "Released"
        ada.advance(31)
        assert ada("GET", path, V4).json()["statusAsString"] == "Deprecated"


@pytest.mark.parametrize("clocks", [("manual", "real"), ("real", "manual")])
def test_a_state_may_change_its_clock_and_time_does_not_go_back(
    tmp_path: Path, clocks: tuple[str, str]
) -> None:
    seen = []
    for clock in clocks:
        with Embedded(tmp_path / "ica.db", Settings(clock=clock)) as ica:
            ada = Caller(ica)
            assert (
                ada("POST", "/api/storageCredentials", json={"name": "b", "type": "AWS_USER"}).status_code
                == 201
            )
            seen.append(len(ada("GET", "/api/storageCredentials").json()["items"]))
            ada.advance(1000)
    assert seen == [1, 2]


def test_the_real_clock_runs_and_can_be_moved() -> None:
    with Embedded(settings=Settings(clock="real")) as ica:
        ada = Caller(ica)
        now = ada.control("GET", "/clock")["now"]
        assert abs(now - time.time()) < 5
        ada.advance(3600)
        assert ada.control("GET", "/clock")["now"] >= now + 3600


def test_it_starts_stops_and_serves_ten_thousand_pipelines_quickly() -> None:
    """Generous bounds: they catch a wrong order of magnitude, not a busy machine."""
    began = time.monotonic()
    with Embedded() as ica:
        started = time.monotonic() - began
        ada = Caller(ica)
        ada.control("POST", "/seed", {"pipelines": {"project": "wgs-dev", "count": 10_000}})
        path, times = f"/api/projects/{ada.project('wgs-dev')}/pipelines", []
        for _ in range(3):
            asked = time.monotonic()
            answer = ada("GET", path, V4)
            times.append(time.monotonic() - asked)
        assert len(answer.json()["items"]) == 10_002
        ended = time.monotonic()
    stopped = time.monotonic() - ended
    print(f"start {started:.3f} s, stop {stopped:.3f} s, lists {', '.join(f'{t:.3f}' for t in times)} s")
    assert started < 1.5
    assert stopped < 1.5
    assert min(times) < 0.5


def test_two_emulators_in_one_process_are_strangers() -> None:
    with Embedded() as one, Embedded() as other:
        Caller(one)("POST", "/api/storageCredentials", json={"name": "b", "type": "AWS_USER"})
        assert Caller(other)("GET", "/api/storageCredentials").json()["items"] == []
        assert requests.get(one.control_url + "/state", timeout=5).json()["counts"]["Credential"] == 1
