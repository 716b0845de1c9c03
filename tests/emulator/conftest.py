"""An emulator on real sockets, one per generation, reset for each test; nothing sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from icaform.emulator import Embedded, Settings
from icaform.emulator.demo import NEIGHBOUR_API_KEY, SECOND_API_KEY

V3 = "application/vnd.illumina.v3+json"
V4 = "application/vnd.illumina.v4+json"


class Caller:
    """Somebody with an API key who speaks plain HTTP to an emulator."""

    def __init__(self, ica: Embedded, api_key: str | None = None) -> None:
        self.ica = ica
        self.session = requests.Session()
        self.key = {"X-API-Key": api_key or ica.api_key}

    def __call__(self, method: str, path: str, accept: str | None = V3, **options: Any) -> requests.Response:
        headers = {**self.key, "Accept": accept, **options.pop("headers", {})}
        if "json" in options:
            headers = {"Content-Type": V3, **headers}
        url = self.ica.base_url + path
        return self.session.request(method, url, headers=headers, timeout=20, **options)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.session.request(method, self.ica.control_url + path, json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def advance(self, seconds: float) -> None:
        self.control("POST", "/clock", {"advance": seconds})

    def project(self, name: str = "wgs-prod") -> str:
        return str(self("GET", f"/api/projects?search={name}").json()["items"][0]["id"])

    def pipeline(self, code: str) -> str:
        state = self.control("GET", "/state")
        return next(str(p["id"]) for p in state["objects"]["Pipeline"] if p["code"] == code)

    def item(self, reference: str, code: str = "nf-core rnaseq 3-14", **more: Any) -> dict[str, Any]:
        return {
            "userReference": reference,
            "pipelineId": self.pipeline(code),
            "analysisInput": {"inputs": []},
            **more,
        }


@pytest.fixture(scope="session")
def _october() -> Iterator[Embedded]:
    with Embedded(settings=Settings(clock="manual")) as ica:
        yield ica


@pytest.fixture(scope="session")
def _april() -> Iterator[Embedded]:
    with Embedded(settings=Settings(clock="manual", api="2026-04")) as ica:
        yield ica


@pytest.fixture
def ada(_october: Embedded) -> Caller:
    """The default user of the newer generation, in a fresh demo world."""
    caller = Caller(_october)
    caller.control("POST", "/reset", {})
    return caller


@pytest.fixture
def grace(ada: Caller) -> Caller:
    """Another user of the same tenant."""
    return Caller(ada.ica, SECOND_API_KEY)


@pytest.fixture
def linus(ada: Caller) -> Caller:
    """A user of another tenant."""
    return Caller(ada.ica, NEIGHBOUR_API_KEY)


@pytest.fixture
def april(_april: Embedded) -> Caller:
    """The default user of the older generation, in a fresh demo world."""
    caller = Caller(_april)
    caller.control("POST", "/reset", {})
    return caller
