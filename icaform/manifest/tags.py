"""YAML tags: those of the core schema mean what they say, all others are refused; nothing is constructed."""

from __future__ import annotations

_CORE = "tag:yaml.org,2002:"
SCALARS = frozenset({"str", "int", "float", "bool", "null"})

# Tags that are named in a message; another may be a secret that begins with an exclamation mark.
_KNOWN = {
    f"{_CORE}{name}": f"!!{name}"
    for name in (
        "binary",
        "timestamp",
        "set",
        "omap",
        "pairs",
        "merge",
        "value",
        "yaml",
        *SCALARS,
        "map",
        "seq",
    )
} | {
    f"!{name}": f"!{name}"
    for name in ("Ref", "Sub", "GetAtt", "Join", "vault", "include", "env", "ENV", "secret", "reference")
}
_PYTHON = f"{_CORE}python/"

REMEDY = "remove the tag; if the text itself begins with !, put it between quotes"


def core(tag: str | None) -> str:
    """The short name of a tag of YAML's own, or an empty string."""
    return tag[len(_CORE) :] if tag and tag.startswith(_CORE) else ""


def called(tag: str | None) -> str:
    """How a message calls a tag."""
    if tag and tag.startswith(_PYTHON):
        return "the tag `!!python`"
    return f"the tag `{_KNOWN[tag]}`" if tag in _KNOWN else "a custom tag"
