"""The hooks for pre-commit, run by the real pre-commit on a repository of manifests.

Nothing is fetched: pre-commit makes the hook's own environment with pip, which is told to take no
dependencies and to build with what is here; both are lent by the environment that runs the tests.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MOST_SECONDS = 1.0
"""Of a processor, for the quickstart's manifests: a hook is waited for at each commit."""


def git(folder: Path, *words: str) -> str:
    known = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *known, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def committed(folder: Path) -> Path:
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that others name in their .pre-commit-config.yaml."""
    folder = tmp_path_factory.mktemp("hooks")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "icaform", folder / "icaform", ignore=shutil.ignore_patterns("__pycache__"))
    return committed(folder)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Surroundings in which all libraries but icaform are there, and nothing can be fetched."""
    lent = tmp_path_factory.mktemp("lent")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "icaform" not in path.name and path.suffix != ".pth":
            (lent / path.name).symlink_to(path)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("cache")),
        "PYTHONPATH": str(lent),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_COMPILE": "1",
        "PIP_NO_BUILD_ISOLATION": "false",  # pip reads the option's value, so this is what switches it off
    }


def ran(repository: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "pre-commit"), "run", "--all-files", "--verbose"],
        cwd=repository,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_hook_passes_good_manifests_and_stops_bad_ones(
    hooks: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(
        ROOT / "examples/quickstart", tmp_path, ignore=shutil.ignore_patterns(".icaform"), dirs_exist_ok=True
    )
    hook = f"{{repo: {hooks}, rev: {head(hooks)}, hooks: [{{id: icaform-validate}}]}}"
    (tmp_path / ".pre-commit-config.yaml").write_text(f"repos: [{hook}]\n", encoding="utf-8")
    committed(tmp_path)
    good = ran(tmp_path, environ)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "resources are valid" in good.stdout
    manifest = tmp_path / "pipelines.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("message:", "mesage:"), encoding="utf-8")
    bad = ran(tmp_path, environ)
    assert bad.returncode == 1
    assert "did you mean `message`?" in bad.stdout
    assert "pipelines.yaml:" in bad.stdout


def test_the_hook_takes_less_than_a_second() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [str(BIN / "icaform"), "validate", "examples/quickstart"], cwd=ROOT, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{took:.2f} s of a processor")
    assert took < MOST_SECONDS
