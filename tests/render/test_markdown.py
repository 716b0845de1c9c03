"""The comment of a pull request: what its reader meets first, and what is told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from icaform.address import Address
from icaform.change import Edit, Standing
from icaform.diagnostic import Code, Diagnostic
from icaform.render import Report, dialect, of_drift, of_findings, of_plan
from tests.render.test_golden import GOLDEN, check

markdown = dialect("markdown")
FINAL = {"irreversible": True, "verbs": ("archive",)}


def pipelines(make: Any, count: int, *edits: Edit, **more: Any) -> list[Any]:
    return [make.update(Address("Pipeline", f"germline-{number}"), *edits, **more) for number in range(count)]


def test_a_scene_is_put_as_it_was(scene: tuple[str, Report]) -> None:
    check(GOLDEN / f"{scene[0]}.md", markdown(scene[1]))


def test_the_marker_comes_first_and_the_verdict_next(scenes: Mapping[str, Report]) -> None:
    for report in scenes.values():
        lines = list(markdown(report))
        assert lines[0] == f"<!-- icaform {report.command} {report.workspace or '-'} -->"
        assert report.verdict in lines[1]


def test_a_plan_that_fails_has_the_marker_of_one_that_does_not(make: Any) -> None:
    fault = Diagnostic(Code.SYNTAX, "this is no YAML")
    failed = replace(of_findings((fault,), command="plan"), workspace="wgs")
    assert next(iter(markdown(failed))) == next(iter(markdown(of_plan(make.plan([])))))


def test_a_plan_without_changes_is_one_line(make: Any) -> None:
    keeps = [make.keep(Address("P", str(number)), "in progress" * (number % 2)) for number in range(9)]
    _, *lines = markdown(of_plan(make.plan(keeps)))
    assert lines == ["**Plan of `wgs`: Nothing to do; 9 unchanged**"]
    gone = tuple(each.address for each in keeps)
    _, *lines = markdown(of_plan(make.plan(keeps, undeclared=gone)))
    assert lines == ["**Plan of `wgs`: Nothing to do; 9 unchanged**; 9 no longer declared"]


def test_a_note_on_what_stays_is_told_even_where_nothing_is_to_be_done(make: Any) -> None:
    keep = make.keep(Address("P", "a"), "failed", "analysis 7 ended as failed")
    lines = list(markdown(of_plan(make.plan([keep]))))
    assert "  - `P/a`: analysis 7 ended as failed" in lines


def test_sections_stand_in_the_order_of_danger(scenes: Mapping[str, Report]) -> None:
    heads = [line.split(" (")[0] for line in markdown(scenes["plan"]) if line.startswith("#### ")]
    assert [each.split(":")[0].removeprefix("#### ") for each in heads] == [
        *("Cannot be undone", "Held", "Cannot be told", "Drift", "To update", "To create", "Warnings"),
    ]


def test_equal_changes_are_one_item_with_examples_and_a_count(make: Any) -> None:
    edit = Edit("message", "Old.", "New.")
    lines = list(markdown(of_plan(make.plan(pipelines(make, 40, edit, verbs=("message",))))))
    assert "- **`Pipeline`** message 40: `germline-0`, `germline-1`, `germline-2` and 37 more" in lines
    assert "  - message: `Old.` → `New.`" in lines


def test_drift_stands_apart_from_what_is_pending(make: Any, drifted: Any) -> None:
    moved = make.update(
        Address("P", "a"), Edit("f", "theirs", "ours", Standing.DRIFTED), standing=Standing.DRIFTED
    )
    pending = make.update(Address("P", "b"), Edit("f", "old", "new"))
    plan = make.plan([moved, pending])
    lines = list(markdown(of_plan(plan)))
    assert lines.index("#### Drift: the server moved since icaform last wrote (1)") < lines.index(
        "#### To update (1)"
    )
    found = {Standing.DRIFTED: (moved,), Standing.PENDING: (pending,)}
    said = "\n".join(markdown(of_drift(drifted(plan, found))))
    assert "f: is `theirs`, wanted `ours`" in said
    assert "P/b" not in said
    assert "1 pending" in said
    both = make.update(Address("P", "c"), Edit("f", "old", "new"), standing=Standing.BOTH)
    said = "\n".join(markdown(of_drift(drifted(make.plan([both]), {Standing.BOTH: (both,)}))))
    assert "f: is `old`, wanted `new` (changed in the manifest)" in said


def test_an_irreversible_value_is_shown_whole_and_another_is_shortened(make: Any) -> None:
    value = " ".join(f"word{number}" for number in range(90))
    edit = Edit("message", None, value)
    assert f"`{value}`" in "\n".join(markdown(of_plan(make.plan(pipelines(make, 1, edit, **FINAL)))))
    said = "\n".join(markdown(of_plan(make.plan(pipelines(make, 1, edit)))))
    assert f"(cut from {len(value)} characters)" in said


def test_many_irreversible_steps_are_a_range_at_a_glance_and_names_on_demand(make: Any) -> None:
    lines = list(markdown(of_plan(make.plan(pipelines(make, 40, Edit("status", "a", "b"), **FINAL)))))
    assert "- **`Pipeline`** archive 40: `germline-{0..9} germline-{10..39}`" in lines
    (names,) = [line for line in lines if "<summary>40 names</summary>" in line]
    assert " germline-17 " in names


def test_an_approval_is_offered_to_the_letter(make: Any) -> None:
    plan = make.plan(pipelines(make, 1))
    lines = list(markdown(of_plan(plan, arguments=["ica/", "-l", "team=a b"])))
    assert lines[-4:] == [
        "",
        "```sh",
        f"icaform apply --approve {plan.digest} ica/ -l 'team=a b'",
        "```",
    ]
    reason = Diagnostic(Code.NOT_FOUND, "no such pipeline")
    assert "--approve" not in "\n".join(markdown(of_plan(make.plan([], diagnostics=(reason,)))))


@pytest.mark.parametrize(
    ("elsewhere", "run_url", "said"),
    [
        ((), "", "All of it: run `icaform plan --report html=FILE`."),
        (("plan.html", "plan.json"), "", "All of it is in `plan.html`, `plan.json`."),
        (("p.html",), "https://ci/1", "All of it is in `p.html` of [this run](https://ci/1)."),
    ],
)
def test_what_is_left_out_is_counted_and_can_be_found(
    make: Any, elsewhere: tuple[str, ...], run_url: str, said: str
) -> None:
    held = [
        make.held(
            Address("P", f"p{number}"),
            Diagnostic(Code.BACKWARD, f"{number} " + "why " * 99, f"help {number}"),
        )
        for number in range(500)
    ]
    report = replace(of_plan(make.plan(held)), elsewhere=elsewhere, run_url=run_url)
    lines = list(markdown(report))
    left = next(line for line in lines if line.startswith("- **and "))
    count = left.removeprefix("- **and ").partition(" ")[0]
    assert f"{count} are left out here. {said}" in lines
    few = replace(of_plan(make.plan(held[:3])), elsewhere=elsewhere, run_url=run_url)
    assert not [line for line in markdown(few) if "left out" in line or "All of it" in line]


def test_what_does_not_fit_at_a_glance_is_folded_away_and_counted(make: Any) -> None:
    changes = [make.update(Address("P", f"p{number}"), Edit(f"f{number}", 1, 2)) for number in range(19)]
    finals = [
        make.update(Address("P", f"q{number}"), Edit(f"f{number}", 1, 2), **FINAL) for number in range(19)
    ]
    lines = list(markdown(of_plan(make.plan([*changes, *finals]))))
    assert lines.count("<details><summary>14 more</summary>") == 1
    assert lines.count("<details><summary>9 more</summary>") == 1
    assert sum(line.startswith("- **`P/") for line in lines) == 38
