"""No secret leaves: values planted in every source are searched for in every byte that icaform writes."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests

from tests.front.conftest import Lab
from tests.front.test_doubt import credential

ROOT = Path(__file__).parents[2]
RAW = "cAn4ry/+of%the lab\"s'<key>&\\0001"
"""A value that is another text in each form."""
FORMS = {
    "raw": RAW,
    "url": quote(RAW, safe=""),
    "base64": base64.b64encode(RAW.encode()).decode().rstrip("="),
    "json": json.dumps(RAW)[1:-1],
}
KEY = "cAn4ry-api-key-0001"
SOURCES = ("env", "file", "command")
ECHOES = ("none", "refused", "fault", "granted")
"""What the server does with a body that holds a secret: nothing odd, or repeats it in its answer."""


def forms(value: str) -> set[str]:
    """What a value may look like in a text."""
    return {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        *(base64.b64encode(f"{' ' * pad}{value}".encode()).decode()[4:].rstrip("=")[:-2] for pad in range(3)),
        base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")[:-2],
        value.encode().hex(),
    }


def spoken(value: str) -> set[str]:
    """What a server that is up to no good may answer."""
    texts = [f"{' ' * pad}{value}{' ' * pad}".encode() for pad in range(3)]
    encoders = (base64.b64encode, base64.urlsafe_b64encode)
    encoded = {encode(text).decode() for text in texts for encode in encoders}
    whole = {each for each in forms(value) if not any(each in other for other in encoded)}
    return whole | encoded


class Echo(BaseHTTPRequestHandler):
    """Passes everything on to the emulator, and repeats bodies with secrets in its answers."""

    target = ""
    how = "none"
    words: tuple[str, ...] = ()
    alone = False
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None: ...

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host",)}
        told = body.decode(errors="replace")
        private = self.command == "POST" and "awsCredentials" in told
        if private and self.how in ("refused", "fault"):
            status = 400 if self.how == "refused" else 500
            words = " ".join(self.words if self.alone else [told, *self.words])
            problem = {"status": status, "title": "ICA_API_004", "detail": words, "instance": words}
            self.answer(status, json.dumps(problem).encode(), "application/problem+json")
            return
        got = requests.request(self.command, self.target + self.path, data=body, headers=headers, timeout=20)
        content = got.content
        if private and self.how == "granted" and got.status_code < 300 and content:
            content = json.dumps({**got.json(), "echo": json.loads(told), "words": self.words}).encode()
        self.answer(got.status_code, content, got.headers.get("Content-Type", ""))

    do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - the names that the library asks for

    def answer(self, status: int, body: bytes, media: str) -> None:
        self.send_response(status)
        if media:
            self.send_header("Content-Type", media)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if status == 204 else body)


@pytest.fixture(scope="module")
def echo(october: Any) -> Iterator[tuple[str, type[Echo]]]:
    root = october.base_url.removesuffix("/ica/rest")
    handler = type("Here", (Echo,), {"target": root})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ica/rest", handler
    server.shutdown()


def planted(lab: Lab, source: str, value: str) -> None:
    """A workspace with two credentials whose secrets are all that value, from one source."""
    match source:
        case "env":
            said = "{env: CANARY}"
            lab.environ["CANARY"] = value
        case "file":
            said = "{file: secrets/canary}"
            (lab.folder / "secrets").mkdir(exist_ok=True)
            (lab.folder / "secrets" / "canary").write_text(value)
        case _:
            (lab.folder.parent / "tell").write_text(value)
            said = f"{{command: [cat, {lab.folder.parent / 'tell'}]}}"
    lab.write("c.yaml", credential("one", key=said, secret=said))
    lab.write("d.yaml", credential("two", shared="true", key=said, secret=said))


def written(lab: Lab) -> Mapping[str, bytes]:
    """Every file that icaform wrote."""
    ours = [each for each in lab.folder.rglob("*") if each.is_file() and "secrets" not in each.parts]
    return {str(each): each.read_bytes() for each in [*ours, *lab.home.rglob("*")] if each.is_file()}


REPORTS = ("json", "markdown", "html", "text", "ndjson")
VERBS = (
    ("validate",),
    ("plan", "--out", "plan.icaform"),
    ("apply", "--yes", "--allow-irreversible", "1", "--allow-commands"),
    ("apply", "--yes", "--allow-irreversible", "1", "--allow-commands", "--output", "json"),
    ("plan",),
    ("drift",),
    ("whoami",),
    ("journal", "list", "--all"),
    ("journal", "audit"),
)


def found_in(texts: Mapping[str, bytes], wanted: set[str]) -> list[str]:
    return [f"{where}: {form}" for where, text in texts.items() for form in wanted if form.encode() in text]


@pytest.mark.parametrize("how", ECHOES)
@pytest.mark.parametrize("source", SOURCES)
def test_no_secret_is_in_any_byte_that_is_written(
    lab: Lab, echo: tuple[str, type[Echo]], source: str, how: str, tmp_path_factory: Any
) -> None:
    url, handler = echo
    handler.how = how
    lab.home = tmp_path_factory.mktemp("home")
    tried = 0
    wrong: list[str] = []
    for form, value in FORMS.items():
        lab.control("POST", "/reset", {})
        lab.control("POST", "/seed", {"users": [{"name": "mia", "tenant": "demo-lab", "api_key": KEY}]})
        lab.environ.update(ICAV2_BASE_URL=url, ICAV2_X_API_KEY=KEY)
        lab.environ["ICAFORM_CACHE_DIR"] = str(lab.home / "cache")
        planted(lab, source, value)
        handler.words = tuple(sorted(spoken(value) | spoken(KEY)))
        wanted = forms(value) | forms(KEY)
        for verb in VERBS:
            line = [each if each != "plan.icaform" else str(lab.folder / each) for each in verb]
            reports = (
                []
                if verb[0] in ("whoami", "journal", "validate")
                else [word for name in REPORTS for word in ("--report", f"{name}={lab.folder / name}")]
            )
            paths = [] if verb[0] == "whoami" else [str(lab.folder)]
            ran = lab.run(line[0], *line[1:], *paths, *reports)
            assert ran.code not in (1, 64) or how != "none", (verb, ran.text)
            texts = {"stdout": ran.out.encode(), "stderr": ran.err.encode(), **written(lab)}
            wrong += [f"{source} {how} {form} {verb}: {each}" for each in found_in(texts, wanted)]
            tried += len(texts)
        for each in (lab.folder / ".icaform").glob("journal*"):
            each.unlink()
    handler.how = "none"
    print(f"{tried} texts searched")
    assert not wrong, wrong[:5]


def escaped(value: str, marks: str = "", upper: bool = False) -> str:
    """A value in JSON, with further characters, or all that are not ASCII, as escapes of four digits."""
    digits = "\\u{:04X}" if upper else "\\u{:04x}"
    quoted = json.dumps(value, ensure_ascii=False)[1:-1]
    return "".join(digits.format(ord(each)) if each in marks or each > "~" else each for each in quoted)


def wrapped(text: str, width: int, end: str) -> str:
    return end.join(text[start : start + width] for start in range(0, len(text), width))


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


AWS = "caN4ryXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEK="
MARKED = "caN4ry/é=&'<>\"\\%+ 0001"
DISGUISES: Mapping[str, Callable[[str], str]] = {
    "PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "Go": lambda text: escaped(text, "<>&"),
    "Gson": lambda text: escaped(text, "<>&='"),
    "upper-case digits": lambda text: escaped(text, "<>&='+/", upper=True),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1].replace("/", "\\/"))[1:-1],
    "upper-case hex": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "upper-case hex with colons": lambda text: text.encode().hex(":").upper(),
    "URL in URL": lambda text: quote(quote(text, safe=""), safe=""),
    "form in URL": lambda text: quote(quote_plus(text), safe=""),
    "every byte in URL": lambda text: "".join(f"%{each:02x}" for each in text.encode()),
    "decimal entities": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(each):X};" for each in text),
    "entities in JSON": lambda text: escaped(html.escape(text), "&"),
    "JSON in base64": lambda text: in_base64(f'{{"k":"{escaped(text)}"}}'),
    "PHP in base64": lambda text: in_base64(json.dumps(text).replace("/", "\\/")),
    "Gson in base64": lambda text: in_base64(escaped(text, "<>&='")),
    "PHP in hex": lambda text: json.dumps(text).replace("/", "\\/").encode().hex(),
    "PHP in URL": lambda text: quote(json.dumps(text).replace("/", "\\/"), safe=""),
    "base64 in PHP": lambda text: in_base64(text).replace("/", "\\/"),
    "base64 in URL": lambda text: quote(in_base64(text), safe=""),
    "Python": ascii,
}
"""How a server may repeat a value, beside what is listed above."""
BREAKS: Mapping[str, Callable[[str], str]] = {
    "lines of 20": lambda text: wrapped(text, 20, "\n"),
    "lines of 20 that end in two": lambda text: wrapped(text, 20, "\r\n"),
    "lines of MIME": lambda text: wrapped(in_base64(text * 3), 76, "\r\n"),
    "lines of 20 in JSON": lambda text: wrapped(json.dumps(text), 20, "\n"),
    "lines in JSON": lambda text: wrapped(text, 20, "\\n"),
    "short lines in URL": lambda text: wrapped(quote(text, safe=""), 8, "\n"),
}


def told_by(texts: Mapping[str, bytes], said: str) -> list[str]:
    """Where what a server said is found again, as a report or the journal would put it."""
    pieces = {said, *said.split()} if any(each.isspace() for each in said) else {said}
    found = set()
    for piece in (each for each in pieces if len(each) > 5 and each not in WORDS):
        once = json.dumps(piece)[1:-1]
        wide = json.dumps(piece, ensure_ascii=False)[1:-1]
        found |= {
            piece,
            once,
            wide,
            json.dumps(once)[1:-1],
            html.escape(piece),
            html.escape(piece, quote=False),
        }
        found |= {piece.replace("%", "%25"), html.escape(once)}
    return found_in(texts, found)


WORDS = frozenset({"secretAccessKey", "refused"})


def repeated(lab: Lab, handler: type[Echo], value: str, said: str, how: str) -> tuple[int, list[str]]:
    """An apply whose request is repeated, and the journal after it: how many texts, and what is wrong."""
    lab.control("POST", "/reset", {})
    handler.how, handler.words, handler.alone = how, (f'{{"secretAccessKey": "{said}"}}',), True
    for each in (lab.folder / ".icaform").glob("journal*"):
        each.unlink()
    planted(lab, "env", value)
    reports = [word for name in REPORTS for word in ("--report", f"{name}={lab.folder / name}")]
    where = str(lab.folder)
    texts: dict[str, bytes] = {}
    for verb in (
        ("apply", where, "--yes", "--allow-irreversible", "1", "--first-run", *reports),
        ("apply", where, "--yes", "--allow-irreversible", "1", "--output", "json"),
        ("journal", "list", where, "--all"),
        ("journal", "list", where, "--all", "--output", "json"),
    ):
        ran = lab.run(*verb)
        texts |= {f"{verb[:2]} out": ran.out.encode(), f"{verb[:2]} err": ran.err.encode(), **written(lab)}
    assert b"ICA_API_004" in b"".join(texts.values()), "the server's answer was not heard"
    return len(texts), told_by(texts, said)


@pytest.mark.parametrize("how", ["refused", "fault"])
@pytest.mark.parametrize("ways", [DISGUISES, BREAKS], ids=["disguises", "breaks"])
def test_no_secret_that_is_repeated_in_another_writing_is_told_or_kept(
    lab: Lab, echo: tuple[str, type[Echo]], ways: Mapping[str, Callable[[str], str]], how: str
) -> None:
    url, handler = echo
    lab.environ["ICAV2_BASE_URL"] = url
    tried = searched = 0
    wrong: list[str] = []
    for value in (AWS, MARKED) if how == "refused" else (MARKED,):
        for name, disguise in ways.items():
            texts, found = repeated(lab, handler, value, disguise(value), how)
            tried, searched = tried + 1, searched + texts
            wrong += [f"{name}, {value}: {each}" for each in found]
    handler.how, handler.alone = "none", False
    print(f"{tried} writings of a secret, {searched} texts searched")
    assert not wrong, "\n".join(wrong)[:3000]


BROKEN = """
import sys
from icaform.cli.group import run
import {module} as broken
def fail(*arguments, **named):
    words = [str(each) for each in arguments] + [repr(named)]
    raise RuntimeError(" ".join([*words, {value!r}]))
broken.{name} = fail
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("traceback", ["", "1"])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("icaform.engine.execute", "freeze"),
        ("icaform.engine.execute", "described"),
        ("icaform.engine.confirm", "facts_of"),
        ("icaform.render", "of_apply"),
    ],
)
def test_an_internal_error_that_quotes_a_secret_does_not_print_it(
    lab: Lab, module: str, name: str, traceback: str
) -> None:
    planted(lab, "env", RAW)
    script = BROKEN.format(module=module, name=name, value=RAW)
    line = [sys.executable, "-c", script, "apply", str(lab.folder), "--yes", "--allow-irreversible", "1"]
    environ = {**os.environ, **lab.environ, "ICAFORM_TRACEBACK": traceback, "ICAFORM_FIRST_RUN": "1"}
    done = subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, check=False, timeout=60)
    assert done.returncode, "it went well although it was broken"
    found = found_in({"stdout": done.stdout, "stderr": done.stderr, **written(lab)}, forms(RAW))
    assert not found, found[:5]


def test_the_search_finds_what_is_there() -> None:
    for value in (*FORMS.values(), KEY):
        for form in forms(value):
            assert found_in({"x": f"a{form}b".encode()}, forms(value))
