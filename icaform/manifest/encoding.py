"""Bytes that are no YAML text at all, told apart before or after libyaml stumbles over them.

YAML 1.2.2 §5.1 and §5.2 give the characters and encodings; of the encodings icaform takes UTF-8 only, because
an editor that shows UTF-16 and a diff that cannot should not disagree about what was reviewed.
"""

from __future__ import annotations

import re

from icaform.address import Origin
from icaform.diagnostic import Code, Diagnostic

_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# Line breaks to YAML 1.1 and libyaml, characters like any other to YAML 1.2, JSON and editors.
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")
_BREAK = re.compile("\r\n?|\n")
_SAVE_AS = "save the file as UTF-8"
# How much of a file is looked at to tell UTF-16 without a mark from a binary.
_SAMPLE = 1024


def place_of(text: str, index: int, file: str) -> Origin:
    """The place of a character of a text."""
    line, start = 1, 0
    for found in _BREAK.finditer(text, 0, index):
        line, start = line + 1, found.end()
    return Origin(file, line, index - start + 1)


def refused(data: bytes, file: str) -> Diagnostic | None:
    """Why these bytes cannot be YAML in UTF-8, as far as that is cheap to see; NOT_TEXT."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _not_text(f"the file is {name}, not UTF-8", _SAVE_AS, Origin(file, 1, 1))
    if b"\0" in data:
        return _binary(data, file)
    if data.isascii():
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # what stands before the first wrong byte is right, so its place can be counted
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        place = place_of(before, len(before), file)
        return _not_text("a byte here is not UTF-8", f"{_SAVE_AS}; it may be Latin-1 or another", place)
    odd = _ODD_BREAKS.search(text)
    if odd:
        sign = f"U+{ord(odd[0]):04X}"
        return _not_text(
            f"the character {sign} is a line break to YAML 1.1 and none to YAML 1.2",
            f'remove it, or write it as "\\u{ord(odd[0]):04x}" between double quotes',
            place_of(text.removeprefix("\ufeff"), odd.start() - text.startswith("\ufeff"), file),
        )
    return None


def forbidden(data: bytes, file: str) -> Diagnostic:
    """Why libyaml's reader refused bytes that ``refused`` let pass: a character that YAML forbids."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    found = _FORBIDDEN.search(text)
    if not found:
        return _not_text("the file is not text", _SAVE_AS, Origin(file, 1, 1))
    return _not_text(
        f"the control character U+{ord(found[0]):04X} may not stand in YAML",
        'remove it, or write it as an escape such as "\\e" or "\\x1b" between double quotes',
        place_of(text, found.start(), file),
    )


def _binary(data: bytes, file: str) -> Diagnostic:
    sample = data[:_SAMPLE]
    half = len(sample) // 2
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    if half and max(first, second) > half * 0.6 and min(first, second) < half * 0.2:
        order = "big-endian" if first > second else "little-endian"
        return _not_text(f"the file looks like UTF-16 ({order}, no mark)", _SAVE_AS, Origin(file, 1, 1))
    before = data[: data.index(0)].decode("utf-8", "replace").removeprefix("\ufeff")
    return _not_text(
        "the file is binary: it holds a NUL byte", "name a YAML file", place_of(before, len(before), file)
    )


def _not_text(summary: str, remedy: str, origin: Origin) -> Diagnostic:
    return Diagnostic(Code.NOT_TEXT, summary, remedy, origin=origin)
