"""Groups and findings as blocks of list items; a block is shown whole or is left out whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from icaform.change import Create, Standing
from icaform.diagnostic import Diagnostic
from icaform.render.markdown.ink import code, moved, prose, raw, size, value
from icaform.render.report import Field, Group, Row, Sign, Tally, Topic, ranges, spoken, term

VALUE, NAME, SENTENCE = 120, 100, 600
"""Characters of a value, a name and a sentence, where they may be shortened."""
FIELDS, NOTES, LINES = 10, 3, 10
"""How many fields, notes and lines of a detail are shown, where not all must be."""
EACH = 10
"""As many rows have a line of their own, with their places in the manifests."""
INLINE = 200
"""Characters of the names of a group that stand in its first line."""
MARGIN = 120
"""Room for what is said around names in bytes: that they fold away, and how many are left out."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines, for how many resources or findings they speak, how many of these should have been named and are
    not, and whether anything at all is shortened.
    """

    lines: tuple[str, ...]
    count: int = 1
    unnamed: int = 0
    cut: bool = False

    @property
    def size(self) -> int:
        """The room that it takes."""
        return size(self.lines)


def group_block(group: Group, topic: Topic, remark: str, room: int, *, full: bool) -> Block:
    """A group. In a whole one all rows are named, as far as there is room; ``full`` keeps also its values
    from being shortened.
    """
    alone = len(group.rows) == 1
    full = full and group.whole
    tail = f" *{remark}*" if remark else ""
    body = [f"  - {each}" for each in _body(group, topic, full=full)]
    most = None if group.whole else NAME
    if alone:
        row = group.rows[0]
        verbs = f" {prose(', '.join(row.verbs))}" if row.verbs else ""
        title = f"- **{code(str(row.address), most)}**{verbs}{_place(row)}{tail}"
        return Block((title, *body), cut=not full and _shortens(group))
    what = code(str(group.parent) if group.parent else group.kind, most)
    verbs = f" {prose(', '.join(group.verbs))}" if group.verbs else ""
    title = f"- **{what}**{verbs} {len(group.rows):,}{' items' if group.parent else ''}{tail}"
    if not group.whole:
        names = ", ".join(code(_name(row, group), NAME) for row in group.shown)
        more = f" and {group.more:,} more" if group.more else ""
        return Block((f"{title}: {names}{more}", *body), len(group.rows), 0, bool(more) or _shortens(group))
    if full and len(group.rows) <= EACH:
        rows = [f"  - {code(_name(row, group))}{_place(row)}" for row in group.rows]
        return Block((title, *body, *rows), len(group.rows))
    base = Block((title, *body), len(group.rows), cut=not full)
    return _with_names(base, group, room, full=full)


def _with_names(base: Block, group: Group, room: int, *, full: bool) -> Block:
    """The names of a whole group, in the title if they are few words, or folded away below it."""
    terms = list(ranges(_name(row, group) for row in group.rows))
    inline = " ".join(text for text, _ in terms[:INLINE])
    title, *body = base.lines
    if len(terms) <= INLINE and len(inline) <= INLINE:
        title = f"{title}: {code(inline)}"
        if not full:
            return replace(base, lines=(title, *body))
    each = ((term(_name(row, group)), 1) for row in group.rows)
    listed, told = _listed(each if full else terms, room - size((title, *body)) - MARGIN)
    unnamed = len(group.rows) - told
    folded = f"  - <details><summary>{told:,} names</summary><code>{listed}</code></details>"
    lines = [title, *body, folded] if told else [title, *body]
    if unnamed:
        lines.append(f"  - **and {unnamed:,} more that are not named here**")
    return replace(base, lines=tuple(lines), unnamed=unnamed)


def _listed(terms: Iterable[tuple[str, int]], room: int) -> tuple[str, int]:
    told: list[str] = []
    count = 0
    for text, names in terms:
        word = raw(text)
        room -= len(word.encode()) + 1
        if room < 0:
            break
        told.append(word)
        count += names
    return " ".join(told), count


def finding_block(diagnostic: Diagnostic) -> Block:
    """One diagnostic: how bad, where, what, and what to do."""
    where = [code(str(diagnostic.origin), NAME)] if diagnostic.origin else []
    address = str(diagnostic.address) if diagnostic.address else ""
    if address and address not in diagnostic.summary:
        where.append(code(address, NAME))
    head = f"- **{diagnostic.severity.value}** {' · '.join([code(diagnostic.code.slug), *where])}"
    lines = [f"{head}: {prose(diagnostic.summary, SENTENCE)}"]
    lines += [f"  - {each}" for each in _more(diagnostic)]
    cut = any(len(each) > SENTENCE for each in (diagnostic.summary, diagnostic.remedy, diagnostic.detail))
    return Block(tuple(lines), cut=cut)


def _name(row: Row, group: Group) -> str:
    """What tells a row from the others of its group: its address without what the group's title says."""
    return row.address.item if group.parent else str(row.address)[len(row.address.kind) + 1 :]


def _place(row: Row) -> str:
    source = row.source
    return f" · {code(str(source), NAME)}" if source else ""


def _body(group: Group, topic: Topic, *, full: bool) -> Iterator[str]:
    if group.sign not in (Sign.GONE, Sign.SKIPPED):
        yield from _fields(group, topic, full=full)
        if not group.fields and any(row.edits for row in group.rows):
            yield "what changes in each is left out here"
    notes = group.notes if full else group.notes[:NOTES]
    for note in notes:
        yield _note(note, len(group.rows), full=full)
    more = group.more_notes + len(group.notes) - len(notes)
    if more:
        yield f"and {more:,} other notes"
    if group.reason:
        such = "such as: " if group.reasons > 1 else ""
        summary = prose(group.reason.summary, SENTENCE)
        yield f"{such}{summary} ({code(group.reason.code.slug)})"
        yield from _more(group.reason)


def _fields(group: Group, topic: Topic, *, full: bool) -> Iterator[str]:
    # Of what was refused or is unknown, who it is and why matter more than what each would have got.
    told = [field for field in group.fields if not (field.varies and group.reason)]
    shown = told if full else told[:FIELDS]
    new = isinstance(group.rows[0].change, Create)
    for field in shown:
        name = prose(field.edit.field, None if full else NAME)
        yield f"{name}: {_said(field, topic, new, full, group.whole)}"
    if len(told) > len(shown):
        yield f"and {len(told) - len(shown):,} more fields"


def _said(field: Field, topic: Topic, new: bool, full: bool, whole: bool) -> str:
    most = None if full else VALUE
    edit = field.edit
    if field.varies:
        return f"(each its own{'; left out here' if whole else ''})"
    if new:
        return value(edit.after, most)
    if topic is Topic.DRIFT:
        pending = " (changed in the manifest)" if edit.standing is Standing.PENDING else ""
        return f"is {value(edit.before, most)}, wanted {value(edit.after, most)}{pending}"
    return moved(edit.before, edit.after, most)


def _note(note: Tally, of_all: int, *, full: bool) -> str:
    whom = ""
    if of_all > 1 and note.count < of_all:
        name = code(note.first.item or note.first.name, NAME)
        whom = f" ({name}{f' and {note.count - 1:,} more' if note.count > 1 else ''})"
    return f"note: {prose(note.text, None if full else SENTENCE)}{whom}"


def _more(diagnostic: Diagnostic) -> Iterator[str]:
    lines = [each for each in diagnostic.detail.split("\n") if each.strip()]
    for each in lines[:LINES]:
        yield prose(each, SENTENCE)
    if len(lines) > LINES:
        yield f"and {len(lines) - LINES:,} more lines"
    if diagnostic.remedy:
        yield f"help: {prose(diagnostic.remedy, SENTENCE)}"


def _shortens(group: Group) -> bool:
    """Whether anything of a group that may be shortened is."""
    values = [each for field in group.fields for each in (field.edit.before, field.edit.after)]
    return (
        len(group.fields) > FIELDS
        or len(group.notes) > NOTES
        or bool(group.more_notes)
        or any(len(spoken(each)) > VALUE for each in values)
    )
