"""Defaults under an item: how both are merged, where a field was written, and what an error owes to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from icaform.address import Origin
from icaform.diagnostic import Diagnostic
from icaform.manifest import Document
from icaform.operation import Json

WHOLE = frozenset({"pipeline"})
"""Mappings that are replaced and not merged: two ways to select one thing are no selection."""

_QUOTED = re.compile(r"`(\w+)`")


def merged(defaults: Json, item: Json) -> Json:
    """``item`` over ``defaults`` (RFC 7386): mappings are merged, null removes, everything else replaces."""
    if not isinstance(item, Mapping):
        return item
    under = defaults if isinstance(defaults, Mapping) else {}
    over = {
        key: merged(None if key in WHOLE else under.get(key), value)
        for key, value in item.items()
        if value is not None
    }
    return {key: value for key, value in under.items() if key not in item} | over


@dataclass(frozen=True, slots=True)
class Halves:
    """One item as its document says it, and the defaults under it. Called, it finds the line of a field."""

    document: Document
    number: int

    def __call__(self, path: Sequence[str | int] = ()) -> Origin:
        if path and not _has(self.item, path) and _has(self.defaults, path):
            return self.document.origin(("spec", "defaults", *path))
        return self.document.origin(("spec", "items", self.number, *path))

    @property
    def item(self) -> dict[str, Any]:
        """What the item says itself."""
        said: dict[str, Any] = spec_of(self.document)["items"][self.number]
        return said

    @property
    def defaults(self) -> dict[str, Any]:
        """What the batch says for all its items."""
        return spec_of(self.document).get("defaults") or {}

    @property
    def mixed(self) -> list[str]:
        """The mappings that have something of both."""
        return [
            name
            for name, value in self.defaults.items()
            if name not in WHOLE and isinstance(value, dict) and isinstance(self.item.get(name), dict)
        ]

    def borrowed(self, field: str = "") -> set[str]:
        """What comes from the defaults, of the item or of one of its mixed mappings."""
        item, defaults = (self.item[field], self.defaults[field]) if field else (self.item, self.defaults)
        return defaults.keys() - item.keys()

    def blamed(self, wrong: Diagnostic, field: str = "") -> Diagnostic:
        """An error of both, which says what of the fields that it names comes from the defaults.

        Null is the way out, unless all of them come from there: then every item has the error.
        """
        about = set(_QUOTED.findall(wrong.summary))
        found = sorted(about & self.borrowed(field))
        if not found:
            return wrong
        comes = "come" if len(found) > 1 else "comes"
        summary = f"{wrong.summary}; {' and '.join(f'`{each}`' for each in found)} {comes} from `defaults`"
        if len(found) > 1 and about == set(found):
            return replace(wrong, summary=summary)
        nulls = " and ".join(f"`{each}: null`" for each in found)
        return replace(wrong, summary=summary, remedy=f"write {nulls} in the item, or change `defaults`")


def spec_of(document: Document) -> dict[str, Any]:
    """The spec of a document whose form is found to be right."""
    value: Any = document.value
    spec: dict[str, Any] = value["spec"]
    return spec


def _has(value: Json, path: Sequence[str | int]) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
