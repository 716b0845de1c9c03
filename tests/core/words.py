"""The core's values in one line each, with all that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from icaform.address import Address, Origin
from icaform.change import Change, Create, Edit, Held, Keep, Update
from icaform.diagnostic import Diagnostic
from icaform.operation import Operation, canonical
from icaform.state import Desired, Identity, Live, View

ME = Identity("our-tenant", "me", "lab")
NOW = 1_800_000_000.0


def desired(kind: str, spec: Any, item: str = "", **more: Any) -> Desired:
    """A wish whose lines tell which field they are of."""

    def place(path: tuple[object, ...] = ()) -> Origin:
        return Origin("/".join(map(str, path)) or "top", 1, 1)

    return Desired(Address(kind, "n", item), spec, place, **more)


def view(remembered: Mapping[str, Any] | None = None, secret: str | None = None, **more: Any) -> View:
    """What a kind may look at, where the one resource is remembered like that."""
    about = more.pop("about", None)
    known = {about: remembered} if about is not None and remembered is not None else {}
    return View("lab", "wgs-prod", ME, lambda: NOW, known, fingerprint=lambda _: secret, **more)


def said(change: Change) -> str:
    """A change and all that it holds."""
    parts = [type(change).__name__, str(change.address), f"id={_id(change)}"]
    match change:
        case Create():
            parts += [
                _verbs(change.verbs, change.irreversible),
                change.standing.value,
                *_edits(change.edits),
                f"remember={canonical(change.remember)}",
                *(["grows"] if change.grows else []),
                *change.notes,
            ]
        case Update():
            final = _verbs(change.verbs, change.irreversible)
            parts += [final, change.standing.value, *_edits(change.edits), *change.notes]
        case Keep():
            parts += [repr(change.state), f"busy={change.busy} awaited={change.awaited}"]
            parts += change.notes
        case Held():
            there = ["there"] if change.there else []
            parts += [change.standing.value, told(change.reason), *_edits(change.edits), *there]
        case _:
            assert_never(change)
    return "; ".join(parts)


def told(diagnostic: Diagnostic) -> str:
    """A diagnostic and all that it holds."""
    origin = f"{diagnostic.origin} " if diagnostic.origin else ""
    return (
        f"{origin}{diagnostic.severity.value}[{diagnostic.code.slug}] {diagnostic.address}: "
        f"{diagnostic.summary} / {diagnostic.remedy} / {diagnostic.detail}"
    )


def called(operation: Operation) -> str:
    """An operation and all that it holds."""
    call = operation.call
    return canonical(
        {
            "verb": operation.verb,
            "of": [str(each) for each in operation.addresses],
            "call": [str(call), call.accept, call.content_type, call.body, call.repeat.value, call.key],
            "final": operation.irreversible,
            "starts": operation.starts,
            "after": [str(each) for each in operation.after],
            "times": [operation.appears, operation.arrives],
            "facts": [operation.id_fact, operation.makes, list(operation.unproven)],
            "remember": {str(address): facts for address, facts in operation.remember.items()},
        }
    )


def _id(change: Change) -> str:
    live = None if isinstance(change, Create) else change.live
    return live.id if isinstance(live, Live) else "-"


def _verbs(verbs: tuple[str, ...], final: bool) -> str:
    return f"{'+'.join(verbs)}{'!' if final else ''}"


def _edits(edits: tuple[Edit, ...]) -> list[str]:
    return [
        f"{each.field}: {each.before!r} -> {each.after!r} ({each.standing.value}{', private' * each.private})"
        for each in edits
    ]
