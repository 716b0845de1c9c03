"""A certificate that does not verify stops a run before a byte of a request; so does half a handshake."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import Siege
from tests.hostile.impostor import Impostor
from tests.hostile.process import Ended, icaform
from tests.hostile.verdict import errors, judged

VALID, OVER = ("20200101000000Z", "20991231000000Z"), ("20200101000000Z", "20200102000000Z")
CONFIG = """\
[ca]
default_ca = here
[here]
new_certs_dir = .
database = index
serial = serial
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
subjectAltName = {names}
"""
OURS, OTHER = "DNS:localhost,IP:127.0.0.1", "DNS:ica.illumina.com"


@dataclass(frozen=True)
class Pair:
    """A certificate that signed itself, and its key."""

    certificate: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def made(folder: Path, names: str, times: tuple[str, str]) -> Pair:
    """A certificate for these names and that time; without openssl the test is skipped."""
    folder.mkdir()
    (folder / "config").write_text(CONFIG.format(names=names))
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key")
    commands = (
        ("req", "-new", *curve, "-subj", "/CN=localhost", "-out", "request"),
        ("ca", "-batch", "-config", "config", "-selfsign", "-keyfile", "key", "-in", "request", "-notext",
         "-startdate", times[0], "-enddate", times[1], "-out", "certificate"),
    )  # fmt: skip
    for command in commands:
        try:
            subprocess.run(("openssl", *command), cwd=folder, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("openssl cannot make a certificate here")
    return Pair(folder / "certificate", folder / "key")


def whoami(siege: Siege, url: str, trusted: Path | None = None, seconds: str = "5") -> Ended:
    environ = siege.environ | {"ICAV2_BASE_URL": url}
    environ |= {"REQUESTS_CA_BUNDLE": str(trusted) if trusted else "", "SSL_CERT_FILE": ""}
    return icaform(
        "whoami", "-o", "json", "--timeout", seconds, environ=environ, folder=siege.folders["batch"]
    )


CASES = {
    "signed by itself": (OURS, VALID, False),
    "for another host": (OTHER, VALID, True),
    "expired": (OURS, OVER, True),
}


def test_a_certificate_that_does_not_verify_stops_everything(siege: Siege, tmp_path: Path) -> None:
    for name, (names, times, trusted) in CASES.items():
        pair = made(tmp_path / name.replace(" ", "-"), names, times)
        with Impostor(siege.world.ica.base_url, pair.context) as impostor:
            ended = whoami(siege, impostor.url, pair.certificate if trusted else None)
            report = judged(ended, siege.secrets)
            assert (ended.code, errors(report)) == (Exit.UNREACHABLE, ["unreachable"]), name
            assert "certificate is not trusted" in ended.text, name
            assert not impostor.asked, name
    pair = made(tmp_path / "right", OURS, VALID)
    with Impostor(siege.world.ica.base_url, pair.context) as impostor:
        ended = whoami(siege, impostor.url, pair.certificate)
        assert (ended.code, ended.json["server"]) == (Exit.DONE, impostor.url + "/ica/rest")
        assert [each.method for each in impostor.asked] == ["POST", "GET"], "a token, and which API it is"


@contextmanager
def speaking(speak: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does not wait for a handshake; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    speak(connection)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for each in kept:
            each.close()


HANDSHAKES: dict[str, Callable[[socket.socket], object]] = {
    "silence": lambda connection: None,
    "half a record": lambda connection: connection.sendall(b"\x16\x03\x03\x40\x00\x02"),
    "plain HTTP": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "an alert": lambda connection: connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28"),
    "an end": lambda connection: connection.shutdown(socket.SHUT_RDWR),
}


def test_a_handshake_that_comes_to_nothing_is_given_up_within_the_deadline(siege: Siege) -> None:
    for name, speak in HANDSHAKES.items():
        with speaking(speak) as url:
            environ = siege.environ | {"ICAV2_BASE_URL": url}
            ended = siege.cell.run("whoami", "-o", "json", "--timeout", "0.3", environ=environ)
            report = judged(ended, siege.secrets)
            assert (ended.code, errors(report)) == (Exit.UNREACHABLE, ["unreachable"]), name
