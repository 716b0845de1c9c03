"""An emulator, a zygote and a workspace: runs that die where they are told to, and states to go back to."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from icaform.emulator.demo import API_KEY, SECOND_API_KEY
from tests.crash import workspace
from tests.crash.control import Control
from tests.crash.workspace import Wanted

ROOT = Path(__file__).parents[2]
USERS = {"same": API_KEY, "other": SECOND_API_KEY}
OWNERS = {"same": "ada", "other": "grace"}
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Ran:
    """How a run ended: its wait status, the points that it passed, and what it said."""

    status: int
    points: tuple[str, ...]
    out: str
    err: str

    @property
    def code(self) -> int:
        """The exit code; minus the signal where it died of one."""
        return os.waitstatus_to_exitcode(self.status)

    @cached_property
    def report(self) -> Any:
        """The report in JSON; an empty one where the run did not come to it."""
        try:
            return json.loads(self.out)
        except ValueError:
            return {}


@dataclass(frozen=True)
class Moment:
    """A server and a workspace's journal to go back to."""

    server: int
    files: Files


class Rig:
    """One of each, in processes of their own. ``folder`` is the workspace's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workspace"
        self.aside = folder / "aside"
        for each in (self.folder, self.aside):
            each.mkdir(parents=True)
        self._state = self.folder / ".icaform"
        self._points, self._go = os.pipe(), os.pipe()
        self._emulator = self._start("icaform.emulator", "--clock", "manual", "--clock-start", "1800000000")
        self._zygote = self._start("tests.crash.zygote", handles=(self._points[1], self._go[0]))
        told = json.loads(_line(self._emulator))
        self.url, self._door = told["base_url"], told["control_url"]
        self.control = Control(self._door)
        assert _line(self._zygote) == "ready"
        (self.folder / "icaform.yaml").write_text(workspace.SETTING)

    def _start(self, module: str, *arguments: str, handles: tuple[int, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=handles,
        )

    def close(self) -> None:
        for process in (self._zygote, self._emulator):
            process.terminate()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        for handle in (*self._points, *self._go):
            os.close(handle)
        self.control.close()

    # -- runs

    def run(
        self, wanted: Wanted, *more: str, user: str = "same", kill: int = 0, workers: int | None = 1
    ) -> Ran:
        """One ``icaform apply`` in a process of its own, which dies at point ``kill``."""
        self._order(wanted, more, user, kill=kill, workers=workers)
        return self._ended(lambda: (self.aside / "points").read_text().splitlines())

    def walk(self, wanted: Wanted, *more: str, look: Callable[[str], None]) -> Ran:
        """The same, undisturbed, but that it stands still at each point until ``look`` has looked at it."""
        assert self._zygote.stdout
        self._order(wanted, more, "same", walk=(self._points[1], self._go[0]))
        names: list[str] = []
        rest = b""
        while True:
            ready, _, _ = select.select([self._points[0], self._zygote.stdout], [], [])
            if self._points[0] not in ready:
                return self._ended(lambda: names)
            rest += os.read(self._points[0], 1 << 16)
            *whole, rest = rest.split(b"\n")
            for each in whole:
                names.append(each.decode())
                look(names[-1])
                os.write(self._go[1], b"1")

    def write(self, wanted: Wanted) -> None:
        (self.folder / "all.yaml").write_text(wanted.text)

    def environ(self, wanted: Wanted, user: str) -> dict[str, str]:
        return {
            "ICAV2_BASE_URL": self.url,
            "ICAV2_X_API_KEY": USERS[user],
            "ICAFORM_CACHE_DIR": "",
            # Whose journal is kept is on the same machine.
            "ICAFORM_STATE_DIR": str(self._state),
            **wanted.environ,
        }

    def _order(
        self,
        wanted: Wanted,
        more: Sequence[str],
        user: str,
        kill: int = 0,
        workers: int | None = 1,
        walk: tuple[int, int] | None = None,
    ) -> None:
        self.write(wanted)
        order = {
            "arguments": ["apply", str(self.folder), "--yes", "--output", "json", *more],
            "environ": self.environ(wanted, user),
            "folder": str(self.aside),
            "control": self._door,
            "kill": kill,
            "workers": workers,
            "walk": walk,
        }
        assert self._zygote.stdin
        self._zygote.stdin.write(json.dumps(order) + "\n")
        self._zygote.stdin.flush()

    def _ended(self, points: Callable[[], Sequence[str]]) -> Ran:
        status = int(_line(self._zygote))
        self.quieten()
        out, err = ((self.aside / each).read_text() for each in ("out", "err"))
        return Ran(status, tuple(points()), out, err)

    def quieten(self) -> None:
        """Wait until the server has dealt with all that a dead process has sent."""
        for _ in range(2000):
            traffic = self.control("GET", "/traffic")
            if traffic["connections"] == 1 and traffic["requests"] <= traffic["hanging"]:
                return
            time.sleep(0.002)
        raise RuntimeError(f"the emulator does not come to rest: {traffic}")

    @property
    def hanging(self) -> bool:
        """Whether the server still holds back the effect or the answer of a call."""
        return bool(self.control("GET", "/traffic")["hanging"])

    # -- states

    def files(self) -> Files:
        """The journal as a dead process left it. SQLite makes the index of its log anew."""
        if not self._state.is_dir():
            return {}
        return {
            each.name: each.read_bytes() for each in self._state.iterdir() if not each.name.endswith("-shm")
        }

    def put(self, files: Files) -> None:
        shutil.rmtree(self._state, ignore_errors=True)
        if files:
            self._state.mkdir(0o700)
        for name, data in files.items():
            (self._state / name).write_bytes(data)
            (self._state / name).chmod(0o600)

    def moment(self) -> Moment:
        return Moment(self.control("POST", "/snapshot")["id"], self.files())

    def go_back(self, moment: Moment) -> None:
        self.control("POST", "/restore", {"id": moment.server})
        self.put(moment.files)

    def drop(self, moment: Moment) -> None:
        self.control("DELETE", "/snapshot", {"id": moment.server})

    def advance(self, seconds: float) -> None:
        self.control("POST", "/clock", {"advance": seconds})


@contextlib.contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """A rig in an empty folder."""
    made = Rig(folder)
    try:
        yield made
    finally:
        made.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args} ended")
    return line.strip()
