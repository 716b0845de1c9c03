"""What is released: the same bytes from the same files, with all that icaform needs and nothing else.

It is built with .github/build, as a release is. Nothing is fetched: the wheel is installed alone, into a
fresh venv that borrows the dependencies of the one that runs the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

import icaform

ROOT = Path(__file__).resolve().parents[2]
EPOCH = "1800000000"


def built(source: Path, folder: Path, umask: int, zone: str) -> Path:
    """A copy of the tree, built in its own surroundings; where the two files are."""
    for name in ("pyproject.toml", "README.md", "LICENSE", ".github/build"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, folder / name)
    shutil.copytree(source / "icaform", folder / "icaform", ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.rglob("*"):
        os.utime(path, (umask * 1e6, umask * 1e6))
    out = folder.parent / f"{folder.name}-dist"
    done = subprocess.run(
        ["sh", str(folder / ".github/build"), str(out)],
        env={**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": EPOCH, "TZ": zone},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("here") / "one", 0o022, "UTC")


def source(dist: Path) -> Path:
    """What it was built from: the tree may have been edited since."""
    return dist.parent / "one"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    [found] = dist.glob("*.whl")
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="releases are built on Linux, with GNU tar")
def test_two_builds_in_different_places_give_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    again = built(source(dist), tmp_path / "elsewhere-and-deeper" / "two", 0o077, "Pacific/Auckland")
    assert sorted(each.name for each in dist.iterdir()) == sorted(each.name for each in again.iterdir())
    for each in dist.iterdir():
        assert each.read_bytes() == (again / each.name).read_bytes(), each.name
    print({each.name: each.stat().st_size for each in dist.iterdir()})


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        found = {each for each in opened.namelist() if ".dist-info/" not in each}
    wanted = {
        str(path.relative_to(source(dist)))
        for path in (source(dist) / "icaform").rglob("*")
        if path.is_file()
    }
    assert found == wanted
    assert {"icaform/py.typed", "icaform/emulator/README.md", "icaform/__main__.py"} <= found
    print(f"{len(found)} files")


def test_the_archive_holds_what_the_wheel_is_built_from_and_no_name_of_its_builder(dist: Path) -> None:
    [archive] = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
    names = {each.name.partition("/")[2] for each in members if each.isfile()}
    assert {"pyproject.toml", "LICENSE", "README.md", "icaform/py.typed"} <= names
    assert not [each for each in names if each.startswith(("tests/", "action/", ".github/", "examples/"))]
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in members} == {
        (int(EPOCH), 0, 0, "", "")
    }


def test_the_installed_wheel_runs_and_tells_its_version_truly(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    [site] = (venv / "lib").glob("python*/site-packages")
    # A folder that a .pth names is searched, but no .pth file in it is followed: no editable icaform.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    def said(*words: str) -> str:
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    program = "import importlib.metadata as m, icaform; print(m.version('icaform'), icaform.__file__)"
    version, _, where = said(str(python), "-I", "-c", program).partition(" ")
    assert where.startswith(str(site))
    assert wheel.name == f"icaform-{version}-py3-none-any.whl"
    assert said(str(venv / "bin" / "icaform"), "--version") == f"icaform {version}"
    assert said(str(python), "-I", "-m", "icaform", "-V") == f"icaform {version}"
    shutil.copytree(ROOT / "examples/quickstart", tmp_path / "try", ignore=shutil.ignore_patterns(".icaform"))
    assert "to create" in said(str(venv / "bin" / "icaform"), "plan", "try")


def test_what_is_not_released_does_not_call_itself_a_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) - (unreleased|\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    assert newest is not None, "the newest version comes first, with its date, or `unreleased`"
    version = Version(icaform.__version__)
    assert version.base_version == newest[1]
    assert version.is_prerelease == (newest[2] == "unreleased")
