"""Values in words, and the one place where text of others is made safe to show.

A terminal obeys escape sequences, a bidirectional mark shows a line in another order than it is in, and a
CI runner obeys a line that begins with ``::`` (GitHub) or holds ``##[`` or ``##vso[`` (GitHub of old, Azure).
"""

from __future__ import annotations

import json
import re

from icaform.operation import Json, Made, Secret

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Characters without a shape of their own: controls, marks of direction, joiners, lone surrogates, tags."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COMMAND = re.compile(r"^((?:\s|\x1b\[[\d;]*m)*)::")
_LOGGED = re.compile(r"##(?=\w*\[)")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def plain(text: str) -> str:
    """Text in which every character is seen: what has no shape stands as ``\\x1b`` or ``\\u202e``."""
    if text.isprintable() and "##" not in text:
        return text
    return _LOGGED.sub(r"\\x23#", UNSEEN.sub(_escape, text))


def line(text: str) -> str:
    """A whole line of output, coloured or not, that no CI runner takes for a command."""
    if "::" not in text and "##" not in text:
        return text
    return _LOGGED.sub(r"\\x23#", _COMMAND.sub(r"\1\\x3a:", text))


def spoken(value: Json) -> str:
    """A value of a manifest or of the server, on one line."""
    match value:
        case None:
            return "(none)"
        case str():
            return plain(value) if value else '""'
        case Made(address):
            return f"(id of {plain(str(address))}, known after apply)"
        case Secret():
            return plain(str(value))
        case _:
            return plain(json.dumps(value, ensure_ascii=False, default=_leaf))


def lasting(seconds: float) -> str:
    """A time in its two largest units: ``2 h 3 min``."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _leaf(value: object) -> Json:
    return spoken(value) if isinstance(value, Made | Secret) else dict(value)  # type: ignore[call-overload]


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] in _SHORT:
        return _SHORT[found[0]]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
