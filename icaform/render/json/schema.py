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
    document_schema,
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
    return document_schema(Document, f"icaform report, format {FORMAT_VERSION}")
