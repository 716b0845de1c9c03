"""JUnit has one case a resource or file, counts what it has, and is XML whatever it is told.

The elements, their order and their attributes are held against those of the schema of Jenkins's xUnit plugin
(junit-10.xsd). No package carries the schema itself, so what it says of ours is written down in ``KNOWN``.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import junitparser
from hypothesis import HealthCheck, given, settings

from icaform.address import Address, Origin
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.render import Report, dialect, of_findings, of_plan
from icaform.render.report import Stamp
from tests.render.test_safety import report_of, texts

ENDS = {"type", "message"}
KNOWN: dict[str, tuple[set[str], set[str], set[str]]] = {
    # element: required attributes, further ones, children
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), ENDS, set()),
    "error": (set(), ENDS, set()),
    "skipped": (set(), ENDS, set()),
    "system-out": (set(), set(), set()),
}
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no character of XML 1.0 (production 2)."""


def document(report: Report) -> ElementTree.Element:
    text = "\n".join(dialect("junit")(report))
    assert not FORBIDDEN.search(text)
    found = ElementTree.fromstring(text.encode("utf-8"))
    for each in found.iter():
        required, further, children = KNOWN[each.tag]
        assert required <= set(each.attrib) <= required | further, each.tag
        assert {child.tag for child in each} <= children, each.tag
    return found


def ends(report: Report) -> dict[str, tuple[str, str]]:
    """How each case that does not just pass ends, and its type."""
    found = {}
    for case in document(report).iter("testcase"):
        for each in case:
            found[case.attrib["name"]] = (each.tag, each.attrib["type"])
    return found


def test_the_counts_are_those_of_the_cases(scene: tuple[str, Report]) -> None:
    report = scene[1]
    told = document(report)
    (suite,) = told.findall("testsuite")
    cases = suite.findall("testcase")
    counted = {
        "tests": len(cases),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    assert {name: int(suite.attrib[name]) for name in counted} == counted
    read = junitparser.JUnitXml.fromroot(ElementTree.parse(io.BytesIO(ElementTree.tostring(told))).getroot())
    assert (read.tests, read.failures, read.errors) == tuple(
        counted[each] for each in ("tests", "failures", "errors")
    )
    names = [case.attrib["name"] for case in cases]
    assert len(set(names)) == len(names) or scene[0] == "hostile"


def test_a_plan_passes_what_is_as_wanted_and_skips_what_is_to_come(scenes: dict[str, Report]) -> None:
    found = ends(scenes["plan"])
    assert found["Pipeline/germline-4-3"] == ("failure", "backward")
    assert found["Pipeline/germline-4-8"] == ("error", "not-found")
    assert found["Pipeline/germline-4-0"] == ("skipped", "irreversible")
    assert found["Pipeline/germline-4-2"] == ("skipped", "planned")
    assert "AnalysisBatch/old[S0]" not in found
    assert len(document(scenes["plan"]).findall(".//testcase")) == 524


def test_an_apply_passes_what_was_done(scenes: dict[str, Report]) -> None:
    found = ends(scenes["apply"])
    assert found["AnalysisBatch/cohort[NA12878]"] == ("failure", "refused")
    assert found["AnalysisBatch/cohort[NA12880]"] == ("skipped", "still-running")
    assert found["Pipeline/germline-4-1"] == ("error", "outcome-unknown")
    assert found["Pipeline/germline-4-3"] == ("failure", "backward")
    assert "Pipeline/germline-4-0" not in found


def test_a_drift_fails_what_moved_and_skips_what_is_only_wished(scenes: dict[str, Report]) -> None:
    assert ends(scenes["drift"]) == {
        "StorageCredential/lab": ("failure", "gone"),
        "Pipeline/germline": ("failure", "both"),
        "Pipeline/somatic": ("skipped", "pending"),
        "Pipeline/x": ("error", "ambiguous"),
    }
    (gone, _) = document(scenes["drift"]).iter("failure")
    assert (gone.text or "").strip() == "manifests/lab.yaml:1:1"


def test_validate_has_one_case_a_file_with_all_that_is_wrong_in_it(make: Any) -> None:
    def wrong(file: str, line: int, severity: Severity = Severity.ERROR) -> Diagnostic:
        return Diagnostic(
            Code.BAD_VALUE, f"bad {line}", "mend it", "a\nb", Origin(file, line, 1), None, severity
        )

    found = [wrong("a.yaml", 1), wrong("b.yaml", 2), wrong("a.yaml", 3), wrong("c.yaml", 4, Severity.WARNING)]
    found.append(Diagnostic(Code.UNREADABLE_FILE, "d.yaml cannot be read"))
    report = of_findings(found, command="validate")
    assert ends(report) == {
        "a.yaml": ("failure", "bad-value"),
        "b.yaml": ("failure", "bad-value"),
        "unreadable-file": ("error", "unreadable-file"),
    }
    (failure, _) = document(report).iter("failure")
    assert failure.attrib["message"] == "2 errors"
    assert (failure.text or "").strip().split("\n") == [
        *("a.yaml:1:1: error[bad-value]: bad 1", "a", "b", "help: mend it"),
        *("a.yaml:3:1: error[bad-value]: bad 3", "a", "b", "help: mend it"),
    ]
    valid = of_findings((), command="validate", declared=[make.wish(Address("P", str(n))) for n in range(3)])
    (case,) = document(valid).iter("testcase")
    assert (case.attrib, len(case)) == ({"classname": "manifest", "name": "manifests/lab.yaml"}, 0)


def test_the_time_is_that_of_the_stamp_and_left_out_without_one(scenes: dict[str, Report]) -> None:
    report = scenes["drift"]
    assert "timestamp" not in document(report)[0].attrib
    stamped = replace(report, stamp=Stamp(1_763_769_600.5))
    assert document(stamped)[0].attrib["timestamp"] == "2025-11-22T00:00:00"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_nasty_text_leaves_it_xml_of_the_same_shape(make: Any, text: str) -> None:
    report = report_of(make, text + "\ufffe]]>")
    found = document(report)
    assert len(found.findall(".//testcase")) == len(report.changes) + 1
    document(of_findings(report.diagnostics, command="validate"))
    named = of_plan(make.plan([make.keep(Address("Pipeline", "a&b<c>'\"]]>"))]))
    assert document(named).findall(".//testcase")[0].attrib["name"] == "Pipeline/a&b<c>'\"]]>"
