"""icaform's command line again and again in one process: its own answers on stdout, a line of JSON for each.

``python -m tests.hostile.cell [CONTROL_URL]`` reads a line of JSON for each command line. Starting Python for
each of thousands would take an hour. Time runs as it does, but whoever sleeps is there at once: the waits of
retries cost nothing, and deadlines hold.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import sys
import threading
import time
import urllib.request
from pathlib import Path

from icaform.cli.group import run
from icaform.engine.world import World
from tests.hostile.process import peak


class Leaping:
    """The machine's clock, ahead by all that was slept; a server's manual clock is moved along."""

    def __init__(self, control: str) -> None:
        self._control = control
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return time.time() + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._ahead += seconds
            if self._control:
                body = json.dumps({"advance": seconds}).encode()
                with urllib.request.urlopen(f"{self._control}/clock", body, timeout=20) as answer:
                    answer.read()


class Captured(io.StringIO):
    """A stream as a pipe is one: no terminal."""


def fresh() -> None:
    """Leave nothing of the command lines before to the memory that the next one takes at most."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        # glibc keeps what is freed for later, which a process of its own would not have.
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        # 5 resets VmHWM (Linux, proc(5)).
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    clock = Leaping(sys.argv[1] if len(sys.argv) > 1 else "")
    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        fresh()
        out, err = Captured(), Captured()
        world = World(clock, asked["environ"], Path(asked["home"]), lambda: b"")
        begun = time.monotonic()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(asked["arguments"], world)
        told = {
            "code": int(code),
            "out": out.getvalue(),
            "err": err.getvalue(),
            "seconds": time.monotonic() - begun,
            "peak": peak(),
        }
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
