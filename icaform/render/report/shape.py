"""Puts rows of one shape together, so that a thousand equal changes are read as one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from icaform.address import Address
from icaform.change import Create, Edit, Held
from icaform.diagnostic import Diagnostic, Severity
from icaform.operation import Json, canonical
from icaform.render.report.model import Danger, Field, Group, Row, Section, Sign, Tally, of_severity

EXAMPLES = 3
"""How many rows, or notes, of a group are named where not all must be."""
MANY = 20
"""With more groups than this, updates are put together by their fields alone, whatever the values."""
WARNINGS = 10
"""How many warnings of one code are shown."""

Shape: TypeAlias = Callable[[Row], Hashable]


def section(danger: Danger, rows: Sequence[Row]) -> tuple[Section, ...]:
    """The section of these rows, or none where there are no rows."""
    if not rows:
        return ()
    found = _grouped(rows, _shape, MANY) or _grouped(rows, _rough)
    return (Section(danger, tuple([_group(each) for each in found])),)


def rougher(section: Section) -> Section:
    """The same rows put together by what is done to them alone, whatever the values, notes and reasons."""
    return replace(section, groups=tuple([_group(each) for each in _grouped(_rows(section), _roughest)]))


def barest(section: Section) -> Section:
    """The same rows put together by the verb alone, with nothing told of them but their names."""
    found = _grouped(_rows(section), lambda row: (row.address.kind, row.verbs))
    return replace(section, groups=tuple([_group(each, bare=True) for each in found]))


def _rows(section: Section) -> list[Row]:
    return [row for group in section.groups for row in group.rows]


def untold(rows: Sequence[Row], errors: Iterable[Diagnostic]) -> tuple[Section, ...]:
    """The section of what could not be told, all of it, or none."""
    found = tuple(errors)
    groups = section(Danger.UNTOLD, rows)[0].groups if rows else ()
    return (Section(Danger.UNTOLD, groups, found),) if groups or found else ()


def warnings(diagnostics: tuple[Diagnostic, ...]) -> tuple[Section, ...]:
    """The warnings, of each code the first few."""
    seen: dict[str, int] = {}
    shown = []
    found = of_severity(diagnostics, Severity.WARNING)
    for each in found:
        seen[each.code.slug] = seen.get(each.code.slug, 0) + 1
        if seen[each.code.slug] <= WARNINGS:
            shown.append(each)
    return (Section(Danger.WARNINGS, (), tuple(shown), len(found) - len(shown)),) if found else ()


def tallied(
    said: Iterable[tuple[str, Address]], most: int | None = EXAMPLES
) -> tuple[tuple[Tally, ...], int]:
    """The first different texts with how often each is said, and how many texts more there are."""
    counts: dict[str, tuple[int, Address]] = {}
    for text, address in said:
        count, first = counts.get(text, (0, address))
        counts[text] = (count + 1, first)
    shown = [Tally(text, count, first) for text, (count, first) in list(counts.items())[:most]]
    return tuple(shown), len(counts) - len(shown)


def _grouped(rows: Sequence[Row], shape: Shape, most: int | None = None) -> list[list[Row]]:
    """The rows by their shape; none where there would be more groups than ``most``."""
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        key = shape(row)
        group = found.get(key)
        if group is None:
            if len(found) == most:
                return []
            group = found[key] = []
        group.append(row)
    return list(found.values())


def _group(rows: Sequence[Row], *, bare: bool = False) -> Group:
    """The group of these rows. Of a ``bare`` one nothing is told but names, since its rows share no more."""
    first = rows[0]
    items = bool(first.address.item)
    reasons = {row.reason.summary for row in rows if row.reason}
    whole = first.irreversible or first.sign in (Sign.REFUSED, Sign.UNKNOWN)
    said = () if bare else ((note, row.address) for row in rows for note in row.notes)
    notes, more_notes = tallied(said, None if whole else EXAMPLES)
    return Group(
        first.sign,
        first.address.kind,
        first.address.parent if items and not bare else None,
        first.verbs,
        first.standing,
        () if bare else _fields(rows),
        notes,
        more_notes,
        None if bare else first.reason,
        len(reasons),
        tuple(rows),
        tuple(rows if whole else rows[:EXAMPLES]),
        whole,
    )


def _fields(rows: Sequence[Row]) -> tuple[Field, ...]:
    first = rows[0].edits
    return tuple(
        Field(edit, any(_differ(row.edits[place], edit) for row in rows[1:]))
        for place, edit in enumerate(first)
    )


def _differ(one: Edit, two: Edit) -> bool:
    return one is not two and (one.after != two.after or one.before != two.before)


def _shape(row: Row) -> Hashable:
    """What rows of one group have in common. Fields that are new may have any value."""
    new = isinstance(row.change, Create | Held) and not row.irreversible
    values = () if new else tuple([_values(edit) for edit in row.edits])
    return _rough(row), values


def _rough(row: Row) -> Hashable:
    """The same with any values at all, but for what must not be left out."""
    address, reason = row.address, row.reason
    told = (reason.code, reason.summary, reason.detail, reason.remedy) if reason else None
    # An enumeration is hashed by a function written in Python, its identity is not.
    return (
        address.kind,
        address.name if address.item else None,
        id(row.sign),
        row.verbs,
        id(row.standing),
        (reason.code, reason.remedy) if reason and row.sign is Sign.HELD else told,
        tuple([edit.field for edit in row.edits]),
        (row.notes, tuple([_values(edit) for edit in row.edits])) if row.irreversible else None,
    )


def _roughest(row: Row) -> Hashable:
    address = row.address
    parent = address.name if address.item else None
    fields = tuple([edit.field for edit in row.edits])
    return address.kind, parent, id(row.sign), row.verbs, id(row.standing), fields


def _values(edit: Edit) -> Hashable:
    # A fingerprint differs for each secret, and says nothing that would make two changes unlike.
    return None if edit.private else (_hashable(edit.before), _hashable(edit.after))


def _hashable(value: Json) -> Hashable:
    # 1, 1.0 and True are equal keys, and not equal values.
    simple = value is None or isinstance(value, str | int | float)
    return (type(value), value) if simple else canonical(value)
