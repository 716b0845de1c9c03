"""libica, a client that others generated from ICA's description, reads every body that icaform sends."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.front.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(each.parent for each in (ROOT / "examples").rglob("icaform.yaml"))
MODELS = {
    "/analysisCreationBatch": "create_analysis_creation_batch",
    "/storageCredentials": "create_storage_credential_v{version}",
    ":updateSecrets": "update_storage_credential_secrets",
    ":deprecate": "deprecate_pipeline",
    ":archive": "archive_pipeline",
    "analysis:search": "analysis_query_parameters",
    "pipelines:search": "pipeline_query",
}
"""libica's model of each body, by how the path ends, and by the version in its media type."""


@pytest.fixture
def sent(lab: Lab) -> Iterator[list[tuple[str, str, Any]]]:
    """Every request with a body on its way to the lab: path, media type and value."""
    found: list[tuple[str, str, Any]] = []
    server = lab.ica.base_url.removesuffix("/ica/rest")

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if body:
                path = self.path.split("?")[0]
                found.append((path, self.headers["Content-Type"], json.loads(body)))
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            answer = requests.request(
                self.command, server + self.path, data=body, headers=headers, timeout=20
            )
            self.send_response(answer.status_code)
            for name in ("Content-Type", "ETag", "Retry-After"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            if answer.status_code != 204:
                self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = pass_on  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    lab.environ["ICAV2_BASE_URL"] = f"http://127.0.0.1:{proxy.server_port}/ica/rest"
    yield found
    proxy.shutdown()
    thread.join()
    proxy.server_close()


def model(path: str, media: str) -> Any:
    version = "4" if ".v4+" in media else "3"
    name = next(MODELS[end] for end in MODELS if path.endswith(end)).format(version=version)
    module = import_module(f"libica.openapi.v3.models.{name}")
    return getattr(module, "".join(part.capitalize() for part in name.split("_")))


def fields(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {each for inner in value.values() for each in fields(inner)}
    return {each for inner in value for each in fields(inner)} if isinstance(value, list) else set()


def test_libica_takes_every_body_that_icaform_sends(lab: Lab, sent: list[tuple[str, str, Any]]) -> None:
    for example in EXAMPLES:
        folder = lab.folder / example.name
        shutil.copytree(example, folder, ignore=lambda *_: [".icaform", "run"])
        for change in (None, ("not+a/real", "rotated+not+a/real")):
            if change:
                for secret in folder.rglob("secret-access-key"):
                    secret.write_text(secret.read_text("utf-8").replace(*change), encoding="utf-8")
            where = [str(folder), "--project-id", "wgs-prod"]
            steps = lab.run("plan", *where, "--output", "json").json["counts"]["irreversible"]
            ran = lab.run("apply", *where, "--yes", "--allow-irreversible", str(steps))
            assert ran.code == 0, ran.text
    counts: Counter[str] = Counter()
    for path, media, body in sent:
        read = model(path, media).from_dict(body)
        # A field that the model does not know would be dropped in silence; compare what it writes again.
        assert fields(body) <= fields(read.to_dict()), path
        assert media == "application/vnd.illumina.v3+json" or path.endswith("/storageCredentials")
        counts[model(path, media).__name__] += 1
    assert len(counts) == len(MODELS) + 1, counts
    print(f"{len(sent)} bodies read by libica: {dict(counts)}")
