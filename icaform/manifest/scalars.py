"""What an unquoted scalar means, and which of them YAML 1.1 and YAML 1.2 read differently.

Meanings are those of the core schema, YAML 1.2.2 §10.3.2. The witness for 1.1 are the implicit resolvers that
PyYAML publishes (``yaml/resolver.py``), with ``y`` and ``n`` of the YAML 1.1 type repository, and any case of
yes, no, on and off, because readers differ in which of those they take. A scalar that means one thing to both
is taken; any other is ambiguous, for a manifest is also read by editors, linters and scripts that sit on the
other side.
"""

from __future__ import annotations

import math
import re
from itertools import product

from icaform.manifest.document import Json


class Ambiguous:
    """The verdict that a scalar is read differently; ``kinds`` says how, for a sentence."""

    __slots__ = ("kinds", "value")

    def __init__(self, kinds: str, value: Json = None) -> None:
        self.kinds = kinds
        self.value = value


class Excessive:
    """The verdict that a scalar is a number which JSON, and so ICA, cannot carry; ``what`` names it."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what


Meaning = bool | int | float | str | Ambiguous | Excessive | None

# Python itself refuses to read decimal integers of more than 4300 digits; nothing in ICA has more than 19.
_MOST_DIGITS = 300

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_OCTAL = re.compile(r"0o[0-7]+")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_OLD_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?")
_OLD_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_OLD_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_OLD_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
_OLD_BINARY = re.compile(r"[-+]?0b[01_]+")
_OLD_SIXTY = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")
_OLD_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9]{2})?))?"
)


def _cases(word: str) -> list[str]:
    return ["".join(each) for each in product(*((letter, letter.upper()) for letter in word))]


def _words() -> dict[str, Meaning]:
    words: dict[str, Meaning] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
    words |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
    for truth, names in ((True, ("yes", "on", "y")), (False, ("no", "off", "n"))):
        verdict = Ambiguous("a boolean and text", truth)
        words |= {each: verdict for name in names for each in _cases(name)}
    words["="] = Ambiguous("a default value and text")
    words["<<"] = Ambiguous("a merge and text")
    return words


# Every scalar with a meaning of its own that begins neither with a digit nor with a sign nor with a point.
WORDS = _words()

# What a number, in either version, can begin with.
NUMERIC = frozenset("0123456789+-.")


def number(text: str) -> Meaning:
    """The meaning of a plain scalar whose first character is ``NUMERIC``."""
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        if not _OLD_FLOAT.fullmatch(text):
            return Ambiguous("a number and text", float(text))
        value = float(text)
        return value if math.isfinite(value) else Excessive("a number too large for a float")
    if _INFINITE.fullmatch(text):
        return Excessive("infinity or not-a-number")
    if _HEX.fullmatch(text):
        value = int(text, 16)
        return value if len(text) <= _MOST_DIGITS else Excessive("an integer of too many digits")
    if _OCTAL.fullmatch(text):
        return Ambiguous("an octal number and text")
    return _old_number(text)


def _integer(text: str) -> Meaning:
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0":
        return Ambiguous("an octal and a decimal number")
    return int(text) if len(digits) <= _MOST_DIGITS else Excessive("an integer of too many digits")


def _old_number(text: str) -> Meaning:
    """What is text to YAML 1.2: ambiguous if YAML 1.1 saw something else in it."""
    if _OLD_TIME.fullmatch(text):
        return Ambiguous("a date and text")
    if _OLD_SIXTY.fullmatch(text):
        return Ambiguous("a number to base 60 and text")
    if _OLD_BINARY.fullmatch(text):
        return Ambiguous("a binary number and text")
    if any(each.fullmatch(text) for each in (_OLD_INT, _OLD_FLOAT, _OLD_OCTAL, _OLD_HEX)):
        return Ambiguous("a number and text")
    return text


def meaning(text: str) -> Meaning:
    """What a plain scalar means."""
    return number(text) if text[:1] in NUMERIC else WORDS.get(text, text)


def tagged(text: str, tag: str) -> tuple[bool, Json]:
    """A scalar under a core tag (``str int float bool null``): whether it can be that, and its value."""
    if tag == "str":
        return True, text
    value = meaning(text)
    if isinstance(value, Ambiguous | Excessive):
        return False, text
    if tag == "float" and value.__class__ is int:
        try:
            return True, float(value)
        except OverflowError:
            return False, text
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}[tag]
    return (True, value) if value.__class__ is wanted else (False, text)
