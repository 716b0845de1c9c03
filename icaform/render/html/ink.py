"""Text of others in HTML, and the elements that hold it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from icaform.operation import Json
from icaform.render.report import ours, plain, spoken

NEWLINE = "\n"
_QUOTED, _CODE = re.compile("`([^`]+)`"), r"<code>\1</code>"


def raw(text: str) -> str:
    """The text as text: nothing in it is markup, also not inside of quotes."""
    return html.escape(plain(text))


def name(text: str, sort: str = "") -> str:
    """A name or a value, which may be written from right to left without moving what stands beside it."""
    return f'<bdi class="{sort}">{raw(text)}</bdi>' if sort else f"<bdi>{raw(text)}</bdi>"


def sentence(text: str) -> str:
    """Words of ours, or of others, on one line; what they put in backticks is code."""
    return f'<span dir="auto">{_QUOTED.sub(_CODE, raw(text.replace(NEWLINE, " ")))}</span>'


def value(said: Json) -> str:
    """A value of a manifest or of the server; softer where the words are icaform's own."""
    return f'<span class="soft">{raw(spoken(said))}</span>' if ours(said) else name(spoken(said))


def listed(items: Iterable[str]) -> Iterator[str]:
    """A list of what is already HTML, or nothing."""
    begun = False
    for each in items:
        if not begun:
            yield "<ul>"
        begun = True
        yield f"<li>{each}</li>"
    if begun:
        yield "</ul>"
