"""Every fault of a server, once and for ever, against every kind of call."""

from __future__ import annotations

import json
import socket

import pytest

from icaform.operation import Call, Repeat
from icaform.wire import (
    BadAnswer,
    RateLimited,
    ServerFault,
    Unanswered,
    Unreachable,
    WireError,
)

V3 = "application/vnd.illumina.v3+json"
READ, SAME, KEYED, NEVER = Repeat.READ, Repeat.SAME, Repeat.KEYED, Repeat.NEVER
CALLS = {
    READ: Call("GET", "/api/projects", V3),
    SAME: Call("POST", "/api/projects/p/pipelines/x:deprecate", V3, repeat=SAME, key="k-same"),
    KEYED: Call(
        "POST", "/api/projects/p/analysisCreationBatch", V3, content_type=V3, repeat=KEYED, key="k-1"
    ),
    NEVER: Call("POST", "/api/storageCredentials", V3, repeat=NEVER, key="k-2"),
}
ALL, HARMLESS, NONE = {READ, SAME, KEYED, NEVER}, {READ, SAME}, set()


def part(status="200 OK", length=1000, body=b'{"items": ['):
    return f"HTTP/1.1 {status}\r\nContent-Type: {V3}\r\nContent-Length: {length}\r\n\r\n".encode() + body


def faults(http):
    """name -> (what the server does, who repeats, error where repeated, error where not, certain)."""
    says, raw, endless = http.says, http.raw, http.endless
    problem = {"type": "about:blank", "title": "ICA_API_999", "detail": "words", "status": 0, "id": "ref-1"}
    page = b"<html><head><title>Bad \x1b[31mGateway</title></head><body>secret-ish</body></html>"
    chunked = f"HTTP/1.1 200 OK\r\nContent-Type: {V3}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    table = {
        "reset before the answer": (raw(b"", reset=True), HARMLESS, Unanswered, Unanswered, False),
        "closed before the answer": (raw(b""), HARMLESS, Unanswered, Unanswered, False),
        "no answer in time": (raw(b"", hold=True), HARMLESS, Unanswered, Unanswered, False),
        "garbage instead of HTTP": (raw(b"SSH-2.0-x\r\n\r\n"), HARMLESS, Unanswered, Unanswered, False),
        "half a header": (raw(b"HTTP/1.1 200 OK\r\nConte"), HARMLESS, Unanswered, Unanswered, False),
        "reset in the body": (raw(part(), reset=True), HARMLESS, Unanswered, Unanswered, False),
        "closed in the body": (raw(part()), HARMLESS, Unanswered, Unanswered, False),
        "silence in the body": (raw(part(), hold=True), HARMLESS, Unanswered, Unanswered, False),
        "cut in a chunk": (raw(chunked + b'20\r\n{"items"'), HARMLESS, Unanswered, Unanswered, False),
        "cut between chunks": (raw(chunked + b'3\r\n{"i\r\n'), HARMLESS, Unanswered, Unanswered, False),
        "cut without a length": (
            raw(f'HTTP/1.1 200 OK\r\nContent-Type: {V3}\r\n\r\n{{"items": ['.encode()),
            HARMLESS,
            Unanswered,
            Unanswered,
            False,
        ),
        "broken JSON": (says(200, b'{"items": ['), NONE, None, BadAnswer, False),
        "no UTF-8": (says(200, b'{"a": "\xff\xfe"}'), NONE, None, BadAnswer, False),
        "NaN": (says(200, b'{"a": NaN}'), NONE, None, BadAnswer, False),
        "deep JSON": (says(200, b"[" * 100_000), NONE, None, BadAnswer, False),
        "a number": (says(200, b"42"), NONE, None, BadAnswer, False),
        "a page with 200": (says(200, page, "text/html"), NONE, None, BadAnswer, False),
        "a body without end": (
            endless(chunked, b"10000\r\n" + b" " * 65536 + b"\r\n"),
            NONE,
            None,
            BadAnswer,
            False,
        ),
        "a body too large": (says(200, b" " * (1 << 20) + b"{}"), NONE, None, BadAnswer, False),
        "a redirect": (
            says(302, b"", headers={"Location": "https://evil.example/x?token=1"}),
            NONE,
            None,
            BadAnswer,
            False,
        ),
        "429": (says(429, problem), ALL, RateLimited, None, True),
        "429 with seconds": (says(429, problem, headers={"Retry-After": "3"}), ALL, RateLimited, None, True),
        "429 with a date": (
            says(429, problem, headers={"Retry-After": "Fri, 15 Jan 2027 08:00:05 GMT"}),
            ALL,
            RateLimited,
            None,
            True,
        ),
        "429 with nonsense": (
            says(429, problem, headers={"Retry-After": "soon"}),
            ALL,
            RateLimited,
            None,
            True,
        ),
        "429 as a page": (says(429, page, "text/html"), ALL, RateLimited, None, True),
        "503 with seconds": (
            says(503, problem, headers={"Retry-After": "3"}),
            HARMLESS,
            RateLimited,
            ServerFault,
            False,
        ),
    }
    for status in (500, 502, 503, 504):
        limited = RateLimited if status == 503 else ServerFault
        for name, reaction in {
            "as problem": says(status, problem, "application/problem+json"),
            "as a page": says(status, page, "text/html"),
            "empty": says(status),
            "cut": raw(part(f"{status} X")),
        }.items():
            table[f"{status} {name}"] = (reaction, HARMLESS, limited, ServerFault, False)
    return table


def silence(name):
    """Seconds until silence is a fault: few only where the fault is silence."""
    return 0.1 if name in ("no answer in time", "silence in the body") else 5.0


def attempt(session, call):
    body = None if call.repeat is READ else b'{"a":1}'
    try:
        return session.send(call, body), None
    except WireError as error:
        return None, error


def test_a_fault_that_stays_is_tried_again_only_where_that_is_safe_and_named_rightly(
    rogue, open_session, http, capsys
):
    cases = 0
    for name, (reaction, repeated, error_repeated, error_once, certain) in faults(http).items():
        for repeat, call in CALLS.items():
            session = open_session(limits={"patience": 8.0, "read_timeout": silence(name)})
            rogue.seen.clear()
            rogue.habit = reaction
            _, error = attempt(session, call)
            where = f"{name} x {repeat.value}"
            expected = error_repeated if repeat in repeated else error_once
            assert type(error) is expected, where
            assert error.certain is certain, where
            assert error.call == call, where
            assert (len(rogue.calls) > 1) is (repeat in repeated), where
            assert session.calls[str(call)] == len(rogue.calls), where
            assert "\x1b" not in str(error), where
            assert "secret-ish" not in str(error), where
            assert "token=1" not in str(error), where
            diagnostic = error.diagnostic()
            assert diagnostic.remedy, where
            assert diagnostic.summary.startswith(str(call)), where
            if call.key:
                assert {each.headers["idempotency-key"] for each in rogue.calls} == {call.key}, where
                assert {each.body for each in rogue.calls} == {b'{"a":1}'}, where
            session.close()
            cases += 1
    with capsys.disabled():
        print(f"\n{cases} cases of a fault that stays")
    assert cases == len(faults(http)) * 4


def test_a_fault_that_passes_is_overcome_only_where_that_is_safe(rogue, open_session, http, capsys):
    cases = 0
    rogue.habit = http.says(200, {"ok": True})
    for name, (reaction, repeated, _, error_once, _) in faults(http).items():
        for repeat, call in CALLS.items():
            session = open_session(limits={"read_timeout": silence(name)})
            rogue.seen.clear()
            rogue.script = [reaction]
            answer, error = attempt(session, call)
            where = f"{name} x {repeat.value}"
            if repeat in repeated:
                assert error is None, where
                assert answer.body == {"ok": True}, where
                assert len(rogue.calls) == 2, where
            else:
                assert type(error) is error_once, where
                assert len(rogue.calls) == 1, where
            session.close()
            cases += 1
    with capsys.disabled():
        print(f"\n{cases} cases of a fault that passes")


@pytest.mark.parametrize("repeat", CALLS)
def test_a_refused_connection_is_certain_and_is_tried_again_for_a_while(repeat, open_session, http, clock):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    session = open_session(f"http://127.0.0.1:{port}")
    _, error = attempt(session, CALLS[repeat])
    assert type(error) is Unreachable
    assert error.certain
    assert "refused" in str(error)
    assert session.calls.total() > 1
    assert clock.slept <= 20.0, "a server that never answered is given up early"


@pytest.mark.parametrize("repeat", CALLS)
def test_a_server_that_answered_before_is_waited_for_as_long_as_patience_lasts(
    repeat, rogue, open_session, clock
):
    session = open_session()
    session.send(CALLS[READ])
    rogue.close()
    _, error = attempt(session, CALLS[repeat])
    assert isinstance(error, Unreachable | Unanswered)
    if isinstance(error, Unreachable):
        assert 60 < clock.slept <= 121


def test_a_name_that_does_not_exist_is_not_tried_again(open_session, clock):
    session = open_session("https://icaform-test.invalid")
    with pytest.raises(Unreachable) as caught:
        session.send(CALLS[READ])
    assert caught.value.certain
    assert clock.slept <= 20.0


def test_one_doubtful_try_leaves_the_whole_call_in_doubt(rogue, open_session, http):
    problem = {"title": "ICA_API_429", "detail": "Too many requests"}
    rogue.script = [http.raw(b"", reset=True)]
    rogue.habit = http.says(429, problem)
    _, error = attempt(open_session(limits={"patience": 20.0}), CALLS[SAME])
    assert type(error) is RateLimited
    assert not error.certain
    assert "not certain" in error.diagnostic().detail


def test_a_refusal_in_plain_4xx_is_an_answer_and_no_error(rogue, open_session, http, capsys):
    cases = 0
    for status in (400, 403, 404, 405, 409, 410, 412, 415, 422):
        for call in CALLS.values():
            rogue.seen.clear()
            rogue.script = [
                http.says(status, {"title": "ICA_API_004", "detail": "Invalid Accept Header", "id": "r"})
            ]
            answer, error = attempt(open_session(), call)
            assert error is None
            assert (answer.status, answer.problem.code, answer.problem.status) == (
                status,
                "ICA_API_004",
                status,
            )
            assert answer.body is None
            assert len(rogue.calls) == 1
            cases += 1
    with capsys.disabled():
        print(f"\n{cases} cases of a plain refusal")


def test_a_refusal_whose_body_is_cut_or_endless_is_one_where_a_repeat_does_no_harm(rogue, open_session, http):
    chunked = b"HTTP/1.1 409 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    for reaction in (
        http.raw(part("409 X")),
        http.raw(part("409 X"), reset=True),
        http.endless(chunked, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ):
        rogue.script = [reaction] * 2
        assert open_session().send(CALLS[SAME], b"{}").problem.status == 409
        _, error = attempt(open_session(), CALLS[KEYED])
        assert (type(error), error.status, error.certain) == (BadAnswer, 409, False)


def test_a_connection_is_kept_and_a_dying_one_is_not_used_for_a_write(rogue, open_session, http, clock):
    session = open_session()
    for _ in range(5):
        session.send(CALLS[READ])
    assert rogue.connections == 1
    clock.sleep(10)
    assert session.send(CALLS[NEVER], b"{}").status == 200
    assert rogue.connections == 2


def test_a_reset_on_a_kept_connection_is_never_replayed_for_a_write(rogue, open_session, http):
    session = open_session()
    session.send(CALLS[READ])
    rogue.script = [http.raw(b"", reset=True)]
    _, error = attempt(session, CALLS[NEVER])
    assert type(error) is Unanswered
    assert len(rogue.calls) == 2
    assert rogue.connections == 1


def test_a_slow_trickle_ends_at_the_deadline(rogue, open_session, http):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {V3}\r\nContent-Length: 100000\r\n\r\n".encode()
    for reaction in (http.endless(head, b" ", 0.01), http.endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.01)):
        rogue.script = [reaction]
        session = open_session(clock=http.Clock(ticking=True), limits={"call_deadline": 0.2})
        _, error = attempt(session, CALLS[KEYED])
        assert type(error) is Unanswered


def test_a_gzip_answer_is_read_and_a_gzip_bomb_is_not(rogue, open_session, http):
    import gzip

    packed = {"Content-Encoding": "gzip"}
    whole = json.dumps({"items": [{"a": "x" * 2000}]}).encode()
    rogue.script = [http.says(200, gzip.compress(whole[:50]) + gzip.compress(whole[50:]), headers=packed)]
    assert open_session().send(CALLS[READ]).body == json.loads(whole)
    rogue.script = [http.says(200, gzip.compress(b" " * (200 << 20), 9), headers=packed)]
    _, error = attempt(open_session(), CALLS[READ])
    assert type(error) is BadAnswer
    rogue.script = [http.says(200, gzip.compress(whole)[:-20], headers=packed)]
    _, error = attempt(open_session(), CALLS[KEYED])
    assert type(error) is Unanswered
    rogue.script = [http.says(200, b"not gzip at all", headers=packed)]
    _, error = attempt(open_session(), CALLS[KEYED])
    assert type(error) is Unanswered
