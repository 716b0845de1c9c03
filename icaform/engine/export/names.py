"""What a manifest is called that is made of something that has a name in ICA, or hardly one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence, Set

from icaform.declare import MAX_NAME, NAME

_NAME = re.compile(NAME + r"\Z")
_OTHER = re.compile(r"[^a-z0-9._]+")
_TAIL = 8
"""Digits of an id that tell two things of one name apart."""


def names(called: Mapping[str, str], taken: Set[str], otherwise: str) -> dict[str, str]:
    """A metadata.name for each id, given what ICA calls it: the same ones whatever the order.

    Those that would get one name, or one that is ``taken``, get digits of their ids too. ``otherwise`` is how
    a name begins where ICA's has nothing to begin with.
    """
    made = {each: slug(text) or otherwise for each, text in called.items()}
    counts = Counter(made.values())
    found: dict[str, str] = {}
    used = set(taken)
    for each, name in sorted(made.items()):
        if counts[name] > 1 or name in used:
            name = _longer(name, each, used)
        found[each] = name
        used.add(name)
    return found


def slug(text: str) -> str:
    """The text where it can be a name; else what is left of it in small letters, digits, dots and hyphens."""
    if len(text) <= MAX_NAME and _NAME.match(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain).strip("-._")[:MAX_NAME].rstrip("-._")


def _longer(name: str, identity: str, used: Sequence[str] | Set[str]) -> str:
    digits = "".join(each for each in identity.lower() if each.isalnum() and each.isascii())[:64] or "0"
    for size in (*range(_TAIL, len(digits) + 1, _TAIL), len(digits)):
        made = f"{name[: MAX_NAME - size - 1]}-{digits[:size]}"
        if made not in used:
            return made
    number = 2
    while (made := f"{name[: MAX_NAME - 8]}-{number}") in used:
        number += 1
    return made
