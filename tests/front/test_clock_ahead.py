"""A clock that once ran ahead: what was written down by it proves nothing, and stops nobody for as long."""

from __future__ import annotations

import re

import pytest

from tests.front import everything
from tests.front.conftest import Lab
from tests.front.test_apply import CALLS, fault, killed

AHEAD = 10 * 86_400.0
LAG = 30.0


def jump(lab: Lab, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """From now on the machine's clock is ahead of ICA's by so much."""
    monkeypatch.setattr(type(lab.clock), "now", lambda self: self._now + seconds)


@pytest.mark.parametrize("ahead", [AHEAD, 3600.0, 100 * 365 * 86_400.0])
def test_what_was_written_in_the_future_is_waited_for_no_longer_than_the_read_lag(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    everything.write(lab)
    jump(lab, monkeypatch, ahead)
    assert lab.apply().code == 0
    jump(lab, monkeypatch, 0.0)
    lab.write("pipelines.yaml", everything.PIPELINES.replace("Use 4-4-0.", "Use 4-4-1."))
    before = lab.clock.slept
    ran = lab.apply()
    assert ran.code == 0, ran.text
    assert lab.clock.slept - before <= LAG
    assert "waiting 30 s, until what an earlier run wrote can be read" in ran.err
    # What was written now is remembered with a time of now.
    assert lab.plan().json["resource_changes"] == []
    lab.clock.sleep(LAG)
    lab.write("pipelines.yaml", everything.PIPELINES.replace("Use 4-4-0.", "Use 4-4-2."))
    before = lab.clock.slept
    assert lab.apply().code == 0
    assert lab.clock.slept == before


def test_a_call_that_was_begun_in_the_future_has_no_age_below_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything.write(lab)
    fault(lab, CALLS[6], {"do": "drop_request"})
    jump(lab, monkeypatch, AHEAD)
    killed(lab)
    lab.control("DELETE", "/faults")
    jump(lab, monkeypatch, 0.0)
    before = lab.clock.slept
    ran = lab.apply()
    assert not re.search(r"-\d+ s", ran.text), ran.text
    assert lab.clock.slept - before < 1800
    assert everything.wrong(lab) == []
