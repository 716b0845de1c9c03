"""Sources of secrets that are devices, giants or pipes, or programs that hang, flood and leave children."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.process import icaform
from tests.hostile.site import workspace
from tests.hostile.strange import BAD_TEXT, NO_FILES, Make, data, link, sparse, text
from tests.hostile.verdict import errors, judged

MANIFEST = (
    "apiVersion: icaform/v1\nkind: StorageCredential\nmetadata: {{name: lab}}\n"
    "spec: {{type: AWS_USER, secret: {{accessKeyId: {source}, secretAccessKey: {{env: LAB_SECRET}}}}}}\n"
)
CANARY = "canary-of-a-secret-file-0001"
APPLY = ("--yes", "--first-run", "--timeout", "0.5")
REFUSED = ["secret-unset"], ["secret-forbidden"], ["secret-unset", "secret-unset"]

FILES: dict[str, Make] = NO_FILES | {
    "zero bytes": BAD_TEXT["zero bytes"],
    "a folder": lambda path: path.mkdir(),
    "nothing": text(""),
    "line ends alone": text("\n\r\n\n"),
    "no text": data(CANARY.encode() + b"\xff\xfe"),
    "100 kB": text(CANARY * 5_000),
    "100 kB cut in a character": text("é" * 50_000),
    "a link into /proc": link("/proc/self/status"),
}
PATHS = ("../outside.yaml", "/etc/passwd", "/dev/zero", "a\\0b", "x" * 300, "x/" * 2_000, "\\e[31m", "", ".",
         "..", "nul\\x00", "/proc/self/environ", "~/.netrc", "$HOME/x", "file:///etc/passwd")  # fmt: skip
"""As they are written in a manifest, between double quotes."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside.yaml").write_text(CANARY)
    return workspace(tmp_path / "w", {})


def tried(siege: Siege, folder: Path, source: str, *more: str) -> Any:
    """Plan, then apply: the plan runs nothing and says so, the apply is what is judged."""
    (folder / "m.yaml").write_text(MANIFEST.format(source=source), encoding="utf-8")
    siege.world.control("DELETE", "/requests")
    secrets = [*siege.secrets, CANARY, "root:x:0:0"]
    judged(siege.run("plan", folder), secrets)
    ended = siege.run("apply", folder, *APPLY, *more)
    judged(ended, secrets)
    return ended


def test_a_secret_s_file_that_is_none_stops_an_apply_before_any_write(siege: Siege, folder: Path) -> None:
    siege.world.fresh()
    path = folder / ".keys" / "a.yaml"  # no manifest is looked for in a hidden folder
    path.parent.mkdir()
    cases = {**FILES, "a giant": sparse(1 << 40)}
    for title, make in cases.items():
        make(path)
        ended = tried(siege, folder, "{file: .keys/a.yaml}")
        assert ended.code == Exit.SETTING, (title, ended.text)
        assert errors(ended.json) in REFUSED, title
        assert not siege.world.writes(), title
        assert ended.seconds < 10, title
        shutil.rmtree(path.parent)
        path.parent.mkdir()
    for written in PATHS:
        ended = tried(siege, folder, f'{{file: "{written}"}}')
        assert ended.code in (Exit.SETTING, Exit.MANIFEST), written
        assert not siege.world.writes(), written
    print(f"{len(cases)} files and {len(PATHS)} paths, not one write")


def test_a_secret_s_line_end_is_no_part_of_it(siege: Siege, folder: Path) -> None:
    for end in ("", "\n", "\r\n", "\n\n"):
        siege.world.fresh()
        (folder / "key").write_bytes((CANARY + end).encode())
        assert tried(siege, folder, "{file: key}").code == Exit.DONE
        sent = [each.body.decode() for each in siege.impostor.asked if each.path == "/api/storageCredentials"]
        assert f'"accessKeyId":"{CANARY}"' in sent[1], "the list, and then the one that is created"
        for each in folder.glob(".icaform/journal*"):
            assert CANARY.encode() not in each.read_bytes()
            each.unlink()


COMMANDS: dict[str, str] = {
    "hangs": "sleep 60",
    "hangs after it wrote": f"echo {CANARY}; exec sleep 60",
    "floods": "exec yes canary-of-a-secret-file-0001",
    "floods stderr and hangs": "exec yes >&2",
    "writes a little too much": "head -c 70000 /dev/zero | tr '\\0' x",
    "writes nothing": "true",
    "writes line ends": "echo; echo",
    "fails": f"echo {CANARY}; exit 3",
    "fails with words": f"echo {CANARY} >&2; exit 1",
    "is killed": "kill -9 $$",
    "writes no text": "printf '\\377\\376'",
    "waits for an answer": 'read -r x; test -n "$x" && echo $x',
}
PROGRAMS = (
    '["/nowhere/at-all"]',
    '["/etc"]',
    '["a\\0b"]',
    '[""]',
    '["."]',
    '["./m.yaml"]',
    "[" + '"x", ' * 200_000 + "]",
)


def test_a_secret_s_command_that_does_not_deliver_stops_an_apply_before_any_write(
    siege: Siege, folder: Path
) -> None:
    siege.world.fresh()
    for title, command in COMMANDS.items():
        source = json.dumps({"command": ["sh", "-c", command]})
        ended = tried(siege, folder, source, "--allow-commands")
        assert (ended.code, errors(ended.json)) == (Exit.SETTING, ["secret-unset"]), (title, ended.text)
        assert not siege.world.writes(), title
        assert ended.seconds < 8, title
    for program in PROGRAMS if EVERYTHING else PROGRAMS[:-1]:
        ended = tried(siege, folder, f"{{command: {program}}}", "--allow-commands")
        assert ended.code in (Exit.SETTING, Exit.MANIFEST), program[:80]
        assert not siege.world.writes(), program[:80]
    print(f"{len(COMMANDS) + len(PROGRAMS)} commands, not one write")


def test_a_secret_s_command_is_run_by_an_apply_that_allows_it_and_by_nothing_else(
    siege: Siege, folder: Path
) -> None:
    siege.world.fresh()
    witness = folder / "ran"
    (folder / "m.yaml").write_text(MANIFEST.format(source=f"{{command: [touch, {witness}]}}"))
    for verb, *more in (["validate"], ["plan"], ["drift"], ["apply", *APPLY]):
        judged(siege.run(verb, folder, *more), siege.secrets)
        assert not witness.exists(), verb
    assert not siege.world.writes()
    siege.run("apply", folder, *APPLY, "--allow-commands")
    assert witness.exists()


def test_a_program_that_leaves_a_child_with_its_pipe_is_not_waited_for(siege: Siege, folder: Path) -> None:
    siege.world.fresh()
    command = f"sleep 60 & echo $! > child; echo {CANARY}"
    ended = tried(siege, folder, f"{{command: [sh, -c, '{command}']}}", "--allow-commands")
    child = int((folder / "child").read_text())
    os.kill(child, 9)  # it is an agent's, which may live on
    assert ended.code == Exit.DONE, ended.text
    assert ended.seconds < 8
    assert siege.world.writes() == ["POST /api/storageCredentials"]


def test_a_program_that_is_given_up_is_ended_with_all_that_it_started(siege: Siege, folder: Path) -> None:
    siege.world.fresh()
    command = "sleep 61 & echo $! > child; echo $$ > parent; wait"
    tried(siege, folder, f"{{command: [sh, -c, '{command}']}}", "--allow-commands")
    for name in ("parent", "child"):
        assert gone(int((folder / name).read_text())), name


def gone(process: int) -> bool:
    """Whether a process ends, or has; one that nobody has waited for is a zombie."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_the_real_command_line_holds_to_the_same(siege: Siege, folder: Path) -> None:
    siege.world.fresh()
    (folder / "m.yaml").write_text(MANIFEST.format(source="{command: ['yes']}"))
    siege.impostor.spoil(None)
    arguments = ("apply", ".", *APPLY[:2], "--timeout", "5", "--allow-commands", "-o", "json")
    ended = icaform(*arguments, environ=siege.environ, folder=folder)
    report = judged(ended, siege.secrets)
    assert (ended.code, errors(report)) == (Exit.SETTING, ["secret-unset"])
    assert not siege.world.writes()
