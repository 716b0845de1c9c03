"""How the value of a secret may look in a text, and whether a text holds it in any such way."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

SHORT = 6
"""Values shorter than this are not searched for: they would be found in ordinary words."""
ROUNDS = 5
"""How often escapes are undone: one may be written inside another, by a server, then by a report."""
WIDEST = 18
"""Characters that one byte of a value may take: ``%5C%75%30%30%65%39`` is an ``é`` of JSON in a URL."""
CUTS = re.compile(r"\.\.\.|\N{HORIZONTAL ELLIPSIS}")
"""What stands where a report leaves some of a text out."""


@dataclass(frozen=True, slots=True)
class Disguises:
    """What values are searched for as: ``bare`` without space, ``digits`` in hex, ``exact`` as they are.

    ``parts`` is all of them, and more, in one text: what stands beside a cut may be a part of one.
    """

    bare: frozenset[str] = frozenset()
    digits: frozenset[bytes] = frozenset()
    exact: frozenset[str] = frozenset()
    parts: str = ""
    reach: int = field(default=0)
    """How many characters that are no space a value may take in a text."""

    def __or__(self, other: Disguises) -> Disguises:
        return Disguises(
            self.bare | other.bare,
            self.digits | other.digits,
            self.exact | other.exact,
            self.parts + other.parts,
            max(self.reach, other.reach),
        )

    def within(self, text: str, *, cut: bool = False) -> bool:
        """Whether a text holds a value, however escaped, encoded, or broken into lines.

        Of a text that may be ``cut``: also whether SHORT characters of one stand beside where it is.
        """
        if not self.reach:
            return False
        if any(form in text for form in self.exact):
            return True
        return any(self._bared(each, cut) for each in _copies(text))

    def _bared(self, text: str, cut: bool) -> bool:
        if any(form in text for form in self.bare) or (cut and self._beside(text)):
            return True
        raw = text.encode("utf-8", "surrogatepass").lower().translate(None, b":-")
        return any(form in raw for form in self.digits)

    def _beside(self, text: str) -> bool:
        for mark in CUTS.finditer(text):
            start, end = mark.span()
            sides = text[max(start - SHORT, 0) : start], text[end : end + SHORT]
            if any(len(side) == SHORT and side in self.parts for side in sides):
                return True
        return False


def disguises(value: str) -> Disguises:
    """What a value is searched for as."""
    if len(value) < SHORT:
        return Disguises()
    bare = {bare for form in {value, value.replace(" ", "+")} for bare in _copies(form)}
    bare.add("".join(value.split()))
    exact = forms(value) if any(len(each) < SHORT for each in bare) else set()
    digits = set()
    for spelled in (value, *_spelled(value)):
        raw = spelled.encode("utf-8", "surrogatepass")
        digits.add(raw.hex().encode())
        bare.update(_in_base64(raw))
    length = len(value.encode("utf-8", "surrogatepass"))
    found = frozenset(each for each in bare if len(each) >= SHORT)
    # Not its digits: six of them are soon those of something else.
    whole = {*found, *forms(value)} - {digit.decode() for digit in digits}
    parts = "".join(f"{_bare(each)} " for each in sorted(whole))
    return Disguises(found, frozenset(digits), frozenset(exact), parts, length * WIDEST)


def forms(value: str) -> set[str]:
    """How a value is mostly written: raw, in a URL, in base64, in JSON, quoted by Python, in digits."""
    if len(value) < SHORT:
        return set()
    raw = value.encode("utf-8", "surrogatepass")
    found = {value, *_spelled(value), repr(value)[1:-1], raw.hex()}
    for escaped in (quote, quote_plus):
        for safe in ("", "/"):
            text = escaped(value, safe=safe)
            # The digits of an escape may be written either way.
            found |= {text, re.sub("%..", lambda each: each[0].lower(), text)}
    # As our own HTML and XML would have it.
    found |= {html.escape(value), html.escape(value, quote=False)}
    return found.union(_in_base64(raw))


def _spelled(value: str) -> set[str]:
    """A value in JSON, by the habits of several languages: which characters they escape, and how."""
    small, wide = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    large = re.sub(r"(?<!\\)((?:\\\\)*\\u)(....)", lambda each: each[1] + each[2].upper(), small)
    found = set()
    for text in (small, large, wide):
        for marks in ("", "<>&", "<>&='"):
            said = "".join(f"\\u{ord(each):04x}" if each in marks else each for each in text)
            found |= {said, said.replace("/", "\\/")}
    return found


def _in_base64(raw: bytes) -> Iterator[str]:
    """The base64 of a value, wherever it stood in what was encoded: its own digits, in both alphabets."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        first, last = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        for each in (text, text.translate(_URL_SAFE)):
            yield each[first:last].decode()


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _copies(text: str) -> Iterator[str]:
    """A text without space, and then with its escapes undone, again and again while there are any."""
    text = _bare(text)
    yield text
    for _ in range(ROUNDS):
        undone = text
        for mark, escape in _ESCAPES.items():
            if mark in undone:
                undone = escape.sub(_undone, undone)
        if undone == text:
            return
        text = _bare(undone)
        yield text


def _bare(text: str) -> str:
    """A text without what reports, or who writes lines of a width, may put between two characters."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if "</" in text:
        text = _TAG.sub("", text)
    text = "".join(_BULLET.sub("", text).replace("`", "").split())
    return text if text.isprintable() else _UNSEEN.sub("", text)


_TAG, _BULLET = re.compile("</?(?:code|li|span)[^<>]*>"), re.compile(r"\n *- ")
_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)
_ESCAPES = {
    "\\": re.compile(  # of JSON, of Python, and of Markdown
        r"\\(?:[!-/:-@\[-`{-~bfnrt]"
        r"|u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*"
        r"|x[0-9A-Fa-f]{2}(?:\\x[0-9A-Fa-f]{2})*"
        r"|U000[0-9A-Fa-f]{5})"
    ),
    "%": re.compile("%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"),
    "&": re.compile("&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"),
}
"""What each of these signs may begin. A run of bytes is one escape, since a character may take several."""
_NOTHING = frozenset("bfnrt")
"""After a backslash these are space, which is not searched."""


def _undone(found: re.Match[str]) -> str:
    text = found[0]
    if text[0] == "&":
        return html.unescape(text)
    if text[1] == "u":
        return bytes.fromhex(text.replace("\\u", "")).decode("utf-16-be", "replace")
    if text[1] == "U":
        return chr(min(int(text[2:], 16), 0x10FFFF))
    if text[0] == "\\" and text[1] != "x":
        return "" if text[1] in _NOTHING else text[1]
    raw = bytes.fromhex(text.replace("\\x", "").replace("%", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
