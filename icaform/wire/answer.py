"""Bytes of an answer into values: JSON, ICA's problems in all the shapes seen, and text made safe to show.

Shapes of problems: application/problem+json with the code in ``title`` (ICA's OpenAPI description and
recorded answers), ``{"code", "message"}`` (recorded by other clients), HTML pages of gateways (500 and 503).
"""

from __future__ import annotations

import gc
import html
import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from icaform.operation import Json, Problem

LONG_TEXT = 600
SHORT_TEXT = 120
DEEPEST = 50
"""Levels of objects and lists in an answer; ICA's own have less than ten."""

_BIG = 1 << 20
_TITLED = 4096
"""Bytes of a page in which its title is looked for."""
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_HALF = re.compile(
    rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
"""An escaped backslash, which hides what follows it; a pair; or, in a group, half a pair."""
_PROMISED = frozenset({"title", "type", "status", "parameters", "timestamp"})
"""ICA, Problem: what each has. A problem of RFC 7807 alone, as gateways have it, lacks the last two."""
_REFERENCE = re.compile(r"\s*\(ref\.\s*([\w.:-]{1,80})\)\s*$")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


Hide = Callable[[str], str]
"""Takes out of a server's words what must not be repeated."""


class NotJson(ValueError):  # noqa: N818 - a verdict on bytes
    """The bytes are no JSON that we take; the text says why and quotes nothing."""


def read_json(data: bytes) -> Json:
    """The JSON value of a whole body, in UTF-8; NotJson otherwise.

    Whatever it holds can be written as JSON and as UTF-8 again: numbers are finite, half a surrogate pair
    becomes U+FFFD, and nothing is so deep that walking it would fail.
    """
    try:
        text = _paired(data).decode("utf-8-sig")
        with _collection_paused(len(data)):
            value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise NotJson("JSON nested too deeply") from None
    except UnicodeDecodeError:
        raise NotJson("text that is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"no JSON (from character {error.pos} of {len(text)})") from None
    except ValueError:
        raise NotJson("JSON with numbers that JSON does not have") from None
    if not _shallow(value):
        raise NotJson("JSON nested too deeply")
    return value


def _paired(data: bytes) -> bytes | bytearray:
    """The same JSON, as long as before, with U+FFFD for each half of a surrogate pair.

    In its bytes, where a character takes one: in its value it may take four, several times over.
    """
    if not _SURROGATE.search(data):
        return data
    mended = bytearray(data)
    for found in _HALF.finditer(data):
        if (at := found.start(1)) > 0:
            mended[at : at + 5] = b"ufffd"
    return mended


def _shallow(value: Json) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if each.__class__ is dict or each.__class__ is list
            for inner in (each.values() if each.__class__ is dict else each)
            if inner.__class__ is dict or inner.__class__ is list
        ]
        if not level:
            return True
    return False


def read_problem(status: int, content_type: str, data: bytes, hide: Hide = str) -> Problem:
    """ICA's account of a refusal from whatever body came with it; never raises.

    ``hide`` takes out the secrets that a server might echo.
    """
    if "html" in content_type or data.lstrip()[:1] == b"<":
        return Problem(status, detail=_html_title(data, hide))
    try:
        value = read_json(data) if data.strip() else {}
    except NotJson:
        return Problem(status, detail=clean(data.decode("utf-8", "replace"), SHORT_TEXT, hide))
    if not isinstance(value, dict):
        return Problem(status, detail=clean(str(value), SHORT_TEXT, hide))

    def text(*names: str) -> str:
        found = (value[name] for name in names if isinstance(value.get(name), str | int))
        return clean(str(next(found, "")), LONG_TEXT, hide)

    title, code, detail = text("title"), text("code"), text("detail", "message", "error_description", "error")
    if _CODE.fullmatch(title):
        code = title
    elif title and not detail:
        detail = title
    reference = text("id", "ref")[:SHORT_TEXT]
    if named := _REFERENCE.search(detail):
        # The reference is shown by itself, so it need not stand in the words again.
        detail, reference = detail[: named.start()], reference or named[1]
    own = bool(_CODE.fullmatch(code)) or value.keys() >= _PROMISED
    return Problem(status, code=code[:SHORT_TEXT], detail=detail, reference=reference, own=own)


def clean(text: str, limit: int = LONG_TEXT, hide: Hide = str) -> str:
    """A server's text on one line: no control characters or colours, no secret, at most ``limit`` long."""
    text = _ANSI.sub(" ", hide(text)[: limit * 8])
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def _html_title(data: bytes, hide: Hide) -> str:
    found = _TITLE.search(data[:_TITLED].decode("utf-8", "replace"))
    title = clean(html.unescape(found[1]), SHORT_TEXT, hide) if found else ""
    return f"an HTML page: {title}" if title else "an HTML page without a title"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_pausing = threading.Lock()
_paused = 0
_resume = False


@contextmanager
def _collection_paused(size: int) -> Iterator[None]:
    """No garbage collection while a big list is parsed: it finds nothing and costs half of the time.

    The switch belongs to the whole process, so threads that parse at once share one pause.
    """
    global _paused, _resume
    if size < _BIG:
        yield
        return
    with _pausing:
        if not _paused:
            _resume = gc.isenabled()
            gc.disable()
        _paused += 1
    try:
        yield
    finally:
        with _pausing:
            _paused -= 1
            if not _paused and _resume:
                gc.enable()
