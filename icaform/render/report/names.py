"""Many names in few words: what differs in a number alone is put as a range."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

_DIGITS = re.compile(r"([0-9]{1,18})")
"""Up to 18 digits are one number; more are two, since Python reads no number of more than 4,300."""
_UNLIKE_A_NAME = re.compile(r"[\s{}\"\\]")
SAMPLE = 1000
"""Of so many names of a family it is asked which of their numbers varies most."""
RUNS = 50
"""Runs of numbers in one pair of braces, so that no term is so long that it must be cut."""


def ranges(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The names as terms, each with how many names it stands for: ``a1 a2 a3 a7 b`` is ``a{1..3,7} b``.

    Numbers in braces have as many digits as they are written with: ``{08..12}``. A name with a space, a
    brace, a quote or a backslash stands in quotes, as JSON; so a term is read in one way only.
    """
    families: dict[tuple[str | int, ...], list[str]] = {}
    for name in names:
        said = term(name)
        pieces = [said] if said != name else _DIGITS.split(name)
        # Words at even places, and at odd ones how many digits there are between them.
        shape = tuple([len(piece) if place % 2 else piece for place, piece in enumerate(pieces)])
        families.setdefault(shape, []).append(said)
    for shape, family in families.items():
        if len(shape) == 1 or len(family) == 1:
            yield from ((each, 1) for each in family)
        else:
            yield from _ranged(family, range(1, len(shape), 2))


def term(name: str) -> str:
    """One name as a term that stands for itself."""
    return json.dumps(name) if _UNLIKE_A_NAME.search(name) else name


def _ranged(family: Sequence[str], places: Iterable[int]) -> Iterator[tuple[str, int]]:
    """Names that differ in their numbers alone: the number that varies most is the one in braces."""
    some = [_DIGITS.split(name) for name in family[:: len(family) // SAMPLE + 1]]
    most = max(places, key=lambda place: (len({pieces[place] for pieces in some}), place))
    found: dict[tuple[str, str], list[int]] = {}
    for name in family:
        pieces = _DIGITS.split(name)
        around = "".join(pieces[:most]), "".join(pieces[most + 1 :])
        found.setdefault(around, []).append(int(pieces[most]))
    width = len(some[0][most])
    for (head, tail), numbers in found.items():
        runs = list(_runs(sorted(numbers)))
        for start in range(0, len(runs), RUNS):
            few = runs[start : start + RUNS]
            yield head + _braced(few, width) + tail, sum([last - first + 1 for first, last in few])


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for number in numbers:
        if number == last + 1 and first >= 0:
            last = number
            continue
        if first >= 0:
            yield first, last
        first = last = number
    yield first, last


def _braced(runs: Sequence[tuple[int, int]], width: int) -> str:
    told = []
    for first, last in runs:
        numbers = (first, last) if last > first else (first,)
        # Two that are neighbours are shorter, and clearer, with a comma.
        told.append(("," if last == first + 1 else "..").join([f"{each:0{width}}" for each in numbers]))
    alone = len(runs) == 1 and runs[0][0] == runs[0][1]
    return told[0] if alone else f"{{{','.join(told)}}}"
