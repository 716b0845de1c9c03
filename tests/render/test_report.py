"""What a report counts, groups and puts first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.address import Address
from icaform.change import Edit, Standing
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import Done, Refused, Skipped, Unknown
from icaform.render import Report, of_apply, of_drift, of_findings, of_plan
from icaform.render.report import Danger, Sign, last_written

WHY = Diagnostic(Code.BACKWARD, "why", "what to do")
OUTCOMES = {
    "done": Done("id"),
    "already": Done(already=True),
    "refused": Refused(WHY),
    "unknown": Unknown(WHY),
    "skipped": Skipped(WHY),
}
sorts = st.lists(
    st.sampled_from(["create", "update", "final", "drifted", "held", "keep", "busy"]), max_size=40
)
relaxed = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def change(make: Any, sort: str, number: int) -> Any:
    address = Address("Pipeline", f"p{number}")
    match sort:
        case "create":
            return make.create(Address("AnalysisBatch", "b", str(number)), Edit("a", None, number))
        case "update":
            return make.update(address, Edit("a", 1, number))
        case "final":
            return make.update(address, Edit("a", 1, 2), irreversible=True)
        case "drifted":
            return make.update(address, Edit("a", 1, 2, Standing.DRIFTED), standing=Standing.DRIFTED)
        case "held":
            return make.held(address, WHY)
    return make.keep(address, "being created" if sort == "busy" else "", busy=sort == "busy")


def sections(report: Report) -> Mapping[Danger, Any]:
    return {each.danger: each for each in report.sections}


@relaxed
@given(sorts)
def test_every_change_is_counted_once_and_stands_in_one_section(make: Any, kinds: list[str]) -> None:
    report = of_plan(make.plan([change(make, sort, number) for number, sort in enumerate(kinds)]))
    counts = report.counts
    assert counts["create"] + counts["update"] + counts["held"] + counts["keep"] == len(kinds)
    assert counts["keep"] == sum(each.count for each in report.kept)
    assert counts["busy"] == kinds.count("busy")
    assert counts["irreversible"] == kinds.count("final")
    named = [row.address for each in report.sections for group in each.groups for row in group.rows]
    assert sorted(named) == sorted(row.address for row in report.rows)
    assert len(set(named)) == len(named) == len(kinds) - counts["keep"]


@relaxed
@given(sorts)
def test_sections_stand_in_the_order_of_danger(make: Any, kinds: list[str]) -> None:
    report = of_plan(make.plan([change(make, sort, number) for number, sort in enumerate(kinds)]))
    order = list(Danger)
    places = [order.index(each.danger) for each in report.sections]
    assert places == sorted(places)
    assert all(each.count for each in report.sections)


@relaxed
@given(st.lists(st.tuples(st.sampled_from(list(OUTCOMES)), st.sampled_from(list(OUTCOMES))), max_size=20))
def test_every_resource_of_an_apply_is_counted_once_by_its_worst_outcome(
    make: Any, applied: Any, pairs: list[tuple[str, str]]
) -> None:
    plan = make.plan(
        [make.create(Address("A", str(number)), verbs=("create", "share")) for number in range(len(pairs))]
    )
    ended = [
        (each, each.addresses[0], OUTCOMES[pairs[number // 2][number % 2]])
        for number, each in enumerate(plan.operations)
    ]
    report = of_apply(applied(plan, ended))
    order = ["unknown", "refused", "skipped", "done", "already"]
    for word in order:
        assert report.counts[word] == sum(min(pair, key=order.index) == word for pair in pairs)
    assert len(report.ended) == 2 * len(pairs)
    assert bool(report.advice) is report.errored is not report.complete


def test_what_an_operation_cannot_undo_makes_its_change_irreversible(make: Any) -> None:
    create = make.create(
        Address("StorageCredential", "a"), Edit("type", None, "X"), verbs=("create", "share")
    )
    report = of_plan(make.plan([create]))
    assert report.verdict == "1 to create (1 cannot be undone); 0 unchanged"
    assert [each.danger for each in report.sections] == [Danger.IRREVERSIBLE]


def test_equal_changes_are_one_group_and_unequal_ones_are_not(make: Any) -> None:
    addresses = [Address("Pipeline", str(number)) for number in range(6)]
    values: list[Any] = ["x", "x", "x", True, 1, 1.0]
    report = of_plan(
        make.plan([make.update(a, Edit("f", None, v)) for a, v in zip(addresses, values, strict=True)])
    )
    groups = sections(report)[Danger.UPDATE].groups
    assert [len(each.rows) for each in groups] == [3, 1, 1, 1]


def test_creates_are_grouped_by_their_fields_whatever_the_values(make: Any) -> None:
    creates = [
        make.create(Address("B", "b", str(n)), Edit("x", None, n), Edit("y", None, 1)) for n in range(9)
    ]
    (group,) = sections(of_plan(make.plan(creates)))[Danger.CREATE].groups
    assert [each.varies for each in group.fields] == [True, False]
    assert group.parent == Address("B", "b")
    assert ([row.address.item for row in group.shown], group.more) == (["0", "1", "2"], 6)


def test_many_updates_that_all_differ_are_put_together_by_their_fields(make: Any) -> None:
    updates = [make.update(Address("P", str(n)), Edit("x", "a", str(n))) for n in range(1000)]
    assert len(sections(of_plan(make.plan(updates)))[Danger.UPDATE].groups) == 1
    final = [
        make.update(Address("P", str(n)), Edit("x", "a", str(n)), irreversible=True) for n in range(1000)
    ]
    assert len(sections(of_plan(make.plan(final)))[Danger.IRREVERSIBLE].groups) == 1000


def test_items_of_different_batches_are_different_groups(make: Any) -> None:
    creates = [make.create(Address("B", name, str(n))) for name in "ab" for n in range(3)]
    assert len(sections(of_plan(make.plan(creates)))[Danger.CREATE].groups) == 2


def test_notes_are_told_once_with_how_often_they_were_said(make: Any) -> None:
    creates = [make.create(Address("B", "b", str(n)), notes=(f"note {n % 5}",)) for n in range(20)]
    (group,) = sections(of_plan(make.plan(creates)))[Danger.CREATE].groups
    assert [(each.text, each.count) for each in group.notes] == [("note 0", 4), ("note 1", 4), ("note 2", 4)]
    assert group.more_notes == 2


def test_of_equal_warnings_the_first_ones_are_shown_and_all_are_counted(make: Any) -> None:
    warning = Diagnostic(Code.SECRET_UNSET, "unset", severity=Severity.WARNING)
    report = of_plan(make.plan([], diagnostics=(warning,) * 500))
    section = sections(report)[Danger.WARNINGS]
    assert (len(section.findings), section.count) == (10, 500)
    assert len(report.diagnostics) == 500


def test_no_manifest_is_walked_for_what_is_kept(make: Any) -> None:
    of_plan(make.plan([make.keep(Address("P", str(n)), "done", "note") for n in range(100)]))
    assert make.asked == []


def test_a_plan_is_only_complete_when_nothing_is_held_or_untold(make: Any) -> None:
    fault = Diagnostic(Code.AMBIGUOUS, "two", address=Address("P", "b"))
    assert of_plan(make.plan([make.update(Address("P", "a"))])).complete
    assert not of_plan(make.plan([make.held(Address("P", "a"), WHY)])).complete
    report = of_plan(make.plan([], diagnostics=(fault,)))
    assert (report.complete, report.errored, report.counts["unknown"]) == (False, True, 1)


def test_an_approval_is_offered_only_where_there_is_something_to_run(make: Any) -> None:
    plan = make.plan([make.update(Address("P", "a"))])
    assert of_plan(plan).offer == f"icaform apply --approve {plan.digest}"
    assert of_plan(make.plan([])).offer == ""


def test_a_drift_tells_what_is_gone_from_what_was_moved(make: Any, drifted: Any) -> None:
    gone = make.create(Address("C", "a"), standing=Standing.DRIFTED)
    moved = make.update(Address("C", "b"), irreversible=True, standing=Standing.DRIFTED)
    report = of_drift(drifted(make.plan([gone, moved]), {Standing.DRIFTED: (gone, moved)}))
    assert [row.sign for row in report.drifted] == [Sign.GONE, Sign.UPDATE]
    assert not any(row.irreversible for row in report.drifted)


def test_what_we_last_wrote_follows_from_how_a_field_stands() -> None:
    def told(standing: Standing) -> object:
        return last_written(Edit("f", "live", "wanted", standing))

    assert [told(each) for each in (Standing.DRIFTED, Standing.PENDING, Standing.BOTH)] == [
        "wanted",
        "live",
        "(not known)",
    ]


@pytest.mark.parametrize(
    ("errors", "warnings", "resources", "verdict"),
    [
        (0, 0, 1, "1 resource is valid"),
        (0, 1, 1200, "1,200 resources are valid, 1 warning"),
        (2, 0, 1, "2 errors in 1 resource"),
        (1, 2, None, "1 error, 2 warnings"),
        (0, 0, None, "nothing wrong was found"),
    ],
)
def test_findings_end_in_a_count(errors: int, warnings: int, resources: int | None, verdict: str) -> None:
    found = [WHY] * errors + [Diagnostic(Code.SECRET_UNSET, "x", severity=Severity.WARNING)] * warnings
    report = of_findings(found, command="validate", resources=resources)
    assert report.verdict == verdict
    assert report.errored is bool(errors)
