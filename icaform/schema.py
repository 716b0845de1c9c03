"""JSON Schemas of what a person writes, made from the models that check it, so that both say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from icaform.declare import API_VERSION, Metadata
from icaform.kind import Kind
from icaform.state import Spec

Schema: TypeAlias = dict[str, Any]

DIALECTS = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft-07": "http://json-schema.org/draft-07/schema#",
}
"""draft-07 is what most editors' YAML servers read."""


def manifest(kinds: Mapping[str, Kind], dialect: str) -> Schema:
    """The schema of a manifest of any kind."""
    defs: Schema = {}
    branches = []
    for name, kind in kinds.items():
        branches.append(
            {
                "if": {"properties": {"kind": {"const": name}}},
                "then": {"properties": {"spec": _inline(kind.spec, name, defs)}},
            }
        )
    made: Schema = {
        "$schema": DIALECTS[dialect],
        "title": "icaform manifest",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {
                "enum": list(kinds),
                "description": "; ".join(f"{name}: {kind.summary}" for name, kind in kinds.items()),
            },
            "metadata": _inline(Metadata, "metadata", defs),
            "spec": {"type": "object"},
        },
        "allOf": branches,
        "$defs": dict(sorted(defs.items())),
    }
    return cast(Schema, _in(made, dialect))


def of(model: type[Spec], title: str, dialect: str) -> Schema:
    """The schema of one model by itself."""
    defs: Schema = {}
    made = {"$schema": DIALECTS[dialect], **_inline(model, "", defs), "title": title, "$defs": defs}
    return cast(Schema, _in(made, dialect))


def _inline(model: type[Spec], prefix: str, defs: Schema) -> Schema:
    """A model's schema, its parts moved to the common ``defs`` under names of their own."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    for name, part in schema.pop("$defs", {}).items():
        defs[prefix + name] = _told(part)
    return cast(Schema, _told(schema))


def _told(schema: Any) -> Any:
    """Drop what pydantic adds for programs: titles of fields, and ``null`` where a field may be left out."""
    if isinstance(schema, dict):
        kept = {
            key: _said(value) if key == "default" else _told(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
        }
        choices = kept.get("anyOf")
        if isinstance(choices, list) and {"type": "null"} in choices:
            rest = [each for each in choices if each != {"type": "null"}]
            del kept["anyOf"]
            return {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **kept}
        return kept
    return [_told(each) for each in schema] if isinstance(schema, list) else schema


def _said(default: Any) -> Any:
    """A default without what is left out in it, so that it fits the schema itself."""
    if isinstance(default, dict):
        return {key: _said(value) for key, value in default.items() if value is not None}
    return default


def _in(schema: Any, dialect: str) -> Any:
    if dialect == "2020-12":
        return schema
    if isinstance(schema, dict):
        moved = {
            ("definitions" if key == "$defs" else key): _in(value, dialect) for key, value in schema.items()
        }
        if isinstance(moved.get("$ref"), str):
            ref = moved["$ref"].replace("#/$defs/", "#/definitions/")
            # draft-07 ignores whatever stands beside a $ref.
            rest = {key: value for key, value in moved.items() if key != "$ref"}
            return {"allOf": [{"$ref": ref}], **rest} if rest else {"$ref": ref}
        return moved
    return [_in(each, dialect) for each in schema] if isinstance(schema, list) else schema
