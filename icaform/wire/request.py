"""A Call as it goes out: its rules checked, its body and headers made. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote, urlencode

from icaform.operation import MAX_KEY, Call, Repeat, canonical
from icaform.wire.problem import BadAnswer, ReadOnly

LONGEST_PATH = 1000
"""Characters; ICA's longest paths hold three UUIDs."""

_PATH = re.compile(r"/api(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+")
_READ_POST = re.compile(
    r"/api/tokens(:refresh)?|/api/projects/[^/]+/analysis:search|/api/projects/[^/]+/pipelines:search"
)
_KEY = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_KEY}}}")


def reads_only(call: Call) -> bool:
    """Whether the call can change nothing: GET, and the POSTs that only ask (SAFETY, promise 4)."""
    return call.method == "GET" or (call.method == "POST" and bool(_READ_POST.fullmatch(call.path)))


def check(call: Call, body: bytes | None, read_only: bool) -> None:
    """Refuse what may not go out: ReadOnly or ValueError for a defect of ours.

    BadAnswer where an id in the path, which only ICA can have given, is none: empty, dots alone, too long, or
    with a character that had to be quoted. Whoever decodes it would find another endpoint.
    """
    if not _PATH.fullmatch(call.path):
        raise ValueError(f"{call.path[:LONGEST_PATH]!r} is no path of the API")
    parts = [part.partition(":")[0] for part in call.path.split("/")[1:]]
    if "%" in call.path or len(call.path) > LONGEST_PATH or any(part in ("", ".", "..") for part in parts):
        shown = replace(call, path=call.path[:LONGEST_PATH])
        raise BadAnswer(shown, "ICA gave an id that cannot stand in a path", certain=True)
    if read_only and not reads_only(call):
        raise ReadOnly(call)
    if call.key and not _KEY.fullmatch(call.key):
        raise ValueError(f"{call}: the Idempotency-Key is too long or has characters that no key has")
    if reads_only(call):
        return
    if call.repeat is Repeat.READ:
        raise ValueError(f"{call} may change something, so it must say what a repeat does")
    if call.repeat is Repeat.KEYED and not call.key:
        raise ValueError(f"{call} relies on its Idempotency-Key and has none")
    if body is None and call.body is not None:
        raise ValueError(f"{call}: the body of a write is made, and frozen, before it comes here")


def body_of(call: Call, body: bytes | None) -> bytes | None:
    """The bytes to send: those handed in, else the canonical JSON of a read's body, else none."""
    if body is None and call.body is not None:
        return canonical(call.body).encode()
    return body


def headers_of(call: Call, body: bytes | None, agent: str) -> dict[str, str]:
    """All headers but the authorisation. Accept is the call's: ICA answers 400 to any other."""
    headers = {"Accept": call.accept, "Accept-Encoding": "gzip", "User-Agent": agent}
    if call.content_type or body is not None:
        headers["Content-Type"] = call.content_type or "application/json"
    if call.key and not reads_only(call):
        headers["Idempotency-Key"] = call.key
    return headers


def url_of(server: str, call: Call) -> str:
    """The whole URL of a call."""
    return server + call.path + ("?" + urlencode(call.query, quote_via=quote) if call.query else "")
