"""One reply as it came over the wire, and the judgement whether a granted one can be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from icaform.operation import Answer, Call, Repeat
from icaform.wire.answer import SHORT_TEXT, Hide, NotJson, clean, read_json, read_problem
from icaform.wire.memory import decoded, weight
from icaform.wire.problem import BadAnswer, Unanswered

GRANTED = frozenset({200, 201, 202, 204})
"""The statuses of answers that are whole and ICA's own: 203 was changed on its way, 206 is a part."""
LARGEST_PROBLEM = 1 << 16
"""Bytes of a refusal's body that are read at most; a longer one says nothing more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (found by any case), and the whole body, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower()

    @property
    def framed(self) -> bool:
        """Whether the server said where the body ends, so that a cut one would have been noticed."""
        return "Content-Length" in self.headers or "Transfer-Encoding" in self.headers


Take = Callable[[int], None]
"""Is told of memory before it is filled, and may raise."""


def granted(call: Call, reply: Reply, passing: Take, keep: Take, hide: Hide = str) -> Answer:
    """The answer of a reply below 400. ``passing`` is for its text, ``keep`` for its value.

    BadAnswer for a redirect (none is followed: the token is for one origin), another status that ICA does not
    use, HTML, no JSON, JSON that is neither object nor list, or items that are no list of objects; Unanswered
    where the body may just have been cut.
    """
    status = reply.status
    if 300 <= status < 400 and status != 304:
        host = clean(_host(hide(reply.headers.get("Location", ""))), SHORT_TEXT, hide)
        where = f" to {host}" if host else ""
        raise BadAnswer(call, f"HTTP {status}, a redirect{where}, is not followed", status=status)
    if status not in GRANTED:
        raise BadAnswer(call, f"HTTP {status} is no answer to what was asked", status=status)
    etag = clean(reply.headers.get("ETag", ""), 512)
    if not reply.body.strip():
        # An answer that is cut in its headers looks like one without a body: only a stated end acknowledges.
        if status == 204 or (reply.framed and call.repeat is not Repeat.READ):
            return Answer(status, etag=etag)
        raise _unusable(call, reply, "an empty answer")
    if "html" in reply.type:
        page = read_problem(status, reply.type, reply.body, hide).detail
        raise BadAnswer(call, f"not JSON but {page}", status=status)
    passing(decoded(reply.body))
    keep(weight(reply.body))
    try:
        body = read_json(reply.body)
    except NotJson as error:
        raise _unusable(call, reply, str(error)) from None
    if not isinstance(body, dict | list):
        raise BadAnswer(call, "JSON that is neither an object nor a list", status=status)
    items = body.get("items", []) if isinstance(body, dict) else body
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise BadAnswer(call, "the answer is no list of objects", status=status)
    return Answer(status, body, etag=etag)


def _unusable(call: Call, reply: Reply, sentence: str) -> BadAnswer | Unanswered:
    kind = BadAnswer if reply.framed else Unanswered
    return kind(call, f"not what ICA's contract says: {sentence}", status=reply.status)


def _host(location: str) -> str:
    try:
        return urlsplit(location).hostname or ""
    except ValueError:
        return ""
