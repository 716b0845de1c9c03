"""A bar on a terminal, drawn on its last lines and gone before anything else is shown there.

The cursor stays visible, at the start of the bar's first line: from there one sequence clears all of it, also
after the terminal was made narrower and has wrapped it, and a run that is killed leaves nothing to restore.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import threading
from collections.abc import Iterable
from typing import Any, cast

from icaform.cli.progress.tally import Tally
from icaform.render.report import line, plain
from icaform.render.text.ink import paint
from icaform.wire.clock import Clock

TICK = 0.25
"""Seconds between two looks at what is to be drawn, and before the first: a short run shows no bar."""
RESTS = 0.5
"""Seconds of the run's clock for which the bar stays away after something was written."""
CLEAR = "\r\x1b[J"


class Bar:
    """Hears from several threads, draws in one of its own, and minds what others write to the terminal."""

    def __init__(self, command: str, clock: Clock, *, coloured: bool) -> None:
        self._clock = clock
        self._coloured = coloured
        self._stream = sys.stderr
        self._tally = Tally(command, clock.monotonic(), *_shapes(self._stream))
        # Taken again by the same thread where what is told writes, and where a signal comes in between.
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="bar", daemon=True)
        self._drawn = ""
        self._asking = self._open = False
        self._rests = float("-inf")
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> Bar:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if _seen(stream):
                self._kept[name] = stream
                setattr(sys, name, cast(Any, Above(stream, self)))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        try:
            self._thread.join()
        finally:
            self._wipe()
            for name, stream in self._kept.items():
                setattr(sys, name, stream)

    def __call__(self, kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
        with self._lock:
            if kind in ("ask", "asked"):
                self._asking, self._open = kind == "ask", False
                self._wipe()
            if kind == "note":
                print(line(plain(f"icaform: {text}")), file=sys.stderr, flush=True)
            now, who = self._clock.monotonic(), threading.get_ident()
            self._tally.hear(kind, text, done, of, now=now, who=who)

    def above(self, stream: Any, text: str) -> int:
        """Write to a stream of the terminal, the bar out of the way until that line is ended."""
        with self._lock:
            if text:
                self._wipe()
                self._open = not text.endswith("\n")
                self._rests = self._clock.monotonic() + RESTS
            return int(stream.write(text))

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            with self._lock:
                if not (self._asking or self._open or self._over.is_set()):
                    self._draw()

    def _draw(self) -> None:
        now = self._clock.monotonic()
        if now < self._rests:
            return
        columns, rows = _size(self._stream)
        lines = self._tally.lines(columns - 1, now, most=rows - 1)
        text = "\n".join(paint(each, self._coloured) for each in lines)
        if text != self._drawn:
            up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
            self._put(f"{CLEAR}{text}{up}\r")
            self._drawn = text

    def _wipe(self) -> None:
        with self._lock:
            if self._drawn:
                self._put(CLEAR)
                self._drawn = ""

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody looks any more; that is no reason to end a run.
            self._over.set()


class Above:
    """A stream that ends, or may end, at the terminal of a bar."""

    def __init__(self, stream: Any, bar: Bar) -> None:
        self._stream = stream
        self._bar = bar

    def write(self, text: str) -> int:
        """Write it where the bar was."""
        return self._bar.above(self._stream, text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write them one after the other."""
        for each in lines:
            self.write(each)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _seen(stream: Any) -> bool:
    """Whether what is written there may come to a terminal: a pager, or whatever else reads a pipe, shares
    that of the bar.
    """
    try:
        return bool(stream.isatty()) or stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _size(stream: Any) -> tuple[int, int]:
    """Columns and rows of a terminal now; 80 and 24 where it does not know."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = shutil.get_terminal_size()
    return columns or 80, rows or 24


def _shapes(stream: Any) -> tuple[str, str]:
    """What a bar is made of: lines where the terminal can show them."""
    try:
        "━─".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#", "."
    return "━", "─"
