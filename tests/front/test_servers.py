"""Servers that are down, slow, strange or unwilling: each ends a run with its code and a reason."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from icaform.engine import connect
from icaform.wire import Limits
from tests.front.conftest import Lab, Ran

MANIFEST = """
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab}
spec: {type: AWS_ROLE}
"""
KEY = "canary-of-a-key-0001"
Answer = Callable[[BaseHTTPRequestHandler], None]
VERBS = (["plan"], ["drift"], ["apply", "--yes"], ["whoami"])


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that answers everything in one way, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.close_connection = True
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                asked.append(f"{self.command} {self.path}")
                answer(self)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def says(status: int, kind: str, body: str, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body.encode())

    return answer


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def told(ran: Ran) -> dict[str, Any]:
    (found,) = ran.json["diagnostics"]
    assert ran.json["errored"] is True
    assert ran.json["exit_code"] == ran.code
    assert found["remedy"], found
    assert KEY not in ran.text
    assert "Traceback" not in ran.text
    assert isinstance(found, dict)
    return found


PROBLEM = '{"title": "ICA_SEC_002", "status": %d, "detail": "no", "type": "about:blank"}'
STRANGE: list[tuple[str, Answer, int, str]] = [
    ("HTML", says(200, "text/html", "<html>Welcome</html>"), 69, "bad-answer"),
    ("an error page", says(502, "text/html", "<html>Bad gateway</html>"), 69, "server-fault"),
    ("no JSON", says(200, "application/vnd.illumina.v3+json", "{"), 69, "bad-answer"),
    ("JSON of another sort", says(200, "application/vnd.illumina.v3+json", "[]"), 69, "bad-answer"),
    ("no token", says(200, "application/vnd.illumina.v3+json", '{"token": 5}'), 69, "bad-answer"),
    ("not ICA", says(404, "text/plain", "not here"), 69, "bad-answer"),
    ("nothing", hangs_up, 69, "unreachable"),
    ("401", says(401, "application/problem+json", PROBLEM % 401), 77, "unauthorised"),
    ("403", says(403, "application/problem+json", PROBLEM % 403), 77, "unauthorised"),
    ("429", says(429, "application/problem+json", PROBLEM % 429), 75, "rate-limited"),
    ("a long pause", says(429, "application/json", "{}", Retry_After="86400"), 75, "rate-limited"),
]


def test_whatever_a_strange_server_says_a_run_ends_with_its_code_and_a_remedy(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    for number, (name, answer, code, wanted) in enumerate(STRANGE):
        for verb in (VERBS[number % 4], VERBS[(number + 1) % 4]):
            with serving(answer) as (url, asked):
                ran = lab.run(
                    *verb, str(lab.folder), "--server-url", url, "--x-api-key", KEY, "--output", "json"
                )
                assert (ran.code, told(ran)["code"]) == (code, wanted), (name, verb)
                assert set(asked) == {"POST /ica/rest/api/tokens"}
    print(f"{len(STRANGE)} servers, each asked by two verbs")


def test_a_redirect_is_not_followed_and_takes_no_key_along(lab: Lab) -> None:
    with serving(says(200, "application/json", "{}")) as (elsewhere, asked):
        for status in (301, 302, 303, 307, 308):
            with serving(says(status, "text/plain", "", Location=elsewhere + "/")) as (url, _):
                ran = lab.run("whoami", "--server-url", url, "--x-api-key", KEY, "--output", "json")
                assert (ran.code, told(ran)["code"]) == (69, "bad-answer"), status
        assert not asked


def test_a_server_that_is_down_is_tried_for_a_while_and_then_named(lab: Lab) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    ran = lab.run("whoami", "--server-url", url, "--output", "json")
    assert (ran.code, told(ran)["code"]) == (69, "unreachable")
    assert "connection refused" in ran.json["diagnostics"][0]["summary"]
    assert "again in" in ran.err
    assert 5 < lab.clock.slept < 30


def test_a_server_that_never_answers_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect.DEFAULT_LIMITS.read_timeout == 60
    monkeypatch.setattr(connect, "DEFAULT_LIMITS", Limits(read_timeout=0.05))
    done = threading.Event()
    with serving(lambda request: bool(done.wait(20)) and None) as (url, _):
        ran = lab.run("whoami", "--server-url", url, "--x-api-key", KEY, "--output", "json")
        done.set()
    assert (ran.code, told(ran)["code"]) == (69, "unreachable")
    assert "no answer" in ran.json["diagnostics"][0]["summary"]


def test_a_wrong_key_is_77_and_is_not_repeated(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    for verb in VERBS:
        ran = lab.run(*verb, str(lab.folder), "-o", "json", environ={"ICAV2_X_API_KEY": KEY})
        assert (ran.code, told(ran)["code"]) == (77, "unauthorised"), verb


def test_a_token_that_expired_is_told_and_no_other_way_is_tried(lab: Lab) -> None:
    token = lab.api("POST", "/api/tokens")["token"]
    lab.clock.sleep(400 * 86_400)
    lab.forget_requests()
    ran = lab.run("whoami", "--output", "json", environ={"ICAV2_ACCESS_TOKEN": token})
    assert (ran.code, told(ran)["code"]) == (77, "unauthorised")
    assert "expired" in ran.json["diagnostics"][0]["summary"]
    assert token not in ran.text
    assert not lab.requests("POST")


FAULTS: list[tuple[dict[str, Any], int, str]] = [
    ({"do": "status", "status": 429, "times": 999}, 75, "rate-limited"),
    ({"do": "status", "status": 500, "times": 999}, 69, "server-fault"),
    ({"do": "status", "status": 503, "body": "html", "times": 999}, 75, "rate-limited"),
    ({"do": "drop_answer", "times": 999}, 69, "unreachable"),
    ({"do": "drop_request", "times": 999}, 69, "unreachable"),
]


def test_a_read_that_keeps_failing_ends_a_plan_and_writes_nothing(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    for fault, code, wanted in FAULTS:
        lab.control(
            "PUT", "/faults", [{"match": {"method": "GET", "path": "/api/storageCredentials"}, **fault}]
        )
        for verb in (["plan"], ["apply", "--yes"]):
            ran = lab.run(*verb, str(lab.folder), "--output", "json")
            assert (ran.code, told(ran)["code"]) == (code, wanted), (fault, verb)
    lab.control("DELETE", "/faults")
    assert not lab.writes()


def test_a_read_that_fails_a_few_times_is_only_slower(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    for fault, _, _ in FAULTS:
        lab.control("PUT", "/faults", [{"match": {"path": "/api/storageCredentials"}, **fault, "times": 2}])
        assert lab.run("plan", str(lab.folder)).code == 0, fault
