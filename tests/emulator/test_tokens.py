"""Who may come in, with what, and for how long."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from icaform.emulator.demo import SECOND_API_KEY

from .conftest import Caller


def token(caller: Caller, query: str = "", **headers: str) -> str:
    caller.key = {}
    answer = caller("POST", "/api/tokens" + query, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def claims(jwt: str) -> dict[str, Any]:
    payload = jwt.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return read


def basic(email: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()


ADA = basic("ada@demo-lab.example", "demo-password")


def test_a_token_carries_the_claims_of_icas_own(ada: Caller) -> None:
    now = int(ada.control("GET", "/clock")["now"])
    user = next(u for u in ada.control("GET", "/state")["objects"]["User"] if u["name"] == "ada")
    carried = claims(token(ada, **{"X-API-Key": ada.ica.api_key}))
    assert (carried["aud"], carried["tns"], carried["exp"]) == ("ica", "demo-lab", now + 3600)
    assert (carried["sub"], carried["tid"], carried["iat"]) == (user["id"], user["tenant_id"], now)


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": ADA}, {"Authorization": "Bearer demo-ps-token"}],
    ids=["password", "psToken"],
)
def test_a_token_from_a_password_or_a_ps_token_can_be_refreshed(ada: Caller, headers: dict[str, str]) -> None:
    first = token(ada, **headers)
    ada.advance(3000)
    answer = ada("POST", "/api/tokens:refresh", headers={"Authorization": f"Bearer {first}"})
    assert claims(answer.json()["token"])["exp"] == claims(first)["exp"] + 3000


def test_a_token_from_an_api_key_cannot_be_refreshed(ada: Caller) -> None:
    first = token(ada, **{"X-API-Key": ada.ica.api_key})
    assert ada("POST", "/api/tokens:refresh", headers={"Authorization": f"Bearer {first}"}).status_code == 403


def test_refreshing_takes_a_jwt_and_not_an_api_key(ada: Caller) -> None:
    assert ada("POST", "/api/tokens:refresh").status_code == 401


def test_a_token_is_good_until_it_expires_and_stale_then(ada: Caller) -> None:
    bearer = {"Authorization": "Bearer " + token(ada, **{"X-API-Key": ada.ica.api_key})}
    ada.advance(3598)
    assert ada("GET", "/api/projects", headers=bearer).status_code == 200
    ada.advance(2)
    problem = ada("GET", "/api/projects", headers=bearer)
    assert (problem.status_code, problem.json()["title"]) == (401, "ICA_SEC_002")
    assert problem.headers["Content-Type"] == "application/problem+json"


def test_a_forged_or_missing_token_is_refused(ada: Caller) -> None:
    good = token(ada, **{"X-API-Key": ada.ica.api_key})
    head, payload, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(good) | {"sub": "x"}).encode()).decode().rstrip("=")
    forged = [
        f"Bearer {head}.{other}.{signature}",
        f"Bearer {head}.{payload}.",
        "Bearer x",
        "Bearer ..",
        "Bearer é.é.é",
        "Basic eA==",
        "",
    ]
    for header in forged:
        headers = {"Authorization": header.encode()} if header else {}
        answer = ada("GET", "/api/projects", headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (401, "ICA_SEC_002"), header
    assert ada("GET", "/api/projects", headers={"X-API-Key": "wrong"}).status_code == 401
    print(f"{len(forged) + 1} forgeries tried")


def test_a_wrong_password_or_tenant_is_refused(ada: Caller) -> None:
    ada.key = {}
    wrong = basic("ada@demo-lab.example", "other")
    assert ada("POST", "/api/tokens", headers={"Authorization": wrong}).status_code == 401
    assert ada("POST", "/api/tokens?tenant=nobody", headers={"Authorization": ADA}).status_code == 401


def test_somebody_in_several_tenants_must_say_which(ada: Caller) -> None:
    user = {"name": "ada-elsewhere", "tenant": "neighbour-lab", "email": "ada@demo-lab.example"}
    ada.control("POST", "/seed", {"users": [user | {"password": "demo-password"}]})
    ada.key = {}
    answer = ada("POST", "/api/tokens", headers={"Authorization": ADA})
    assert (answer.status_code, list(answer.json()["parameters"])) == (400, ["tenant"])
    assert claims(token(ada, "?tenant=neighbour-lab", Authorization=ADA))["tns"] == "neighbour-lab"


def test_each_key_opens_for_its_own_user(ada: Caller, grace: Caller, linus: Caller) -> None:
    assert ada("GET", "/api/projects").json()["items"] == grace("GET", "/api/projects").json()["items"] != []
    assert linus("GET", "/api/projects").json()["items"] == []
    assert linus("GET", f"/api/projects/{ada.project()}").status_code == 404
    assert grace.key["X-API-Key"] == SECOND_API_KEY
