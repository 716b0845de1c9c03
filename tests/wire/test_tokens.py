"""Tokens: minted once, kept privately, renewed in time, and never shown."""

from __future__ import annotations

import base64
import json
import os
import stat

import pytest

from icaform.operation import Call, Repeat
from icaform.wire import BadAnswer, Credential, Means, RateLimited, Unanswered, Unauthorised, WireError

V3 = "application/vnd.illumina.v3+json"
GET = Call("GET", "/api/projects", V3)
WRITE = Call("POST", "/api/storageCredentials", V3, repeat=Repeat.NEVER, key="k")
SECRET = "key-4711"


def bearers(requests):
    return [each.headers["authorization"].removeprefix("Bearer ") for each in requests]


def test_an_api_key_buys_one_token_for_many_calls(rogue, open_session, http):
    session = open_session()
    for _ in range(3):
        session.send(GET)
    (minted,) = rogue.token_calls
    assert (minted.method, minted.path) == ("POST", "/api/tokens")
    assert minted.headers["x-api-key"] == SECRET
    assert minted.headers["accept"] == V3
    assert "authorization" not in minted.headers
    assert minted.body == b""
    assert bearers(rogue.calls) == [http.jwt()] * 3
    assert all("x-api-key" not in each.headers for each in rogue.calls)


def test_basic_names_its_tenant_and_a_pstoken_is_a_bearer(rogue, open_session):
    open_session(credential=Credential(Means.BASIC, "p:w", user="me", tenant="lab & co")).send(GET)
    open_session(credential=Credential(Means.PS_TOKEN, "ps-1")).send(GET)
    basic, ps = rogue.token_calls
    assert basic.headers["authorization"] == "Basic " + base64.b64encode(b"me:p:w").decode()
    assert basic.target.endswith("?tenant=lab%20%26%20co")
    assert ps.headers["authorization"] == "Bearer ps-1"


@pytest.mark.parametrize(("lives", "margin"), [(3600, 60), (100, 10)])
def test_a_token_is_minted_again_before_it_dies(rogue, open_session, http, clock, lives, margin):
    first, second = http.jwt(lives=lives), http.jwt(lives=lives, n=2)
    rogue.tokens = [http.says(200, {"token": first}), http.says(200, {"token": second})]
    session = open_session()
    session.send(GET)
    clock.sleep(lives - margin - 1)
    session.send(GET)
    clock.sleep(2)
    session.send(GET)
    assert bearers(rogue.calls) == [first, first, second]
    assert [each.path for each in rogue.token_calls] == ["/api/tokens"] * 2, (
        "a key's token is never refreshed"
    )


def test_a_clock_that_is_hours_off_does_not_mint_for_every_call(rogue, open_session, http):
    for shift in (-7200, 7200):
        rogue.seen.clear()
        rogue.token_habit = http.says(200, {"token": http.jwt(issued=http.START + shift)})
        session = open_session()
        for _ in range(3):
            session.send(GET)
        assert len(rogue.token_calls) == 1


def test_tokens_of_a_pstoken_are_refreshed_and_minted_where_that_fails(rogue, open_session, http, clock):
    one, two, three = (http.jwt(lives=1000, n=n) for n in range(3))
    rogue.tokens = [
        http.says(200, {"token": one}),
        http.says(200, {"token": two}),
        http.says(400, {"title": "ICA_SEC_003"}),
        http.says(200, {"token": three}),
    ]
    session = open_session(credential=Credential(Means.PS_TOKEN, "ps-1"))
    session.send(GET)
    clock.sleep(950)
    session.send(GET)
    clock.sleep(950)
    session.send(GET)
    assert bearers(rogue.calls) == [one, two, three]
    assert [each.path for each in rogue.token_calls] == [
        "/api/tokens",
        "/api/tokens:refresh",
        "/api/tokens:refresh",
        "/api/tokens",
    ]


@pytest.mark.parametrize("repeat", Repeat)
def test_a_401_buys_one_new_token_and_a_second_401_ends_it(rogue, open_session, http, repeat):
    denied = http.says(401, {"title": "ICA_SEC_002", "detail": "Unauthorized"})
    call = GET if repeat is Repeat.READ else Call("POST", "/api/x", V3, repeat=repeat, key="k")
    rogue.tokens = [http.says(200, {"token": http.jwt(n=n)}) for n in range(4)]
    rogue.script = [denied]
    assert open_session().send(call).status == 200
    assert bearers(rogue.calls) == [http.jwt(n=0), http.jwt(n=1)]
    rogue.script = [denied, denied]
    with pytest.raises(Unauthorised) as caught:
        open_session().send(call)
    assert caught.value.certain
    assert caught.value.problem.code == "ICA_SEC_002"
    assert len(rogue.token_calls) == 4


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_key_is_unauthorised_and_is_not_tried_again(rogue, open_session, http, status):
    rogue.token_habit = http.says(
        status, {"title": "ICA_SEC_001", "detail": f"bad key {SECRET}", "id": "r-9"}
    )
    session = open_session()
    for _ in range(3):
        with pytest.raises(Unauthorised) as caught:
            session.send(WRITE, b"{}")
    assert caught.value.certain
    assert SECRET not in str(caught.value) + str(caught.value.diagnostic())
    assert "ICA_SEC_001" in str(caught.value)
    assert len(rogue.token_calls) == 1
    assert not rogue.calls


def test_a_429_on_tokens_is_waited_out(rogue, open_session, http, clock):
    rogue.tokens = [http.says(429, {"title": "ICA_API_429"}, headers={"Retry-After": "40"})]
    assert open_session().send(GET).status == 200
    assert clock.slept >= 40
    rogue.token_habit = http.says(429)
    with pytest.raises(RateLimited):
        open_session().send(GET)


def test_a_write_that_never_left_for_want_of_a_token_is_certain(rogue, open_session, http):
    rogue.token_habit = http.raw(b"", reset=True)
    with pytest.raises(Unanswered) as caught:
        open_session(limits={"patience": 5.0}).send(WRITE, b"{}")
    assert caught.value.certain
    assert not rogue.calls


@pytest.mark.parametrize(
    "body", [{}, [], {"token": 5}, {"token": ""}, {"token": "a b"}, {"token": "a\r\nX: y"}, {"jwt": "x"}]
)
def test_an_answer_without_a_token_is_a_bad_answer(rogue, open_session, http, body):
    rogue.token_habit = http.says(200, body)
    with pytest.raises(BadAnswer):
        open_session().send(GET)


def test_a_server_without_tokens_is_no_ica(rogue, open_session, http):
    rogue.token_habit = http.says(404, b"nothing here", "text/plain")
    with pytest.raises(BadAnswer, match="no ICA at this address"):
        open_session().send(GET)


def test_many_threads_share_one_mint_and_one_failure(rogue, open_session, http):
    open_session(limits={"workers": 8}).send_all([GET] * 24)
    assert len(rogue.token_calls) == 1
    rogue.seen.clear()
    rogue.token_habit = http.says(500)
    session = open_session(limits={"workers": 8, "patience": 10.0})
    with pytest.raises(WireError):
        session.send_all([GET] * 24)
    assert not rogue.calls


def test_a_token_handed_in_is_used_as_it_is_and_its_end_is_explained(rogue, open_session, http):
    token = http.jwt(n=9)
    session = open_session(credential=Credential(Means.TOKEN, token))
    session.send(GET)
    assert bearers(rogue.calls) == [token]
    assert not rogue.token_calls
    rogue.script = [http.says(401)]
    with pytest.raises(Unauthorised) as caught:
        session.send(GET)
    assert "ICAV2_X_API_KEY" in caught.value.diagnostic().remedy
    rogue.seen.clear()
    old = http.jwt(issued=http.START - 9000)
    assert open_session(credential=Credential(Means.TOKEN, old)).send(GET).status == 200, (
        "our clock is no judge"
    )
    rogue.script = [http.says(401)]
    with pytest.raises(Unauthorised, match="expired"):
        open_session(credential=Credential(Means.TOKEN, old)).send(GET)
    assert not rogue.token_calls


def test_identity_is_what_the_token_says(rogue, open_session, http):
    who = open_session().identity()
    assert (who.tenant_id, who.tenant, who.user_id, who.expires) == ("t-1", "lab", "u-1", http.START + 3600)
    for text in ("no-jwt", "a.!!!.c", "a.bnVsbA.c", http.jwt(sub="")):
        rogue.token_habit = http.says(200, {"token": text})
        with pytest.raises(Unauthorised):
            open_session().identity()


def test_a_token_is_kept_for_the_next_run_in_a_private_file(rogue, open_session, http, tmp_path, clock):
    folder = tmp_path / "a" / "tokens"
    before = os.umask(0o000)
    try:
        open_session(token_cache=folder).send(GET)
    finally:
        os.umask(before)
    (kept,) = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert SECRET not in kept.name + kept.read_text()
    open_session(token_cache=folder).send(GET)
    assert len(rogue.token_calls) == 1
    open_session(token_cache=folder, credential=Credential(Means.API_KEY, "other")).send(GET)
    assert len(rogue.token_calls) == 2
    clock.sleep(3590)
    open_session(token_cache=folder).send(GET)
    assert len(rogue.token_calls) == 3
    assert len(list(folder.iterdir())) == 2


def test_a_kept_token_that_ica_no_longer_takes_is_replaced(rogue, open_session, http, tmp_path):
    open_session(token_cache=tmp_path).send(GET)
    rogue.tokens = [http.says(200, {"token": http.jwt(n=2)})]
    rogue.script = [http.says(401)]
    open_session(token_cache=tmp_path).send(GET)
    open_session(token_cache=tmp_path).send(GET)
    assert len(rogue.token_calls) == 2
    assert bearers(rogue.calls)[-1] == http.jwt(n=2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\x00",
        b'{"token": 5, "minted": 1, "lifetime": 1}',
        b'{"token": "a\\nb", "minted": 1800000000, "lifetime": 9000}',
    ],
)
def test_a_cache_that_is_damaged_counts_as_empty(rogue, open_session, tmp_path, content):
    open_session(token_cache=tmp_path).send(GET)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(content)
    assert open_session(token_cache=tmp_path).send(GET).status == 200
    assert len(rogue.token_calls) == 2


def test_a_cache_that_others_can_read_or_that_is_a_link_is_not_trusted(rogue, open_session, tmp_path):
    open_session(token_cache=tmp_path / "c").send(GET)
    (kept,) = (tmp_path / "c").iterdir()
    kept.chmod(0o644)
    open_session(token_cache=tmp_path / "c").send(GET)
    assert len(rogue.token_calls) == 2
    target = tmp_path / "elsewhere"
    kept.rename(target)
    kept.symlink_to(target)
    open_session(token_cache=tmp_path / "c").send(GET)
    assert len(rogue.token_calls) == 3


def test_a_cache_that_cannot_be_written_costs_only_a_mint(rogue, open_session, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert open_session(token_cache=tmp_path / "file" / "tokens").send(GET).status == 200


def test_no_secret_is_in_any_repr_event_or_error(rogue, open_session, http, clock):
    token, told = http.jwt(canary="CANARY"), []
    rogue.token_habit = http.says(200, {"token": token})
    session = open_session(on_event=told.append)
    session.send(GET)
    echo = {"title": "ICA_API_001", "detail": f"you sent Bearer {token} and {SECRET}", "id": token}
    shown = [repr(session), repr(session._tokens), repr(Credential(Means.BASIC, "pw-1", "user-1"))]
    for status in (400, 500, 429):
        rogue.script = [http.says(status, echo)]
        try:
            shown.append(repr(session.send(WRITE, b'{"secretAccessKey": "BODY-CANARY"}')))
        except WireError as error:
            shown += [str(error), repr(error), str(error.diagnostic()), repr(error.problem)]
            shown.append(repr(error.__cause__) + repr(error.__context__))
    shown.append(json.dumps([repr(each) for each in told]))
    for secret in (token, SECRET, "BODY-CANARY", "pw-1", "user-1"):
        assert not [text for text in shown if secret in text]


def test_a_key_that_no_header_can_hold_is_not_quoted_when_it_fails(open_session, rogue):
    with pytest.raises(WireError) as caught:
        open_session(credential=Credential(Means.API_KEY, "line\nend-CANARY")).send(GET)
    assert caught.value.certain
    assert "CANARY" not in repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert not rogue.seen
