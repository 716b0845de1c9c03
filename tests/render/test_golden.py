"""What a user sees, kept as files; ICAFORM_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from icaform.render import Report, dialect
from icaform.render.json.schema import schema

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(__file__).parents[2] / "schemas" / "report.schema.json"


def check(path: Path, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if os.environ.get("ICAFORM_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["text", "json"])
def test_a_scene_is_put_as_it_was(scene: tuple[str, Report], name: str) -> None:
    suffix = {"text": "txt", "json": "json"}[name]
    check(GOLDEN / f"{scene[0]}.{suffix}", dialect(name)(scene[1]))


def test_a_scene_is_coloured_as_it_was(scene: tuple[str, Report]) -> None:
    check(GOLDEN / f"{scene[0]}.ansi", dialect("text")(scene[1], colour=True))


def test_the_schema_in_the_repository_is_fresh() -> None:
    check(SCHEMA, json.dumps(schema(), indent=2).split("\n"))
