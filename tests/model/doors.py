"""The doors through which chance and waiting come in: in an example nothing is left to either.

Calls go out in turn, back-offs fall the same way each time, and where the server holds an answer back the
emulated clock goes on until icaform's patience is at its end.
"""

from __future__ import annotations

import http.client
import select
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import pytest

from tests.model.site import Site

PATIENCE = 60.0
"""Seconds that icaform waits for an answer (icaform/wire/limits.py, read_timeout)."""
STEP = 5.0
_getresponse = http.client.HTTPConnection.getresponse


class Doors:
    """Wraps what must be for one example."""

    def __init__(self) -> None:
        self._patch = pytest.MonkeyPatch()

    def open(self, site: Site, *, in_turn: bool) -> None:
        """``in_turn``: one call after another, so that a failure repeats; else side by side, as in life."""

        def getresponse(connection: Any) -> http.client.HTTPResponse:
            if type(connection).__module__.startswith("icaform"):
                _wait(site, connection)
            return _getresponse(connection)

        self._patch.setattr(http.client.HTTPConnection, "getresponse", getresponse)
        self._patch.setattr("icaform.wire.session.Random", lambda seed: Random(0))
        if in_turn:
            self._patch.setattr("icaform.engine.apply.WORKERS", 1)
            self._patch.setattr("icaform.wire.session.fan_out", _in_turn)

    def close(self) -> None:
        self._patch.undo()


def _wait(site: Site, connection: Any) -> None:
    """Let emulated time pass while the emulator holds this answer back."""
    waited = 0.0
    while not select.select([connection.sock], [], [], 0.02)[0]:
        if site.lab.control("GET", "/traffic")["hanging"]:
            if waited >= PATIENCE:
                raise TimeoutError("timed out")
            site.lab.clock.sleep(STEP)
            waited += STEP


def _in_turn(send: Callable[[Any], Any], calls: Iterable[Any], workers: int) -> Sequence[Any]:
    return [send(each) for each in calls]
