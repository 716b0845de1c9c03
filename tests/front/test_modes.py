"""What we make is for its owner alone, whatever the umask: every file of every verb."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.front import everything

ROOT = Path(__file__).parents[2]
VERBS = (
    ("plan", "{w}", "--out", "{w}/plan.icaform", "--report", "html={w}/plan.html"),
    ("apply", "{w}", "--yes", "--allow-irreversible", "1", "--report", "json={w}/apply.json"),
    ("export", "--snapshot", "{w}/live.json", "{w}"),
    ("export", "--out", "{w}/deep/er/exported", "{w}"),
    ("init", "{t}/new/deep", "--server-url", "embedded", "--project-id", "wgs-prod"),
    ("drift", "{w}"),
)


@pytest.mark.parametrize("mask", [0o000], ids=oct)
def test_every_file_and_folder_is_its_owner_s_alone(tmp_path: Path, mask: int) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    (workspace / "icaform.yaml").write_text("workspace: lab\nproject: wgs-prod\nserver: embedded\n")
    (workspace / "a.yaml").write_text(everything.CREDENTIALS)
    given = {tmp_path, *tmp_path.rglob("*")}
    environ = {
        **os.environ,
        **everything.SECRETS,
        "HOME": str(tmp_path),
        "ICAFORM_CACHE_DIR": str(tmp_path / "cache" / "tokens"),
        "ICAFORM_STATE_DIR": str(tmp_path / "state"),
        "GITHUB_OUTPUT": str(workspace / "output"),
        "GITHUB_STEP_SUMMARY": str(workspace / "summary"),
    }
    for verb in VERBS:
        line = [sys.executable, "-m", "icaform", *(word.format(w=workspace, t=tmp_path) for word in verb)]
        done = subprocess.run(
            line, cwd=ROOT, env=environ, umask=mask, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 2), (verb, done.stdout, done.stderr)
    made = set(tmp_path.rglob("*")) - given
    open_ = [f"{each} {oct(each.lstat().st_mode)}" for each in made if _mode(each) != _wanted(each)]
    print(f"{len(made)} files and folders")
    assert not open_
    assert len(made) > 12


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _wanted(path: Path) -> int:
    return 0o700 if path.is_dir() else 0o600
