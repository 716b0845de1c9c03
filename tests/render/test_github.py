"""GitHub reads back from a line just what was said, and obeys no text of others."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, given, settings

from icaform.address import Origin
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.render import Report, dialect, of_findings
from icaform.render.report.annotation import annotated
from tests.render.test_safety import report_of, texts, unsafe

COMMAND = re.compile(r"::(?P<word>[a-z]+) (?P<properties>[^:]*)::(?P<data>.*)")


def obeyed(line: str) -> tuple[str, dict[str, str], str]:
    """A line as GitHub's runner reads it: it splits at the first ``::`` behind the properties."""
    found = COMMAND.fullmatch(line)
    assert found, line
    properties = dict(each.split("=", 1) for each in found["properties"].split(","))
    for sign, code in ((":", "%3A"), (",", "%2C"), ("\r", "%0D"), ("\n", "%0A"), ("%", "%25")):
        properties = {name: value.replace(code, sign) for name, value in properties.items()}
    data = found["data"]
    for sign, code in (("\r", "%0D"), ("\n", "%0A"), ("%", "%25")):
        data = data.replace(code, sign)
    return found["word"], properties, data


def told(report: Report) -> list[tuple[str, dict[str, str], str]]:
    return [obeyed(line) for line in dialect("github")(report)]


def test_every_finding_is_shown_at_its_line(scene: tuple[str, Report]) -> None:
    *shown, (word, properties, data) = told(scene[1])
    found = list(annotated(scene[1]))
    assert len(shown) == len(found)
    for (_, place, text), each in zip(shown, found, strict=True):
        assert place["title"] == each.rule.slug
        assert text == "\n".join(each.lines)
        if each.path:
            assert (place["file"], place["line"], place["col"]) == (
                each.path,
                str(each.line),
                str(each.column),
            )
    assert (word, properties["title"], data) == ("notice", f"icaform {scene[1].command}", scene[1].verdict)


def test_the_worst_ten_of_each_level_are_shown_and_the_rest_is_counted() -> None:
    found = [
        Diagnostic(Code.BAD_VALUE, f"{severity.value} {number}", severity=severity)
        for severity, count in ((Severity.WARNING, 25), (Severity.ERROR, 1_213))
        for number in range(count)
    ]
    lines = told(of_findings(found, command="validate"))
    words = [word for word, _, _ in lines]
    assert words == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert lines[0][2] == "error 0"
    assert lines[-1][2].endswith("; 1,203 more errors and 15 more warnings not shown here")


def test_a_file_s_name_and_a_text_keep_their_signs() -> None:
    name, text = "a,b:c=100%.yaml", "50%, a::b\nnext: %0A"
    (_, place, data), _ = told(
        of_findings([Diagnostic(Code.BAD_VALUE, "it", text, origin=Origin(name, 1, 2))], command="plan")
    )
    assert (place["file"], place["line"], place["col"]) == (name, "1", "2")
    assert data == "it\nhelp: 50%, a::b next: %0A"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_no_text_of_others_is_a_command_or_a_property(make: Any, text: str) -> None:
    for text_ in (text, f"x,file=evil::{text}", f"%0A::error::{text}"):
        report = report_of(make, text_)
        named = of_findings(
            [Diagnostic(Code.BAD_VALUE, text_, origin=Origin(text_, 1, 1))], command="validate"
        )
        for each in (report, named):
            for line in dialect("github")(each):
                word, properties, _ = obeyed(line)
                assert word in ("error", "warning", "notice")
                assert set(properties) <= {"file", "line", "col", "title"}
                assert not unsafe(line[2:])
