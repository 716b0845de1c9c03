"""A permission that is missing is none: not even where a variable that should hold it is there and empty."""

from __future__ import annotations

from typing import Any

import pytest

from tests.front import everything


@pytest.mark.parametrize(("name", "code"), [("ICAFORM_APPROVE", 64), ("ICAFORM_PLAN", 10)])
def test_an_approval_that_came_out_empty_is_not_waived(
    lab: Any, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    everything.write(lab)
    lab.forget_requests()
    monkeypatch.setenv(name, "")
    ran = lab.run("apply", str(lab.folder), "--yes", "--first-run", "--allow-irreversible", "4")
    assert ran.code == code, ran.text
    assert lab.writes() == []
