"""SIGINT and SIGTERM: gone within five seconds, wherever the run is, and the next run goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.test_apply import CALLS, fresh, settled
from tests.front.test_kill import HANGS

ROOT = Path(__file__).parents[2]
SOON = 5.0
"""Seconds within which a run that is told to stop is gone."""
PATIENCE = 60.0
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

READS = [("GET", "*/storageCredentials", 1), ("GET", "*/pipelines*", 1), ("POST", "*/analysis:search", 1)]
WRITES = [("POST", *CALLS[number]) for number in (0, 2, 3, 6, 7)]
FOLLOWED = ("GET", "*/analysisCreationBatch/*", 1)
POINTS = [
    *((each, "before") for each in READS),
    *((each, when) for each in WRITES for when in ("before", "after")),
    (FOLLOWED, "before"),
    (FOLLOWED, ""),
]
"""Where a call hangs, by method, path and count, and whether before or after its effect; or does not."""


@pytest.fixture
def standing() -> Iterator[Embedded]:
    """An ICA whose clock stands still, so that a delayed call hangs and a batch is never ready."""
    with Embedded(settings=Settings(clock="manual")) as ica:
        yield ica


@pytest.mark.parametrize(
    ("point", "when", "number"),
    [(*each, list(CODES)[place % 2]) for place, each in enumerate(POINTS)],
    ids=lambda each: each.name if isinstance(each, signal.Signals) else None,
)
def test_a_run_that_is_told_to_stop_is_gone_soon_and_the_next_goes_on(
    point: tuple[str, str, int], when: str, number: signal.Signals, tmp_path: Path, standing: Embedded
) -> None:
    lab = Lab(tmp_path, standing)
    fresh(lab)
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    method, path, nth = point
    if when:
        hang = {
            "match": {"method": method, "path": path, "nth": nth},
            "delay": HANGS["Batch" in path],
            "when": when,
        }
        lab.control("PUT", "/faults", [hang])
    limits = ["--allow-irreversible", "4", "--output", "json"]
    arguments = ["apply", str(tmp_path), "--yes", "--first-run", *limits]
    running = subprocess.Popen(
        [sys.executable, "-m", "icaform", *arguments],
        cwd=ROOT,
        env={**os.environ, **lab.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = time.monotonic()
    try:
        while not reached(lab, point, when):
            assert running.poll() is None, running.communicate()[0][-800:]
            assert time.monotonic() - started < PATIENCE, "it never came to the call"
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
    assert json.loads(out)["exit_code"] == CODES[number]
    assert "Traceback" not in err
    lab.control("DELETE", "/faults")
    assert settled(lab) == []
    assert everything.wrong(lab) == []


def reached(lab: Any, point: tuple[str, str, int], when: str) -> bool:
    """Whether the run is where it shall be stopped."""
    if when:
        return bool(lab.control("GET", "/faults")["items"][0]["seen"] >= point[2])
    return bool(lab.requests(point[0], "/analysisCreationBatch/"))
