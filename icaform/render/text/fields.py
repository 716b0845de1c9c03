"""What differs in a resource, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from icaform.change import Create, Standing
from icaform.render.report import Field, Group, plain, spoken
from icaform.render.text.ink import Line, Span, flow, middle, prose
from icaform.render.text.width import cells

BODY = 6
"""How far what belongs to a group stands in."""
NAME = 32
"""Longest name of a field that is shown whole where shortening is allowed."""
FIELDS = 10
"""How many fields of one group are shown where not all must be."""


def field_lines(group: Group, width: int, *, drift: bool) -> Iterator[Line]:
    """The fields that differ, one below the other."""
    # Of what was refused or is unknown, who it is and why matter more than what each would have got.
    told = [field for field in group.fields if not (field.varies and group.reason)]
    shown = told if group.whole else told[:FIELDS]
    names = [plain(field.edit.field) for field in shown]
    if not group.whole:
        names = [middle(name, NAME) for name in names]
    column = min(max(map(cells, names), default=0), NAME)
    room = width - BODY - column - 2
    new = isinstance(group.rows[0].change, Create)
    for name, field in zip(names, shown, strict=True):
        before, arrow, after = ("", "", spoken(field.edit.after)) if new else _sides(field, drift)
        if field.varies:
            before, arrow, after = "", "", "(each its own)"
        label = name + " " * (column - cells(name))
        if cells(label) == column and cells(before + arrow + after) <= room:
            yield (Span(" " * BODY), Span(label, "cyan"), Span(f"  {before}{arrow}{after}"))
        elif group.whole:
            words = prose(before + arrow + after, width - BODY - 2)
            lead = Span(f"{label}  ", "cyan")
            if cells(label) > width // 2:
                yield from flow(prose(label, width - BODY, "cyan"), width, indent=BODY)
                lead = Span("  ")
            yield from flow(words, width, indent=BODY, hang=BODY + 2, lead=lead)
        else:
            before, after = _fitted(before, after, room - len(arrow))
            yield (Span(" " * BODY), Span(label, "cyan"), Span(f"  {before}{arrow}{after}"))
    if len(told) > len(shown):
        yield (Span(" " * BODY), Span(f"and {len(told) - len(shown):,} more fields", "dim"))


def _sides(field: Field, drift: bool) -> tuple[str, str, str]:
    edit = field.edit
    before, after = spoken(edit.before), spoken(edit.after)
    if drift:
        pending = " (changed in the manifest)" if edit.standing is Standing.PENDING else ""
        return f"is {before}", ", wanted ", after + pending
    return before, " -> ", after


def _fitted(before: str, after: str, room: int) -> tuple[str, str]:
    half = room // 2
    if cells(before) <= half:
        return before, middle(after, room - cells(before))
    if cells(after) <= half:
        return middle(before, room - cells(after)), after
    return middle(before, half), middle(after, room - half)
