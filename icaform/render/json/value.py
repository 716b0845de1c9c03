"""Values, places and diagnostics as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from icaform.address import Address, Origin
from icaform.change import NOT_KNOWN
from icaform.diagnostic import Diagnostic
from icaform.operation import Json, Made, Secret


def named(address: Address) -> dict[str, Json]:
    """An address, whole and in its parts."""
    return {
        "address": str(address),
        "kind": address.kind,
        "name": address.name,
        "item": address.item or None,
    }


def source_of(origin: Origin | None) -> Json:
    """A place in a manifest."""
    return {"file": origin.file, "line": origin.line, "column": origin.column} if origin else None


def diagnosis(diagnostic: Diagnostic) -> Json:
    """One diagnostic."""
    return {
        "code": diagnostic.code.slug,
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail or None,
        "remedy": diagnostic.remedy or None,
        "source": source_of(diagnostic.origin),
        "address": str(diagnostic.address) if diagnostic.address else None,
    }


def known(value: Json) -> bool:
    """False for what ICA does not show, and for an id that is known only after the apply."""
    match value:
        case Made():
            return False
        case str():
            return value != NOT_KNOWN
        case Mapping():
            return all(map(known, value.values()))
        case list() | tuple():
            return all(map(known, value))
    return True


def shown(value: Json) -> Json:
    """A value as JSON has it; what is not known is null, and a secret is only its source."""
    match value:
        case Made():
            return None
        case Secret():
            return str(value)
        case str():
            return None if value == NOT_KNOWN else value
        case Mapping():
            return {str(name): shown(each) for name, each in value.items()}
        case list() | tuple():
            return [shown(each) for each in value]
    return value
