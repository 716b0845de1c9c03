"""The JSON Schema of the JSON document."""

from __future__ import annotations

from typing import Any

from icaform.render.report.parts import (
    Finding,
    Head,
    Live,
    Named,
    Outcome,
    ResourceChange,
    ResourceDrift,
    Unchanged,
    Versioned,
)
from icaform.render.report.record import FORMAT_VERSION


class Document(Head, Versioned):
    """What icaform writes with --output json, also when it fails."""

    resource_changes: list[ResourceChange]
    resource_drift: list[ResourceDrift]
    outcomes: list[Outcome]
    unchanged: list[Unchanged]
    unmanaged: list[Live]
    undeclared: list[Named]
    diagnostics: list[Finding]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    made = Document.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"icaform report, format {FORMAT_VERSION}",
        **{name: value for name, value in made.items() if name != "title"},
    }
