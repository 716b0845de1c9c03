"""Everything that is not ours: clock, environment, home, input. It is handed in, in tests as in life."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from icaform.wire.clock import Clock, SystemClock


class Progress(Protocol):
    """Hears what is going on, to tell a person. It changes nothing."""

    def __call__(self, kind: str, text: str = "", done: int = 0, of: int = 0) -> None: ...


def silent(kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
    """Progress that nobody watches."""


def _input() -> bytes:
    return sys.stdin.buffer.read(64 * 1024 * 1024 + 1)


@dataclass(frozen=True)
class World:
    """The surroundings of one run."""

    clock: Clock = field(default_factory=SystemClock)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    stdin: Callable[[], bytes] = _input
    progress: Progress = silent
