"""Groups, findings and counts as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from icaform.diagnostic import Diagnostic, Severity
from icaform.render.report import Group, Kept, Row, Section, Sign, Tally, Topic, noteworthy, plain, stance
from icaform.render.text.fields import BODY, field_lines
from icaform.render.text.ink import SIGNS, Line, Span, flow, prose, solid


def section_lines(section: Section, width: int, topic: Topic) -> Iterator[Line]:
    """A heading, and what stands under it."""
    heading = f"{section.danger.heading} ({section.count:,})"
    yield from flow(prose(heading, width, "bold"), width)
    for group in section.groups:
        who = stance(group, section.danger, topic)
        yield from group_lines(group, width, f"[{who}]" if who else "", drift=topic is Topic.DRIFT)
    for diagnostic in section.findings:
        yield from finding_lines(diagnostic, width, indent=2)
    if section.more:
        yield (Span(f"  and {section.more:,} more", "dim"),)


def group_lines(group: Group, width: int, tag: str, *, drift: bool) -> Iterator[Line]:
    """What happens to a group, why, and to whom."""
    alone = len(group.rows) == 1
    head, gap = (_single(group.rows[0]), "  ") if alone else (_several(group), " ")
    sign = Span(f"{group.sign.value} ", SIGNS[group.sign])
    yield from flow(head, width, indent=2, hang=BODY, gap=gap, lead=sign)
    if tag:
        yield (Span(" " * BODY), Span(tag, "yellow"))
    if group.sign not in (Sign.GONE, Sign.SKIPPED):
        yield from field_lines(group, width, drift=drift)
    for note in group.notes:
        yield from note_lines(note, len(group.rows), width)
    if group.more_notes:
        yield (Span(" " * BODY), Span(f"and {group.more_notes:,} other notes", "dim"))
    if group.reason:
        yield from reason_lines(group.reason, group.reasons, width)
    if group.whole and not alone:
        for row in group.shown:
            yield from flow(_placed(row), width, indent=BODY, hang=BODY + 2, gap="  ")


def _single(row: Row) -> list[Span]:
    address, *place = _placed(row)
    return [address, *([solid(", ".join(row.verbs))] if row.verbs else []), *place]


def _several(group: Group) -> list[Span]:
    what = solid(str(group.parent) if group.parent else group.kind)
    noun = f" {'items' if group.parent else ''}".rstrip()
    verbs = plain(", ".join(group.verbs)) + " " if group.verbs else ""
    # Two spaces after the resource, as in a row of its own.
    count = f" {verbs}{len(group.rows):,}{noun}"
    if group.whole:
        return [what, Span(count + ":")]
    names = [solid(row.address.item or row.address.name) for row in group.shown]
    listed = [Span(name.text + ",") for name in names[:-1]] + names[-1:]
    more = [Span("and"), Span(f"{group.more:,}"), Span("more")] if group.more else []
    return [what, Span(count + ":"), *listed, *more]


def _placed(row: Row) -> list[Span]:
    source = row.source
    return [solid(str(row.address)), *([solid(str(source), "dim")] if source else [])]


def note_lines(note: Tally, of_all: int, width: int) -> Iterator[Line]:
    """A note, and of whom it is said where that is not everyone."""
    whom = ""
    if of_all > 1 and note.count < of_all:
        whom = f" ({note.first.item or note.first.name}{_and(note.count - 1)})"
    spans = [Span("note:", "cyan"), *prose(note.text + whom, width - BODY - 2)]
    yield from flow(spans, width, indent=BODY, hang=BODY + 2)


def _and(more: int) -> str:
    return f" and {more:,} more" if more else ""


def reason_lines(reason: Diagnostic, different: int, width: int) -> Iterator[Line]:
    """Why something is not done, and the remedy."""
    such = "such as: " if different > 1 else ""
    said = prose(f"{such}{reason.summary} [{reason.code.slug}]", width - BODY - 2)
    yield from flow(said, width, indent=BODY, hang=BODY + 2)
    yield from _more(reason, width, BODY)


def finding_lines(diagnostic: Diagnostic, width: int, *, indent: int = 0) -> Iterator[Line]:
    """One diagnostic, in the form that editors and CI know: place, severity and code, summary."""
    error = diagnostic.severity is Severity.ERROR
    place = solid(f"{diagnostic.origin}: ", "bold") if diagnostic.origin else None
    sort = f"{diagnostic.severity.value}[{diagnostic.code.slug}]:"
    spans = [Span(sort, "red bold" if error else "yellow")]
    if diagnostic.address and str(diagnostic.address) not in diagnostic.summary:
        spans.append(solid(f"{diagnostic.address}:"))
    spans += prose(diagnostic.summary, width - indent - 4)
    yield from flow(spans, width, indent=indent, hang=indent + 4, lead=place)
    yield from _more(diagnostic, width, indent + 2)


def _more(diagnostic: Diagnostic, width: int, indent: int) -> Iterator[Line]:
    for text in diagnostic.detail.split("\n"):
        yield from flow(prose(text, width - indent), width, indent=indent)
    if diagnostic.remedy:
        spans = [Span("help:", "cyan"), *prose(diagnostic.remedy, width - indent - 2)]
        yield from flow(spans, width, indent=indent, hang=indent + 2)


def kept_lines(kept: Sequence[Kept], width: int) -> Iterator[Line]:
    """What stays as it is, by state, where there is more to say than that it does."""
    if not noteworthy(kept):
        return
    said = ", ".join(f"{each.count:,} {each.state or 'as wanted'}" for each in kept)
    yield from flow([Span("Unchanged:", "bold"), *prose(said, width - 2)], width, hang=2)
    for each in kept:
        for note in each.notes:
            spans = [solid(f"{note.first}:"), *prose(note.text + _and(note.count - 1), width - BODY)]
            yield from flow(spans, width, indent=2, hang=BODY)
        if each.more_notes:
            yield (Span(f"  and {each.more_notes:,} other notes on {plain(each.state)}".rstrip(), "dim"),)


def named(title: str, names: Sequence[str], count: int, width: int) -> Iterator[Line]:
    """A line of names, of which the first few are given."""
    if not count:
        return
    listed = [solid(name + ",") for name in names[:-1]] + [solid(name) for name in names[-1:]]
    more = [Span(f"and {count - len(names):,} more", "dim")] if count > len(names) else []
    yield from flow([*prose(f"{title}:", width, "bold"), *listed, *more], width, hang=2)
