"""The folder is the registry of dialects."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from icaform.render import Report, dialect, dialects


@pytest.mark.parametrize("name", dialects())
def test_every_module_beside_the_report_is_a_dialect(name: str) -> None:
    module = import_module(f"icaform.render.{name.replace('-', '_')}")
    assert name == module.DIALECT
    assert dialect(name) is module.render


def test_an_unknown_dialect_is_a_key_error() -> None:
    for name in ("report", "gitlab_terraform", "klingon", "text.ink", ""):
        with pytest.raises(KeyError):
            dialect(name)


def test_no_dialect_is_imported_before_it_is_asked_for() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, icaform.render as r; names = r.dialects();"
            "print([n for n in names if f'icaform.render.{n}' in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", dialects())
def test_every_dialect_puts_every_scene_in_lines_without_ends(name: str, scene: tuple[str, Report]) -> None:
    for line in dialect(name)(scene[1], colour=False, width=60):
        assert len(line.splitlines()) <= 1
        assert line == line.rstrip("\r\n")
