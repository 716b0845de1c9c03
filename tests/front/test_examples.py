"""The examples come true, and the schemas say of a manifest what icaform says of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from ruamel.yaml import YAML

from icaform.wire.credential import Means
from tests.front.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(each.parent for each in (ROOT / "examples").rglob("icaform.yaml"))
NAMES = [each.name for each in EXAMPLES]
DIALECTS: dict[str, Any] = {"": Draft7Validator, ".2020-12": Draft202012Validator}


def validators(name: str) -> list[Any]:
    return [
        validator(json.loads((ROOT / f"schemas/{name}{dialect}.schema.json").read_text("utf-8")))
        for dialect, validator in DIALECTS.items()
    ]


def documents(file: Path) -> list[Any]:
    return list(YAML(typ="safe").load_all(file.read_text("utf-8")))


SERVERS: dict[str, dict[str, float]] = {
    "as ever": {},
    "a row a page": {"page_size": 1},
    "ten calls a second": {"rate": 10, "burst": 1},
}


@pytest.fixture(params=SERVERS)
def any_lab(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Lab]:
    """A workspace against one of the servers."""
    usual = lab.control("GET", "/settings")
    lab.control("PUT", "/settings", SERVERS[request.param])
    yield lab
    lab.control("PUT", "/settings", usual)


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_an_example_comes_true_and_is_then_left_alone(example: Path, any_lab: Lab) -> None:
    lab = any_lab
    shutil.copytree(
        example, lab.folder, dirs_exist_ok=True, ignore=lambda *_: [".icaform", "run", "__pycache__"]
    )
    assert lab.run("validate", str(lab.folder)).code == 0
    first = lab.plan()
    assert (first.code, first.json["errored"]) == (0, False), first.text
    assert first.json["resource_changes"]
    done = lab.apply()
    assert done.code == 0, done.text
    again = lab.plan("--detailed-exitcode")
    assert (again.code, again.json["resource_changes"]) == (0, []), again.text
    assert lab.run("drift", str(lab.folder), "--detailed-exitcode").code == 0


def test_the_example_of_authentication_signs_in_in_every_way() -> None:
    done = subprocess.run(
        ["sh", str(ROOT / "examples/authentication/run")],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ways = [line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith("credential  ")]
    assert {each.strip() for each in ways} == {each.value for each in Means}
    assert done.stdout.count("Nothing to do; 1 unchanged") == len(ways)


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_an_example_fits_the_schemas_and_names_them(example: Path) -> None:
    manifests = validators("manifest")
    count = 0
    for file in sorted(example.rglob("*.yaml")):
        if ".icaform" in file.parts:
            continue
        for document in documents(file):
            for validator in validators("icaform") if file.name == "icaform.yaml" else manifests:
                validator.validate(document)
                count += 1
        if file.name != "icaform.yaml":
            first = file.read_text("utf-8").partition("\n")[0]
            named = first.removeprefix("# yaml-language-server: $schema=")
            assert (file.parent / named).resolve() == ROOT / "schemas/manifest.schema.json", file
    print(f"{count} documents and schemas")


def test_the_schemas_are_schemas_of_their_dialects() -> None:
    for name in ("manifest", "icaform"):
        for validator in validators(name):
            validator.check_schema(validator.schema)
            assert validator.META_SCHEMA["$id"].rstrip("#") == validator.schema["$schema"].rstrip("#")
    Draft202012Validator.check_schema(json.loads((ROOT / "schemas/report.schema.json").read_text("utf-8")))


def test_a_schema_s_defaults_fit_the_schema_and_its_patterns_are_javascript_s() -> None:
    for validator in [*validators("manifest"), *validators("icaform")]:
        found: list[Any] = [validator.schema]
        defaults = 0
        while found:
            each = found.pop()
            if isinstance(each, dict):
                if "default" in each:
                    inner = {key: value for key, value in each.items() if key != "default"}
                    whole = {
                        **inner,
                        **{key: validator.schema.get(key, {}) for key in ("$defs", "definitions")},
                    }
                    type(validator)(whole).validate(each["default"])
                    defaults += 1
                assert "(?" not in str(each.get("pattern", "")).replace("(?:", ""), each
                found += each.values()
            elif isinstance(each, list):
                found += each
        assert defaults


HEAD = "apiVersion: icaform/v1\nkind: {}\nmetadata: {{name: a}}\nspec: "
PIPELINE, SECRET, BATCH = (HEAD.format(each) for each in ("Pipeline", "StorageCredential", "AnalysisBatch"))
WRONG = [
    "- a\n",
    "hello\n",
    "kind: Pipeline\n",
    PIPELINE + "{select: {code: x}, status: Released, mesage: x}",
    PIPELINE + "{select: {code: x}, status: released}",
    PIPELINE + "{select: {code: [x]}, status: Released}",
    PIPELINE + "{select: {name: x, version: 1.10}, status: Released}",
    PIPELINE + "{select: {id: x}, status: Released}",
    PIPELINE + "{select: {code: x}, status: Archived, message: " + "x" * 256 + "}",
    PIPELINE + "{status: Released}",
    PIPELINE + "[]",
    PIPELINE.replace("v1", "v2") + "{select: {code: x}, status: Released}",
    PIPELINE.replace("Pipeline", "Pipelines") + "{select: {code: x}, status: Released}",
    PIPELINE.replace("name: a", "name: a b") + "{select: {code: x}, status: Released}",
    PIPELINE.replace("name: a", "nmae: a") + "{select: {code: x}, status: Released}",
    PIPELINE.replace("name: a", "name: a, labels: {a: 1}") + "{select: {code: x}, status: Released}",
    SECRET + "{type: AWS_USER, secret: {accessKeyId: x, secretAccessKey: y}}",
    SECRET + "{type: AWS_USER, secret: {accessKeyId: {env: x}}}",
    SECRET + "{type: AWS_USER, secret: x}",
    SECRET + "{type: AWS, secret: {accessKeyId: {env: x}, secretAccessKey: {env: x}}}",
    SECRET + "{type: AWS_ROLE, name: a b}",
    BATCH + "{}",
    BATCH + "{items: [{name: a, userReference: a.b, pipeline: {code: x}, analysisInput: {}}]}",
    BATCH + "{items: [{name: a, userReference: a, pipeline: x, analysisInput: {}}]}",
    BATCH + "{items: [{name: a, userReference: a, pipeline: {code: x}, analysisInput: {objectType: XML}}]}",
    BATCH + "{generation: 0, items: []}",
    BATCH + "{chunkSize: 1001, items: []}",
    BATCH + "{retry: {attempts: 11}, items: []}",
]


def test_what_the_schemas_refuse_icaform_refuses_too(lab: Lab) -> None:
    loader = YAML(typ="safe")
    for text in WRONG:
        for validator in validators("manifest"):
            assert not validator.is_valid(loader.load(text)), text
        assert lab.run("validate", "-", stdin=text.encode()).code == 65, text
    print(f"{len(WRONG)} wrong manifests")


def test_schema_writes_its_files_and_check_tells_a_stale_one(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    assert lab.run("schema", str(folder)).code == 0
    assert {each.name for each in folder.iterdir()} == {
        each.name for each in (ROOT / "schemas").glob("*.json")
    }
    assert lab.run("schema", "--check", str(folder)).code == 0
    (folder / "icaform.schema.json").write_text("{}")
    ran = lab.run("schema", "--check", str(folder))
    assert ran.code == 1
    assert "icaform.schema.json is not fresh" in ran.err
    assert json.loads(lab.run("schema").out)["title"] == "icaform manifest"
