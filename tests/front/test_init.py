"""A first workspace: it validates and plans empty, says where to go on, and overwrites nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from icaform.cli import init
from icaform.cli.schema import documents
from tests.front.conftest import Lab, Ran, Terminal
from tests.front.test_export import PEOPLE, converges

NOBODY = {"ICAV2_BASE_URL": "", "ICAV2_X_API_KEY": ""}


@pytest.fixture
def there(lab: Lab) -> Path:
    """A folder of its own, beside which nothing is a workspace."""
    (lab.folder / "icaform.yaml").unlink()
    return lab.folder / "ica"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("api", ["lab", "old_lab"])
def test_a_first_workspace_validates_and_plans_empty_by_the_command_that_it_names(
    api: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab: Lab = request.getfixturevalue(api)
    (lab.folder / "icaform.yaml").unlink()
    lab.control("POST", "/seed", {"credentials": [{"name": "lab-archive", "owner": "ada"}]})
    monkeypatch.chdir(lab.folder)
    ran = lab.run("init", "my lab", "--project-id", "wgs-prod")
    assert ran.code == 0, ran.text
    made = lab.folder / "my lab"
    assert {*tree(made)} == {
        "icaform.yaml",
        "pipelines.yaml",
        "storage-credentials.yaml",
        "schemas/manifest.schema.json",
        "schemas/icaform.schema.json",
    }
    assert lab.run("validate", "my lab").code == 0
    # The files alone say where they apply: only the key is still needed.
    last = ran.out.splitlines()[-1]
    assert last == "next: icaform plan 'my lab'"
    words = shlex.split(last.removeprefix("next: icaform "))
    again = lab.run(*words, "--detailed-exitcode", "-o", "json", environ={"ICAV2_BASE_URL": ""})
    assert (again.code, again.json["resource_changes"]) == (0, []), again.text
    assert again.json["workspace"] == "my-lab"
    assert not lab.writes()
    assert not (made / ".icaform").exists()


def test_every_file_names_a_schema_that_is_there_and_that_it_fits(lab: Lab, there: Path) -> None:
    assert lab.run("init", str(there), "--project-id", "wgs-prod").code == 0
    files = sorted(there.glob("*.yaml"))
    for file in files:
        first = file.read_text().partition("\n")[0]
        schema = json.loads((there / first.removeprefix("# yaml-language-server: $schema=")).read_text())
        for document in YAML(typ="safe").load_all(file.read_text()):
            Draft7Validator(schema).validate(document)
    assert len(files) == 2
    assert all((there / "schemas" / name).read_text() == documents()[name] for name in init.SCHEMAS)
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in there.rglob("*") if each.is_file())
    # What is exported later into the same workspace names it too.
    more = {"name": "new", "owner": "ada", "projects": ["wgs-dev"]}
    lab.control("POST", "/seed", {"pipelines": [more]})
    assert lab.run("export", str(there), "--project", "wgs-dev", "--out", str(there / "dev.yaml")).code == 0
    assert (there / "dev.yaml").read_text().startswith("# yaml-language-server: $schema=schemas/manifest")
    converges(lab_in(lab, there))


def lab_in(lab: Lab, folder: Path) -> Lab:
    return Lab(folder, lab.ica)


def test_the_embedded_ica_is_a_server_too(lab: Lab, there: Path) -> None:
    words = ["init", str(there), "--server-url", "embedded", "--project-id", "wgs-prod"]
    ran = lab.run(*words, environ=NOBODY)
    assert ran.code == 0, ran.text
    assert "server: embedded" in (there / "icaform.yaml").read_text()
    plan = lab.run("plan", str(there), "--detailed-exitcode", environ=NOBODY)
    assert plan.code == 0, plan.text
    assert not lab.requests()


def test_nothing_that_is_there_is_overwritten_and_it_is_said_what_is(lab: Lab, there: Path) -> None:
    cases: list[tuple[str, str, str]] = [
        ("icaform.yaml", "workspace: x\n", "icaform.yaml is there"),
        ("../icaform.yaml", "workspace: x\n", "is a workspace, or in one"),
        ("pipelines.yaml", "", "pipelines.yaml"),
        ("deep/down/k8s.yml", "kind: Pod\n", "deep/down/k8s.yml"),
        ("schemas/manifest.schema.json", "{}", "manifest.schema.json"),
    ]
    for name, text, reason in cases:
        file = (there / name).resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        there.mkdir(exist_ok=True)
        before = tree(lab.folder)
        ran = lab.run("init", str(there), "--project-id", "wgs-prod")
        assert (ran.code, ran.out) == (78, ""), (name, ran.text)
        # A long name of the folder breaks its lines anywhere.
        assert "".join(reason.split()) in "".join(ran.err.split()), (name, ran.err)
        assert tree(lab.folder) == before
        file.unlink()
    assert not lab.requests()
    # What nobody reads as a manifest is not in the way.
    for name in ("README.md", ".github/workflows/ica.yml", "schemas/other.json"):
        file = there / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("name: ica\n")
    assert lab.run("init", str(there), "--project-id", "wgs-prod").code == 0
    assert (there / ".github/workflows/ica.yml").read_text() == "name: ica\n"
    print(f"{len(cases)} things in the way")


def test_a_run_that_fails_leaves_no_folder_behind(lab: Lab, there: Path) -> None:
    for more, environ, code in (
        ([], {}, 78),  # two projects, and nobody to ask
        (["--project-id", "wgs-prd"], {}, 65),
        ([], {"ICAV2_X_API_KEY": "wrong"}, 77),
        ([], {"ICAV2_X_API_KEY": ""}, 77),
        ([], NOBODY, 78),
        (["--workspace", "a b"], {}, 64),
    ):
        ran = lab.run("init", str(there), *more, environ=environ)
        assert (ran.code, ran.out) == (code, ""), (more, environ, ran.text)
        assert not there.exists()
    ran = lab.run("init", str(there))
    assert "you see 2 projects: wgs-dev, wgs-prod" in ran.err
    assert "--project-id" in ran.err


def ask(lab: Lab, monkeypatch: pytest.MonkeyPatch, answer: str, *words: str) -> Ran:
    """The same where there is a terminal on which somebody answers."""
    monkeypatch.setattr(Terminal, "tty", True)
    monkeypatch.setattr("sys.stdin", keyboard(answer))
    return lab.run("init", *words)


def keyboard(answer: str) -> Terminal:
    return Terminal(answer)


def test_on_a_terminal_the_project_is_asked_for_and_elsewhere_nothing_is(
    lab: Lab, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = ask(lab, monkeypatch, "2\n", str(there))
    assert ran.code == 0, ran.text
    assert "Which project?" in ran.err
    assert "project: wgs-prod " in (there / "icaform.yaml").read_text()
    lab.environ["CI"] = "true"
    ran = ask(lab, monkeypatch, "1\n", str(lab.folder / "other"))
    assert ran.code == 78
    assert "Which project?" not in ran.text


def world(lab: Lab, names: list[str], **more: Any) -> None:
    projects = [
        {"name": name, "owner": "ada", "id": f"00000000-0000-4000-8000-{number:012}"}
        for number, name in enumerate(names)
    ]
    lab.control("POST", "/reset", {"demo": False, "seed": PEOPLE | {"projects": projects} | more})


def test_an_empty_ica_gives_a_workspace_that_can_be_gone_on_from(lab: Lab, there: Path) -> None:
    for number, names in enumerate(([], ["only"])):
        folder = there / str(number)
        world(lab, names)
        ran = lab.run("init", str(folder))
        assert ran.code == 0, ran.text
        assert re.findall(r"^project: (\S+)", (folder / "icaform.yaml").read_text(), re.M) == names
        converges(lab_in(lab, folder))


def test_odd_names_of_projects_and_folders_come_out_right(lab: Lab, there: Path) -> None:
    odd = [
        "no",
        " spaced ",
        "${var.x}",
        "a: b # c",
        "日本",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "x\n\u2028y",
    ]
    for number, name in enumerate(odd):
        folder = there / f"Ünï {number}.x"
        world(lab, [name])
        ran = lab.run("init", str(folder))
        assert ran.code == 0, (name, ran.text)
        said = YAML(typ="safe").load((folder / "icaform.yaml").read_text())
        assert said["workspace"] == f"uni-{number}.x"
        converges(lab_in(lab, folder))
    world(lab, ["twin", "twin"])
    identity = f"00000000-0000-4000-8000-{1:012}"
    assert lab.run("init", str(there / "t"), "--project-id", identity).code == 0
    converges(lab_in(lab, there / "t"))
    print(f"{len(odd)} names")


def test_a_server_that_icaform_yaml_may_not_name_is_not_written_into_it() -> None:
    assert init._server("https://ica.illumina.com/ica/rest") == "server: ica.illumina.com"
    assert init._server("http://127.0.0.1:8080/ica/rest") == 'server: "127.0.0.1:8080"'
    assert init._server("https://ica.example.org/ica/rest").startswith("# The server is said by")
    assert init._server("https://eu.ica.illumina.com/other/ica/rest").endswith('illumina.com/other/ica/rest"')


def test_json_lists_the_files_and_the_next_command(lab: Lab, there: Path) -> None:
    ran = lab.run("init", str(there), "--project-id", "wgs-dev", "-o", "json")
    assert {os.path.relpath(each, there) for each in ran.json["files"]} == {*tree(there)}
    assert ran.json["next"] == f"icaform plan {there}"
    assert [each["name"] for each in ran.json["left_out"]] == ["nf-core sarek 3-5"]
