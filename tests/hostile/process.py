"""icaform as a process of its own, with what it took of memory and time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY = 500.0
"""Megabytes that a run may take, whatever it is given."""
LONGEST = 60.0
"""Seconds after which a process is killed and the test failed. A run under attack ends long before: this is
for machines that are busy."""
GLANCE = 0.01
"""Seconds between two looks at what a process takes."""


@dataclass(frozen=True)
class Ended:
    """How one run ended. ``peak`` in megabytes, ``seconds`` by the wall."""

    code: int
    out: str
    err: str
    peak: float
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=lambda name: _no_number(name))


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run: nothing of the caller's own ICA, of its proxies or of its CI."""
    foreign = ("ICAV2_", "ICAFORM_", "GITHUB_", "HTTP", "http", "ALL_PROXY", "all_proxy", "CI")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PYTHONPATH": str(ROOT), "ICAFORM_CACHE_DIR": "", "ICAFORM_STATE_DIR": "", **environ}


def icaform(
    *arguments: str | bytes,
    environ: Mapping[str, str],
    folder: Path,
    stdin: Any = subprocess.DEVNULL,
    longest: float = LONGEST,
) -> Ended:
    """One command line, as a person types it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "icaform", *arguments],
            cwd=folder,
            env=environment(environ),
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        alarm = threading.Timer(longest, os.killpg, (process.pid, signal.SIGKILL))
        alarm.start()
        highest = 0.0
        try:
            while True:
                highest = max(highest, peak(process.pid))
                ended, status = os.waitpid(process.pid, os.WNOHANG)
                if ended:
                    break
                time.sleep(GLANCE)
        finally:
            alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begun
        return Ended(process.returncode, _text(out), _text(err), highest, seconds)


def peak(process: int | str = "self") -> float:
    """Megabytes of resident memory that a process has had at most; 0 where the system does not tell.

    What wait4 tells counts the parent's memory in, from before the program was loaded.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    told = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return float(told.split()[1]) / 1024


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


class Cell:
    """A process that runs command lines one after the other; see ``cell``."""

    def __init__(self, control: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.cell", *([control] if control else [])],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str, environ: Mapping[str, str], home: str = "/nonexistent") -> Ended:
        """One command line."""
        assert self._process.stdin
        assert self._process.stdout
        environ = {"ICAFORM_CACHE_DIR": "", "ICAFORM_STATE_DIR": "", **environ}
        asked = {"arguments": arguments, "environ": environ, "home": home}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        alarm = threading.Timer(LONGEST, self._process.kill)
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
        assert line, f"{arguments} killed the process, or was killed after {LONGEST:.0f} s"
        return Ended(**json.loads(line))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
