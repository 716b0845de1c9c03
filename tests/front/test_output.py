"""stdout is the result and nothing else; JSON is one document that fits its schema, however a run ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.front.conftest import Lab, Terminal

ROOT = Path(__file__).resolve().parents[2]
REPORT = Draft202012Validator(json.loads((ROOT / "schemas/report.schema.json").read_text("utf-8")))
GOOD = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: a}
spec: {select: {code: DRAGEN Germline 4-2-7}, status: Deprecated, message: Use another.}
---
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: b}
spec: {type: AWS_ROLE}
"""
NO_PIPELINE = GOOD.replace("4-2-7", "9-9-9")
ENDS: list[tuple[str, list[str], str, dict[str, str], int]] = [
    ("valid", ["validate"], GOOD, {}, 0),
    ("refused", ["validate"], GOOD + "  x: 1\n", {}, 65),
    ("no such option", ["validate", "--nope"], GOOD, {}, 64),
    ("takes nothing", ["validate", "--only", "x"], GOOD, {}, 64),
    ("planned", ["plan"], GOOD, {}, 0),
    ("planned, with changes", ["plan", "--detailed-exitcode"], GOOD, {}, 2),
    ("not found", ["plan"], NO_PIPELINE, {}, 65),
    ("no key", ["plan"], GOOD, {"ICAV2_X_API_KEY": ""}, 77),
    ("no server", ["plan"], GOOD, {"ICAV2_BASE_URL": ""}, 78),
    ("a bad server", ["plan", "--server-url", "http://example.org"], GOOD, {}, 78),
    ("nobody to ask", ["apply"], GOOD, {}, 64),
    ("a step that was not allowed", ["apply", "--yes"], GOOD, {}, 11),
    ("another plan", ["apply", "--approve", "sha256:" + "0" * 64], GOOD, {}, 10),
    ("too many writes", ["apply", "--yes", "--allow-irreversible", "1", "--max-writes", "1"], GOOD, {}, 11),
    ("applied", ["apply", "--yes", "--allow-irreversible", "1"], GOOD, {}, 0),
    ("nothing to do", ["plan", "--detailed-exitcode"], GOOD, {}, 0),
    ("no drift", ["drift", "--detailed-exitcode"], GOOD, {}, 0),
]


def test_json_is_one_document_that_fits_its_schema_however_a_run_ends(lab: Lab) -> None:
    for name, line, text, environ, code in ENDS:
        lab.write("a.yaml", text)
        ran = lab.run(*line, str(lab.folder), "--output", "json", environ=environ)
        assert ran.code == code, (name, ran.text)
        document = ran.json
        REPORT.validate(document)
        assert document["exit_code"] == code, name
        assert document["command"] == line[0], name
        assert document["errored"] == (code not in (0, 2)), name
        assert bool(document["diagnostics"]) == document["errored"], name
    print(f"{len(ENDS)} ends, exit codes {sorted({end[-1] for end in ENDS})}")


def test_text_keeps_errors_of_a_run_off_stdout(lab: Lab) -> None:
    lab.write("a.yaml", NO_PIPELINE)
    ran = lab.run("plan", str(lab.folder))
    assert (ran.code, ran.out) == (65, "")
    assert "not-found" in ran.err
    lab.write("a.yaml", GOOD)
    ran = lab.run("plan", str(lab.folder))
    assert (ran.code, ran.err) == (0, "")
    assert "Pipeline/a" in ran.out


def test_reports_go_to_files_beside_what_stdout_shows(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", GOOD)
    text, document = tmp_path / "plan.txt", tmp_path / "plan.json"
    for line, code in ((["plan"], 0), (["plan", "-o", "json"], 0), (["plan", "--server-url", "ftp://x"], 78)):
        ran = lab.run(*line, str(lab.folder), "--report", f"text={text}", "--report", f"json={document}")
        assert ran.code == code
        REPORT.validate(json.loads(document.read_text("utf-8")))
        assert text.read_text("utf-8").strip()
        assert "\x1b" not in text.read_text("utf-8") + document.read_text("utf-8")
        if line[-1] == "json":
            assert json.loads(document.read_text("utf-8"))["plan_digest"] == ran.json["plan_digest"]


def test_a_report_that_cannot_be_written_ends_no_run_well(lab: Lab) -> None:
    lab.write("a.yaml", GOOD)
    ran = lab.run("plan", str(lab.folder), "--report", "json=/dev/full")
    assert ran.code == 78
    assert "Pipeline/a" in ran.out
    assert "the report /dev/full cannot be written" in ran.err


COLOURS: list[tuple[bool, dict[str, str], list[str], bool]] = [
    (True, {}, [], True),
    (False, {}, [], False),
    (True, {"NO_COLOR": "1"}, [], False),
    (True, {"NO_COLOR": ""}, [], True),
    (True, {"TERM": "dumb"}, [], False),
    (False, {"FORCE_COLOR": "1"}, [], True),
    (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
    (True, {}, ["--color", "never"], False),
    (False, {}, ["--color", "always"], True),
    (True, {"NO_COLOR": "1"}, ["--color", "always"], True),
    (True, {"FORCE_COLOR": "1"}, ["-o", "json"], False),
]


def test_colour_goes_to_terminals_and_where_it_is_asked_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.write("a.yaml", GOOD)
    for terminal, environ, flags, wanted in COLOURS:
        monkeypatch.setattr(Terminal, "tty", terminal)
        ran = lab.run("validate", str(lab.folder), *flags, environ={"TERM": "xterm", **environ})
        assert ("\x1b[" in ran.out) == wanted, (terminal, environ, flags)


def test_nothing_of_the_environment_s_secrets_is_in_any_output(lab: Lab, tmp_path: Path) -> None:
    key = lab.ica.api_key
    lab.write("a.yaml", GOOD.replace("Use another.", f"Use {key}."))
    report = tmp_path / "plan.txt"
    for verb in (["plan"], ["plan", "-o", "json"], ["validate"]):
        ran = lab.run(*verb, str(lab.folder), *(["--report", f"text={report}"] if verb[0] == "plan" else []))
        assert key not in ran.text, verb
    assert key not in report.read_text("utf-8")


def test_a_password_in_a_journal_s_url_is_not_repeated(lab: Lab) -> None:
    lab.write("a.yaml", GOOD)
    ran = lab.run("plan", str(lab.folder), "--journal", "mysql://me:canary-password@host/db", "-o", "json")
    assert (ran.code, ran.json["diagnostics"][0]["code"]) == (78, "journal")
    assert "canary-password" not in ran.text


def test_a_file_name_cannot_write_to_the_terminal(lab: Lab) -> None:
    for name in ("a\n::error::b.yaml", "a\x1b[31mb.yaml", os.fsdecode(b"\xff.yaml"), "##[error]x.yaml"):
        file = str(lab.folder / name)
        Path(file).write_text("x: 1\n")
        ran = lab.run("validate", file, "--output", "json")
        assert (ran.code, ran.json["diagnostics"][0]["source"]["file"]) == (65, file)
        told = lab.run("validate", file)
        assert told.code == 65
        assert all(each.isprintable() and not each.startswith("::") for each in told.out.splitlines())


HEAVY = {
    "--version": {"click", "pydantic", "requests", "ruamel", "rich", "deepdiff", "starlette", "uvicorn"},
    "--help": {"pydantic", "requests", "ruamel", "rich", "deepdiff", "starlette", "uvicorn"},
    "plan --help": {"pydantic", "requests", "ruamel", "rich", "deepdiff", "starlette", "uvicorn"},
    "validate": {"requests", "urllib3", "rich", "deepdiff", "starlette", "uvicorn", "sqlite3", "asyncio"},
    "plan": {"rich", "deepdiff", "starlette", "uvicorn", "asyncio"},
}


def test_a_verb_imports_only_what_it_uses(lab: Lab) -> None:
    lab.write("a.yaml", GOOD)
    assert lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "1").code == 0
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr))\n"
        "import icaform.cli; icaform.cli.main()"
    )
    for line, heavy in HEAVY.items():
        paths = [str(lab.folder)] if "-" not in line else []
        done: Any = subprocess.run(
            [sys.executable, "-c", program, *line.split(), *paths],
            cwd=ROOT,
            env={**os.environ, **lab.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not heavy & set(re.split(r"\s+", done.stderr.splitlines()[-1])), line
