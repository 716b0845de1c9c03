"""What goes out, what may not, and many calls at once."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import pytest

from icaform.diagnostic import Rejected
from icaform.operation import Call, Repeat
from icaform.wire import BadAnswer, NotSent, RateLimited, ReadOnly, ServerFault, Unreachable, WireError

V3 = "application/vnd.illumina.v3+json"
GET = Call("GET", "/api/projects", V3)


def test_a_call_goes_out_as_it_says_and_with_nothing_else(rogue, open_session):
    session = open_session()
    body = '{"a":"ä"}'.encode()
    session.send(
        Call("POST", "/api/x:y", "a/b", (("q", "1 &2"),), V3, {"not": "sent"}, Repeat.KEYED, "key_-1"), body
    )
    session.send(
        Call("POST", "/api/projects/p/analysis:search", V3, content_type=V3, body={"b": 1, "a": "ä"})
    )
    session.send(Call("POST", "/api/x:share", V3, repeat=Repeat.SAME, key="k"))
    session.send(Call("POST", "/api/x:archive", V3, content_type=V3, repeat=Repeat.SAME, key="k"))
    write, search, empty, named = rogue.calls
    assert write.target == "/ica/rest/api/x:y?q=1%20%262"
    assert write.body == body
    assert write.headers["accept"] == "a/b"
    assert write.headers["content-type"] == V3
    assert write.headers["idempotency-key"] == "key_-1"
    assert write.headers["accept-encoding"] == "gzip"
    assert write.headers["user-agent"].startswith("icaform/")
    assert search.body == '{"a":"ä","b":1}'.encode()
    assert "idempotency-key" not in search.headers
    assert "content-type" not in empty.headers
    assert empty.headers["content-length"] == "0"
    assert named.headers["content-type"] == V3
    assert set(write.headers) == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "content-type",
        "content-length",
        "idempotency-key",
        "authorization",
    }


def test_a_read_only_session_refuses_every_write_before_a_byte_leaves(rogue, open_session, http):
    session = open_session(read_only=True)
    refused = 0
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "TRACE"):
        for path in (
            "/api/projects/p/pipelines/x:archive",
            "/api/storageCredentials",
            "/api/projects/p/analysisCreationBatch",
            "/api/projects/p/analysis:search/x",
            "/api/x/analysis:search",
            "/api/projects/p/q/pipelines:search",
            "/api/tokensX",
        ):
            for repeat in Repeat:
                with pytest.raises(ReadOnly):
                    session.send(Call(method, path, V3, repeat=repeat, key="k"), b"{}")
                refused += 1
    assert refused == 224
    assert not rogue.seen
    for path in ("/api/projects/p/analysis:search", "/api/projects/p/pipelines:search"):
        assert session.send(Call("POST", path, V3, body={})).status == 200
    assert session.identity().user_id == "u-1"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (Call("GET", "/projects", V3), None),
        (Call("GET", "/api/projects/a?x=1", V3), None),
        (Call("GET", "/api/projects/a#x", V3), None),
        (Call("GET", "/api/projects/a b", V3), None),
        (Call("GET", "/api/projects/a\r\nX: y", V3), None),
        (Call("POST", "/api/x", V3), b"{}"),
        (Call("POST", "/api/x", V3, repeat=Repeat.KEYED), b"{}"),
        (Call("POST", "/api/x", V3, repeat=Repeat.KEYED, key="a b"), b"{}"),
        (Call("POST", "/api/x", V3, repeat=Repeat.KEYED, key="k" * 256), b"{}"),
        (Call("POST", "/api/x", V3, repeat=Repeat.NEVER, key="k", body={"a": 1}), None),
    ],
)
def test_a_call_that_is_not_well_made_never_leaves(rogue, open_session, call, body):
    with pytest.raises(ValueError):
        open_session().send(call, body)
    assert not rogue.seen


def test_an_id_of_ica_s_that_would_be_another_path_never_leaves(rogue, open_session):
    ids = ("", ".", "..", "a/b", "a?b", "a%2fb", "..\\", "a b", "\x1b[31m", "\r\nX: y", "é", "x" * 2000)
    for each in ids:
        for path in (f"/api/projects/{quote(each, safe='')}/x", f"/api/projects/{quote(each, safe='')}"):
            with pytest.raises(BadAnswer, match="ICA gave an id") as caught:
                open_session().send(Call("GET", path, V3))
            assert caught.value.certain
            assert len(str(caught.value)) < 1200
            assert str(caught.value).isprintable()
    assert not rogue.seen


def test_reads_go_out_at_once_and_come_back_in_order(rogue, open_session, http):
    barrier = threading.Barrier(4, timeout=5)

    def react(connection, request):
        barrier.wait()
        return http.says(200, {"path": request.path})(connection, request)

    rogue.habit = react
    session = open_session(limits={"workers": 4, "read_timeout": 5.0})
    calls = [Call("GET", f"/api/projects/{n}", V3) for n in range(12)]
    assert [each.body["path"] for each in session.send_all(calls)] == [each.path for each in calls]
    assert rogue.connections <= 5
    assert session.send_all([]) == []
    with pytest.raises(ValueError):
        session.send_all([Call("POST", "/api/x", V3, repeat=Repeat.NEVER, key="k")])


def test_the_first_error_in_order_is_raised_and_nothing_more_is_begun(rogue, open_session, http):
    def react(connection, request):
        number = int(request.path.rsplit("/", 1)[1])
        return http.says(500 if number >= 3 else 200, {"ok": 1})(connection, request)

    rogue.habit = react
    calls = [Call("GET", f"/api/projects/{n}", V3) for n in range(200)]
    with pytest.raises(ServerFault) as caught:
        open_session(limits={"patience": 2.0}).send_all(calls)
    assert caught.value.call == calls[3]
    assert len({each.path for each in rogue.calls}) < 50


def test_after_a_429_all_threads_pause_and_then_go_slower(rogue, open_session, http, clock):
    rogue.script = [http.says(200, {}), http.says(429, headers={"Retry-After": "30"})]
    told = []
    session = open_session(on_event=told.append, limits={"workers": 4})
    assert len(session.send_all([GET] * 20)) == 20
    assert clock.slept >= 30
    assert {each.kind for each in told} == {"call", "retry", "wait"}
    assert any(each.status == 429 and each.seconds == 30 for each in told if each.kind == "retry")


def test_a_retry_after_beyond_patience_is_not_waited_for(rogue, open_session, http, clock):
    rogue.habit = http.says(429, headers={"Retry-After": "600"})
    with pytest.raises(RateLimited) as caught:
        open_session(limits={"patience": 60.0}).send(GET)
    assert caught.value.retry_after == 120
    assert clock.slept == 0


def test_every_request_is_counted_tokens_and_retries_too(rogue, open_session, http):
    rogue.script = [http.says(500)]
    session = open_session()
    session.send(GET)
    assert session.calls == {"POST /api/tokens": 1, "GET /api/projects": 2}
    assert session.calls.total() == len(rogue.seen) == 3


def test_closing_gives_up_what_waits_and_says_that_it_was_not_sent(rogue, open_session, http, clock):
    session = open_session()
    session.send(GET)
    session.close()
    with pytest.raises(NotSent) as caught:
        session.send(Call("POST", "/api/x", V3, repeat=Repeat.NEVER, key="k"), b"{}")
    assert caught.value.certain
    assert len(rogue.calls) == 1


def test_cookies_netrc_and_proxies_of_the_environment_do_not_reach_loopback(
    rogue, open_session, http, tmp_path, monkeypatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password CANARY\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://u:CANARY@127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    rogue.script = [http.says(200, {}, headers={"Set-Cookie": "s=CANARY; Path=/"})]
    session = open_session()
    session.send(GET)
    session.send(GET)
    assert len(rogue.calls) == 2
    assert "CANARY" not in repr(rogue.seen)
    assert all("cookie" not in each.headers for each in rogue.seen)


@pytest.fixture
def secure(http, tmp_path):
    """A rogue over TLS with a certificate of its own for localhost."""
    pair = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-out",
        str(pair[0]),
        "-keyout",
        str(pair[1]),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl cannot make a certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server = http.Rogue(context)
    yield server, pair[0]
    server.close()


def test_a_certificate_that_is_not_trusted_stops_everything_before_a_byte_of_it(
    secure, open_session, monkeypatch, clock
):
    server, certificate = secure
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unreachable, match="certificate is not trusted") as caught:
        open_session(server.url).send(GET)
    assert caught.value.certain
    assert not server.seen
    assert clock.slept == 0
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(certificate))
            assert open_session(server.url).send(GET).status == 200
            patch.setenv(name, "/nowhere/ca.pem")
            with pytest.raises(Rejected):
                open_session(server.url)


def test_a_connection_dropped_in_the_tls_handshake_is_certain(open_session, http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def drop():
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=drop, daemon=True).start()
        call = Call("POST", "/api/x", V3, repeat=Repeat.NEVER, key="k")
        with pytest.raises(Unreachable) as caught:
            open_session(f"https://localhost:{port}", limits={"patience": 3.0}).send(call, b"{}")
        assert caught.value.certain


def test_a_proxy_that_refuses_its_tunnel_sees_no_token_and_the_failure_is_certain(
    rogue, open_session, http, monkeypatch
):
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:pw@127.0.0.1:{rogue.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    rogue.habit = http.says(403, b"no", "text/plain", keep=False)
    with pytest.raises(WireError) as caught:
        open_session("https://ica.illumina.com", limits={"patience": 3.0}).send(GET)
    assert type(caught.value) is Unreachable
    assert {each.method for each in rogue.seen} == {"CONNECT"}
    assert "key-4711" not in repr(rogue.seen)
    assert "pw" not in str(caught.value)


def test_importing_the_wire_loads_no_http_library():
    costly = {"requests", "urllib3", "http.client", "asyncio", "importlib.metadata"}
    code = f"import sys, icaform.wire; print(sorted({costly} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_list_of_ten_megabytes_costs_little_more_than_its_parsing(rogue, open_session, http, capsys):
    items = [{"id": f"{n:032x}", "code": f"pipeline {n}", "description": "x" * 900} for n in range(10_000)]
    data = json.dumps({"items": items}).encode()
    rogue.habit = http.says(200, data)
    session = open_session(limits={"max_body": 1 << 26, "read_timeout": 10.0})
    session.send(GET)

    def best(work):
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
        return min(times)

    bare, ours = best(lambda: json.loads(data)), best(lambda: session.send(GET))
    with capsys.disabled():
        print(f"\n{len(data) / 1e6:.1f} MB: {bare * 1e3:.0f} ms to parse, {ours * 1e3:.0f} ms in a session")
    assert ours < 4 * bare + 0.2
