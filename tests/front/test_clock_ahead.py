"""Clocks that are wrong: what happened when is told by ICA's, for that is the one that all runs can hear.

What was written down by a machine's own proves nothing, and stops nobody for long.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from icaform.emulator.demo import SECOND_API_KEY
from tests.front import everything
from tests.front.conftest import Lab, _fresh
from tests.front.test_apply import CALLS, fault, fresh, killed
from tests.front.test_doubt import HIDDEN, cohort, lose_answer, started

AHEAD = 10 * 86_400.0
LAG = 30.0
DAY = 86_400.0
OFF = (0.0, 1200.0, -1200.0, 7200.0, -7200.0, AHEAD)
ONCE = {f"cohort/{each}": 1 for each in "abcdef"}
BATCH = "*analysisCreationBatch"


def jump(lab: Lab, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """From now on the machine's clock is ahead of ICA's by so much."""
    monkeypatch.setattr(type(lab.clock), "now", lambda self: self._now + seconds)


def journal(lab: Lab, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Does something to the lab's journal behind its back."""
    with contextlib.closing(sqlite3.connect(lab.folder / ".icaform" / "journal.sqlite")) as file, file:
        return file.execute(statement, values).fetchall()


def goes_on(lab: Lab, *codes: int) -> None:
    """Further applies come to a good end, and everything is there once."""
    for _ in range(6):
        code = lab.apply().code
        assert code in (0, *codes)
        if code == 0:
            break
        lab.clock.sleep(300)
    assert code == 0
    lab.clock.sleep(4000)
    assert lab.apply().code == 0
    assert {name: count for name, count in started(lab).items() if name.startswith("cohort/")} == ONCE


def of(folder: Path, **settings: float) -> Iterator[Lab]:
    with Embedded(settings=Settings(clock="manual", **settings)) as ica:  # type: ignore[arg-type]
        yield _fresh(folder, ica)


@pytest.fixture
def trickling_lab(tmp_path: Path) -> Iterator[Lab]:
    """Against a server that makes the analyses of a batch one after the other, for five minutes."""
    yield from of(tmp_path, batch_initialized=5.0, batch_running=300.0)


@pytest.fixture
def lagging_lab(tmp_path: Path) -> Iterator[Lab]:
    """Against a server that shows what was written half a minute later."""
    yield from of(tmp_path, read_lag=LAG)


@pytest.mark.parametrize("cached", [False, True])
def test_a_chunk_that_comes_bit_by_bit_is_no_older_for_a_clock_that_is_ahead(
    trickling_lab: Lab, monkeypatch: pytest.MonkeyPatch, cached: bool
) -> None:
    lab = trickling_lab
    if cached:
        # Then no call has told the time when the first look begins.
        lab.environ["ICAFORM_CACHE_DIR"] = str(lab.folder / "cache")
    for off in OFF:
        jump(lab, monkeypatch, off)
        fresh(lab)
        for each in lab.folder.glob("*.yaml"):
            if each.name != "icaform.yaml":
                each.unlink()
        lab.write("b.yaml", cohort("abcdef"))
        lab.plan()
        lab.control("PUT", "/faults", [HIDDEN])
        lose_answer(lab, BATCH)
        assert lab.apply("--first-run").code in (0, 14), off
        goes_on(lab, 14)
    print(f"{len(OFF)} clocks")


def test_a_run_of_another_clock_that_died_just_now_is_not_taken_for_an_old_one(
    lagging_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, key = lagging_lab, lagging_lab.environ["ICAV2_X_API_KEY"]
    offs = (0.0, 7200.0, -7200.0)
    cases = list(product(offs, offs, (key, SECOND_API_KEY), ("abcdef", "abcd")))
    for dead, living, user, first in cases:
        fresh(lab)
        for name in ("credentials", "pipelines", "cohort"):
            (lab.folder / f"{name}.yaml").unlink()
        (lab.folder / "b.yaml").unlink(missing_ok=True)
        lab.environ["ICAV2_X_API_KEY"] = key
        # A workspace of which the journal knows something, so that the wait for a lost one is none.
        lab.write("a.yaml", cohort("a").replace("cohort", "warm"))
        lab.control("DELETE", "/faults")
        assert lab.apply("--first-run").code == 0
        lab.clock.sleep(500)
        lab.write("b.yaml", cohort(first))
        lose_answer(lab, BATCH)
        jump(lab, monkeypatch, dead)
        killed(lab)
        jump(lab, monkeypatch, living)
        lab.environ["ICAV2_X_API_KEY"] = user
        lab.write("b.yaml", cohort("abcdef"))
        goes_on(lab, 12, 14)
    print(f"{len(cases)} cases")


def test_what_the_journal_tells_of_a_call_is_of_icas_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for off in OFF:
        jump(lab, monkeypatch, off)
        fresh(lab)
        assert lab.apply("--first-run").code == 0
        told = lab.run("journal", "list", "--all", str(lab.folder), "--output", "json").json["entries"]
        now = lab.control("GET", "/clock")["now"]
        for each in told:
            assert -3 < now - datetime.fromisoformat(each["time"]).timestamp() < 600, (off, each)
        assert lab.plan().json["resource_changes"] == []
    print(f"{len(OFF)} clocks")


def test_the_digest_of_a_plan_is_the_same_by_any_clock(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    everything.write(lab)
    digests = set()
    for off in (*OFF, 0.5, -0.5, 3.0, -3.0):
        jump(lab, monkeypatch, off)
        digests.add(lab.plan().json["plan_digest"])
    assert len(digests) == 1


def as_before(lab: Lab, off: float) -> None:
    """The one pending call as an older icaform wrote it, by the clock of its machine."""
    ((number, text),) = journal(lab, "SELECT number, text FROM entry JOIN pending USING (workspace, number)")
    entry = json.loads(text)
    call = json.loads(entry["call"])
    call.pop("clock", None)
    entry |= {"call": json.dumps(call), "time": lab.control("GET", "/clock")["now"] + off}
    journal(lab, "UPDATE entry SET text = ? WHERE number = ?", json.dumps(entry), number)


@pytest.mark.parametrize("off", [0.0, -7200.0, -80_000.0, 7200.0])
def test_a_time_of_a_machine_is_believed_only_once_a_day_has_passed(slow_lab: Lab, off: float) -> None:
    lab = slow_lab
    lab.write("b.yaml", cohort("abcdef"))
    lose_answer(lab, BATCH)
    killed(lab)
    as_before(lab, off)
    lab.control("PUT", "/faults", [HIDDEN])
    lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    assert lab.apply().code == 14
    goes_on(lab, 14)


def test_a_call_that_never_came_is_made_again_a_day_after_a_machine_has_told_its_time(lab: Lab) -> None:
    lab.write("b.yaml", cohort("abcdef"))
    lab.control("POST", "/faults", {"match": {"method": "POST", "path": BATCH}, "do": "drop_request"})
    killed(lab)
    as_before(lab, 0.0)
    lab.control("DELETE", "/faults")
    lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    assert lab.apply().code == 14
    assert started(lab) == {}
    lab.clock.sleep(DAY + 2000)
    goes_on(lab)


@pytest.mark.parametrize("ahead", [AHEAD, 3600.0, 100 * 365 * 86_400.0])
def test_what_was_written_in_the_future_is_waited_for_no_longer_than_the_read_lag(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    everything.write(lab)
    jump(lab, monkeypatch, ahead)
    assert lab.apply().code == 0
    jump(lab, monkeypatch, 0.0)
    # An older icaform wrote the time of its machine.
    for address, facts in journal(lab, "SELECT address, facts FROM memory"):
        if "written" in (told := json.loads(facts)):
            told["written"] += ahead
            journal(lab, "UPDATE memory SET facts = ? WHERE address = ?", json.dumps(told), address)
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
