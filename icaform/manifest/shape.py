"""pydantic's flat list of errors, walked down the model and the value together.

A location of pydantic's names members of unions and tags that no document has, so it cannot be looked up in
one. The core schema of the model tells which part of a location is which; it also tells the fields that a
mapping may have, which member of a union was meant, and the limits that a message should name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from icaform.diagnostic import Code, did_you_mean
from icaform.manifest.document import Json, Key
from icaform.manifest.secrecy import hidden, name_of
from icaform.manifest.wording import (
    Finding,
    Schema,
    Subject,
    listed,
    not_permitted,
    permitted_by,
    wants,
    worded,
    wrong_type,
)

# location, type and message
Error = tuple[tuple[int | str, ...], str, str]

_WRAPPERS = frozenset(
    {
        "default",
        "nullable",
        "function-after",
        "function-before",
        "function-wrap",
        "model",
        "custom-error",
        "dataclass",
    }
)
_INNER = {"lax-or-strict": "strict_schema", "json-or-python": "json_schema"}
_FIELDS = frozenset({"model-fields", "typed-dict", "dataclass-args"})
_ANY: Schema = {"type": "any"}
_LONGEST_GUESSED = 80


def findings(model: Any, value: Json, path: tuple[Key, ...], errors: Sequence[Error]) -> list[Finding]:
    """What a user should read of the errors that validating the value at ``path`` gave."""
    walk = _Walk()
    walk.down(model.__pydantic_core_schema__, Subject(path, value), errors)
    return walk.findings


class _Walk:
    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._definitions: dict[str, Schema] = {}

    def down(self, schema: Schema, subject: Subject, errors: Sequence[Error]) -> None:
        """Report the errors of the value itself, and hand on those of what is in it."""
        node, owner = self._bare(schema)
        deeper = [each for each in errors if each[0]]
        for _, kind, message in (each for each in errors if not each[0]):
            if kind == "too_short" and deeper:
                continue  # pydantic counts only the entries that are right
            self.findings.append(self._itself(node, kind, message, subject))
        if not deeper:
            return
        if node["type"] in _FIELDS:
            self._fields(node, owner, subject, deeper)
        elif node["type"] == "union":
            self._union(node, subject, deeper)
        elif node["type"] == "tagged-union":
            for tag, inner in _grouped(deeper).items():
                choice = next((each for key, each in node["choices"].items() if _plain(key) == tag), _ANY)
                self.down(choice, subject, inner)
        else:
            self._items(node, subject, deeper)

    def _bare(self, schema: Schema) -> tuple[Schema, Any]:
        """The node that decides about the value, and the model that it is the inside of."""
        owner = None
        while True:
            kind = schema["type"]
            if kind == "definitions":
                self._definitions |= {each["ref"]: each for each in schema["definitions"]}
                schema = schema["schema"]
            elif kind == "definition-ref":
                schema = self._definitions.get(schema["schema_ref"], _ANY)
            elif kind in _WRAPPERS:
                owner = schema.get("cls", owner)
                schema = schema["schema"]
            elif kind in _INNER:
                schema = schema[_INNER[kind]]
            elif kind == "chain":
                schema = schema["steps"][0]
            else:
                return schema, owner

    def _itself(self, node: Schema, kind: str, message: str, subject: Subject) -> Finding:
        tag = node.get("discriminator")
        if not kind.startswith("union_tag") or not isinstance(tag, str):
            return worded(node, kind, message, subject)
        permitted = [_plain(each) for each in node["choices"]]
        if isinstance(subject.value, dict) and tag in subject.value:
            inner = Subject((*subject.path, tag), subject.value[tag], subject.secret)
            return not_permitted(inner, permitted)
        return Finding(
            Code.MISSING_FIELD, f"`{tag}` is missing", f"add it: {listed(permitted)}", subject.path
        )

    def _fields(self, node: Schema, owner: Any, subject: Subject, errors: Sequence[Error]) -> None:
        fields = _fields_of(node)
        inside = subject.value if isinstance(subject.value, dict) else {}
        groups = _grouped(errors)
        unknown = [str(part) for part, group in groups.items() if group[0][1] == "extra_forbidden"]
        misspelt = {_near(each, fields) for each in unknown}
        for part, group in groups.items():
            kinds = {kind for loc, kind, _ in group if not loc}
            path = (*subject.path, part)
            if "extra_forbidden" in kinds:
                self.findings.append(self._unknown(path, subject.secret, fields))
            elif "missing" in kinds and _guess(str(part)) in misspelt:
                continue
            elif "missing" in kinds:
                summary = f"{name_of(part, subject.path) if not subject.secret else 'a field'} is missing"
                self.findings.append(Finding(Code.MISSING_FIELD, summary, "add it", subject.path))
            else:
                name, schema = fields.get(str(part), ("", _ANY))
                secret, words = _said(owner, name)
                inner = Subject(path, inside.get(str(part)), secret or subject.secret, words)
                self.down(schema, inner, group)

    def _unknown(
        self, path: tuple[Key, ...], secret: bool, fields: Mapping[str, tuple[str, Schema]]
    ) -> Finding:
        key, known = str(path[-1]), list(fields)
        name = "this key" if secret else name_of(key, path[:-1])
        here = "" if hidden(path[:-1]) or len(path) < 2 else " here"
        remedy = ""
        for field, (_, schema) in fields.items():
            node, _ = self._bare(schema)
            if node["type"] in _FIELDS and key in node["fields"]:
                remedy = f"it belongs to `{field}`: write it below that, indented"
        remedy = remedy or _near(key, known) or f"the fields are {listed(known)}"
        return Finding(Code.UNKNOWN_FIELD, f"{name} is not a field{here}", remedy, path, on_key=True)

    def _items(self, node: Schema, subject: Subject, errors: Sequence[Error]) -> None:
        for part, group in _grouped(errors).items():
            schema, value = _ANY, None
            path = (*subject.path, part)
            if isinstance(part, int) and isinstance(subject.value, list):
                value = subject.value[part] if part < len(subject.value) else None
                schema = node.get("items_schema", _ANY)
                if isinstance(schema, list):
                    schema = schema[min(part, node.get("variadic_item_index", part), len(schema) - 1)]
            elif isinstance(subject.value, dict) and part in subject.value:
                value = subject.value[str(part)]
                schema = node.get("values_schema", _ANY)
                of_key = [(loc[1:], kind, message) for loc, kind, message in group if loc[:1] == ("[key]",)]
                group = [each for each in group if each[0][:1] != ("[key]",)]
                self._key(node.get("keys_schema", _ANY), Subject(path, part, subject.secret), of_key)
            else:
                path = subject.path
            self.down(schema, Subject(path, value, subject.secret, subject.words), group)

    def _key(self, schema: Schema, subject: Subject, errors: Sequence[Error]) -> None:
        before = len(self.findings)
        self.down(schema, subject, errors)
        self.findings[before:] = [
            Finding(each.code, f"as a key, {each.summary}", each.remedy, each.path, on_key=True)
            for each in self.findings[before:]
        ]

    def _union(self, node: Schema, subject: Subject, errors: Sequence[Error]) -> None:
        """Only the member that comes nearest speaks, for the others were not meant."""
        choices = [each[0] if isinstance(each, tuple) else each for each in node["choices"]]
        groups = _grouped(errors)
        members = list(zip(choices, groups.values(), strict=False)) if len(groups) == len(choices) else []
        if not members:
            self.down(_ANY, subject, next(iter(groups.values())))
            return
        fitting = [each for each in members if not _other_type(each[1])]
        bare = [(*self._bare(schema), schema, group) for schema, group in fitting]
        if not fitting:
            wanted = dict.fromkeys(wants(self._bare(each)[0]) for each in choices)
            self.findings.append(wrong_type(subject, " or ".join(wanted)))
            return
        if isinstance(subject.value, dict):
            keys = subject.value
            scores = [_nearness(inner, keys) for inner, _, _, _ in bare]
            if len(bare) > 1 and not any(scores) and all(each[0]["type"] in _FIELDS for each in bare):
                needed = dict.fromkeys(name for each in bare for name in _needed(each[0]))
                summary = f"{subject.name} wants one of {listed(needed)}"
                finding = Finding(Code.MISSING_FIELD, summary, f"add {listed(needed)}", subject.path)
                self.findings.append(finding)
                return
            best = max(range(len(bare)), key=lambda index: (scores[index], -len(bare[index][3]), -index))
        else:
            best = min(range(len(bare)), key=lambda index: (len(bare[index][3]), index))
        self.down(bare[best][2], subject, bare[best][3])


def _grouped(errors: Iterable[Error]) -> dict[int | str, list[Error]]:
    """The errors by the first part of their location, which they lose."""
    groups: dict[int | str, list[Error]] = {}
    for (part, *rest), kind, message in errors:
        groups.setdefault(part, []).append((tuple(rest), kind, message))
    return groups


def _plain(tag: Any) -> Any:
    return getattr(tag, "value", tag)


def _fields_of(node: Schema) -> dict[str, tuple[str, Schema]]:
    """By the name that a manifest uses: the field's name in Python, and its schema."""
    fields = node["fields"]
    named = fields.items() if isinstance(fields, dict) else ((each["name"], each) for each in fields)
    found = {}
    for name, field in named:
        alias = field.get("validation_alias", name)
        found[alias if isinstance(alias, str) else name] = (name, field["schema"])
    return found


def _needed(node: Schema) -> list[str]:
    fields = _fields_of(node)
    return [alias for alias, (_, schema) in fields.items() if schema["type"] != "default"] or list(fields)


def _said(owner: Any, name: str) -> tuple[bool, str]:
    """Whether a model marks a field as secret, and its words for what the field wants.

    Both stand in ``json_schema_extra``, as ``secret`` and ``wants``; the field's description stands in for
    the latter.
    """
    field = getattr(owner, "model_fields", {}).get(name)
    extra = getattr(field, "json_schema_extra", None)
    extra = extra if isinstance(extra, dict) else {}
    return bool(extra.get("secret")), str(extra.get("wants") or getattr(field, "description", "") or "")


def _near(key: str, fields: Iterable[str]) -> str:
    return did_you_mean(key, fields) if len(key) <= _LONGEST_GUESSED else ""


def _guess(field: str) -> str:
    """What is said to someone who misspelt a field; that it is missing as well is then no news."""
    return did_you_mean(field, (field,))


def _other_type(errors: Sequence[Error]) -> bool:
    """Whether a member of a union takes another type of value altogether."""
    return any(not loc and kind.endswith("_type") for loc, kind, _ in errors)


def _nearness(node: Schema, keys: dict[str, Json]) -> float:
    """How much the keys of a mapping, and the words under them, are those of a member of a union."""
    if node["type"] not in _FIELDS:
        return 0
    fields = _fields_of(node)
    score = 0.0
    for key, value in keys.items():
        if key not in fields:
            score += 0.5 if _near(key, fields) else 0
            continue
        inner = fields[key][1]
        fixed = permitted_by(inner) if inner["type"] == "literal" else []
        score += 1 if not fixed else 10 if value in fixed else 0
    return score
