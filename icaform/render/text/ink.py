"""Spans of text, how they flow into lines of a width, and how a line is painted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from icaform.render.report import Sign, line, plain
from icaform.render.text.width import WIDEST, cells, head, tail

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "red bold": "1;31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
}
SIGNS = {
    Sign.CREATE: "green",
    Sign.UPDATE: "yellow",
    Sign.IRREVERSIBLE: "red bold",
    Sign.HELD: "magenta",
    Sign.UNKNOWN: "red bold",
    Sign.REFUSED: "red",
    Sign.SKIPPED: "dim",
    Sign.GONE: "red",
}


class Span(NamedTuple):
    """A piece of a line that is not broken. What it holds was made plain, so its cells are its width."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def solid(text: str, style: str = "") -> Span:
    """A span that keeps its length: an address, a place, a command."""
    return Span(plain(text), style)


def prose(text: str, width: int, style: str = "") -> list[Span]:
    """The words of a text; a word longer than the width is cut into pieces."""
    room = max(width, 8)
    words = plain(text.replace("\n", " ")).split()
    if max(map(len, words), default=0) * WIDEST > room:
        words = [piece for word in words for piece in _pieces(word, room)]
    return [Span(word, style) for word in words]


def _pieces(word: str, room: int) -> Iterator[str]:
    while word:
        piece = head(word, room)
        yield piece
        word = word[len(piece) :]


def flow(
    spans: Sequence[Span],
    width: int,
    *,
    indent: int = 0,
    hang: int | None = None,
    gap: str = " ",
    lead: Span | None = None,
) -> Iterator[Line]:
    """Spans set one after the other, and on a new line where the width ends; the lead keeps its neighbour."""
    now = [Span(" " * indent)] if indent else []
    now += [lead] if lead else []
    used, fresh = indent + (cells(lead.text) if lead else 0), True
    for span in spans:
        need = cells(span.text)
        if not fresh and used + len(gap) + need > width:
            yield tuple(now)
            used = indent if hang is None else hang
            now, fresh = ([Span(" " * used)] if used else []), True
        if not fresh:
            now.append(Span(gap, span.style if span.style == now[-1].style else ""))
            used += len(gap)
        now.append(span)
        used, fresh = used + need, False
    if not fresh:
        yield tuple(now)


def middle(text: str, room: int) -> str:
    """The text with its middle left out where it is longer than the room."""
    if cells(text) <= room:
        return text
    kept = max(room - 3, 2)
    return head(text, kept - kept // 2) + "..." + tail(text, kept // 2)


def paint(spans: Iterable[Span], colour: bool) -> str:
    """A finished line. Here, and nowhere else, escape sequences are made; any other is shown as text."""
    if not colour:
        return line(plain("".join([span.text for span in spans])).rstrip())
    text = ""
    for style, run in groupby(spans, key=lambda span: span.style):
        said = "".join(plain(span.text) for span in run)
        text += f"\x1b[{STYLES[style]}m{said}\x1b[0m" if colour and style and said else said
    return line(text.rstrip())
