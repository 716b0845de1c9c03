"""A comment fits whatever the plan, says how much it leaves out, and names all that cannot be undone."""

from __future__ import annotations

import gc
import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from icaform.address import Address
from icaform.change import Change, Create, Edit, Standing, Update
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import Call, Done, Operation, Refused, Skipped, Unknown
from icaform.plan import Plan
from icaform.render import LIMIT, Report, dialect, of_apply, of_drift, of_findings, of_plan
from icaform.render.markdown import fit
from icaform.render.report import Danger, Topic, plain, ranges
from icaform.state import Identity

markdown = dialect("markdown")
BITBUCKET, LEAST = 32_000, 16_000
relaxed = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
DIGEST = "sha256:" + "5" * 64
NAMES = {
    "counted": lambda number: f"bench-{number:05d}",
    "sample": lambda number: f"NA{number * 7919 % 100_000}-T{number}",
    "random": lambda number: f"{number * 2654435761 % 2**32:08x}-{number}",
    "long": lambda number: "x" * 99 + f"y{number}",
    "endless": lambda number: "z" * 17_000 + str(number),
    "astral": lambda number: "\U0001f9ec" * 90 + str(number),
    "odd": lambda number: f'a b {{{number}..}}"\\ `|@x#{number}',
}
VALUES = {
    "same": lambda number: "Deprecated",
    "own": lambda number: f"Use version 2-0-0 of bench {number:05d}",
    "long": lambda number: f"{number} " + "word " * 400,
    "astral": lambda number: "\U0001f9ec" * 300 + str(number),
    "unseen": lambda number: "\U000e0041\u202e" * 200 + str(number),
}
SORTS = ["final", "held", "drifted", "update", "create", "item", "error", "warning"]


@dataclass(frozen=True)
class Bulk:
    """So many changes of a sort."""

    sort: str
    count: int
    names: str = "counted"
    values: str = "same"
    fields: int = 1
    family: int = 0


class Swift(Plan):
    """A plan that need not be digested: of 50,000 changes that takes longer than all else."""

    digest = DIGEST


def plan_of(make: Any, bulks: Iterable[Bulk]) -> Plan:
    """A plan of the core's own changes, and an operation for each."""
    changes: list[Change] = []
    found: list[Diagnostic] = []
    for place, bulk in enumerate(bulks):
        for number in range(bulk.count):
            name = f"{NAMES[bulk.names](number)}-{place}"
            value = VALUES[bulk.values](number)
            edits = tuple(Edit(f"field{each}", f"old {each}", value) for each in range(bulk.fields))
            changed = _change(make, bulk, name, edits, value)
            (found if isinstance(changed, Diagnostic) else changes).append(changed)  # type: ignore[arg-type]
    call = Call("POST", "/api/x", "v3", body={})
    operations = [
        Operation("deprecate", (each.address,), call, irreversible=each.irreversible)
        for each in changes
        if isinstance(each, Create | Update)
    ]
    who = Identity("tenant-1", "user-1")
    moves = tuple(changes)
    return Swift("wgs", "https://x", who, moves, tuple(operations), tuple(found), reads=5, moves=moves)


def _change(make: Any, bulk: Bulk, name: str, edits: tuple[Edit, ...], value: str) -> Change | Diagnostic:
    address = Address("Pipeline", name)
    match bulk.sort:
        case "final":
            notes = (value,) if bulk.values != "same" else ()
            found: Change = make.update(address, *edits, irreversible=True, notes=notes, verbs=("deprecate",))
        case "held":
            found = make.held(address, Diagnostic(Code.BACKWARD, value, value), *edits)
        case "drifted":
            found = make.update(address, *edits, standing=Standing.DRIFTED)
        case "update":
            found = make.update(address, *edits)
        case "create":
            found = make.create(address, *edits)
        case "item":
            found = make.create(Address("AnalysisBatch", f"b{bulk.family}", name), *edits)
        case sort:
            severity = Severity(sort)
            return Diagnostic(Code.NOT_FOUND, value, value, value, address=address, severity=severity)
    return found


@dataclass
class Heard:
    """A section as a reader takes it in."""

    heading: str
    of_all: int
    shown: int = 0
    left: int = 0
    unnamed: int = 0
    names: set[str] = field(default_factory=set)


def read(lines: Iterable[str]) -> list[Heard]:
    """The sections of a comment, by way of a parser of markdown that knows nothing of icaform."""
    found: list[Heard] = []
    tokens = MarkdownIt("commonmark").parse("\n".join(lines) + "\n")
    depth, title, heading = 0, "", False
    for token in tokens:
        if token.type == "heading_open":
            heading = token.tag == "h4"
            # What follows the sections is not in any of them.
        if token.type in ("bullet_list_open", "bullet_list_close"):
            depth += token.nesting
        if token.type == "paragraph_open" and depth == 0 and found:
            found.append(Heard("", 0))
        if token.type == "inline" and heading:
            what, count = re.fullmatch(r"(.*) \(([\d,]+)\)", token.content).groups()  # type: ignore[union-attr]
            found.append(Heard(what, _number(count)))
            heading = False
        elif token.type == "inline" and depth and found and found[-1].heading:
            if depth == 1:
                title = token.content
            _hear(found[-1], depth, title, _pieces(token))
        elif token.type == "html_block" and depth and found:
            names = re.search(r"<code>(.*)</code>", token.content)
            assert names

            found[-1].names |= set(_whole(title, expanded(html.unescape(names[1]))))
    return [each for each in found if each.heading]


def _pieces(token: Any) -> list[tuple[str, str]]:
    return [
        (each.type, each.markup if each.type.startswith("em_") else each.content) for each in token.children
    ]


def _hear(heard: Heard, depth: int, title: str, pieces: list[tuple[str, str]]) -> None:
    text = re.sub(r" \*[a-z, ]+\*", "", "".join(content for _, content in pieces))
    codes = [content for kind, content in pieces if kind == "code_inline"]
    left = re.fullmatch(r"and ([\d,]+) more that are left out here", text)
    unnamed = re.fullmatch(r"and ([\d,]+) more that are not named here", text)
    if left:
        heard.left += _number(left[1])
    elif unnamed:
        heard.unnamed += _number(unnamed[1])
    elif depth == 2 and len(codes) == 2 and text == " · ".join(codes):
        heard.names |= set(_whole(title, [codes[0]]))
    elif depth == 1 and re.match("error|warning", text):
        heard.shown += 1
    elif depth == 1:
        count = re.search(r" ([\d,]+)(?: items)?(?:: .*)?$", text.replace(codes[0], "", 1).split("` ")[-1])
        several = count and not re.match(r"\*\*`+ ?[A-Za-z]+/(?!b\d`)", title)
        heard.shown += _number(count[1]) if several and count else 1
        if not several:
            heard.names.add(codes[0])
        elif len(codes) == 2:
            heard.names |= set(_whole(title, expanded(codes[1])))


def _whole(title: str, names: Iterable[str]) -> Iterator[str]:
    what = re.match(r"\*\*`([A-Za-z]+(?:/b\d)?)`\*\*", title)
    assert what, title
    for each in names:
        yield f"{what[1]}[{each}]" if "/" in what[1] else f"{what[1]}/{each}"


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def expanded(terms: str) -> Iterator[str]:
    """The names that terms stand for, read by their description alone."""
    for word in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', terms):
        if word.startswith('"'):
            yield json.loads(word)
            continue
        braced = re.fullmatch(r"(.*)\{([\d.,]+)\}(.*)", word)
        if not braced:
            yield word
            continue
        for part in braced[2].split(","):
            first, _, last = part.partition("..")
            for number in range(int(first), int(last or first) + 1):
                yield f"{braced[1]}{number:0{len(first)}}{braced[3]}"


def size(lines: Iterable[str]) -> int:
    return len("".join(f"{line}\n" for line in lines).encode())


def report_of(make: Any, bulks: Iterable[Bulk]) -> Report:
    return of_plan(plan_of(make, bulks), arguments=["ica/"])


def counted(report: Report, lines: list[str], limit: int) -> list[Heard]:
    """The sections that were heard; each resource of each must be there, or said to be left out."""
    assert size(lines) <= limit
    heard = read(lines)
    for each, section in zip(heard, report.sections, strict=True):
        assert (each.heading, each.of_all) == (section.danger.heading, section.count)
        assert each.shown + each.left == section.count, each.heading
    left = sum(each.left for each in heard)
    assert not left or [
        line for line in lines if re.match(rf"{left:,} (is|are) left out here\. All of it", line)
    ]
    return heard


def judge(report: Report, limit: int) -> int:
    """How many steps that cannot be undone a plan names: all of them, or there is no way to approve it."""
    lines = list(markdown(report, limit=limit))
    heard = counted(report, lines, limit)
    final = {plain(str(row.address)) for row in report.rows if row.irreversible}
    if not final:
        return 0
    first = heard[0]
    assert first.heading == "Cannot be undone"
    said = {plain(each) for each in first.names}
    missing = first.left + first.unnamed
    assert said <= final
    assert len(final - said) == missing
    whole = "\n".join(lines)
    if missing:
        assert lines[1].endswith("; it cannot be approved from this comment")
        assert f"cannot be approved from this comment: {missing:,} of" in lines[4]
        assert "sha256:" not in whole
        assert "--approve" not in whole
    elif report.offer:
        assert lines[-2:] == [f"icaform apply --approve {DIGEST} ica/", "```"]
    return len(said)


bulks = st.builds(
    Bulk,
    st.sampled_from(SORTS),
    st.sampled_from([1, 2, 3, 11, 60, 300]) | st.integers(1, 40),
    st.sampled_from(list(NAMES)),
    st.sampled_from(list(VALUES)),
    st.integers(0, 14),
    st.integers(0, 3),
)


@relaxed
@given(st.lists(bulks, min_size=1, max_size=8), st.sampled_from([LIMIT, BITBUCKET, LEAST]))
@example([Bulk("final", 1), Bulk("held", 1, values="unseen")], LIMIT)
@example([Bulk("final", 3, "endless"), Bulk("update", 300, "endless", "long")], LIMIT)
@example([Bulk(sort, 300, "astral", "unseen", 14) for sort in SORTS], LEAST)
@example([Bulk("final", 3000, "random"), *[Bulk(sort, 300, "random", "own") for sort in SORTS]], LEAST)
def test_any_plan_fits_and_its_counts_add_up(make: Any, bulks: list[Bulk], limit: int) -> None:
    judge(report_of(make, bulks), limit)


@settings(relaxed, max_examples=10)
@given(st.lists(bulks, min_size=1, max_size=5), st.sampled_from([LIMIT, BITBUCKET, LEAST]))
def test_any_apply_and_any_drift_fits_and_its_counts_add_up(
    make: Any, applied: Any, drifted: Any, bulks: list[Bulk], limit: int
) -> None:
    plan = plan_of(make, bulks)
    reason = Diagnostic(Code.REFUSED, "no room", "make room")
    outcomes = (Done("id"), Refused(reason), Unknown(reason), Skipped(reason), Done(already=True))
    ended = [
        (each, each.addresses[0], outcomes[number % len(outcomes)])
        for number, each in enumerate(plan.operations)
    ]
    moved = {Standing.DRIFTED: plan.moves[::2], Standing.BOTH: plan.moves[1::2]}
    for report in (of_apply(applied(plan, ended)), of_drift(drifted(plan, moved, (), plan.diagnostics))):
        counted(report, list(markdown(report, limit=limit)), limit)


LARGE = {
    "all irreversible with values of their own": [Bulk("final", 50_000, "counted", "own", 2)],
    "all irreversible with names that nothing shortens": [Bulk("final", 50_000, "random", "own", 2)],
    "a bit of everything": [Bulk(sort, 6_250, "sample", "own", 3) for sort in SORTS],
}


@pytest.mark.parametrize("name", LARGE)
def test_a_plan_of_fifty_thousand_changes_fits_too(make: Any, name: str) -> None:
    gc.disable()  # as on the command line
    try:
        named = judge(report_of(make, LARGE[name]), BITBUCKET if "bit" in name else LIMIT)
    finally:
        gc.enable()
    print(f"{named:,} of {sum(each.count for each in LARGE[name] if each.sort == 'final'):,} named")
    assert named > 1500


def test_no_section_takes_more_than_its_room(make: Any) -> None:
    crowd = [Bulk(sort, 300, names, "own", 2) for sort in SORTS for names in ("random", "long")]
    sections = report_of(make, crowd).sections
    tried = 0
    for room in range(fit.LEAST * len(sections), 30_000, 1597):
        parts = fit.fitted(sections, Topic.PLAN, room)
        assert sum(each.size for each in parts) <= room
        for each in sections:
            for full in (True, False):
                assert fit.filled(each, Topic.PLAN, room, full=full).size <= room
                tried += 1
    print(f"{tried} sections fitted")


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), st.integers(0, 400))
def test_room_is_shared_evenly_among_those_who_need_it(needs: list[int], room: int) -> None:
    wanted = dict(zip(Danger, needs, strict=False))
    found = fit.shares(wanted, room)
    assert sum(found.values()) <= room
    for danger, need in wanted.items():
        assert min(need, room // len(needs)) <= found[danger] <= need
        if found[danger] < need:
            assert max(found.values()) <= found[danger] + 1


def test_values_are_shortened_before_they_are_left_out(make: Any) -> None:
    status, named = Edit("status", "Released", "Archived"), Address("Pipeline", "p")

    def said(count: int, value: str) -> str:
        finals = [
            make.update(
                replace(named, name=f"p{number}"),
                status,
                Edit("message", "", f"{number}{value}"),
                irreversible=True,
            )
            for number in range(count)
        ]
        return "\n".join(markdown(of_plan(make.plan(finals))))

    whole, short, shared = said(20, "x" * 500), said(100, "x" * 500), said(3000, "x" * 500)
    assert whole.count("`19" + "x" * 500 + "`") == 1
    assert short.count("(cut from 50") == 100
    assert "left out here" not in whole + short
    assert "  - status: `Released` → `Archived`\n  - message: (each its own; left out here)" in shared
    assert shared.count("- **`Pipeline`**") == 1
    assert "--approve" in whole
    assert "--approve" in short
    assert "--approve" in shared


def test_names_are_put_as_ranges_before_they_take_more_than_half_of_the_room(make: Any) -> None:
    few, many = ("\n".join(markdown(report_of(make, [Bulk("final", count)]))) for count in (1000, 3000))
    assert "<summary>1,000 names</summary>" in few
    assert "names</summary>" not in many
    assert "deprecate 3,000: `bench-{00000..02999}-0`" in many


def test_steps_that_cannot_be_undone_go_before_all_else(make: Any) -> None:
    crowd = [Bulk(sort, 500, "random", "long", 5) for sort in SORTS if sort != "final"]
    for count in (10, 1000, 3000):
        report = of_plan(plan_of(make, [*crowd, Bulk("final", count, "random", "own")]))
        first = read(markdown(report))[0]
        assert len(first.names) == count
        assert not first.left


def test_steps_of_different_fields_share_what_room_there_is_for_names_alone(make: Any) -> None:
    for fields in ((2, 1), (1, 2), (0, 3)):
        report = report_of(make, [Bulk("final", 1200, "random", fields=each) for each in fields])
        assert judge(report, LEAST) > 500


def test_no_section_starves_beside_a_large_one(make: Any) -> None:
    crowd = [Bulk("held", 5000, "random", "own"), Bulk("create", 3), Bulk("warning", 8)]
    heard = {each.heading: each for each in read(markdown(of_plan(plan_of(make, crowd))))}
    assert heard["To create"].shown == 3
    assert heard["Warnings"].shown == 8


def test_what_is_unknown_or_refused_is_named_too(make: Any, applied: Any) -> None:
    plan = plan_of(make, [Bulk("update", 2000, "sample")])
    reason = Diagnostic(Code.REFUSED, "no room")
    ended = [
        (each, each.addresses[0], (Refused if number % 2 else Unknown)(reason))
        for number, each in enumerate(plan.operations)
    ]
    unknown, refused = read(markdown(of_apply(applied(plan, ended))))
    assert (len(unknown.names), len(refused.names)) == (1000, 1000)


@pytest.mark.parametrize("count", [1, 40, 50_000])
def test_findings_fit_and_are_counted(count: int) -> None:
    found = [Diagnostic(Code.SYNTAX, f"line {number}: " + "x" * (number % 700)) for number in range(count)]
    lines = list(markdown(of_findings(found, command="validate")))
    assert size(lines) <= LIMIT
    shown = sum(line.startswith("- **error**") for line in lines)
    left = [
        _number(re.findall(r"[\d,]+", line)[0]) for line in lines if "more that are left out here" in line
    ]
    assert shown + sum(left) == count


def test_text_around_the_sections_fits_as_well(make: Any) -> None:
    spite = "\U000e0041\u202e" * 5000
    for count, limit in itertools.product((1, 60), (LIMIT, LEAST)):
        addresses = [Address("StorageCredential", f"{spite}{number}") for number in range(count)]
        keeps = [make.keep(each, f"{spite}{each.name}", f"{each.name}{spite}") for each in addresses]
        plan = make.plan(
            [*keeps, make.update(Address("P", "p"), Edit("a", 1, 2))], undeclared=tuple(addresses)
        )
        for arguments in ([spite], [str(each) for each in range(9000)]):
            lines = list(markdown(of_plan(plan, arguments=arguments), limit=limit))
            assert size(lines) <= limit
            assert f"`icaform apply --approve {plan.digest}`, and behind it" in "\n".join(lines)


@relaxed
@given(
    st.lists(
        st.text('ab01289-{},."\\ \n', max_size=9) | st.from_regex(r"[ab][0-9]{1,3}c?", fullmatch=True),
        unique=True,
        max_size=60,
    )
)
def test_ranges_stand_for_their_names_and_no_others(names: list[str]) -> None:
    names = [each for each in names if each]
    terms = list(ranges(names))
    assert sum(count for _, count in terms) == len(names)
    assert sorted(expanded(" ".join(text for text, _ in terms))) == sorted(names)


def test_ranges_are_what_a_person_would_write() -> None:
    names = ["a7", "a3", "a1", "a2", "a8", "b", "s-08", "s-09", "s-10", "S1-T1", "S1-T2", "x y"]
    assert [text for text, _ in ranges(names)] == ["a{1..3,7,8}", "b", "s-{08..10}", "S1-T{1,2}", '"x y"']
