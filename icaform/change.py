"""What differs between a wish and the server: Create, Update, Keep or Held, with its edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from icaform.address import Address
from icaform.diagnostic import Diagnostic
from icaform.operation import Json
from icaform.state import Desired, Live, Remembered


class Standing(Enum):
    """How the three sides stand to each other: the manifest, the server, and what we last wrote."""

    SAME = "same"
    PENDING = "pending"  # the manifest moved since we last wrote
    DRIFTED = "drifted"  # the server moved since we last wrote
    BOTH = "both"
    UNKNOWN = "unknown"  # it cannot be read, so it cannot be told


NOT_KNOWN = "(not known)"
"""Stands for a value that ICA does not show and that the journal does not remember."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One field that differs. ``before`` is NOT_KNOWN where the server does not show the field."""

    field: str
    before: Json
    after: Json
    standing: Standing = Standing.PENDING
    private: bool = False
    """It stands for a secret by a fingerprint, which differs from one journal to another."""


@dataclass(frozen=True, slots=True)
class Create:
    """The server has no such resource."""

    desired: Desired
    edits: tuple[Edit, ...]
    verbs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    standing: Standing = Standing.PENDING
    remember: Remembered = field(default_factory=dict)
    irreversible: bool = False
    grows: bool = False
    """Something that its manifest stands for is there: another item, or this one in another generation."""

    @property
    def address(self) -> Address:
        """The resource that changes."""
        return self.desired.address


@dataclass(frozen=True, slots=True)
class Update:
    """The server has it otherwise, and a call can change that."""

    desired: Desired
    live: Live
    edits: tuple[Edit, ...]
    verbs: tuple[str, ...]
    irreversible: bool = False
    notes: tuple[str, ...] = ()
    standing: Standing = Standing.PENDING
    remember: Remembered = field(default_factory=dict)

    @property
    def address(self) -> Address:
        """The resource that changes."""
        return self.desired.address


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is to be done. ``state`` is a word for people where there is more to say (being created)."""

    desired: Desired
    live: Live | None
    state: str = ""
    notes: tuple[str, ...] = ()
    busy: bool = False
    """Work on it is under way on the server; looking again later may show something else."""
    awaited: bool = False
    """Whether it comes to be at all is decided by that work, so an apply waits for its end."""

    @property
    def address(self) -> Address:
        """The resource that stays."""
        return self.desired.address


@dataclass(frozen=True, slots=True)
class Held:
    """It differs, and nothing will be done about it, for a reason that a person must settle."""

    desired: Desired
    live: Live | None
    reason: Diagnostic
    edits: tuple[Edit, ...] = ()
    standing: Standing = Standing.PENDING
    there: bool = False
    """All that was sent for it shows: it is held for what became of that."""

    @property
    def address(self) -> Address:
        """The resource that is held."""
        return self.desired.address


Move: TypeAlias = Create | Update | Held
"""A change that is not Keep."""
Change: TypeAlias = Move | Keep


def standing(wanted: Json, live: Json, last: Json) -> Standing:
    """How one field stands, when ``last`` is what we last wrote (None: never written by us)."""
    if wanted == live:
        return Standing.SAME
    if last is None or last == live:
        return Standing.PENDING
    return Standing.DRIFTED if last == wanted else Standing.BOTH


def worst(standings: tuple[Standing, ...]) -> Standing:
    """How a whole resource stands, given its fields."""
    found = {each for each in standings if each is not Standing.SAME}
    if not found:
        return Standing.SAME
    return (
        found.pop() if len(found) == 1 else Standing.UNKNOWN if Standing.UNKNOWN in found else Standing.BOTH
    )


def edits_between(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[Edit, ...]:
    """The fields that differ between two trees known to differ, by path. Lists are compared in order.

    deepdiff is asked only here, so only about what differs: it takes some 250 microseconds to find two
    small equal trees equal.
    """
    from deepdiff import DeepDiff  # type: ignore[import-not-found,unused-ignore]

    found = DeepDiff(
        before,
        after,
        view="tree",
        ignore_type_in_groups=[],
        zip_ordered_iterables=True,
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
    )
    edits = [
        Edit(_path(each.path(output_format="list")), _present(each.t1), _present(each.t2))
        for group in found.values()
        for each in group
    ]
    return tuple(sorted(edits, key=lambda edit: edit.field))


def _path(steps: list[Any]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _present(value: Any) -> Json:
    from deepdiff.helper import NotPresent

    return None if value is NotPresent or isinstance(value, NotPresent) else value
