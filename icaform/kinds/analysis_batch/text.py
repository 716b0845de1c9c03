"""Inputs that a manifest gives as text, as ICA takes them: they must hold what the pipeline can read.

A mistake in them would otherwise show when the analysis runs, hours and money later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic_core import PydanticCustomError, from_json

from icaform.diagnostic import Code
from icaform.manifest import opener, read, shown
from icaform.operation import Json

_OTHERS = frozenset({Code.AMBIGUOUS_SCALAR, Code.VARIABLE})
"""What is wrong in a manifest alone: here the pipeline's own reader decides what an unquoted word means, and
the manifest's variables are in already."""

_COMMENT = re.compile("#.*")
"""Of YAML; it goes to ICA with the rest."""


def unsigned(text: str, place: str = "here") -> str:
    """The text, if no url in it opens what it names to whoever reads it, in a manifest, a plan or ICA."""
    what = opener(text)
    if what:
        raise PydanticCustomError(
            "inline-secret",
            "a url with {what} stands {place} in plain text\n"
            "rotate it, it is in git now; then name the file by s3:// with a StorageCredential in "
            "`s3Details`, or as data of ICA",
            {"what": what, "place": place},
        )
    return text


def input_json(text: str) -> str:
    """The text, if it is a JSON object (ICA, CwlAnalysisWithJsonInput.inputJson)."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise _refused("inputJson", f"is no JSON: {error}", "write the CWL input object as JSON") from None
    if not isinstance(value, dict):
        raise _refused("inputJson", "is no JSON object", "write the CWL input object: its inputs by name")
    _sound("inputJson", text)
    _open("inputJson", value)
    return text


def custom_input(text: str) -> str:
    """The text, if it is a map in YAML or JSON (ICA API beginner guide, "Starting Nextflow Pipeline with
    Custom Input").
    """
    try:
        value = from_json(text)
    except ValueError:
        documents, found = read(text.encode("utf-8", "surrogatepass"), "customInput")
        for wrong in found:
            if wrong.code not in _OTHERS:
                assert wrong.origin is not None
                place = f"line {wrong.origin.line}, column {wrong.origin.column} of it"
                raise _refused(
                    "customInput", f"is no YAML or JSON: {place}: {wrong.summary}", wrong.remedy
                ) from None
        if len(documents) > 1:
            raise _refused(
                "customInput", "holds several documents", "write one map of names and values"
            ) from None
        value = documents[0].value
        _open("customInput", _COMMENT.findall(text))
    else:
        _sound("customInput", text)
    if not isinstance(value, dict):
        raise _refused("customInput", "is no map", "write the pipeline's parameters by name: `name: value`")
    _open("customInput", value)
    return text


def _sound(field: str, text: str) -> None:
    """Refuse what readers of JSON take, and take differently: a name twice, and numbers that are none."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        names = set()
        for name, _ in pairs:
            if name in names:
                raise _refused(field, f"has {shown(name)} twice", "keep one of the two")
            names.add(name)

    def number(word: str) -> NoReturn:
        raise _refused(field, f"has {word}, which is no JSON", "write a number, a text or null")

    # Numbers as text, for Python refuses to make an integer of very many digits.
    json.loads(text, object_pairs_hook=once, parse_constant=number, parse_int=str, parse_float=str)


def _open(field: str, value: Json) -> None:
    for each in _texts(value):
        unsigned(each, f"in `{field}`")


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(each)


def _refused(field: str, why: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError(
        "bad-value", "`{field}` {why}\n{remedy}", {"field": field, "why": why, "remedy": remedy}
    )
