"""The locks name every file that an install may use, and fit what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUN = PROJECT["project"]["dependencies"]
DEV = PROJECT["project"]["optional-dependencies"]["dev"]
POSTGRES = PROJECT["project"]["optional-dependencies"]["postgres"]
BUILD = PROJECT["build-system"]["requires"]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
STALE = "pip install uv && sh tests/lock"


def locked(name: str) -> dict[str, Version]:
    """The versions of a lock by name, once each line of it was found to be one file's hash or a version."""
    found = {}
    text = (ROOT / name).read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\S)", text.strip()):
        head, *hashes = [line.strip() for line in entry.split(" \\\n")]
        requirement = Requirement(head)
        [only] = requirement.specifier
        assert only.operator == "==", head
        assert hashes, f"{head} has no hash"
        assert all(HASH.fullmatch(each) for each in hashes), head
        found[canonicalize_name(requirement.name)] = Version(only.version)
    return found


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("requirements.lock", [*RUN, *POSTGRES]),
        ("requirements-dev.lock", [*RUN, *DEV, *POSTGRES]),
        ("requirements-build.lock", BUILD),
    ],
)
def test_a_lock_has_all_that_is_asked_for_within_its_bounds(name: str, asked: list[str]) -> None:
    versions = locked(name)
    for each in map(Requirement, asked):
        version = versions.get(canonicalize_name(each.name))
        assert version is not None, f"{name} lacks {each.name}: {STALE}"
        assert each.specifier.contains(version), f"{name} has {each.name} {version}: {STALE}"
    print(f"{name}: {len(asked)} asked for, {len(versions)} locked")


def test_the_locks_agree() -> None:
    everything = locked("requirements-dev.lock")
    for name in ("requirements.lock", "requirements-build.lock"):
        for package, version in locked(name).items():
            assert everything.get(package, version) == version, f"{package}: {STALE}"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_what_is_locked_needs_nothing_that_is_not(name: str) -> None:
    """As the installed packages tell; a tool that is not installed here is passed over."""
    versions, looked = locked(name), 0
    for package in versions:
        try:
            needs = metadata.requires(package) or []
        except metadata.PackageNotFoundError:
            continue
        looked += 1
        for each in map(Requirement, needs):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                assert canonicalize_name(each.name) in versions, f"{package} needs {each.name}: {STALE}"
    assert looked > len(versions) / 2
    print(f"{name}: {looked} of {len(versions)} looked at")


def test_no_lock_names_where_packages_come_from() -> None:
    for path in ROOT.glob("requirements*.lock"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "#" not in text


def test_every_dependency_is_bounded_on_both_sides() -> None:
    for each in map(Requirement, [*RUN, *DEV, *BUILD]):
        operators = {only.operator for only in each.specifier}
        assert operators == {">=", "<"}, str(each)
