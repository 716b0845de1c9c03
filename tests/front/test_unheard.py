"""A run ends with the same exit code whether or not anybody reads what it says."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.front.conftest import Lab
from tests.front.test_named_files import FULL, device

ROOT = Path(__file__).parents[2]
PIPELINES = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: archived}
spec: {select: {code: DRAGEN Germline 4-2-7}, status: Archived}
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: deprecated}
spec: {select: {code: DRAGEN Germline 4-4-0}, status: Deprecated}
"""
FORBIDDEN = {"match": {"method": "POST", "path": "*/pipelines/*"}, "do": "status", "status": 403, "times": 99}
APPLY = ("apply", "{w}", "--first-run")
ENDS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("plan", "{w}"), 0),
    (("plan", "{w}", "--detailed-exitcode", "--output", "json"), 2),
    ((*APPLY, "--plan", "{saved}"), 10),
    ((*APPLY, "--yes", "--allow-irreversible", "5"), 11),
    ((*APPLY, "--yes", "--allow-irreversible", "1"), 77),
    (("plan", "{w}", "--x-api-key", "no-such-key-at-all"), 77),
    (("whoami", "{w}", "--x-api-key", "no-such-key-at-all"), 77),
    (("plan", "{w}", "--nope"), 64),
    (("plan", "{w}", "--nope", "--output", "json"), 64),
    (("--help",), 0),
    (("--version",), 0),
)
"""How a command line ends, beside a saved plan of something else, and where ICA forbids writing."""


def closed_pipe() -> int:
    """Where nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.fixture
def forbidden(lab: Lab) -> Lab:
    lab.write("a.yaml", PIPELINES)
    saved = lab.folder / "saved"
    assert lab.plan("--out", str(saved)).code == 0
    lab.write("a.yaml", PIPELINES.replace("4-4-0", "4-0-3"))
    lab.control("PUT", "/faults", [FORBIDDEN])
    return lab


def test_the_exit_code_does_not_depend_on_who_reads(forbidden: Lab, tmp_path: Path) -> None:
    lab, tried = forbidden, 0
    outputs = tmp_path / "outputs"
    full = device(tmp_path / "full", FULL)
    streams: dict[str, Callable[[], dict[str, Any]]] = {
        "both closed": lambda: dict.fromkeys(("stdout", "stderr"), closed_pipe()),
        "stderr full": lambda: {"stdout": subprocess.DEVNULL, "stderr": os.open(full, os.O_WRONLY)},
    }
    for line, code in ENDS:
        for name, opened in streams.items():
            words = [each.format(w=lab.folder, saved=lab.folder / "saved") for each in line]
            outputs.write_text("")
            streams_of_it = opened()
            done = subprocess.run(
                [sys.executable, "-m", "icaform", *words],
                cwd=ROOT,
                env={**os.environ, **lab.environ, "GITHUB_OUTPUT": str(outputs)},
                **streams_of_it,
                check=False,
                timeout=60,
            )
            os.close(streams_of_it["stderr"])
            assert done.returncode == code, (line, name)
            if line[0] in ("plan", "apply") and code != 64:
                assert f"exit_code={code}\n" in outputs.read_text("utf-8"), (line, name)
            tried += 1
    print(f"{tried} ends that nobody heard of")


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes have one size here")
def test_a_pipe_that_is_full_for_now_loses_nothing() -> None:
    schema = [sys.executable, "-m", "icaform", "schema"]
    whole = subprocess.run(schema, cwd=ROOT, capture_output=True, timeout=60, check=True).stdout
    reading, writing = os.pipe()
    assert len(whole) > 4 * fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    # As a program leaves it that wants to do other things meanwhile; those in JavaScript do.
    os.set_blocking(writing, False)
    with subprocess.Popen(schema, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        with open(reading, "rb") as pipe:
            assert pipe.read() == whole
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0
