"""kill -9, to the real process, around every mutating call: the next run needs no clean-up."""

from __future__ import annotations

import os
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

ROOT = Path(__file__).parents[2]
HANGS = {True: 60, False: 1e9}
"""Seconds that a call hangs, by whether ICA honours its key: then it arrives late, after the next run began.
Without a key nobody could tell the late one from the next run's, so it never arrives."""


@pytest.fixture(scope="module")
def standing() -> Iterator[Embedded]:
    """An ICA whose clock stands still, so that a delayed call hangs until the process is dead."""
    with Embedded(settings=Settings(clock="manual")) as ica:
        yield ica


@pytest.mark.parametrize(
    ("call", "when"),
    [(call, when) for call in (CALLS[0], CALLS[6]) for when in ("before", "after")]
    + [(CALLS[2], "after"), (CALLS[3], "before"), (CALLS[7], "after")],
)
def test_a_process_killed_around_a_call_leaves_nothing_twice(
    call: tuple[str, int], when: str, tmp_path: Path, standing: Embedded
) -> None:
    lab = Lab(tmp_path, standing)
    fresh(lab)
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    path, nth = call
    lab.control(
        "PUT",
        "/faults",
        [
            {
                "match": {"method": "POST", "path": path, "nth": nth},
                "delay": HANGS["Batch" in path],
                "when": when,
            }
        ],
    )
    arguments = ["-m", "icaform", "apply", str(tmp_path), "--yes", "--allow-irreversible", "4", "--first-run"]
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **lab.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while lab.control("GET", "/faults")["items"][0]["seen"] < nth:
            assert process.poll() is None, "it ended before the call"
            time.sleep(0.005)
        hung(lab, path)
    finally:
        process.kill()
        process.wait()
    assert settled(lab) == []
    assert everything.wrong(lab) == []


def hung(lab: Any, path: str) -> None:
    """Let the calls that run beside the one that hangs come to their end."""
    before = -1
    while before != (now := len(lab.requests())):
        before = now
        time.sleep(0.02)
