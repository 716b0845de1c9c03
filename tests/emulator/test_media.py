"""The table of media types: every endpoint of both generations, with every wrong Accept and Content-Type."""

from __future__ import annotations

import re
from typing import Any

import pytest

from icaform.emulator.endpoints import ENDPOINTS, Endpoint
from icaform.emulator.media import TYPES

from .conftest import V3, V4, Caller

WRONG = [
    None,
    "*/*",
    "application/*",
    "application/json",
    "application/problem+json",
    "application/vnd.illumina.v5+json",
    "text/html",
    "",
]
ID = "00000000-0000-0000-0000-000000000000"


def path_of(endpoint: Endpoint) -> str:
    return re.sub(r"\{\w+\}", ID, endpoint.template)


def refused(caller: Caller, endpoint: Endpoint, accept: str | None, **headers: Any) -> tuple[int, str, str]:
    answer = caller(endpoint.method, path_of(endpoint), accept, headers=headers)
    problem = answer.json()
    return answer.status_code, problem["title"], problem["detail"]


@pytest.mark.parametrize("generation", ["2026-04", "2026-10"])
def test_every_endpoint_refuses_every_accept_that_it_does_not_list(
    generation: str, ada: Caller, april: Caller
) -> None:
    caller, tried = (april if generation == "2026-04" else ada), 0
    for endpoint in ENDPOINTS:
        if endpoint.since > generation or endpoint.auth == "jwt":
            continue
        contents = endpoint.bodies(generation)
        headers = {"Content-Type": TYPES[next(iter(contents))]} if contents else {}
        missing = [TYPES[name] for name in ("v3", "v4") if name not in endpoint.offers(generation)]
        for accept in [*WRONG, *missing]:
            got = refused(caller, endpoint, accept, **headers)
            assert got == (400, "ICA_API_004", "Invalid Accept Header"), (endpoint.template, accept)
            tried += 1
        if contents and endpoint.body_required:
            for content in (None, "text/plain", "application/xml", "multipart/form-data"):
                sent = {"Content-Type": content} if content else {}
                got = refused(caller, endpoint, TYPES[endpoint.offers(generation)[0]], **sent)
                assert got == (400, "ICA_API_004", "Invalid Content-Type Header"), (
                    endpoint.template,
                    content,
                )
                tried += 1
    print(f"{generation}: {tried} wrong headers tried")


def test_one_listed_type_among_others_is_enough(ada: Caller) -> None:
    for accept in (f"application/problem+json, {V3}", f"*/*, {V3};q=0.5", f"text/html,{V3.upper()}"):
        assert ada("GET", "/api/projects", accept).status_code == 200, accept


def test_accept_picks_the_version_of_the_answer(ada: Caller) -> None:
    path = f"/api/pipelines/{ada.pipeline('DRAGEN Germline 4-4-0')}"
    for accept, expected in (
        (V3, V3),
        (V4, V4),
        (f"{V3};q=0.1, {V4}", V4),
        (f"{V4};q=0.1, {V3}", V3),
        (f"{V4};q=0, {V3}", V3),
    ):
        answer = ada("GET", path, accept)
        assert answer.headers["Content-Type"] == expected, accept
        assert ("statusAsString" in answer.json()) == (expected == V4)


def test_accept_and_content_type_must_have_matching_versions(ada: Caller) -> None:
    body = {"name": "bucket", "type": "AWS_USER"}
    for accept, content, status in (
        (V3, V3, 201),
        (V4, V4, 201),
        (V4, "application/json", 201),
        (f"{V3}, {V4}", V4, 201),
        (V3, V4, 400),
        (V4, V3, 400),
    ):
        sent = {"Content-Type": content}
        answer = ada("POST", "/api/storageCredentials", accept, json=body, headers=sent)
        assert answer.status_code == status, (accept, content)


def test_large_answers_are_packed_for_those_who_can_unpack(ada: Caller) -> None:
    path = f"/api/projects/{ada.project()}/pipelines"
    packed = ada("GET", path, headers={"Accept-Encoding": "gzip"})
    plain = ada("GET", path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_the_older_generation_knows_less(april: Caller, ada: Caller) -> None:
    project, pipeline = april.project(), april.pipeline("DRAGEN Germline 4-0-3")
    for method, path, accept in (
        ("GET", f"/api/projects/{project}/pipelines", V4),
        ("GET", "/api/storageCredentials", V4),
    ):
        assert april(method, path, accept).status_code == 400
        assert ada(method, path, accept).status_code == 200
    search = f"/api/projects/{project}/pipelines:search"
    assert april("POST", search, json={}).status_code == 404
    listed = april("GET", f"/api/projects/{project}/pipelines").json()["items"]
    assert {item["pipeline"]["status"] for item in listed} == {"RELEASED"}
    one = april("GET", f"/api/projects/{project}/pipelines/{pipeline}", V4).json()["pipeline"]
    assert one["statusAsString"] == "Deprecated"
    assert not {"name", "version", "pipelineGroup"} & set(one)
    role = {"name": "role", "type": "AWS_ROLE"}
    assert april("POST", "/api/storageCredentials", json=role).status_code == 400


def test_unknown_paths_and_methods_are_problems_too(ada: Caller) -> None:
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/projects", 405),
        ("POST", "/api/pipelines/x:explode", 404),
    ):
        answer = ada(method, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert {"type", "title", "status", "detail", "instance", "parameters", "timestamp"} <= set(
            answer.json()
        )
    outside = ada.session.get(ada.ica.base_url.removesuffix("/ica/rest") + "/api/projects", timeout=5)
    assert outside.status_code == 404
