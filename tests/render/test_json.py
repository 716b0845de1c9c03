"""The JSON document keeps to its schema, and is written a resource a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import jsonschema

from icaform.address import Address
from icaform.change import NOT_KNOWN, Edit, Standing
from icaform.diagnostic import Code, Diagnostic
from icaform.operation import Made, Secret
from icaform.render import Report, dialect, of_findings, of_plan
from icaform.render.json.schema import schema


def document(report: Report) -> Any:
    return json.loads("\n".join(dialect("json")(report)))


def test_every_document_keeps_to_the_schema(scene: tuple[str, Report]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document(scene[1]), schema(), jsonschema.Draft202012Validator)


def test_the_schema_names_every_field_that_is_written(scenes: Mapping[str, Report]) -> None:
    parts = schema()["$defs"]
    for report in scenes.values():
        told = document(report)
        assert set(told) == set(schema()["properties"])
        for name, part in (
            ("resource_changes", "ResourceChange"),
            ("resource_drift", "ResourceDrift"),
            ("outcomes", "Outcome"),
            ("diagnostics", "Finding"),
            ("unchanged", "Unchanged"),
        ):
            assert all(set(row) == set(parts[part]["properties"]) for row in told[name])


def test_what_is_not_known_is_null_and_said_to_be_so(make: Any) -> None:
    update = make.update(
        Address("P", "a"),
        Edit("message", NOT_KNOWN, "new"),
        Edit("pipeline", "id-1", Made(Address("P", "b"))),
        Edit("key", {"k": Secret(("env", "KEY"))}, None),
    )
    (row,) = document(of_plan(make.plan([update])))["resource_changes"]
    assert row["change"] == {
        "actions": ["update"],
        "before": {"message": None, "pipeline": "id-1", "key": {"k": "{env: KEY}"}},
        "after": {"message": "new", "pipeline": None, "key": None},
        "before_unknown": {"message": True},
        "after_unknown": {"pipeline": True},
        "before_sensitive": {},
        "after_sensitive": {},
    }


def test_drift_goes_from_what_was_written_to_what_is_there(make: Any) -> None:
    update = make.update(
        Address("P", "a"), Edit("status", "live", "wanted", Standing.DRIFTED), standing=Standing.DRIFTED
    )
    gone = make.create(Address("P", "b"), Edit("type", None, "X"), standing=Standing.DRIFTED)
    moved, deleted = document(of_plan(make.plan([update, gone])))["resource_drift"]
    assert (moved["change"]["before"], moved["change"]["after"]) == ({"status": "wanted"}, {"status": "live"})
    assert deleted["change"]["actions"] == ["delete"]
    assert (deleted["change"]["before"], deleted["change"]["after"]) == ({"type": "X"}, None)


def test_every_planned_change_carries_its_key_and_what_was_seen(make: Any) -> None:
    told = document(of_plan(make.plan([make.create(Address("P", "a")), make.update(Address("P", "b"))])))
    create, update = told["resource_changes"]
    assert create["precondition"] == {"exists": False, "id": None}
    assert update["precondition"] == {"exists": True, "id": "id-b"}
    assert all(row["idempotency"][0]["key"].startswith("icaform-") for row in (create, update))


def test_what_is_kept_is_counted_and_not_listed(make: Any) -> None:
    plan = make.plan([make.keep(Address("P", str(number)), "succeeded") for number in range(10_000)])
    lines = list(dialect("json")(of_plan(plan)))
    assert len(lines) < 40
    assert json.loads("\n".join(lines))["unchanged"][0]["count"] == 10_000


def test_a_large_document_is_never_one_string(make: Any) -> None:
    items = [Address("B", "b", str(number)) for number in range(2_000)]
    report = of_plan(make.plan([make.create(each, Edit("a", None, 1)) for each in items]))
    lines = dialect("json")(report)
    assert max(map(len, lines)) < 2_000


def test_a_failure_is_a_document_too() -> None:
    report = of_findings([Diagnostic(Code.UNREACHABLE, "no answer")], command="plan", exit_code=69)
    told = document(report)
    assert (told["errored"], told["exit_code"], told["plan_digest"]) == (True, 69, None)
    assert told["diagnostics"][0]["code"] == "unreachable"


def test_the_work_for_a_report_grows_with_its_size_and_no_faster(make: Any) -> None:
    def calls(count: int) -> int:
        changes = [
            make.create(Address("B", "b", str(n)), Edit("a", None, n), notes=(str(n),)) for n in range(count)
        ]
        changes += [make.update(Address("P", str(n)), Edit("a", "x", str(n))) for n in range(count)]
        changes += [make.keep(Address("K", str(n)), "done") for n in range(count)]
        plan = make.plan(changes)
        assert plan.digest
        made = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(count_call)
        try:
            report = of_plan(plan)
            for name in ("text", "json"):
                for _ in dialect(name)(report):
                    pass
        finally:
            sys.setprofile(None)
        return made

    calls(10)
    small, large = calls(200), calls(2_000)
    assert large < 11 * small
