"""Columns of a terminal that a text takes: two for wide characters, none for marks that combine."""

from __future__ import annotations

from unicodedata import category, east_asian_width

WIDEST = 2
"""Columns that one character takes at most."""
_NONE = ("Mn", "Me")
"""General categories of the marks that are set on the character before them (Unicode, UAX 44)."""


def cells(text: str) -> int:
    """The columns of a text that was made plain."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def head(text: str, room: int) -> str:
    """As much of a text, from its start, as fits into so many columns."""
    if text.isascii():
        return text[: max(room, 0)]
    used = 0
    for place, character in enumerate(text):
        used += _cells(character)
        if used > room:
            return text[:place]
    return text


def tail(text: str, room: int) -> str:
    """As much of a text, up to its end, as fits into so many columns; no mark without its character."""
    if text.isascii():
        return text[max(len(text) - room, 0) :]
    used, start = 0, len(text)
    for place in range(len(text) - 1, -1, -1):
        width = _cells(text[place])
        used += width
        if used > room:
            break
        if width:
            start = place
    return text[start:]


def clipped(text: str, room: int) -> str:
    """The text, its end left out where it is wider than the room."""
    return text if cells(text) <= room else head(text, room - 3) + "..."


def _cells(character: str) -> int:
    if category(character) in _NONE:
        return 0
    return WIDEST if east_asian_width(character) in "WF" else 1
