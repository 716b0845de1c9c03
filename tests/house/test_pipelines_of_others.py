"""The examples for GitLab and Kubernetes do what they say: their own lines, run on a workspace called ica."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
BIN = str(Path(sys.executable).parent)


def read(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / "examples" / name).read_text(encoding="utf-8"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkout whose folder ica is the quickstart, with its embedded ICA."""
    ignored = shutil.ignore_patterns(".icaform", "cohort.yaml")
    shutil.copytree(ROOT / "examples/quickstart", tmp_path / "ica", ignore=ignored)
    return tmp_path


def ran(place: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(place), "CI": "true"}
    return subprocess.run(words, cwd=place, env=known | environ, capture_output=True, text=True, check=False)


def job(place: Path, name: str, **environ: str) -> None:
    """Run a GitLab job's script, and find the files that it is to hand over."""
    told = read("gitlab/.gitlab-ci.yml")[name]
    done = ran(place, "sh", "-eu", "-c", "\n".join(told["script"]), **environ)
    assert done.returncode == 0, (name, done.stdout + done.stderr)
    artifacts = told["artifacts"]
    for file in [*artifacts.get("paths", ()), *artifacts["reports"].values()]:
        assert (place / file).stat().st_size, (name, file)


def test_the_gitlab_jobs_plan_apply_that_plan_and_then_find_no_drift(place: Path) -> None:
    job(place, "validate")
    job(place, "plan")
    name, _, digest = (place / "plan.env").read_text(encoding="utf-8").strip().partition("=")
    assert json.loads((place / "terraform.json").read_text(encoding="utf-8"))["create"] == 2
    job(place, "apply", **{name: digest})
    job(place, "drift")
    assert "done" in (place / "apply.md").read_text(encoding="utf-8")


def test_the_cronjobs_container_looks_for_drift(place: Path) -> None:
    spec = read("kubernetes/drift.yaml")["spec"]["jobTemplate"]["spec"]
    [container] = spec["template"]["spec"]["containers"]
    words: Sequence[str] = ["ica" if word == "/manifests" else word for word in container["args"]]
    plain = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    done = ran(place, f"{BIN}/icaform", *words, **plain)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == "drift"
