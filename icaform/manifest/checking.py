"""A part of a document against a pydantic model, with every complaint at the place that it is about.

Values are handed to pydantic as JSON, because manifests are JSON in spirit: a strict model then takes a list
for a tuple and a word for an enum, and still no number for a string. pydantic's own sentences are not used:
some repeat the rejected input, and none names a remedy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from icaform.address import Origin
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic
from icaform.manifest.document import Document, Json, Key
from icaform.manifest.secrecy import name_of

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import SchemaValidator

    from icaform.manifest.wording import Finding

    M = TypeVar("M", bound=BaseModel)
else:
    M = TypeVar("M")

Place = Callable[[tuple[Key, ...], bool], Origin | None]

# Values of a document, from which on only the first wrong item of each list is told: pydantic keeps every
# error until it has found the last, and a million of them take 400 MB.
_MANY = 100_000
_WRAPPED = frozenset({"model", "function-after", "function-wrap"})
# What is wrong with a value that was refused when it was read is known; its type and limits are a
# consequence.
_CONSEQUENCES = frozenset({Code.WRONG_TYPE, Code.BAD_VALUE})


def check(document: Document, path: tuple[Key, ...], model: type[M]) -> tuple[M | None, list[Diagnostic]]:
    """The value at the path as a model, or all that is wrong with it; MISSING_FIELD if there is no such
    value.
    """
    value = document.value
    for depth, part in enumerate(path):
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            summary = f"{name_of(part, path[:depth])} is missing"
            place = document.origin(path[:depth])
            return None, [Diagnostic(Code.MISSING_FIELD, summary, "add it", origin=place)]
    made, findings = _validate(value, model, path)
    if made is not None:
        return made, []
    if document.reported:
        findings = [
            each
            for each in findings
            if each.code not in _CONSEQUENCES or document.place(each.path) not in document.reported
        ]
    return made, _placed(findings, lambda inner, key: document.origin(inner, key=key))


def check_value(
    value: Json, model: type[M], path: tuple[Key, ...] = (), place: Place | None = None
) -> tuple[M | None, list[Diagnostic]]:
    """The same for a value that does not stand in a document, such as a row of a table or a value merged from
    two.

    ``path`` is where the value belongs, for the names in messages; ``place`` gives the origin of a path that
    begins with it (and, if its second argument is true, of the key there).
    """
    made, findings = _validate(value, model, path)
    return made, _placed(findings, place or (lambda inner, key: None))


def _validate(value: Json, model: type[M], path: tuple[Key, ...]) -> tuple[M | None, list[Finding]]:
    to_json, invalid = _pydantic()
    try:
        # Five times as fast as json.dumps, and most of what a sound manifest costs here.
        text = to_json(value, inf_nan_mode="constants")
    except ValueError:
        text = json.dumps(value).encode()
    try:
        if text.count(b",") > _MANY:
            _brief(model).validate_json(text)
        made: M = model.__pydantic_validator__.validate_json(text)
        return made, []
    except invalid as error:
        from icaform.manifest.shape import findings

        errors = [(tuple(each["loc"]), each["type"], each["msg"]) for each in _first(error)]
        return None, findings(model, value, path, errors)


@cache
def _brief(model: type[BaseModel]) -> SchemaValidator:
    """A validator of the model's fields alone, which leaves a list at the first wrong item of it."""
    from pydantic_core import SchemaValidator

    return SchemaValidator(_hasty(model.__pydantic_core_schema__))


def _hasty(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_hasty(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if isinstance(kind, dict):  # these are the fields of a model, and one of them is called so
        kind = ""
    if kind in _WRAPPED:
        # A model would bring its own validator along, which is not hasty.
        return _hasty(schema["schema"])
    inner = {name: _hasty(each) for name, each in schema.items()}
    return inner | {"fail_fast": True} if kind in ("tuple", "list") else inner


def _first(error: ValidationError) -> Iterator[Any]:
    """The first errors, one after the other: as a list of dicts a million of them would fill the machine."""
    text = error.json(include_input=False, include_context=False, include_url=False)
    decode = json.JSONDecoder().raw_decode
    at = 1
    for _ in range(min(error.error_count(), MOST_TOLD)):
        each, at = decode(text, at)
        at += 1
        yield each


@cache
def _pydantic() -> tuple[Callable[..., bytes], type[ValidationError]]:
    """Imported when the first model is checked, and looked up once."""
    from pydantic import ValidationError
    from pydantic_core import to_json

    return to_json, ValidationError


def _placed(findings: list[Finding], place: Place) -> list[Diagnostic]:
    made = [
        Diagnostic(each.code, each.summary, each.remedy, origin=place(each.path, each.on_key))
        for each in findings
    ]
    return sorted(made, key=lambda each: (each.origin.line, each.origin.column) if each.origin else (0, 0))
