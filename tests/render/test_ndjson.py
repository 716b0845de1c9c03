"""Every line of ndjson is an object that fits the schema, and says what the JSON document says."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic
from icaform.operation import Done, Outcome, Skipped
from icaform.render import Report, dialect, ndjson
from icaform.render.ndjson.schema import schema
from tests.render.test_safety import report_of, texts, unsafe

VALIDATOR = jsonschema.Draft202012Validator(schema())
LISTS = {
    "resource_changes": "resource_change",
    "resource_drift": "resource_drift",
    "outcomes": "outcome",
    "unchanged": "unchanged",
    "unmanaged": "unmanaged",
    "undeclared": "undeclared",
    "diagnostics": "diagnostic",
}


def lines(report: Report) -> list[Any]:
    found = []
    for line in dialect("ndjson")(report):
        assert not unsafe(line)
        found.append(json.loads(line))
        VALIDATOR.validate(found[-1])
    return found


def test_it_tells_what_the_document_tells(scene: tuple[str, Report]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    document = json.loads("\n".join(dialect("json")(scene[1])))
    found = lines(scene[1])
    assert [each["type"] for each in found][-1] == "summary"
    version = document.pop("format_version")
    for name, sort in LISTS.items():
        rows = [each for each in found if each["type"] == sort]
        assert rows == [{"format_version": version, "type": sort, **row} for row in document.pop(name)]
    assert found[-1] == {"format_version": version, "type": "summary", **document}


def test_the_schema_knows_every_field_of_every_line(scenes: dict[str, Report], make: Any) -> None:
    parts = {
        part["properties"]["type"].get("const"): part
        for part in schema()["$defs"].values()
        if "type" in part["properties"]
    }
    seen: Counter[str] = Counter()
    for report in scenes.values():
        for each in lines(report):
            assert set(each) == set(parts[each["type"]]["properties"])
            seen[each["type"]] += 1
    assert set(seen) == {*LISTS.values(), "summary"}
    print(dict(seen))


def test_a_line_of_another_shape_does_not_fit() -> None:
    for wrong in ({}, {"type": "summary"}, {"format_version": "1.0", "type": "wait", "time": "x"}):
        assert not VALIDATOR.is_valid(wrong)


def test_what_goes_on_is_told_with_its_time(make: Any) -> None:
    plan = make.plan([make.create(Address("B", "b", str(row)), verbs=("submit",)) for row in range(3)])
    (operation,) = plan.operations
    skipped = Skipped(Diagnostic(Code.STILL_RUNNING, "stopped"))
    outcomes: dict[Address, Outcome] = dict.fromkeys(operation.addresses, Done("id"))
    outcomes[operation.addresses[0]] = skipped
    told = [
        json.loads(line)
        for line in (
            ndjson.began(operation, 1_763_769_600.0),
            ndjson.ended(operation, outcomes, 3, 9, 1_763_769_600.125),
            ndjson.told("wait", "for ICA", 0.0),
            ndjson.told("note", "", 0.0),
        )
    ]
    for each in told:
        VALIDATOR.validate(each)
    assert [each["time"] for each in told] == [
        "2025-11-22T00:00:00.000Z",
        "2025-11-22T00:00:00.125Z",
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:00.000Z",
    ]
    assert told[0]["addresses"] == ["B/b[0]", "B/b[1]", "B/b[2]"]
    assert (told[1]["outcomes"], told[1]["done"], told[1]["of"]) == ({"skipped": 1, "done": 2}, 3, 9)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_nasty_text_stays_in_its_line(make: Any, text: str) -> None:
    found = lines(report_of(make, text))
    assert any(text in each.get("notes", ()) for each in found)
    for line in (ndjson.told("note", text, 0.0), ndjson.told("wait", text, 0.0)):
        assert not unsafe(line)
        assert json.loads(line)["text"] == text
