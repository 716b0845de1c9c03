"""What the control door is told has the types that it is declared with, so that no request fails by it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NAMES: dict[str, tuple[str, tuple[type, ...]]] = {
    "str": ("text", (str,)),
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
}


def typed(told: DataclassInstance) -> None:
    """ValueError where a field has a value of another JSON type than its own."""
    for field in fields(told):
        name, _, rest = str(field.type).partition(" | ")
        if name in NAMES:
            what, allowed = NAMES[name]
            value = getattr(told, field.name)
            if type(value) not in allowed and not (rest and value is None):
                raise ValueError(f"{field.name} must be {what}{' or null' if rest else ''}")
