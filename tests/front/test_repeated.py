"""What ICA gives us to call it with is told by nobody, wherever ICA repeats it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.front.conftest import Lab
from tests.front.test_doubt import PIPELINE

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "in base64": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "in a URL": lambda text: quote(text, safe=""),
}
PAGE = PIPELINE.format(more="", select="code: DRAGEN Germline 4-2-7", status="Deprecated")


class Gossip(ThreadingHTTPServer):
    """Passes all on to ICA, and tells its tokens wherever an answer names a tenant."""

    form: Callable[[str], str] = str
    told: set[str]
    ica: str

    def retold(self, path: str, said: Any) -> Any:
        match said:
            case dict():
                name = " ".join(map(self.form, sorted(self.told)))
                if path.endswith("/tokens"):
                    self.told.add(said["token"])
                    return said
                if "tenant" in said or "tenantId" in said:
                    said = {**said, "tenant": {"id": "another", "name": name}}
                return {key: self.retold(path, each) for key, each in said.items()}
            case list():
                return [self.retold(path, each) for each in said]
        return said


@pytest.fixture
def gossip(lab: Lab) -> Iterator[Gossip]:
    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            assert isinstance(self.server, Gossip)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = {name: value for name, value in self.headers.items() if name != "Host"}
            answer = requests.request(
                self.command, self.server.ica + self.path, data=body, headers=sent, timeout=20
            )
            said = json.dumps(self.server.retold(self.path.split("?")[0], answer.json())).encode()
            self.send_response_only(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = pass_on  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = Gossip(("127.0.0.1", 0), Passing)
    server.ica, server.told = lab.ica.base_url.removesuffix("/ica/rest"), set()
    Thread(target=server.serve_forever, daemon=True).start()
    lab.environ["ICAV2_BASE_URL"] = f"http://127.0.0.1:{server.server_port}/ica/rest"
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("form", FORMS)
def test_a_token_that_ica_repeats_is_neither_told_nor_saved(lab: Any, gossip: Gossip, form: str) -> None:
    lab.write("p.yaml", PAGE)
    gossip.form = FORMS[form]
    tried = 0
    for dialect in ("text", "json", "markdown", "html", "ndjson", "github"):
        saved = lab.folder / f"saved-{dialect}"
        ran = lab.run("plan", str(lab.folder), "--output", dialect, "--out", str(saved))
        assert gossip.told, "ICA gave a token"
        assert "withheld" in ran.text, ran.text
        kept = saved.read_text("utf-8") if saved.exists() else ""
        for each in gossip.told:
            assert FORMS[form](each) not in ran.text + kept, dialect
            tried += 1
    print(f"{tried} tokens {form}")
