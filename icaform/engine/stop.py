"""How a run is asked to end, and how its threads hear of it while server or journal keep silent."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TypeVar

from icaform.diagnostic import Code, Diagnostic

TICK = 0.2
"""Seconds between two looks whether the run is to stop."""
Told = TypeVar("Told")


class Stop(threading.Event):
    """Asks a run to end. ``heard`` once operations are under way: these are let end, and the report tells of
    each. Before, whoever wants to stop the run may simply raise. ``why`` is told of what is not begun.
    """

    heard = ousted = False
    why = Diagnostic(Code.STILL_RUNNING, "the run was stopped before this was started", "run apply again")

    def oust(self) -> None:
        """Ask it to end because another run has the workspace."""
        self.ousted = True
        self.why = Diagnostic(
            Code.LOCKED,
            "another run has taken this workspace before this was started",
            "wait until that run has ended, then run apply again",
        )
        self.set()


def unless(stop: Stop, doing: Future[Told]) -> Told | None:
    """What is done elsewhere, for this thread must hear a stop while server or journal keep silent.

    None once the run is to stop.
    """
    while not (doing.done() or stop.is_set()):
        wait([doing], timeout=TICK)
    return None if stop.is_set() else doing.result()
