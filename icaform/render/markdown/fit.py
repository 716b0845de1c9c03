"""What of a report is shown where not all of it fits.

What cannot be undone comes first, and takes what it needs: in full as long as that is no more than half of
the room, then with shortened values and with names put as ranges, then put together by what is done to them
whatever the values, then by nothing but name and verb. Only where even the names do not fit are some left
out, and then all other sections get but a heading and a count. What room is left, these share evenly, so
that none of them starves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from icaform.diagnostic import Diagnostic
from icaform.render.markdown.blocks import Block, finding_block, group_block
from icaform.render.markdown.ink import folded, size
from icaform.render.report import Danger, Group, Section, Topic, barest, remark, rougher

LEAST = 400
"""Bytes that any section gets: its heading, that the rest folds away, and how much of it is left out."""
FRAME = 250
"""Of these, what does not go to its heading."""
CALM = frozenset({Danger.SKIPPED, Danger.UPDATE, Danger.CREATE, Danger.DONE, Danger.ALREADY, Danger.WARNINGS})
OPEN, OPEN_CALM = 10, 5
"""How many blocks of a section are seen at once; the others are folded away."""


@dataclass(frozen=True, slots=True)
class Part:
    """A section as it is put; how much of it is left out, and how much of it is not named."""

    danger: Danger
    lines: tuple[str, ...]
    left: int
    unnamed: int
    cut: bool

    @property
    def size(self) -> int:
        """The room that it takes."""
        return size(self.lines)


def fitted(sections: Sequence[Section], topic: Topic, room: int) -> list[Part]:
    """The sections, in their order, in no more than so many bytes; LEAST for each there must be."""
    found: dict[Danger, Part] = {}
    others = [each for each in sections if each.danger is not Danger.IRREVERSIBLE]
    for each in sections:
        if each.danger is Danger.IRREVERSIBLE:
            found[each.danger] = irreversible(each, topic, room - LEAST * len(others))
            room -= found[each.danger].size
    wanted = {each.danger: ordinary(each, topic, room) for each in others}
    rooms = shares({danger: max(part.size, LEAST) for danger, part in wanted.items()}, room)
    for each in others:
        part, most = wanted[each.danger], rooms[each.danger]
        found[each.danger] = part if part.size <= most else ordinary(each, topic, most)
    return [found[each.danger] for each in sections]


def shares(needs: dict[Danger, int], room: int) -> dict[Danger, int]:
    """Who needs less than an even share gets what is needed; the others share evenly what is left."""
    found = {}
    for place, danger in enumerate(sorted(needs, key=lambda each: needs[each])):
        found[danger] = min(needs[danger], room // (len(needs) - place))
        room -= found[danger]
    return found


def irreversible(section: Section, topic: Topic, room: int) -> Part:
    """The section that nothing is left out of, unless there is no way to name all of it in this room."""
    tried: Sequence[tuple[Section, bool, int]] = (
        (section, True, room // 2),
        (section, False, room),
        (rougher(section), False, room),
    )
    for each, full, most in tried:
        part = filled(each, topic, most, full=full, strict=True)
        if not part.unnamed:
            return part
    return filled(barest(section), topic, room, full=False)


def ordinary(section: Section, topic: Topic, room: int) -> Part:
    """Any other section, in full if that fits."""
    part = filled(section, topic, room, full=True, strict=True)
    return filled(section, topic, room, full=False) if part.unnamed else part


def filled(section: Section, topic: Topic, room: int, *, full: bool, strict: bool = False) -> Part:
    """As many blocks of a section as there is room for. ``strict`` ends it at the first name without room."""
    heading = () if topic is Topic.FINDINGS else (f"#### {section.danger.heading} ({section.count:,})", "")
    room -= size(heading) + FRAME
    shown: list[Block] = []
    items: tuple[Group | Diagnostic, ...] = (*section.groups, *section.findings)
    for each in items:
        block = _block(each, section.danger, topic, room, full=full)
        if block.size > room or (strict and block.unnamed):
            break
        room -= block.size
        shown.append(block)
    left = section.count - sum(block.count for block in shown)
    unnamed = left + sum(block.unnamed for block in shown)
    cut = bool(unnamed) or any(block.cut for block in shown)
    seen = OPEN_CALM if section.danger in CALM else OPEN
    lines = [*heading, *_lines(shown[:seen])]
    if shown[seen:]:
        folded_away = sum(block.count for block in shown[seen:])
        lines += ["", *folded(f"{folded_away:,} more", _lines(shown[seen:])), ""]
    if left:
        lines.append(f"- **and {left:,} more that are left out here**")
    return Part(section.danger, (*lines, ""), left, unnamed, cut)


def _block(each: Group | Diagnostic, danger: Danger, topic: Topic, room: int, *, full: bool) -> Block:
    if isinstance(each, Group):
        return group_block(each, topic, remark(each, danger, topic), room, full=full)
    return finding_block(each)


def _lines(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        yield from block.lines
