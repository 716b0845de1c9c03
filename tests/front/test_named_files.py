"""Files that a user names: what is there is written to and read as what it is, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from icaform.cli.group import run
from icaform.engine.world import World
from icaform.wire.credential import Credential, Means
from icaform.wire.tokencache import TokenCache
from tests.front import everything
from tests.front.conftest import Lab

ROOT = Path(__file__).parents[2]
NULL, ZERO, FULL = 3, 5, 7
"""Minor numbers of Linux's memory devices."""
LONGEST = 20.0
"""Seconds after which a run hangs: it ends within one."""
LINES: dict[str, Callable[[Path], tuple[str, ...]]] = {
    "plan --out": lambda path: ("plan", "{w}", "--out", str(path)),
    "export --snapshot": lambda path: ("export", "{w}", "--snapshot", str(path)),
    "export --out": lambda path: ("export", "{w}", "--kind", "StorageCredential", "--out", str(path)),
    "--report": lambda path: ("plan", "{w}", "--report", f"json={path}"),
}
"""Everything that writes to a path of a command line."""
RUNNER = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def ready(lab: Lab) -> Lab:
    lab.environ |= everything.SECRETS
    lab.write("w/icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    lab.write("w/c.yaml", everything.CREDENTIALS)
    lab.control("POST", "/seed", {"credentials": [{"name": "theirs", "owner": "ada"}]})
    return lab


def line(name: str, path: Path, lab: Lab) -> list[str]:
    return [each.format(w=lab.folder / "w") for each in LINES[name](path)]


def process(
    *words: str,
    lab: Lab,
    environ: Mapping[str, str] | None = None,
    stdout: Any = subprocess.PIPE,
    stderr: Any = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """A command line as a process of its own; TimeoutExpired where it hangs."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("ICA", "CI", "GITHUB_"))}
    return subprocess.run(
        [sys.executable, "-m", "icaform", *words],
        cwd=ROOT,
        env={**kept, **lab.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        timeout=LONGEST,
    )


def device(path: Path, minor: int) -> Path:
    """One of this machine's memory devices under a name of its own, which a test may lose."""
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, minor))
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        path.unlink(missing_ok=True)
        pytest.skip("this user can make no devices here")
    return path


def facts(path: Path) -> tuple[int, int, int]:
    about = path.lstat()
    return stat.S_IFMT(about.st_mode), about.st_ino, about.st_rdev


@contextmanager
def reader(pipe: Path) -> Iterator[list[str]]:
    """Somebody who reads a pipe to its end."""
    heard: list[str] = []
    opened = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def read() -> None:
        select.select([opened], [], [], LONGEST)  # until a writer came, there is nothing to read, and no end
        os.set_blocking(opened, True)
        with open(opened, encoding="utf-8") as stream:
            heard.append(stream.read())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield heard
    thread.join(LONGEST)
    assert heard, f"{pipe} was not written to"


def tells(ran: Any, words: str) -> bool:
    """Whether it says so on stderr, however its lines are broken."""
    return "".join(words.split()) in "".join((ran.err if hasattr(ran, "err") else ran.stderr).split())


def test_a_link_is_followed_and_stays(ready: Lab, tmp_path: Path) -> None:
    tried = 0
    for name in LINES:
        for there in (True, False):
            folder = tmp_path / f"{tried} elsewhere"
            folder.mkdir()
            target, link = folder / "target.yaml", tmp_path / f"{tried}.yaml"
            if there:
                target.write_text("" if name != "export --out" else "# ours\n")
                target.chmod(0o640)
            link.symlink_to(target)
            before = facts(link)
            ran = ready.run(*line(name, link, ready))
            assert ran.code == 0, (name, ran.text)
            assert facts(link) == before, (name, there)
            assert target.stat().st_size > 100, (name, there)
            assert stat.S_IMODE(target.stat().st_mode) == (0o640 if there else 0o600), (name, there)
            assert [each.name for each in folder.iterdir()] == ["target.yaml"]
            tried += 1
    print(f"{tried} links")


def test_a_link_that_leads_in_a_circle_stays_and_is_told(ready: Lab, tmp_path: Path) -> None:
    for name in LINES:
        link = tmp_path / "circle.yaml"
        link.unlink(missing_ok=True)
        link.symlink_to(link)
        before = facts(link)
        ran = ready.run(*line(name, link, ready))
        assert (ran.code, facts(link)) == (78, before), (name, ran.text)
        assert tells(ran, "symbolic links"), (name, ran.text)
    print(f"{len(LINES)} circles")


def test_a_device_stays_a_device(ready: Lab, tmp_path: Path) -> None:
    tried = 0
    for minor, code in ((NULL, 0), (FULL, 78)):
        for name in LINES:
            if name == "export --out":
                continue  # it reads what is there first, as a manifest, which no device is
            path = device(tmp_path / f"{tried}.yaml", minor)
            before = facts(path)
            ran = ready.run(*line(name, path, ready))
            assert (ran.code, facts(path)) == (code, before), (name, ran.text)
            assert tells(ran, "No space left") is (minor == FULL), (name, ran.text)
            tried += 1
    print(f"{tried} devices")


def test_a_pipe_is_written_to_where_somebody_reads_it(ready: Lab, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    before = facts(pipe)
    for name in ("plan --out", "export --snapshot", "--report"):
        with reader(pipe) as heard:
            done = process(*line(name, pipe, ready), lab=ready)
        assert (done.returncode, facts(pipe)) == (0, before), (name, done.stderr)
        assert isinstance(json.loads(heard[0]), dict), name
    for name in RUNNER:
        with reader(pipe) as heard:
            done = process("plan", str(ready.folder / "w"), lab=ready, environ={name: str(pipe)})
        assert (done.returncode, done.stderr) == (0, ""), name
        assert "sha256:" in heard[0], name
    print(f"{3 + len(RUNNER)} pipes with a reader")


def test_a_process_that_a_shell_puts_in_place_of_a_file_gets_the_report(ready: Lab, tmp_path: Path) -> None:
    file = tmp_path / "copy.json"
    words = [sys.executable, "-m", "icaform", "validate", str(ready.folder / "w")]
    shell = f"set -o pipefail; {' '.join(words)} --report json=/dev/stderr 2>&1 >/dev/null | cat > {file}"
    done = subprocess.run(["bash", "-c", shell], cwd=ROOT, check=False, timeout=LONGEST)
    assert (done.returncode, json.loads(file.read_text())["counts"]["resources"]) == (0, 2)


def test_a_pipe_without_a_reader_is_told_and_not_waited_for(ready: Lab, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    before = facts(pipe)
    for name in ("plan --out", "export --snapshot", "--report"):
        done = process(*line(name, pipe, ready), lab=ready)
        assert (done.returncode, facts(pipe)) == (78, before), (name, done.stderr)
        assert tells(done, f"{pipe} cannot be written: nobody reads from it"), name
    for name in RUNNER:
        done = process("plan", str(ready.folder / "w"), lab=ready, environ={name: str(pipe)})
        assert done.returncode == 0, name
        assert tells(done, f"{pipe} of the CI runner cannot be written: nobody reads from it"), name
    print(f"{3 + len(RUNNER)} pipes without a reader")


def test_a_pipe_or_a_device_is_not_read(ready: Lab, tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", str(ready.folder / "w")
    os.mkfifo(pipe)
    odd = [pipe]
    try:
        odd.append(device(tmp_path / "zero", ZERO))
    except pytest.skip.Exception:
        print("no devices here")
    for path in odd:
        for words, code in (
            (("apply", folder, "--plan", str(path)), 10),
            (("validate", folder, "--var-file", str(path)), 64),
            (("plan", folder, "--from-snapshot", str(path)), 78),
        ):
            done = process(*words, lab=ready)
            assert done.returncode == code, (words, done.stderr)
            assert tells(done, f"{path.name} is no regular file"), words
    print(f"{len(odd) * 3} reads")


def test_a_pipe_in_the_place_of_a_kept_token_counts_as_none(ready: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    environ = {"ICAFORM_CACHE_DIR": str(folder)}
    assert process("whoami", lab=ready, environ=environ).returncode == 0
    (kept,) = folder.iterdir()
    kept.unlink()
    os.mkfifo(kept, 0o600)
    done = process("whoami", lab=ready, environ=environ)
    assert (done.returncode, stat.S_ISREG(kept.stat().st_mode)) == (0, True), done.stderr
    assert TokenCache(folder, "x", Credential(Means.API_KEY, "y")).read() is None


def test_progress_that_no_one_can_take_changes_nothing(ready: Lab, tmp_path: Path) -> None:
    out, stderr = io.StringIO(), device(tmp_path / "full", FULL).open("w")
    words = ("apply", str(ready.folder / "w"), "--yes", "--allow-irreversible", "1", "-o", "json")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(stderr):
        code = run(words, World(ready.clock, ready.environ, ready.home))
    with contextlib.suppress(OSError):
        stderr.close()
    assert ready.clock.slept, "it told that it waits"
    assert (code, json.loads(out.getvalue())["counts"]["done"]) == (0, 2)


APPLY = ("--yes", "--first-run", "--allow-irreversible", "1", "--color", "never")


def test_an_apply_whose_result_no_one_can_take_says_what_it_did(ready: Lab, tmp_path: Path) -> None:
    full = device(tmp_path / "full", FULL)
    ready.write("w/icaform.yaml", "workspace: lab\nproject: wgs-prod\nreadLag: 0\n")
    report = tmp_path / "report.json"
    # What tells its plan first has told nothing by then, and does nothing.
    for dialect in ("text", "ndjson"):
        with full.open("w") as stdout:
            done = process("apply", str(ready.folder / "w"), *APPLY, "-o", dialect, lab=ready, stdout=stdout)
        assert done.returncode == 1, (dialect, done.stderr)
        assert tells(done, "the report cannot be written to stdout: No space left on device"), dialect
        assert tells(done, "nothing was done"), dialect
        assert not ready.writes(), dialect
    with full.open("w") as stdout:
        done = process(
            "apply", str(ready.folder / "w"), "--yes", "--first-run", "-o", "json", lab=ready, stdout=stdout
        )
    assert (done.returncode, "error[irreversible]" in done.stderr) == (11, True), done.stderr
    with full.open("w") as stdout:
        words = ("-o", "json", "--report", f"json={report}")
        done = process("apply", str(ready.folder / "w"), *APPLY, *words, lab=ready, stdout=stdout)
    assert done.returncode == 78, done.stderr
    assert tells(done, "the report cannot be written to stdout: No space left on device")
    verdict = json.loads(report.read_text("utf-8"))["verdict"]
    assert "2" in verdict
    assert tells(done, verdict)
    assert not tells(done, "internal")
    assert ready.writes()
    with full.open("w") as stdout:
        line = ("apply", str(ready.folder / "w"), *APPLY, "-o", "json")
        done = process(*line, lab=ready, stdout=stdout, stderr=stdout)
    assert done.returncode == 78, "with nobody who could be told, the exit code still says it"
    print("5 applies")
