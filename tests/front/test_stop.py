"""Told to stop while ICA, or the journal, keeps silent as well: gone within five seconds all the same."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from icaform.engine.apply import WORKERS
from icaform.engine.watch import FRESH
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.test_pipelines import manifest
from tests.front.test_signals import CODES, PATIENCE, ROOT, SOON
from tests.front.test_stale import NAMES, pipeline

FOR_EVER = 1e9


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Lab]:
    """More pipelines to deprecate than there are workers, and an ICA that hangs on the first of them."""
    with Embedded(settings=Settings(clock="manual")) as ica:
        lab = Lab(tmp_path, ica)
        lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
        lab.control("POST", "/seed", {"pipelines": [pipeline(name, "Released") for name in NAMES]})
        for name in NAMES:
            lab.write(f"{name}.yaml", manifest("Deprecated", f"code: {name} 1", name=name))
        lab.control("POST", "/faults", {**hangs("POST", "*:deprecate", 10.0), "times": WORKERS})
        yield lab


def hangs(method: str, path: str, seconds: float) -> dict[str, object]:
    return {"match": {"method": method, "path": path}, "delay": seconds}


def seen(lab: Lab, number: int) -> int:
    """How many requests a fault has met."""
    return int(lab.control("GET", "/faults")["items"][number]["seen"])


def stopped(
    lab: Lab,
    number: signal.Signals,
    ready: Callable[[float], bool],
    *more: str,
    steps: int = len(NAMES),
    of: int = len(NAMES),
) -> Any:
    """Run an apply, tell it to stop once it is ``ready`` after so many seconds, see it gone, and read what
    became ``of`` so many resources."""
    line = [sys.executable, "-m", "icaform", "apply", str(lab.folder), "--yes", "--first-run", *more]
    running = subprocess.Popen(
        [*line, "--allow-irreversible", str(steps), "--output", "json"],
        cwd=ROOT,
        env={**os.environ, **lab.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = time.monotonic()
    try:
        while not ready(time.monotonic() - started):
            assert running.poll() is None, running.communicate()[0][-800:]
            assert time.monotonic() - started < PATIENCE
            time.sleep(0.01)
        told = time.monotonic()
        running.send_signal(number)
        out, err = running.communicate(timeout=SOON + 10)
        took = time.monotonic() - told
    finally:
        running.kill()
        running.wait()
    assert took < SOON, f"it took {took:.1f} s"
    assert running.returncode == CODES[number], err
    report = json.loads(out)
    assert len(report["outcomes"]) == of, "every resource has an outcome"
    return report


def test_while_it_looks_again_at_what_its_plan_has_seen(busy: Lab) -> None:
    stage = {"in flight": 0.0, "looking": 0.0}

    def ready(seconds: float) -> bool:
        if not stage["in flight"]:
            stage["in flight"] = seconds if seen(busy, 0) >= WORKERS else 0.0
        elif not stage["looking"] and seconds - stage["in flight"] > FRESH:
            busy.control("POST", "/faults", {**hangs("GET", "*/pipelines*", FOR_EVER), "times": 99})
            busy.control("POST", "/clock", {"advance": 10.0})
            stage["looking"] = seconds
        return bool(stage["looking"]) and seen(busy, 1) > 0

    stopped(busy, signal.SIGTERM, ready)


@pytest.mark.parametrize("number", CODES, ids=lambda each: each.name)
def test_while_another_process_keeps_the_journal_locked(busy: Lab, number: signal.Signals) -> None:
    locks: list[sqlite3.Connection] = []

    def ready(seconds: float) -> bool:
        if seen(busy, 0) < WORKERS:
            return False
        locks.append(sqlite3.connect(busy.folder / ".icaform" / "journal.sqlite", isolation_level=None))
        locks[0].execute("BEGIN IMMEDIATE")
        return True

    stopped(busy, number, ready)
    locks[0].close()


def last_write(lab: Lab, writes: int) -> list[dict[str, Any]]:
    """What was asked since the last of so many writes; nothing before it came."""
    asked = lab.requests()
    places = [place for place, each in enumerate(asked) if each in lab.writes()]
    return asked[places[-1] + 1 :] if len(places) >= writes else []


ACKNOWLEDGED = {
    "waiting to read back": ("acknowledged, not read back yet", 2),
    "following a batch": ("acknowledged, being created", 1),
}


@pytest.mark.parametrize("number", CODES, ids=lambda each: each.name)
@pytest.mark.parametrize("where", ACKNOWLEDGED)
def test_after_ica_acknowledged_what_it_did_tells_that_in_every_report(
    tmp_path: Path, where: str, number: signal.Signals
) -> None:
    said, writes = ACKNOWLEDGED[where]
    report, text = tmp_path / "report.json", tmp_path / "report.txt"
    with Embedded(settings=Settings(clock="manual", read_lag=25.0)) as ica:
        lab = Lab(tmp_path, ica)
        lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
        lab.control("POST", "/seed", {"pipelines": [pipeline(name, "Released") for name in NAMES[:2]]})
        lab.control("POST", "/clock", {"advance": 60.0})
        if where == "following a batch":
            lab.write("a.yaml", everything.cohort(2))
        else:
            for name in NAMES[:2]:
                lab.write(f"{name}.yaml", manifest("Archived", f"code: {name} 1", name=name))
        told = stopped(
            lab,
            number,
            lambda _: bool(last_write(lab, writes)),
            *(f"--report=json={report}", f"--report=text={text}"),
            steps=writes if writes == 2 else 0,
            of=2,
        )
        assert len(lab.writes()) == writes
    assert told == json.loads(report.read_text("utf-8"))
    for each in told["outcomes"]:
        assert (each["outcome"], each["reason"]["code"]) == ("unknown", "still-running"), each
        assert each["reason"]["summary"].startswith(said), each
    assert "look in ICA" not in text.read_text("utf-8"), "it is known to be there, or to come"
    print(f"2 resources, {said}")
