"""A value as YAML text that every version of YAML reads alike, and ``read`` reads back to the same value.

The text of others goes through here, so nothing is left to a reader's taste: text that is not plainly text
stands between double quotes, and what cannot be seen stands as an escape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from icaform.manifest.document import Json
from icaform.manifest.scalars import meaning
from icaform.manifest.variables import literal

WIDE = 100
"""Characters of a line below which a small mapping or list stands in it whole."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_COMMAND = re.compile(r"##(?=\w*\[)")
"""What a CI runner obeys wherever it stands in a log. No line begins with its other sort, ``::``."""
_SHORT = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_STEP = "  "


def written(value: Mapping[str, Json], comments: Iterable[str] = ()) -> str:
    """One document: its comments, then its fields, each on a line of its own.

    ValueError where a value has no YAML: half a surrogate pair, infinity, not-a-number.
    """
    lines = [*comment(comments), *_fields(value, "", top=True)]
    return "".join(f"{line}\n" for line in lines)


def comment(texts: Iterable[str]) -> Iterator[str]:
    """Texts as lines of comment. A text of others stays on its line, and what is not seen is escaped."""
    for text in texts:
        line = "".join(each if each.isprintable() else _escaped(each, _char) for each in text)
        yield f"# {_harmless(line)}".rstrip()


def scalar(value: Json) -> str:
    """A value that holds no others; ValueError where YAML has none such."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    assert isinstance(value, str)
    return key(literal(value))


def key(text: str) -> str:
    """Text as it is: variables are put into values alone, so that none must be kept from being one."""
    if _PLAIN.fullmatch(text) and meaning(text) == text:
        return text
    return '"' + _harmless("".join(_escaped(each, _refused) for each in text)) + '"'


def _harmless(text: str) -> str:
    return _COMMAND.sub(r"\\x23#", text)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("YAML of manifests has no infinity and no not-a-number")
    # YAML 1.1 takes an exponent for a number only behind a point.
    head, exponent, tail = repr(value).partition("e")
    return (head if "." in head else f"{head}.0") + exponent + tail


def _escaped(each: str, other: object) -> str:
    if each in _SHORT:
        return _SHORT[each]
    if each.isprintable():
        return each
    code = ord(each)
    if 0xD800 <= code <= 0xDFFF:
        return other(code)  # type: ignore[operator,no-any-return]
    return _char(code)


def _char(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _refused(code: int) -> str:
    raise ValueError(f"U+{code:04X} is half of a character")


def _fields(value: Mapping[str, Json], indent: str, top: bool = False) -> Iterator[str]:
    for name, each in value.items():
        head = f"{indent}{key(name)}:"
        # What a manifest says stands below `spec`, however little it is.
        flow = None if top and name == "spec" and each else _flow(each)
        if (flow is not None and len(head) + 1 + len(flow) <= WIDE) or not isinstance(each, dict | list):
            yield f"{head} {flow}"
            continue
        yield head
        yield from _fields(each, indent + _STEP) if isinstance(each, dict) else _items(each, indent + _STEP)


def _items(value: Sequence[Json], indent: str) -> Iterator[str]:
    for each in value:
        flow = _flow(each)
        if (flow is not None and len(indent) + 2 + len(flow) <= WIDE) or not isinstance(each, dict | list):
            yield f"{indent}- {flow}"
            continue
        inner = indent + _STEP
        lines = _fields(each, inner) if isinstance(each, dict) else _items(each, inner)
        yield f"{indent}- {next(lines).removeprefix(inner)}"
        yield from lines


def _flow(value: Json) -> str | None:
    """The value on one line; None where that is surely too long."""
    if isinstance(value, dict):
        parts = [(key(name), _flow(each)) for name, each in value.items()]
        if any(each is None for _, each in parts):
            return None
        text = "{" + ", ".join(f"{name}: {each}" for name, each in parts) + "}"
        return text if len(text) <= WIDE else None
    if isinstance(value, list):
        found = [_flow(each) for each in value]
        if any(each is None for each in found):
            return None
        text = "[" + ", ".join(each for each in found if each is not None) + "]"
        return text if len(text) <= WIDE else None
    return scalar(value)
