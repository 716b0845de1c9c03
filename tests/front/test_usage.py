"""Command lines that cannot be meant, options and their environment, and how a run ends that is stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from icaform.cli import options
from icaform.cli.exit import MEANING, Exit
from icaform.cli.group import VERBS, Verbs, group
from icaform.engine.program import output_of
from tests.front.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = """\
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: a, labels: {team: wgs}}
spec: {select: {code: "${var.code}"}, status: Released}
---
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: b}
spec: {type: AWS_ROLE}
"""
CANARY = "canary-of-a-key-0001"

USAGE = [
    ([], "Usage"),
    (["plna"], "did you mean `plan`?"),
    (["destroy"], "the verbs are init, validate, plan, apply"),
    (["validate", "--outptu", "json"], "Did you mean '--output'?"),
    (["validate", "-o", "yaml"], "is not one of"),
    (["validate", "-l", CANARY], "--label wants NAME=VALUE"),
    (["validate", "--var", CANARY], "--var wants NAME=VALUE"),
    (["validate", "--var", "=" + CANARY], "--var wants NAME=VALUE"),
    (["validate", "--var-file", "nowhere.yaml"], "nowhere.yaml cannot be read: No such file"),
    (["validate", "--report", "json"], "--report wants DIALECT=FILE"),
    (["validate", "--report", "jsn=x"], "validate speaks text, json, "),
    (["validate", "--report", "json=nowhere/x.json"], "there is no folder nowhere"),
    (["validate", "--x-api-key", CANARY], "No such option"),
    (["plan", f"--x-api-kye={CANARY}"], "No such option"),
    (["plan", "--yes"], "No such option"),
    (["apply"], "say --yes, --approve with the plan"),
    (["apply", "--approve", "sha256:12"], "64 hexadecimal digits"),
    (["apply", "--yes", "--max-writes", "-1"], "--max-writes"),
    (["apply", "--yes", "--max-share", "101"], "--max-share"),
    (["apply", "--yes", "--allow-irreversible", "many"], "not a valid integer"),
    (["apply", "-"], "no terminal"),
    (["schema", "--check"], "--check wants the FOLDER"),
    (["schema", __file__], "is a file"),
    (["emulator", "--nope"], ""),
    (["whoami", "--report", "json=x"], "No such option"),
]


def test_a_command_line_that_cannot_be_meant_is_64_with_the_reason(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab.folder)
    for line, reason in USAGE:
        ran = lab.run(*line)
        assert (ran.code, ran.out) == (64, ""), line
        assert reason in ran.err, line
        assert CANARY not in ran.text, line
    assert not lab.requests()
    print(f"{len(USAGE)} command lines")


def test_a_usage_error_is_a_document_too_where_json_was_asked_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        ["plan", "--nope", "--output", "json"],
        ["apply", "--output=json"],
        ["validate", "-ojson", "-l", "x"],
        ["plna", "-o", "json"],
    )
    for line in lines:
        ran = lab.run(*line)
        assert (ran.code, ran.json["exit_code"], ran.json["errored"]) == (64, 64, True), line
        assert [each["code"] for each in ran.json["diagnostics"]] == ["usage"]
    monkeypatch.setenv("ICAFORM_OUTPUT", "json")
    assert lab.run("validate", "--nope").json["command"] == "validate"
    assert lab.run("validate", "--nope", "-o", "text").out == ""


def test_every_option_is_kebab_case_and_in_the_environment() -> None:
    assert isinstance(group, Verbs)
    seen = set()
    for verb in VERBS:
        command = group.get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None
        for option in command.params:
            for name in (each for each in option.opts if each.startswith("--")):
                if name in ("--var", "--check"):
                    continue  # ICAFORM_VAR_name gives each variable; --check belongs to CI alone
                if (verb, name) == ("status", "--timeout"):
                    continue  # in the environment it is that of one question, for this verb too
                assert option.envvar == "ICAFORM_" + name[2:].upper().replace("-", "_"), (verb, name)
                assert name == name.lower()
                seen.add(name)
    print(f"{len(seen)} options")
    assert {"--output", "--report", "--label", "--only", "--server-url", "--max-analyses"} <= seen


def valid(lab: Lab, *more: str) -> int:
    ran = lab.run("validate", str(lab.folder), "--output", "json", *more)
    assert ran.code == 0, ran.text
    return int(ran.json["counts"]["resources"])


def test_a_variable_is_taken_from_flag_then_file_then_environment(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    file = str(lab.write("vars.txt", "code: from-file\n"))
    for said, wanted in (
        (["--var", "code=from-flag", "--var-file", file], "from-flag"),
        (["--var-file", file], "from-file"),
        ([], "from-environment"),
    ):
        ran = lab.run(
            "plan", str(lab.folder), "-o", "json", *said, environ={"ICAFORM_VAR_code": "from-environment"}
        )
        assert repr(wanted) in ran.json["diagnostics"][0]["summary"]


def test_a_variable_file_that_is_wrong_is_told_at_its_place(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    for text, place in (
        ("code: 1\n", (1, 7)),
        ("a: b\ncode: [x]\n", (2, 7)),
        ("- a\n", (1, 1)),
        ("a: no\n", (1, 4)),
    ):
        file = lab.write("vars.txt", text)
        ran = lab.run("validate", str(lab.folder), "--var-file", str(file), "-o", "json")
        told = ran.json["diagnostics"][0]["source"]
        assert (ran.code, (told["line"], told["column"])) == (65, place), text
    assert lab.run("validate", str(lab.folder), "--var-file", "/dev/zero").code == 64


def test_a_selection_takes_labels_globs_and_what_is_not_excluded(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.write("a.yaml", MANIFEST)
    lab.environ["ICAFORM_VAR_code"] = "x"
    table = {
        "": 2,
        "-l team=wgs": 1,
        "--label team=wgs": 1,
        "--only Pipeline": 1,
        "--only Pipeline/*": 1,
        "--only Pipeline/a --only StorageCredential/*": 2,
        "--exclude */b": 1,
        "--only * --exclude Pipeline/?": 1,
    }
    for flags, count in table.items():
        assert valid(lab, *flags.split()) == count, flags
    monkeypatch.setenv("ICAFORM_ONLY", "Pipeline/* Storage*")
    assert valid(lab) == 2
    monkeypatch.setenv("ICAFORM_LABEL", "team=wgs")
    assert valid(lab) == 1
    ran = lab.run("validate", str(lab.folder), "-l", "team=other", "-o", "json")
    assert (ran.code, ran.json["diagnostics"][0]["code"]) == (64, "usage")


def test_nobody_is_asked_in_ci_even_on_a_terminal(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("a.yaml", MANIFEST.replace("${var.code}", "DRAGEN Germline 4-4-0"))
    monkeypatch.setattr("tests.front.conftest.Terminal.tty", True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert lab.run("apply", str(lab.folder), environ={"CI": "true"}).code == 64
    assert not lab.writes()


def test_the_help_lists_every_exit_code(lab: Lab) -> None:
    told = lab.run("--help")
    assert told.code == 0
    for code, meaning in MEANING.items():
        assert f"{code.value}  {meaning}" in told.out
    for verb in VERBS:
        assert lab.run(verb, "--help").code == 0, verb


@contextlib.contextmanager
def silent_server() -> Iterator[tuple[str, socket.socket]]:
    """Takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(20)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", listening


def process(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ICA", "CI"))}
    return subprocess.Popen(
        [sys.executable, "-m", "icaform", *arguments],
        cwd=ROOT,
        env={**kept, "ICAFORM_CACHE_DIR": "", "ICAFORM_STATE_DIR": "", "ICAV2_X_API_KEY": CANARY, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_a_run_that_waits_for_a_silent_server_stops_when_it_is_told_to(
    lab: Lab, number: signal.Signals, code: Exit
) -> None:
    lab.write("a.yaml", MANIFEST)
    for verb in (["plan"], ["apply", "--yes"]):
        with silent_server() as (url, listening):
            lines = [*verb, str(lab.folder), "--var", "code=x", "--server-url", url, "--output", "json"]
            running = process(*lines)
            connection, _ = listening.accept()
            assert connection.recv(1)
            running.send_signal(number)
            out, err = running.communicate(timeout=5)
            connection.close()
        assert running.returncode == code, err
        assert json.loads(out)["exit_code"] == code
        assert "Traceback" not in err


def test_a_reader_that_has_enough_and_a_full_disk_are_no_defects(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    shell = f"{sys.executable} -m icaform schema | head -c 1; exit ${{PIPESTATUS[0]}}"
    done: Any = subprocess.run(["bash", "-c", shell], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")
    with open("/dev/full", "w") as full:
        line = [sys.executable, "-m", "icaform", "validate", str(lab.folder), "--var", "code=x"]
        done = subprocess.run(line, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 78
    assert "error: the report cannot be written to stdout: No space left on device" in done.stderr


NUMBERS = ("nan", "-nan", "inf", "-inf", "1e300", "-1", "x", "0x10")
"""What is no number of seconds, of calls a second or of percent."""


def test_a_number_that_is_none_or_has_no_end_is_a_usage_error(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    tried = 0
    for verb in VERBS:
        command = group.get_command(None, verb)  # type: ignore[arg-type]
        places: list[tuple[tuple[str, ...], click.Command | None]] = [((verb,), command)]
        if isinstance(command, click.Group):
            places = [((verb, name), each) for name, each in command.commands.items()]
        for words, each in places:
            assert each is not None
            for option in each.params:
                name = next((one for one in option.opts if one.startswith("--")), "")
                if name not in ("--timeout", "--calls-per-second", "--max-share"):
                    continue
                for number in NUMBERS:
                    ran = lab.run(*words, f"{name}={number}")
                    assert (ran.code, ran.out) == (64, ""), (words, name, number, ran.text)
                    assert name in ran.err, (words, name, number)
                    tried += 1
    for verb in ("plan", "status"):
        for number in ("nan", "inf"):
            done = process(verb, str(lab.folder), ICAFORM_TIMEOUT=number)
            _, err = done.communicate(timeout=20)
            assert (done.returncode, "TIMEOUT" in err.upper()) == (64, True), (verb, number, err)
            tried += 1
    print(f"{tried} numbers")
    assert tried > 100
    assert lab.run("status", str(lab.folder), "--wait", "--timeout", "\u0663").code == 64


def test_the_longest_timeout_is_one_that_sockets_and_programs_take(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST.partition("---")[2])
    line = ("plan", str(lab.folder), "--server-url", lab.ica.base_url, "--x-api-key", lab.ica.api_key)
    done = process(*line, "--timeout", str(options.MAX_PATIENCE))
    _, err = done.communicate(timeout=20)
    assert done.returncode == 0, err
    assert output_of(["true"], lab.folder, options.MAX_PATIENCE, 10) == b""


def test_streams_that_are_closed_and_a_folder_that_is_gone_are_no_defects(lab: Lab, tmp_path: Path) -> None:
    lab.write("a.yaml", MANIFEST.partition("---")[2])
    icaform = f"env PYTHONPATH={ROOT} {sys.executable} -m icaform"
    gone = f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone && "
    homeless = ("validate -", "plan ../a", "journal list", "whoami", "init", "apply --yes .", "export")
    cases = [
        (f"{icaform} validate - <&-", 65, "holds no manifest"),
        (f"{icaform} validate - 0>{tmp_path}/x", 65, "<stdin> cannot be read"),
        (f"{icaform} apply {lab.folder} <&-", 64, "nobody to ask"),
        (f"{icaform} validate - <&- 2>&-", 65, ""),
        (f"{icaform} validate {lab.folder} >&-", 0, ""),
        (f"{icaform} validate {lab.folder} <&- >&- 2>&-", 0, ""),
        *((f"{gone}{icaform} {line}", 64, "the working folder is gone") for line in homeless),
        (f"{gone}{icaform} --version", 0, ""),
    ]
    for shell, code, said in cases:
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == code, (shell, done.stderr)
        told = done.stdout + done.stderr
        assert said in told, (shell, told)
        assert "internal" not in told, shell
    print(f"{len(cases)} surroundings")


def test_a_terminal_without_unicode_is_shown_escapes(lab: Lab) -> None:
    name = str(lab.folder / "é☃.yaml")
    done = process("validate", name, PYTHONIOENCODING="ascii")
    out, err = done.communicate(timeout=20)
    assert (done.returncode, err) == (65, "")
    assert "\\u2603" in out


INTERRUPTING = """\
import os, signal, sys
place = sys.argv.pop(1)
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if not place:
            print(name)
        elif name == place:
            os.kill(os.getpid(), signal.SIGINT)
from icaform.cli import main
sys.meta_path.insert(0, Finder)
main()
"""
"""icaform, interrupted where it loads a module; or it says which it loads."""
LOADED = 40
"""So many of these modules are tried."""


def test_an_interrupt_while_it_is_loading_is_no_defect(lab: Lab) -> None:
    lab.write("a.yaml", MANIFEST)
    arguments = ["validate", str(lab.folder), "--var", "code=x"]

    def loading(place: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", INTERRUPTING, place, *arguments]
        return subprocess.Popen(
            line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )

    names = [
        each for each in loading("").communicate()[0].splitlines() if each.replace(".", "").isidentifier()
    ]
    tried = names[:: max(1, len(names) // LOADED)]
    for start in range(0, len(tried), 4):
        some = [(name, loading(name)) for name in tried[start : start + 4]]
        for name, running in some:
            out, err = running.communicate(timeout=30)
            assert (running.returncode, "Traceback" in out + err) == (130, False), (name, err)
            assert "stopped" in err, name
    print(f"{len(tried)} of {len(names)} modules")
    assert len(tried) >= LOADED
