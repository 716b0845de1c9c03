"""A process that has imported icaform and, for each line on its stdin, forks one that runs a command line.

The fork is a real process that runs the real command line and can die of a real SIGKILL; it only spares the
half second that importing takes. A line is an Order in JSON; the answer is the child's wait status.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.crash import doors
from tests.crash.control import Control, EmulatedClock

LONGEST = 60
"""Seconds of real time after which a run is taken to hang for ever."""


def main() -> None:
    doors.wrap()
    _import_everything()
    print("ready", flush=True)
    learnt = False
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(order, teach=not learnt)
        status = os.waitpid(child, 0)[1]
        if not learnt:
            learnt = True
            _learn(Path(order["folder"]))
        print(status, flush=True)


def _import_everything() -> None:
    import icaform

    for each in pkgutil.walk_packages(icaform.__path__, "icaform."):
        if "emulator" not in each.name and not each.name.endswith(("__main__", ".postgres")):
            importlib.import_module(each.name)


def _learn(folder: Path) -> None:
    """Import what the first run imported late, so that the others need not."""
    for name in (folder / "modules").read_text().split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _run(order: dict[str, Any], teach: bool) -> None:
    """Run one order and end the process."""
    from icaform.cli.group import run
    from icaform.engine.world import World

    code = 70
    try:
        signal.alarm(LONGEST)
        gc.disable()  # a collection would touch, hence copy, every page that the fork shares
        folder = Path(order["folder"])
        for number, (name, flags) in enumerate(
            ((os.devnull, os.O_RDONLY), *((str(folder / each), _AFRESH) for each in ("out", "err")))
        ):
            os.dup2(os.open(name, flags), number)
        clock = EmulatedClock(Control(order["control"]))
        said, go = order["walk"] or (os.open(folder / "points", _AFRESH), -1)
        doors.WATCH.arm(said, go, order["kill"], order["workers"], clock)
        world = World(
            clock=clock,
            environ=order["environ"],
            home=Path("/nonexistent"),
            stdin=lambda: b"",
        )
        code = int(run(order["arguments"], world))
        if teach:
            (folder / "modules").write_text("\n".join(each for each in sys.modules if each != "__main__"))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


_AFRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

if __name__ == "__main__":
    main()
