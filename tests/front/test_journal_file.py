"""A journal that is no file, or has no room to grow: told in words and by the exit code; nothing is sent."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.front.conftest import Lab
from tests.front.test_exit_codes import FORWARD, YES

STRANGE: dict[str, Callable[[Path], object]] = {
    "a pipe": lambda path: os.mkfifo(path, 0o600),
    "a folder": lambda path: path.mkdir(),
}
ASKING = (("plan",), YES, ("journal", "list"), ("journal", "audit"))


@pytest.mark.parametrize("what", STRANGE)
def test_a_journal_that_is_no_file_is_told_by_every_verb(lab: Lab, what: str) -> None:
    lab.write("a.yaml", FORWARD)
    journal = lab.folder / ".icaform" / "journal.sqlite"
    journal.parent.mkdir()
    STRANGE[what](journal)
    for verb in ASKING:
        ran = lab.run(*verb, str(lab.folder))
        assert ran.code == 78, ran.text
        assert "journal.sqlite cannot be opened: it is no regular file" in ran.text.lower()
    assert not lab.writes()


def test_an_apply_that_can_write_nothing_down_says_why_by_its_code(lab: Lab) -> None:
    """The kernel lets no file grow beyond a limit, at many limits."""
    lab.write("a.yaml", FORWARD)
    ended: Counter[tuple[bool, int]] = Counter()
    for room in range(0, 130_000, 10_000):
        shutil.rmtree(lab.folder / ".icaform", ignore_errors=True)
        lab.control("POST", "/reset")
        lab.forget_requests()
        line = [sys.executable, "-m", "icaform", *YES, str(lab.folder)]

        def narrow(room: int = room) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        done = subprocess.run(
            line,
            env={**os.environ, **lab.environ},
            preexec_fn=narrow,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        sent = bool(lab.writes())
        ended[sent, done.returncode] += 1
        assert "Traceback" not in done.stderr, done.stderr
        assert sent or done.returncode == 78, (room, done.stdout, done.stderr)
    print(f"ends by whether anything was sent: {dict(ended)}")
    assert len(ended) > 1
