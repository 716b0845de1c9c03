"""Groups and findings, each with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from icaform.change import Create, Standing
from icaform.diagnostic import Diagnostic
from icaform.render.html.ink import listed, name, raw, sentence, value
from icaform.render.report import Field, Group, Row, Sign, Topic

FEW, NOTES = 20, 10
"""As many rows of a group are seen at once, and as many notes on it; more stand with their rows."""

CHUNK = 100
"""Rows in one list: a browser lays out the lists that are in sight, and minds 500 of them, but not 50,000."""


def group_lines(group: Group, topic: Topic, remark: str, *, open_: bool) -> Iterator[str]:
    """A group that opens and closes. One of a single resource is its own row."""
    alone = len(group.rows) == 1
    sort = "group row" if alone else "group"
    yield f'<details class="{sort}"{" open" if open_ else ""}>'
    yield f"<summary>{_title(group, alone)}{_tag(remark)}</summary>"
    yield '<div class="body">'
    yield '<div class="about">'
    yield from _about(group, topic)
    yield "</div>"
    if not alone:
        yield from _names(group, topic)
    yield "</div>"
    yield "</details>"


def finding_lines(diagnostic: Diagnostic) -> Iterator[str]:
    """One diagnostic: how bad, where, what, and what to do."""
    where = [name(str(each)) for each in (diagnostic.origin, diagnostic.address) if each]
    sort = f"<b>{diagnostic.severity.value}</b> <code>{raw(diagnostic.code.slug)}</code>"
    yield '<article class="finding">'
    yield f"<p>{' · '.join([sort, *where])}</p>"
    yield f"<p>{sentence(diagnostic.summary)}</p>"
    yield from _more(diagnostic)
    yield "</article>"


def _title(group: Group, alone: bool) -> str:
    verbs = f'<span class="verbs">{raw(", ".join(group.verbs))}</span> ' if group.verbs else ""
    if alone:
        row = group.rows[0]
        return f"{verbs}{name(str(row.address), 'who')}{_place(row)}"
    what = str(group.parent) if group.parent else group.kind
    noun = "items" if group.parent else "resources"
    names = [name(_name(row, group)) for row in group.rows[:3]]
    more = f" and {len(group.rows) - len(names):,} more" if len(group.rows) > len(names) else ""
    return (
        f'{verbs}{name(what, "who")} <span class="count">{len(group.rows):,} {noun}</span> '
        f'<span class="soft">{", ".join(names)}{more}</span>'
    )


def _tag(remark: str) -> str:
    return f' <span class="tag">{raw(remark)}</span>' if remark else ""


def _place(row: Row) -> str:
    source = row.source
    return f' <bdi class="at">{raw(str(source))}</bdi>' if source else ""


def _name(row: Row, group: Group) -> str:
    """What tells a row from the others of its group: its address without what the group's title says."""
    return row.address.item if group.parent else str(row.address)[len(row.address.kind) + 1 :]


def _about(group: Group, topic: Topic) -> Iterator[str]:
    if group.sign not in (Sign.GONE, Sign.SKIPPED):
        yield from _table(group, topic)
    if group.reason:
        such = "such as: " if group.reasons > 1 else ""
        yield f"<p>{such}{sentence(group.reason.summary)} <code>{raw(group.reason.code.slug)}</code></p>"
        yield from _more(group.reason)
    shown = group.notes[:NOTES]
    notes = [
        f"note: {sentence(note.text)}{_whom(group, note.count, note.first.item or note.first.name)}"
        for note in shown
    ]
    more = group.more_notes + len(group.notes) - len(shown)
    yield from listed([*notes, f"and {more:,} other notes, below"] if more else notes)


def _whom(group: Group, count: int, first: str) -> str:
    if count == len(group.rows):
        return ""
    return f" ({name(first)}{f' and {count - 1:,} more' if count > 1 else ''})"


def _table(group: Group, topic: Topic) -> Iterator[str]:
    if not group.fields:
        return
    new = isinstance(group.rows[0].change, Create)
    columns = ("Value",) if new else ("Is", "Wanted") if topic is Topic.DRIFT else ("Before", "After")
    heads = "".join(f'<th scope="col">{each}</th>' for each in ("Field", *columns))
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for field in group.fields:
        yield f'<tr><th scope="row">{name(field.edit.field)}</th>{_cells(field, columns, topic)}</tr>'
    yield "</tbody></table>"


def _cells(field: Field, columns: Sequence[str], topic: Topic) -> str:
    if field.varies:
        return f'<td class="soft" colspan="{len(columns)}">each its own, below</td>'
    edit = field.edit
    if len(columns) == 1:
        return f"<td>{value(edit.after)}</td>"
    pending = topic is Topic.DRIFT and edit.standing is Standing.PENDING
    remark = ' <span class="soft">(changed in the manifest)</span>' if pending else ""
    was, wanted = columns
    return (
        f'<td class="was" data-is="{was}">{value(edit.before)}</td>'
        f'<td data-is="{wanted}">{value(edit.after)}{remark}</td>'
    )


def _names(group: Group, topic: Topic) -> Iterator[str]:
    varied = [place for place, field in enumerate(group.fields) if field.varies]
    noted = group.more_notes or len(group.notes) > NOTES
    yield f'<details class="names"{" open" if len(group.rows) <= FEW else ""}>'
    yield f"<summary>{len(group.rows):,} {'items' if group.parent else 'resources'}</summary>"
    for start in range(0, len(group.rows), CHUNK):
        yield '<ul class="long">' if len(group.rows) > CHUNK else "<ul>"
        for row in group.rows[start : start + CHUNK]:
            own = [_own(row, place, topic) for place in varied]
            own += [f"note: {sentence(note)}" for note in row.notes] if noted else []
            own += _why(row.reason, group.reason)
            more = "".join(f'<span class="own">{each}</span>' for each in own)
            yield f'<li class="row">{name(_name(row, group))}{_place(row)}{more}</li>'
        yield "</ul>"
    yield "</details>"


def _why(reason: Diagnostic | None, told: Diagnostic | None) -> list[str]:
    """The reason of a row, where it is not the one that its group tells."""
    words = _words(reason)
    return [] if words == _words(told) else [sentence(each) for each in words]


def _words(reason: Diagnostic | None) -> list[str]:
    if reason is None:
        return []
    remedy = [f"help: {reason.remedy}"] if reason.remedy else []
    return [each for each in (reason.summary, *reason.detail.split("\n"), *remedy) if each.strip()]


def _own(row: Row, place: int, topic: Topic) -> str:
    edit = row.edits[place]
    said = value(edit.after)
    if topic is Topic.DRIFT:
        said = f"is {value(edit.before)}, wanted {said}"
    elif not isinstance(row.change, Create):
        said = f"{value(edit.before)} → {said}"
    return f"{name(edit.field)}: {said}"


def _more(diagnostic: Diagnostic) -> Iterator[str]:
    yield from listed(sentence(each) for each in diagnostic.detail.split("\n") if each.strip())
    if diagnostic.remedy:
        yield f'<p><span class="soft">help:</span> {sentence(diagnostic.remedy)}</p>'
