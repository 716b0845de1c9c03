"""Text of others in markdown: it is shown to the letter, and nothing in it is obeyed.

GitHub looks for mentions, issues, commits and addresses in the finished page, so neither a backslash nor an
entity keeps them from being found; only in code are they left alone (github/cmark-gfm, issues 181 and 389).
So whatever is not a plain word stands in a code span. And no line begins with text of others, since there a
CI runner or a chat robot would look for commands.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from icaform.operation import Json
from icaform.render.report import leftward, ours, plain, spoken

_TICKS = re.compile("`+")
_WORD = re.compile(
    r"""[("']{0,2}[^\W\d_]+(?:'[^\W\d_]+)?[)"']{0,2}[,;:.?!]?[)"']?"""
    r"""|\(?(?:\d{1,6}|\d{1,3}(?:,\d{3}){1,4})["',;:]{0,2}"""
)
"""What stands as it is: letters, or a short number, and the punctuation of a sentence. Neither a list nor a
link nor a reference can be made of these, in whatever order they come; a commit has seven digits or more.
"""
_PIECE = re.compile(r"""(?<!\S)([("']*)`([^`\s]|[^`\s][^`]*[^`\s])`([)"',;:.?!]*)(?!\S)|(\S+)""")
"""A word, or what our own sentences put in backticks."""
LONGEST_NAME = 300
"""Characters of a workspace's name in a marker. A name has 100 at most, so this only ever cuts nonsense."""
EMPTY = "(empty)"
GAP = " … "
"""Stands for the middle of a text that was left out."""


def size(lines: Iterable[str]) -> int:
    """How much room lines take: UTF-8 bytes, with one for each line's end.

    GitHub's own limit is 65,536 characters in the body of a pull request and 262,144 bytes in a comment
    (both measured by others; its documentation tells neither), Bitbucket's is 32,767 characters. Whoever
    counts code points, UTF-16 or bytes: none counts more than the bytes.
    """
    return sum([len(each.encode()) + 1 for each in lines])


def code(text: str, most: int | None = None) -> str:
    """The text as a code span, in which nothing but the backticks around it means anything."""
    said = shown(text, most)
    if not said:
        return EMPTY
    ticks = "`" * (max(map(len, _TICKS.findall(said)), default=0) + 1)
    # One space on both sides is taken off again, except from what is nothing but spaces.
    pad = " " if said.strip(" ") and (said[0] in " `" or said[-1] in " `") else ""
    return f"{ticks}{pad}{said}{pad}{ticks}"


def prose(text: str, most: int | None = None) -> str:
    """Sentences as they are, and in code whatever in them is no plain word."""
    told: list[str] = []
    coded: list[str] = []

    def unload(after: str = "") -> None:
        if coded:
            told.append(code(" ".join(coded)) + after)
            coded.clear()

    for piece in _PIECE.finditer(shown(text.replace("\n", " "), most)):
        before, quoted, after, word = piece.groups()
        if quoted is not None:
            unload()
            told.append(before + code(quoted) + after)
        elif _WORD.fullmatch(word):
            unload()
            told.append(word)
        elif word[-1] in ",;:." and word[:-1].strip(word[-1]):
            coded.append(word[:-1])
            unload(word[-1])
        else:
            coded.append(word)
    unload()
    return " ".join(told) or EMPTY


def value(said: Json, most: int | None) -> str:
    """A value of a manifest or of the server; where it is longer than ``most``, how long it is."""
    words = spoken(said)
    if ours(said):
        return prose(words, most)
    more = "" if most is None or len(words) <= most else f" (cut from {len(words):,} characters)"
    return code(words, most) + more


def moved(before: Json, after: Json, most: int | None) -> str:
    """From one value to another. The arrow is a sign like any other, so it keeps no two sides apart of which
    one is read from right to left; words do.
    """
    turned = leftward(spoken(before)) or leftward(spoken(after))
    arrow = " (before), to be " if turned else " → "
    return value(before, most) + arrow + value(after, most)


def shown(text: str, most: int | None) -> str:
    """The text made plain, without its middle where it is longer than allowed; None allows any length."""
    if most is not None and len(text) > 2 * most:
        text = text[:most] + text[-most:]
    said = plain(text)
    if most is None or len(said) <= most:
        return said
    kept = (most - len(GAP)) // 2
    return said[:kept] + GAP + said[len(said) - kept :]


def raw(text: str) -> str:
    """The text for inside an HTML element on one line, where markdown is not read."""
    return html.escape(plain(text), quote=False)


def marker(command: str, workspace: str) -> str:
    """The hidden first line by which a comment is found again. It is the same for each run of one command in
    one workspace, and for no other.
    """
    name = quote(workspace, safe="", errors="backslashreplace")[:LONGEST_NAME].replace("--", "-%2D")
    return f"<!-- icaform {command} {name or '-'} -->"


def folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are seen once somebody asks for them; the title is our own."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
