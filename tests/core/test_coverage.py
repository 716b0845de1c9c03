"""The tests of this folder take every branch of the pure core."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_branch_of_the_pure_core_is_taken(tmp_path: Path) -> None:
    core = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    assert all((ROOT / each).is_file() for each in core)
    told = [f"--data-file={tmp_path / 'data'}", f"--include={','.join(core)}"]
    here = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "tests/core",
        "--ignore",
        "tests/core/test_coverage.py",
    ]
    run = [sys.executable, "-m", "coverage", "run", "--branch", *told, "-m", "pytest", *here]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    report = [sys.executable, "-m", "coverage", "report", "--show-missing", told[0], "--fail-under=100"]
    done = subprocess.run(report, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
