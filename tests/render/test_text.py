"""Text keeps to its width, and leaves out nothing that cannot be undone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.address import Address
from icaform.change import Edit
from icaform.diagnostic import Code, Diagnostic
from icaform.operation import Refused, Unknown
from icaform.render import Report, dialect, of_apply, of_plan

text = dialect("text")
relaxed = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=90)
names = st.text("abcdefghij-0123456789", min_size=1, max_size=120)
MARGIN = 40
"""Room beside an address for a place in a manifest or a word, which are not broken either."""


@relaxed
@given(st.lists(names, min_size=1, max_size=5, unique=True), words, words, st.integers(30, 120))
def test_no_line_is_wider_than_the_page_or_the_longest_address(
    make: Any, named: list[str], field: str, value: str, width: int
) -> None:
    reason = Diagnostic(Code.REFUSED, value, value, value)
    changes = [make.update(Address("Pipeline", name), Edit(field, value, value + "x")) for name in named]
    changes += [make.held(Address("Held", name), reason, Edit(field, value, None)) for name in named]
    changes += [
        make.update(Address("Final", name), Edit(field, value, [value]), irreversible=True, notes=(value,))
        for name in named
    ]
    longest = max(len(f"Pipeline/{name}") for name in named)
    for line in text(of_plan(make.plan(changes, diagnostics=(reason,))), width=width):
        assert len(line) <= max(width, 80, longest + MARGIN) or line.startswith("icaform apply --approve ")


@relaxed
@given(st.integers(1, 300), st.integers(40, 100), st.booleans())
def test_every_irreversible_address_is_named_whatever_the_size(
    make: Any, count: int, width: int, colour: bool
) -> None:
    addresses = [Address("Pipeline", f"pipeline-{number}") for number in range(count)]
    plan = make.plan([make.update(each, Edit("status", "a", "b"), irreversible=True) for each in addresses])
    lines = "\n".join(text(of_plan(plan), width=width, colour=colour))
    said = set(re.findall(r"Pipeline/[a-z0-9-]+", lines))
    assert said == {str(each) for each in addresses}


def test_an_irreversible_value_is_wrapped_and_not_shortened(make: Any) -> None:
    value = " ".join(f"word{number}" for number in range(60))
    plan = make.plan([make.update(Address("P", "a"), Edit("m", "b", value), irreversible=True)])
    assert value in " ".join("\n".join(text(of_plan(plan))).split())
    plan = make.plan([make.update(Address("P", "a"), Edit("m", "b", value))])
    assert "..." in "\n".join(text(of_plan(plan)))


def test_who_was_refused_or_is_unknown_is_named_whatever_the_size(make: Any, applied: Any) -> None:
    items = [Address("B", "b", f"item{number}") for number in range(200)]
    plan = make.plan([make.create(each, Edit("a", None, each.item)) for each in items])
    reason = Diagnostic(Code.REFUSED, "no room")
    ended = [
        (plan.operations[0], each, Unknown(reason) if number % 2 else Refused(reason))
        for number, each in enumerate(items)
    ]
    lines = "\n".join(text(of_apply(applied(plan, ended))))
    assert all(f"B/b[{each.item}]" in lines for each in items)
    assert lines.count("no room") == 2


def test_a_batch_is_one_line_with_a_few_of_its_items(make: Any) -> None:
    items = [Address("AnalysisBatch", "cohort", f"NA{number}") for number in range(12878, 12898)]
    plan = make.plan([make.create(each, Edit("a", None, each.item), verbs=("submit",)) for each in items])
    assert "  + AnalysisBatch/cohort  submit 20 items: NA12878, NA12879, NA12880 and 17 more" in list(
        text(of_plan(plan))
    )


def test_a_field_that_is_added_tells_that_there_was_none(make: Any) -> None:
    edit = Edit("message", None, "new")
    assert "      message  (none) -> new" in list(
        text(of_plan(make.plan([make.update(Address("P", "a"), edit)])))
    )
    assert "      message  new" in list(text(of_plan(make.plan([make.create(Address("P", "a"), edit)]))))


def test_colour_changes_nothing_but_colour(scenes: Mapping[str, Report]) -> None:
    for report in scenes.values():
        plain = list(text(report))
        coloured = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in text(report, colour=True)]
        assert [line.rstrip() for line in coloured] == plain
        assert not any("\x1b" in line for line in plain)


def test_an_error_begins_as_compilers_write_it(scenes: Mapping[str, Report]) -> None:
    lines = list(text(scenes["findings"]))
    assert lines[0].startswith("manifests/pipelines.yaml:8:3: error[unknown-field]: ")
    assert lines[-1] == "2 errors, 1 warning in 12 resources"


def test_only_rows_that_are_shown_are_looked_up_in_the_manifest(make: Any) -> None:
    for count in (10, 1000):
        make.asked.clear()
        plan = make.plan(
            [make.create(Address("B", "b", str(number)), Edit("a", None, number)) for number in range(count)]
        )
        list(text(of_plan(plan)))
        assert len(make.asked) <= 3
