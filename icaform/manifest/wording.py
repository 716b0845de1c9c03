"""What a person reads when a value does not fit its field.

The types are those of https://docs.pydantic.dev/latest/errors/validation_errors/. A given value is repeated
only where the field permits a few words, and never below a key that sounds like a secret or in a field marked
as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from icaform.diagnostic import Code, did_you_mean
from icaform.manifest.document import Json, Key
from icaform.manifest.secrecy import OURS, hidden, name_of, shown

Schema = Mapping[str, Any]

_SLUGS = {each.slug: each for each in Code}
_LISTED = 30
# Shorter text occurs by chance in any sentence.
_TELLING = 4

_WANTS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "decimal": "a number",
    "bool": "a boolean",
    "none": "null",
} | {
    name: kind
    for kind, names in (
        ("a list", ("list", "tuple", "set", "frozenset")),
        ("a mapping", ("dict", "model-fields", "typed-dict", "dataclass-args", "tagged-union")),
    )
    for name in names
}
_GIVEN = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
    list: "a list",
    dict: "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "multiple_of": ("multiple_of", "a multiple of"),
}
_LENGTHS = {
    "string_too_long": ("max_length", "at most", "character", "characters"),
    "string_too_short": ("min_length", "at least", "character", "characters"),
    "too_long": ("max_length", "at most", "entry", "entries"),
    "too_short": ("min_length", "at least", "entry", "entries"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic that does not know its place yet, only the path of what it is about."""

    code: Code
    summary: str
    remedy: str
    path: tuple[Key, ...]
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The value that is complained about: where it is, and what its field says of itself."""

    path: tuple[Key, ...]
    value: Json
    secret: bool = False
    words: str = ""

    @property
    def silent(self) -> bool:
        """Whether the value must not be shown."""
        return self.secret or hidden(self.path)

    @property
    def name(self) -> str:
        """How a sentence calls the value."""
        for depth in range(len(self.path) - 1, -1, -1):
            if isinstance(self.path[depth], str):
                called = name_of(self.path[depth], self.path[:depth])
                items = "".join(f" item {int(each) + 1} of" for each in reversed(self.path[depth + 1 :]))
                return f"{items} {called}".strip()
        return "the value"


def given(value: Json) -> str:
    """The type of a value, in YAML's words."""
    return _GIVEN[value.__class__]


def listed(words: Iterable[Any]) -> str:
    """Words of ours in a row, the many cut short."""
    each = [f"`{word}`" for word in words]
    return ", ".join(each[:_LISTED]) + (" and others" if len(each) > _LISTED else "")


def wrong_type(subject: Subject, wants: str) -> Finding:
    """WRONG_TYPE, with the way to write the type that is wanted."""
    summary = f"{subject.name} wants {wants}, not {given(subject.value)}"
    if subject.silent and "mapping" in wants and texts(subject.value):
        return Finding(
            Code.INLINE_SECRET,
            f"{subject.name} wants references to secrets, and has text that may be one",
            "if it is, rotate it, it is in git now; then write {env: NAME}, {file: PATH} or {command: [..]}",
            subject.path,
        )
    return Finding(Code.WRONG_TYPE, summary, _retyped(subject.value, wants), subject.path)


def _retyped(value: Json, wants: str) -> str:
    if value is None:
        return "give it a value, or leave it out"
    if "string" in wants and isinstance(value, bool | int | float):
        return "put it between quotes"
    if isinstance(value, str):
        if wants == "a boolean":
            return "write true or false, without quotes"
        if wants in ("an integer", "a number"):
            return "write a number, without quotes"
    if "list" in wants:
        return "begin each item with `- `"
    return "write its fields on the lines below it" if "mapping" in wants else f"write {wants}"


def not_permitted(subject: Subject, permitted: list[Any]) -> Finding:
    """BAD_VALUE for a field that permits a few words."""
    summary = f"{subject.name} wants {'one of ' if len(permitted) > 1 else ''}{listed(permitted)}"
    near = ""
    if isinstance(subject.value, str):
        if not subject.silent:
            summary += f", not {shown(subject.value)}"
            if len(subject.value) <= len(max(map(str, permitted), key=len, default="")) * 2:
                near = did_you_mean(subject.value, map(str, permitted))
    else:
        summary += f", not {given(subject.value)}"
    return Finding(
        Code.BAD_VALUE,
        summary,
        near or f"write {'one of ' if len(permitted) > 1 else ''}{listed(permitted)}",
        subject.path,
    )


def wants(node: Schema) -> str:
    """What a node of a schema takes, in YAML's words."""
    if node["type"] in ("literal", "enum"):
        return f"one of {listed(permitted_by(node))}"
    return _WANTS.get(node["type"], "another type")


def permitted_by(node: Schema) -> list[Any]:
    """The words of a literal or an enum."""
    if node["type"] == "enum":
        return [each.value for each in node["members"]]
    return [getattr(each, "value", each) for each in node.get("expected", ())]


def worded(node: Schema, kind: str, message: str, subject: Subject) -> Finding:
    """The finding for an error of pydantic's that is about the value itself and not about a field in it."""
    if kind in ("literal_error", "enum"):
        return not_permitted(subject, permitted_by(node))
    if kind in _SLUGS or kind not in _built_in() or kind in ("value_error", "assertion_error"):
        return _own(kind, message, subject)
    if kind.endswith(("_type", "_parsing")) or kind in ("int_from_float", "none_required"):
        return wrong_type(subject, wants(node))
    summary, remedy = _limit(node, kind, subject)
    return Finding(Code.BAD_VALUE, summary, remedy, subject.path)


def _limit(node: Schema, kind: str, subject: Subject) -> tuple[str, str]:
    name = subject.name
    if kind in _LENGTHS:
        key, bound, one, many = _LENGTHS[kind]
        number = node.get(key, 0)
        wanted = f"{bound} {number} {one if number == 1 else many}" if number else f"another number of {many}"
        allowed = "is wanted" if (number, "short" in kind) == (1, True) else "are allowed"
        has = "has the wrong length"
        if not subject.silent and isinstance(subject.value, str | list | dict):
            actual = len(subject.value)
            has = f"has {actual} {one if actual == 1 else many}"
        return f"{name} {has}; {wanted} {allowed}", "shorten it" if "long" in kind else "lengthen it"
    if kind in _BOUNDS:
        key, bound = _BOUNDS[kind]
        wanted = f"{bound} {node[key]}" if key in node else "another number"
        return f"{name} must be {wanted}", f"write a number that is {wanted}"
    if kind == "string_pattern_mismatch":
        form = subject.words or (
            f"`{node['pattern']}`" if isinstance(node.get("pattern"), str) else "another form"
        )
        return f"{name} does not have the form that is wanted: {form}", "write it in that form"
    return f"{name} has a value that is not allowed here ({kind.replace('_', ' ')})", "write another value"


def _own(kind: str, message: str, subject: Subject) -> Finding:
    """A sentence of the model's own: the summary, and behind a line break the remedy."""
    for prefix in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(prefix)
    summary, _, remedy = message.partition("\n")
    if subject.silent:
        for text in texts(subject.value):
            summary, remedy = (each.replace(text, "(not shown)") for each in (summary, remedy))
    return Finding(_SLUGS.get(kind, Code.BAD_VALUE), summary, remedy, subject.path)


def texts(value: Json) -> list[str]:
    """Every text in a value that is long enough to tell something, the longest first."""
    found: list[str] = []
    pending: list[Json] = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            pending += [*(key for key in each if key not in OURS), *each.values()]
        elif isinstance(each, list):
            pending += each
        elif not isinstance(each, bool) and len(str(each)) >= _TELLING and each is not None:
            found.append(str(each))
    return sorted(found, key=len, reverse=True)


@cache
def _built_in() -> frozenset[str]:
    from pydantic_core.core_schema import ErrorType

    return frozenset(get_args(ErrorType))
