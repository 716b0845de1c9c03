"""The last filter: no line that holds the value of a secret goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from icaform.engine.secrets import WITHHELD, Secrets

BLOCK = 64 * 1024
"""Characters that are searched at once. Of a long report only so much is ever held in memory."""


def sifted(lines: Iterable[str], secrets: Secrets | None) -> Iterator[str]:
    """The lines, without those that hold a secret. A value may also be broken into several of them."""
    reach = secrets.reach if secrets else 0
    if not secrets or not reach:
        yield from lines
        return
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= BLOCK:
            held = _cleared(held, secrets)
            # What is kept is long enough for the beginning of any value whose end is still to come.
            kept = _tail(held, reach)
            yield from held[:kept]
            held = held[kept:]
            size = 0
    yield from _cleared(held, secrets)


def _cleared(lines: list[str], secrets: Secrets) -> list[str]:
    if not secrets.leaks("".join(lines), cut=True):
        return lines
    lines = [WITHHELD + "\n" if secrets.leaks(line, cut=True) else line for line in lines]
    return [WITHHELD + "\n"] if secrets.leaks("".join(lines), cut=True) else lines


def _tail(lines: Sequence[str], reach: int) -> int:
    """The number of the line from which on there are at least so many characters that are no space."""
    for number in range(len(lines) - 1, -1, -1):
        reach -= _weight(lines[number])
        if reach <= 0:
            return number
    return 0


def _weight(text: str) -> int:
    return sum(map(len, text.split()))
