"""What goes on, on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from icaform.engine.world import Progress, World, silent

EVERY = 5.0
"""Seconds between two plain lines of the same sort."""


@contextmanager
def progress_for(command: str, world: World) -> Iterator[Progress]:
    """The progress display that fits where stderr goes."""
    if world.progress is not silent:
        yield world.progress
    elif sys.stderr.isatty() and world.environ.get("TERM") != "dumb":
        with _bar(command) as progress:
            yield progress
    else:
        yield Lines(world)


class Lines:
    """Plain lines: each wait and note once, counts now and then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = float("-inf")
        self._said = ""
        self._lock = threading.Lock()

    def __call__(self, kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
        if kind == "call" or not text:
            return
        now = self._world.clock.monotonic()
        with self._lock:
            if kind == "operation":
                if now - self._last < EVERY and done < of:
                    return
                text = f"{done} of {of} done"
            elif text == self._said or (kind == "wait" and now - self._last < EVERY):
                return
            self._last, self._said = now, text
            print(f"icaform: {text}", file=sys.stderr, flush=True)


@contextmanager
def _bar(command: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns: tuple[Any, ...] = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(command, total=None, counts="")
        calls, shown = 0, ""
        lock = threading.Lock()

        def tell(kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
            nonlocal calls, shown
            if kind == "call":
                with lock:
                    calls += 1
                bar.update(task, counts=f"{shown}{calls} calls")
            elif kind == "operation":
                shown = f"{done}/{of}, "
                bar.update(
                    task, completed=done, total=of, description=command, counts=f"{shown}{calls} calls"
                )
            elif kind == "ask":
                bar.stop()
            elif kind == "asked":
                bar.start()
            elif kind == "note":
                bar.console.print(f"icaform: {text}", markup=False, highlight=False)
            elif text:
                bar.update(task, description=text[:60])

        yield tell
