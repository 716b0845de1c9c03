"""A server that repeats what it was sent: in a page, in a redirect, in a problem."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.hostile.conftest import Siege
from tests.hostile.impostor import Attack
from tests.hostile.misbehaviour import raw
from tests.hostile.site import CREDENTIAL, KEY_ID, SECRET, workspace

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64": lambda text: base64.b64encode(f"x{text}x".encode()).decode(),
    "html": escape,
}
WAYS: dict[str, tuple[str, str, str]] = {
    "a page": ("200 X", "Content-Type: text/html\r\n", "<title>{}</title>"),
    "a page after what it did": ("201 X", "Content-Type: text/html\r\n", "<title>{}</title>"),
    "a redirect": ("302 X", "Location: https://{}/x\r\n", ""),
    "a problem": ("400 X", "Content-Type: application/problem+json\r\n", '{{"title": "{}", "id": "{}"}}'),
    "a page of a gateway": ("502 X", "Content-Type: text/html\r\n", "<title>{}</title>"),
    "no JSON": ("500 X", "Content-Type: application/json\r\n", '{{"detail": "{}'),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_server_repeats_is_neither_told_nor_kept(siege: Siege, tmp_path: Path, way: str) -> None:
    status, head, body = WAYS[way]
    for name, form in FORMS.items():
        siege.world.fresh()
        folder = workspace(tmp_path / name, {"a.yaml": CREDENTIAL})
        for secret in (SECRET, KEY_ID):
            said = form(secret)
            data = body.format(said, said).encode()
            lines = f"HTTP/1.1 {status}\r\n{head.format(said)}Content-Length: {len(data)}\r\n\r\n"
            attack = Attack("POST /api/storageCredentials", raw(lines.encode(), data), effect=False)
            ended = siege.run(
                "apply", folder, "--yes", "--first-run", "--allow-irreversible", "1", attack=attack
            )
            assert siege.impostor.hits, (name, secret)
            kept = b"".join(each.read_bytes() for each in folder.glob(".icaform/journal*"))
            for each in {secret, said, said.lower()}:
                assert each not in ended.text, (way, name, ended.text)
                assert each.encode() not in kept, (way, name)
    print(f"{len(FORMS)} forms of 2 secrets in {way}")
