"""The kinds, found by listing this folder: a new kind is one file here and edits nothing else.

A module's name is its kind's in snake case, so that a kind that no manifest uses is never imported.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from icaform.kind import Kind


@cache
def modules() -> Mapping[str, str]:
    """Module by kind: ``{"StorageCredential": "storage_credential", ...}``, in the order of the alphabet."""
    found = sorted(each.name for each in pkgutil.iter_modules(__path__))
    return {"".join(part.capitalize() for part in name.split("_")): name for name in found}


@cache
def load(name: str) -> Kind:
    """The kind of that name; KeyError where there is none."""
    kind = import_module(f"{__name__}.{modules()[name]}").KIND
    assert isinstance(kind, Kind)
    assert kind.name == name
    return kind


class Kinds(Mapping[str, Kind]):
    """All kinds by name, each imported when it is first asked for."""

    def __getitem__(self, name: str) -> Kind:
        return load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(modules())

    def __len__(self) -> int:
        return len(modules())
