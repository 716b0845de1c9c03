"""A folder of manifests, an emulated ICA whose clock its client moves, and the real command line between."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from icaform.cli.group import run
from icaform.emulator import Embedded, Settings
from icaform.engine.world import World


class Clock:
    """The emulator's clock as its client sees it: whoever sleeps moves both, so nothing really waits."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._now = float(trial.control("GET", "/clock")["now"])
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now = float(self._trial.control("POST", "/clock", {"advance": seconds})["now"])


@dataclass
class Trial:
    """A workspace and the server that it applies to."""

    folder: Path
    ica: Embedded

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The emulator's control door."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.ica.control_url + path, data, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def icaform(self, verb: str, *more: str) -> Any:
        """One command line on this workspace, in this process and without a cached token; its JSON."""
        environ = {
            "ICAV2_BASE_URL": self.ica.base_url,
            "ICAV2_X_API_KEY": self.ica.api_key,
            "ICAFORM_CACHE_DIR": "",
            "ICAFORM_STATE_DIR": str(self.folder / "state"),
        }
        world = World(clock=Clock(self), environ=environ, home=self.folder / "home")
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([verb, str(self.folder), "--output", "json", *more], world)
        assert int(code) == 0, err.getvalue() + out.getvalue()[-2000:]
        return json.loads(out.getvalue())

    def forget_calls(self) -> None:
        """Empty the log of calls."""
        self.control("DELETE", "/requests")

    def calls(self) -> Counter[str]:
        """What the server was asked since; ids are put as ``*``."""
        found: Counter[str] = Counter()
        for each in self.control("GET", "/requests")["items"]:
            parts = ("*" if len(part) == 36 else part for part in each["path"].split("/"))
            found[f"{each['method']} {'/'.join(parts)}"] += 1
        return found


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """A workspace of project wgs-prod against a fresh world of the newer API."""
    with Embedded(settings=Settings(clock="manual", api="2026-10")) as ica:
        (tmp_path / "icaform.yaml").write_text("workspace: trial\nproject: wgs-prod\n", encoding="utf-8")
        yield Trial(tmp_path, ica)
