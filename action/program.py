"""icaform itself: its command line, and the process that runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from action.inputs import Inputs
from action.report import Report

_HIDDEN = ("INPUT_", "GITHUB_TOKEN", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
"""What icaform does not get: the job's token, and the files by which a step speaks to the next ones."""
DIALECTS = ("json", "markdown", "github")
"""The reports to ask for: for the outputs, for people, and for the lines of the change."""


def command_line(inputs: Inputs, digest: str, files: Mapping[str, Path]) -> list[str]:
    """The words of the command. Options come first; behind ``--`` a path cannot be read as one."""
    words = [sys.executable, "-I", "-m", "icaform", inputs.command]
    words += [word for dialect, file in files.items() for word in ("--report", f"{dialect}={file}")]
    if digest:
        words += ["--approve", digest]
    elif inputs.command == "apply":
        words += ["--yes", "--allow-irreversible", str(inputs.allow_irreversible)]
    return [*words, *inputs.args, "--", *inputs.paths]


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that icaform gets."""
    return {name: value for name, value in environ.items() if not name.startswith(_HIDDEN)}


class Relay:
    """While it is entered, SIGINT and SIGTERM are icaform's, since only icaform knows how to stop an apply.

    One that comes before icaform has begun is passed on as soon as it has. One that comes after its end ends
    nothing: what it reported is then being told.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Relay:
        self._before = {each: signal.signal(each, self._heard) for each in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def begun(self, child: subprocess.Popen[bytes]) -> None:
        """From now on there is one to pass them on to."""
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._child:
            self._child.send_signal(number)
        else:
            self._early.append(number)


def run(inputs: Inputs, digest: str, environ: Mapping[str, str], scratch: Path, relay: Relay) -> Report:
    """Run icaform to its end, however it ends."""
    files = {dialect: scratch / dialect for dialect in DIALECTS}
    words = command_line(inputs, digest, files)
    with subprocess.Popen(words, cwd=inputs.folder, env=surroundings(environ)) as child:
        relay.begun(child)
        code = child.wait()
    return Report.of(inputs.command, code if code >= 0 else 128 - code, files)
