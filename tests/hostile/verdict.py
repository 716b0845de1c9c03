"""What must hold of every run under attack, however it ends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from icaform.cli.exit import Exit
from icaform.diagnostic import Code
from tests.hostile.process import MOST_MEMORY, Ended

LONGEST_REPORT = 1_000_000
"""Characters of everything that a run says: an attacker's text is cut, not passed on."""

_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_CODES = {each.slug for each in Code}


def judged(ended: Ended, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The run's report, in JSON, once all that must hold of it was found to hold."""
    calm(ended, secrets)
    report: dict[str, Any] = ended.json
    if "diagnostics" not in report:  # whoami's, which tells four facts and no report
        assert ended.code == Exit.DONE
        return report
    assert report["exit_code"] == ended.code
    said = [*report["diagnostics"], *(each["reason"] for each in report["outcomes"] if each["reason"])]
    assert report["errored"] is any(each["severity"] == "error" for each in said)
    for each in said:
        assert each["code"] in _CODES - {"internal"}, each
        assert each["summary"], each
        assert each["remedy"], each
    return report


def calm(ended: Ended, secrets: Iterable[str] = ()) -> None:
    """It ended with a code of ours, in bounds, without a traceback, a secret or a command to a terminal."""
    assert ended.code in set(Exit), (ended.code, ended.err[-2000:])
    assert ended.peak < MOST_MEMORY, f"{ended.peak:.0f} MB"
    assert "Traceback" not in ended.text, ended.text[-3000:]
    assert len(ended.text) < LONGEST_REPORT
    assert not unsafe(ended.text), (unsafe(ended.text), ended.text[-1500:])
    for secret in secrets:
        assert secret not in ended.text


def unsafe(text: str) -> list[str]:
    """What a terminal, or the runner of a CI, would take for a command."""
    found = [each for each in set(text) if unicodedata.category(each) in ("Cc", "Zl", "Zp") or each in _BIDI]
    return [repr(each) for each in found if each != "\n"] + re.findall(r"(?m)^\s*::|##\w*\[", text)


def errors(report: dict[str, Any]) -> list[str]:
    """The codes of its errors."""
    return [each["code"] for each in report["diagnostics"] if each["severity"] == "error"]
