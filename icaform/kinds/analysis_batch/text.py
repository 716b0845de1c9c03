"""Inputs that a manifest gives as text, as ICA takes them: they must hold what the pipeline can read.

A mistake in them would otherwise show when the analysis runs, hours and money later.
"""

from __future__ import annotations

from pydantic_core import PydanticCustomError, from_json

from icaform.diagnostic import Code
from icaform.manifest import read

_OTHERS = frozenset({Code.AMBIGUOUS_SCALAR, Code.VARIABLE})
"""What is wrong in a manifest alone: here the pipeline's own reader decides what an unquoted word means, and
the manifest's variables are in already."""


def input_json(text: str) -> str:
    """The text, if it is a JSON object (ICA, CwlAnalysisWithJsonInput.inputJson)."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise _refused("inputJson", f"is no JSON: {error}", "write the CWL input object as JSON") from None
    if not isinstance(value, dict):
        raise _refused("inputJson", "is no JSON object", "write the CWL input object: its inputs by name")
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
    if not isinstance(value, dict):
        raise _refused("customInput", "is no map", "write the pipeline's parameters by name: `name: value`")
    return text


def _refused(field: str, why: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError(
        "bad-value", "`{field}` {why}\n{remedy}", {"field": field, "why": why, "remedy": remedy}
    )
