"""A lab: a workspace of manifests, an emulated ICA on a real socket, and the real command line between them.

Time is the emulator's and is moved by whoever waits, so nothing sleeps.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from icaform.cli.group import run
from icaform.emulator import Embedded, Settings
from icaform.engine.world import World

V3 = "application/vnd.illumina.v3+json"
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
HELD: set[int] = set()
REPORT = Draft202012Validator(json.loads((SCHEMAS / "report.schema.json").read_text("utf-8")))


class LabClock:
    """The emulator's clock as its client sees it: whoever sleeps moves both."""

    def __init__(self, control: Callable[..., Any]) -> None:
        self._control = control
        self._now = float(control("GET", "/clock")["now"])
        self._lock = threading.Lock()
        self.slept = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept += seconds
            self._now = float(self._control("POST", "/clock", {"advance": seconds})["now"])


@dataclass
class Ran:
    """How one command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on stdout; a report is held against its schema, whichever test asks for it."""
        document = json.loads(self.out)
        # What differs from another one only in its numbers and ids fits the schema as that one does.
        kind = hash(re.sub(r"[0-9a-f-]{8,}|\d+", "", self.out))
        if "resource_changes" in document and kind not in HELD:
            REPORT.validate(document)
            HELD.add(kind)
        return document

    @property
    def text(self) -> str:
        return self.out + self.err


class Terminal(io.StringIO):
    """A stream that says what ``tty`` says."""

    tty = False

    def isatty(self) -> bool:
        return self.tty


@dataclass
class Lab:
    """A workspace folder and the server that it applies to."""

    folder: Path
    ica: Embedded
    environ: dict[str, str] = field(default_factory=dict)
    home: Path = Path("/nonexistent")

    def __post_init__(self) -> None:
        self.http = requests.Session()
        self.clock = LabClock(self.control)
        self.environ = {
            "ICAV2_BASE_URL": self.ica.base_url,
            "ICAV2_X_API_KEY": self.ica.api_key,
            "ICAFORM_CACHE_DIR": "",
            "ICAFORM_STATE_DIR": str(self.folder / ".state"),
            **self.environ,
        }

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The emulator's control door."""
        answer = self.http.request(method, self.ica.control_url + path, json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def api(self, method: str, path: str, body: Any = None, accept: str = V3, key: str = "") -> Any:
        """ICA's own API, as somebody behind git's back would call it."""
        headers = {"X-API-Key": key or self.ica.api_key, "Accept": accept}
        answer = self.http.request(
            method,
            self.ica.base_url + path,
            data=None if body is None else json.dumps(body),
            headers=headers | ({"Content-Type": V3} if body is not None else {}),
            timeout=20,
        )
        assert answer.status_code < 400, (method, path, answer.text)
        return answer.json() if answer.content else None

    def write(self, name: str, text: str) -> Path:
        """A manifest, or icaform.yaml."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None, stdin: bytes = b"") -> Ran:
        """One command line on this workspace, in this process, with the lab's clock."""
        world = World(
            clock=self.clock,
            environ={**self.environ, **(environ or {})},
            home=self.home,
            stdin=lambda: stdin,
        )
        out, err = Terminal(), Terminal()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(arguments), world)
        return Ran(int(code), out.getvalue(), err.getvalue())

    def plan(self, *more: str) -> Ran:
        """``icaform plan`` of the whole workspace, as JSON."""
        return self.run("plan", str(self.folder), "--output", "json", *more)

    def apply(self, *more: str) -> Ran:
        """``icaform apply`` of the whole workspace, irreversible steps counted for it."""
        steps = len([each for each in self.plan().json["resource_changes"] if each["irreversible"]])
        return self.run(
            "apply",
            str(self.folder),
            "--yes",
            "--allow-irreversible",
            str(steps),
            "--output",
            "json",
            *more,
        )

    def requests(self, method: str = "", part: str = "") -> list[dict[str, Any]]:
        """The emulator's log of requests, narrowed."""
        found: list[dict[str, Any]] = self.control("GET", "/requests")["items"]
        return [each for each in found if method in ("", each["method"]) and part in each["path"]]

    def writes(self) -> list[dict[str, Any]]:
        """The requests that may have changed something."""
        return [
            each
            for each in self.requests()
            if each["method"] != "GET" and not each["path"].endswith((":search", "/tokens"))
        ]

    def forget_requests(self) -> None:
        """Empty the log."""
        self.control("DELETE", "/requests")


@pytest.fixture(scope="session")
def october() -> Iterator[Embedded]:
    with Embedded(settings=Settings(clock="manual")) as ica:
        yield ica


@pytest.fixture(scope="session")
def april() -> Iterator[Embedded]:
    with Embedded(settings=Settings(clock="manual", api="2026-04")) as ica:
        yield ica


@pytest.fixture
def lab(tmp_path: Path, october: Embedded) -> Lab:
    """A workspace against a fresh world of the newer API."""
    return _fresh(tmp_path, october)


@pytest.fixture
def old_lab(tmp_path: Path, april: Embedded) -> Lab:
    """A workspace against a fresh world of the older API."""
    return _fresh(tmp_path, april)


def _fresh(folder: Path, ica: Embedded) -> Lab:
    made = Lab(folder, ica)
    made.control("POST", "/reset", {})
    made.control("DELETE", "/faults")
    made.control("DELETE", "/outcomes")
    made.forget_requests()
    made.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    return made


@pytest.fixture
def slow_lab(tmp_path: Path) -> Iterator[Lab]:
    """A workspace against a server that takes five minutes to begin with a batch."""
    with Embedded(settings=Settings(clock="manual", batch_initialized=300)) as ica:
        yield _fresh(tmp_path, ica)


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


@pytest.fixture
def elsewhere(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """On another machine, which has a journal of its own."""
    home, aside = lab.folder / ".icaform", tmp_path_factory.mktemp("journals")

    @contextlib.contextmanager
    def there() -> Iterator[None]:
        shutil.move(home, aside / "away")
        yield
        shutil.move(home, aside / "there")
        shutil.move(aside / "away", home)

    return there
