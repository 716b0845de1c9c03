"""Text of a server or a manifest commands neither a terminal nor a CI runner, and hides nothing."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.address import Address
from icaform.change import Edit
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import Done, Refused
from icaform.render import Report, dialect, of_apply, of_findings, of_plan
from icaform.render.report import line, plain, spoken
from icaform.state import Live

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
SPITEFUL = [
    "\x1b[2J",
    "\x1b]0;x\x07",
    "\r",
    "\n",
    "\n::error::",
    "::set-output",
    "##[",
    "##vso[",
    "\u2028",
    *BIDI,
]
texts = st.lists(
    st.sampled_from(SPITEFUL) | st.text(st.characters(), max_size=6), min_size=1, max_size=6
).map("".join)


def unsafe(text: str) -> list[str]:
    """What a line must not hold."""
    found = [each for each in text if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") or each in BIDI]
    return found + re.findall(r"^\s*::|##\w*\[", text)


def report_of(make: Any, text: str) -> Report:
    address, item = Address("Pipeline", text), Address("AnalysisBatch", text, text)
    reason = Diagnostic(Code.REFUSED, text, text, text, address=address)
    edit = Edit(text, text, {text: [text]})
    plan = make.plan(
        [
            make.held(address, reason, edit),
            make.update(Address("Pipeline", text + "2"), edit, irreversible=True, notes=(text,)),
            make.update(Address("Pipeline", text + "3"), edit, verbs=(text,)),
            make.create(item, edit, notes=(text,)),
            make.keep(Address("Pipeline", "k"), text, text),
        ],
        diagnostics=(reason, replace(reason, severity=Severity.WARNING)),
        unmanaged=(Live(address, text, {}),),
        undeclared=(address,),
    )
    return of_plan(plan)


@given(texts)
def test_plain_text_shows_every_character(text: str) -> None:
    assert not [each for each in unsafe(plain(text)) if "::" not in each]
    assert plain(plain(text)) == plain(text)
    assert plain("GRCh38 naïve 日本 ∂") == "GRCh38 naïve 日本 ∂"


@given(texts)
def test_no_line_is_taken_for_a_command_of_a_runner(text: str) -> None:
    assert not unsafe(line(plain(text)))


@given(texts)
def test_a_value_is_spoken_on_one_line(text: str) -> None:
    for value in (text, [text], {text: text}, None, True, 1.5):
        assert not [each for each in unsafe(spoken(value)) if "::" not in each]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts, st.integers(40, 120))
def test_no_escape_sequence_of_others_is_ever_written(make: Any, text: str, width: int) -> None:
    plan = report_of(make, text)
    findings = of_findings(plan.diagnostics, command="validate")
    for name in ("text", "json"):
        for report in (plan, findings):
            for each in dialect(name)(report, width=width):
                assert not unsafe(each)
                each.encode("utf-8")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_with_colour_only_our_own_colours_are_written(make: Any, text: str) -> None:
    for each in dialect("text")(report_of(make, text), colour=True):
        assert not unsafe(re.sub(r"\x1b\[(?:\d|1;\d\d|\d\d)m(?=[^\x1b]+\x1b\[0m)|\x1b\[0m", "", each))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts)
def test_json_gives_hostile_text_back_to_the_letter(make: Any, applied: Any, text: str) -> None:
    plan = make.plan([make.create(Address("Pipeline", "p"), Edit("f", None, "v"))])
    (each,) = plan.operations
    reason = Diagnostic(Code.REFUSED, text)
    for outcome in (Refused(reason), Done(text)):
        told = json.loads(
            "\n".join(dialect("json")(of_apply(applied(plan, [(each, each.addresses[0], outcome)]))))
        )
        (row,) = told["outcomes"]
        assert text == (row["reason"]["summary"] if row["reason"] else row["id"] or "")


@pytest.mark.parametrize("name", ["text", "json"])
def test_a_fingerprint_of_a_secret_is_no_value_in_json(name: str, make: Any) -> None:
    edit = Edit("secret", "fingerprint 11111111", "fingerprint 22222222", private=True)
    said = "\n".join(dialect(name)(of_plan(make.plan([make.update(Address("A", "b"), edit)]))))
    assert ("22222222" in said) is (name == "text")
