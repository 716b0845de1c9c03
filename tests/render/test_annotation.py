"""Diagnostics and the dangers of a plan point at the line that causes them, and stay the same finding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from icaform.address import Address, Origin
from icaform.change import Create, Edit, Standing, Update
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.manifest import read
from icaform.operation import Secret
from icaform.render import Report, of_findings, of_plan
from icaform.render.report import Stamp
from icaform.render.report.annotation import Annotation, Level, Mark, annotated, path_of
from icaform.state import Desired, Live

MANIFEST = """\
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: germline}
spec:
  project: wgs-prod
  select: {code: DRAGEN}
  status: Deprecated
  message: Ours.
  tags:
    - [a, b]
"""
FIELDS = {"status": (7, 11), "select.code": (6, 18), "tags[0][1]": (10, 11), "missing": (1, 1)}


def of_text(text: str, *edits: Edit, **more: Any) -> Update:
    """A change of the pipeline that a manifest declares, with its real places."""
    documents, wrong = read(text.encode(), "ica/p.yaml")
    assert not wrong
    address = Address("Pipeline", "germline")
    wish = Desired(address, None, documents[0].origin)
    return Update(wish, Live(address, "id", {}), edits, ("deprecate",), **more)


def test_a_step_points_at_the_line_of_the_field_that_changes(make: Any) -> None:
    for field, place in FIELDS.items():
        plan = make.plan([of_text(MANIFEST, Edit(field, "a", "b"), irreversible=True)])
        (found,) = annotated(of_plan(plan))
        assert (found.rule, found.path) == (Mark.IRREVERSIBLE_STEP, "ica/p.yaml")
        assert (found.line, found.column) == place, field


def test_a_drift_points_at_the_field_that_the_server_moved(make: Any) -> None:
    edits = (Edit("message", "a", "b"), Edit("status", "Archived", "Deprecated", Standing.DRIFTED))
    plan = make.plan([of_text(MANIFEST, *edits, standing=Standing.BOTH)])
    (found,) = annotated(of_plan(plan))
    assert (found.rule, found.line) == (Mark.BOTH, 7)
    assert "status is Archived, icaform wrote Deprecated" in found.summary


def test_an_irreversible_step_that_repairs_a_drift_is_both(make: Any) -> None:
    edit = Edit("status", "Released", "Deprecated", Standing.DRIFTED)
    plan = make.plan([of_text(MANIFEST, edit, standing=Standing.DRIFTED, irreversible=True)])
    assert [each.rule for each in annotated(of_plan(plan))] == [Mark.IRREVERSIBLE_STEP, Mark.DRIFTED]


def test_only_what_cannot_be_undone_is_said_not_to_be(make: Any) -> None:
    (found,) = annotated(of_plan(make.plan([make.create(Address("C", "c"), verbs=("create", "share"))])))
    assert found.summary == "C/c: share cannot be undone"


def test_every_finding_of_every_scene_is_annotated_the_worst_first(scene: tuple[str, Report]) -> None:
    name, report = scene
    wanted = {
        "plan": [
            "backward",
            "not-found",
            "irreversible-step",
            "irreversible-step",
            "drifted",
            "secret-unset",
        ],
        "plan-empty": [],
        "apply": [
            *["outcome-unknown", "refused", "refused", "backward", "not-found"],
            *["still-running", "still-running", "secret-unset"],
        ],
        "drift": ["ambiguous", "drifted-and-changed", "gone"],
        "findings": ["unknown-field", "not-found", "secret-unset"],
        "findings-none": [],
        "hostile": ["refused", "refused", "irreversible-step", "refused"],
    }
    found = list(annotated(report))
    assert [each.rule.slug for each in found] == wanted[name]
    assert [each.level.value for each in found] == sorted(each.level.value for each in found)


def test_an_item_that_changed_since_it_ran_is_no_error(make: Any) -> None:
    levels = {}
    for code in (Code.CHANGED_SINCE_RUN, Code.BACKWARD):
        plan = make.plan([make.held(Address("B", "b", "i"), Diagnostic(code, "it is held"))])
        (found,) = annotated(of_plan(plan))
        levels[code] = found.level
    assert levels == {Code.CHANGED_SINCE_RUN: Level.DANGER, Code.BACKWARD: Level.ERROR}


def test_no_secret_s_fingerprint_is_in_an_annotation(make: Any) -> None:
    edit = Edit("secret", "fingerprint 11111111", "fingerprint 22222222", private=True)
    more = Edit("key", None, {"a": Secret(("env", "KEY"))})
    plan = make.plan([make.update(Address("A", "b"), edit, more, irreversible=True)])
    (found,) = annotated(of_plan(plan))
    assert "2222" not in "".join(found.lines)
    assert "key (none) -> " in found.summary


def test_long_values_are_cut_and_many_fields_are_counted(make: Any) -> None:
    edits = [Edit(f"field{number}", "a" * 500, "b" * 500) for number in range(9)]
    plan = make.plan([make.update(Address("A", "b"), *edits, irreversible=True)])
    (found,) = annotated(of_plan(plan))
    assert "and 6 more fields" in found.summary
    assert len(found.summary) < 700


PATHS = [
    ("a.yaml", Stamp(), "a.yaml"),
    ("./a/../b c.yaml", Stamp(), "b c.yaml"),
    ("/abs/a.yaml", Stamp(), "/abs/a.yaml"),
    ("a.yaml", Stamp(folder="/src/ica", root="/src"), "ica/a.yaml"),
    ("../a.yaml", Stamp(folder="/src/ica", root="/src"), "a.yaml"),
    ("../../a.yaml", Stamp(folder="/src/ica", root="/src"), "/a.yaml"),
    ("/src/ica/a.yaml", Stamp(folder="/elsewhere", root="/src/"), "ica/a.yaml"),
    ("/srcs/a.yaml", Stamp(folder="/src", root="/src"), "/srcs/a.yaml"),
    ("a.yaml", Stamp(folder="/", root="/"), "a.yaml"),
    ("<stdin>", Stamp(folder="/src", root="/src"), ""),
]


@pytest.mark.parametrize(("file", "stamp", "path"), PATHS)
def test_a_path_is_relative_to_the_source_tree_where_it_lies_in_it(
    file: str, stamp: Stamp, path: str
) -> None:
    assert path_of(file, stamp) == path


def findings(*diagnostics: Diagnostic) -> list[Annotation]:
    return list(annotated(of_findings(diagnostics, command="validate")))


def test_a_finding_is_the_same_after_its_line_moved_and_in_the_next_run(make: Any) -> None:
    edit = Edit("status", "Released", "Deprecated", Standing.DRIFTED)
    more = {"standing": Standing.DRIFTED, "irreversible": True}
    moved = "# a new first line\n\n" + MANIFEST.replace("spec:\n", "spec:\n  # another\n")
    before, after = (
        list(annotated(of_plan(make.plan([of_text(text, edit, **more)])))) for text in (MANIFEST, moved)
    )
    assert [each.fingerprint for each in before] == [each.fingerprint for each in after]
    assert [each.line + 3 for each in before] == [each.line for each in after]
    # What a sentence counts or measures may change too.
    told = "the key is declared at a.yaml:{0}:1 and was begun {0} s ago"
    one, two = (
        Diagnostic(Code.DECLARED_TWICE, told.format(row), origin=Origin("a.yaml", row, 1)) for row in (3, 70)
    )
    assert findings(one)[0].fingerprint == findings(two)[0].fingerprint


def test_another_finding_has_another_fingerprint() -> None:
    first = Diagnostic(Code.BAD_VALUE, "it is bad", origin=Origin("a.yaml", 1, 1), address=Address("A", "a"))
    others = [
        first,
        replace(first, code=Code.WRONG_TYPE),
        replace(first, summary="it is worse"),
        replace(first, address=Address("A", "b")),
        replace(first, address=None),
        replace(first, address=None, origin=Origin("b.yaml", 1, 1)),
        replace(first, origin=Origin("a.yaml", 2, 1)),
        replace(first, severity=Severity.WARNING),
    ]
    prints = [each.fingerprint for each in findings(*others)]
    assert len(set(prints)) == len(others)
    # Of equal ones only the number behind the colon tells them apart.
    assert len({each.split(":")[0] for each in prints}) == len(others) - 2


def test_what_was_made_by_hand_has_no_more_than_its_line(make: Any) -> None:
    plan = make.plan([make.create(Address("B", "b"), Edit("x", None, 1), irreversible=True, line=7)])
    assert isinstance(plan.moves[0], Create)
    assert next(annotated(of_plan(plan))).line == 7
