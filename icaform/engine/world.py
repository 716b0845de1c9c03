"""Everything that is not ours: clock, environment, home, input. It is handed in, in tests as in life."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.manifest import BYTES
from icaform.operation import Operation, Outcome
from icaform.wire.clock import Clock, SystemClock


class Progress(Protocol):
    """Hears what is going on, to tell a person. It changes nothing.

    ``call``: a request ended. ``read``: of ``of`` reads that were asked for, ``done`` are answered.
    ``operation``: of a plan's ``of`` resources, ``done`` are through. ``work``: of ``of`` pieces of work that
    the server does for us, ``done`` are at an end. ``wait``: this thread waits, and why;
    until ``waited``, or its next call. ``pace``: no more calls a second are made than ``text``. ``note``:
    what a person must know. ``ask``: something is about to be asked or shown; until ``asked`` nothing else
    may be on the screen.
    """

    def __call__(self, kind: str, text: str = "", done: int = 0, of: int = 0) -> None: ...


def silent(kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
    """Progress that nobody watches."""


class Follower(Protocol):
    """Hears of each operation of an apply, in order, for a program that follows it. It changes nothing."""

    def began(self, operation: Operation) -> None:
        """Its call is about to leave."""

    def ended(self, operation: Operation, outcomes: Mapping[Address, Outcome], done: int, of: int) -> None:
        """It ended, or was not begun; so have ``done`` of all resources by now."""


class Unfollowed:
    """Nobody follows."""

    def began(self, operation: Operation) -> None:
        """Nothing is told."""

    def ended(self, operation: Operation, outcomes: Mapping[Address, Outcome], done: int, of: int) -> None:
        """Nothing is told."""


def _input() -> bytes:
    try:
        return sys.stdin.buffer.read(BYTES + 1)
    except OSError as error:
        why = f"<stdin> cannot be read: {error.strerror or type(error).__name__}"
        how = "give it manifests, or name files or folders"
        raise Rejected([Diagnostic(Code.UNREADABLE_FILE, why, how)]) from None


@dataclass(frozen=True)
class World:
    """The surroundings of one run."""

    clock: Clock = field(default_factory=SystemClock)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    stdin: Callable[[], bytes] = _input
    progress: Progress = silent
    follower: Follower = field(default_factory=Unfollowed)
