"""The rules of the house, held by a machine."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from icaform.cli.exit import _BY_CODE, MEANING, Exit
from icaform.cli.schema import documents
from icaform.diagnostic import Code
from icaform.kinds import Kinds, load

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "icaform").rglob("*.py"))
LONGEST = 400
VAGUE = {"utils", "helpers", "common", "base", "manager", "handler", "service", "misc"}


def test_imports_keep_to_the_floors_and_the_doors() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(re.search(r"Contracts: .*", done.stdout))


def test_schemas_are_fresh() -> None:
    for name, text in documents().items():
        assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == text, (
            f"run icaform schema schemas ({name})"
        )


def test_every_diagnostic_code_is_documented_and_used() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in MODULES)
    for code in Code:
        assert f"`{code.slug}`" in readme, code.slug
        assert code.meaning in readme, code.slug
        assert f"Code.{code.name}" in source or f'"{code.slug}"' in source.replace("diagnostic.py", ""), (
            code.slug
        )
    print(f"{len(Code)} codes")


def test_every_exit_code_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(MEANING) == set(Exit)
    for code, meaning in MEANING.items():
        assert f"| {code.value} | {meaning} |" in readme, code
    assert set(_BY_CODE) <= set(Code)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_has_a_name_and_a_docstring(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST
    assert path.stem not in VAGUE
    assert path.parent.name not in VAGUE
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), path


def test_a_kind_is_found_by_listing_the_folder() -> None:
    names = set(Kinds())
    assert names == {"StorageCredential", "Pipeline", "AnalysisBatch"}
    for name in names:
        assert load(name).name == name


def test_no_room_but_the_kinds_names_a_kind() -> None:
    for path in MODULES:
        where = path.relative_to(ROOT / "icaform").parts[0]
        if where in ("kinds", "emulator"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # Docstrings and help texts may give examples; code may not decide by them.
            if isinstance(node, ast.Compare):
                for each in ast.walk(node):
                    assert not (isinstance(each, ast.Constant) and each.value in set(Kinds())), path


def test_the_schemas_are_json() -> None:
    for path in (ROOT / "schemas").glob("*.json"):
        assert "$schema" in json.loads(path.read_text(encoding="utf-8"))


def run(program: str) -> None:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_starting_up_imports_no_heavy_library() -> None:
    program = (
        "import sys; sys.argv = ['icaform', '--version']; import icaform.cli; icaform.cli.main(); "
        "heavy = {'click', 'pydantic', 'requests', 'ruamel', 'rich', 'deepdiff', 'starlette', 'uvicorn'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_planning_imports_only_what_it_uses() -> None:
    program = (
        "import sys; import icaform.engine.verbs; "
        "heavy = {'ruamel', 'rich', 'deepdiff', 'starlette', 'uvicorn', 'requests', 'sqlite3', 'click'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
