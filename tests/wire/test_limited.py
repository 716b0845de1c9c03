"""An apply under a limit, in real time: everything is done once, and hardly a call is refused."""

from __future__ import annotations

import contextlib
import io
import time
from collections import Counter
from pathlib import Path

from icaform.cli.group import run
from icaform.emulator import Embedded, Settings
from icaform.engine.world import World
from tests.front.conftest import Lab

COUNT, RATE = 200, 100.0
MANIFEST = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: p-%05d}
spec: {select: {code: many %05d 1-0-0}, status: Deprecated}
---
"""


def test_many_writes_under_a_limit_are_each_made_once(tmp_path: Path) -> None:
    with Embedded(settings=Settings(rate=RATE, burst=10, retry_after="seconds")) as ica:
        lab = Lab(tmp_path, ica)
        lab.control("POST", "/seed", {"pipelines": [{"count": COUNT, "name": "many", "project": "wgs-prod"}]})
        lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
        lab.write("a.yaml", "".join(MANIFEST % (each, each) for each in range(1, COUNT + 1)))
        world = World(environ=lab.environ, home=tmp_path / "home")
        began = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = run(["apply", str(tmp_path), "--yes", "--allow-irreversible", str(COUNT)], world)
        took = time.monotonic() - began
        log = lab.requests()
    refused = sum(each["status"] == 429 for each in log)
    done = Counter(each["path"] for each in log if each["effect"] and each["path"].endswith(":deprecate"))
    ratio = took * RATE / len(log)
    print(f"{len(log)} calls in {ratio:.2f} of the ideal time, {refused / len(log):.1%} refused")
    assert (int(code), len(done), set(done.values())) == (0, COUNT, {1})
    assert refused < 0.15 * len(log)
