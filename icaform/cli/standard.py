"""The standard streams as a run uses them: that one is closed, or that nobody reads it, ends no run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, RawIOBase, TextIOWrapper
from select import select

TYPE_CHECKING = False  # ``typing`` itself is slow to load, and not needed for ``--version``
if TYPE_CHECKING:
    from typing import Any

LOST: dict[str, type[OSError]] = {"stdout": BrokenPipeError, "stderr": OSError}
"""Why what a stream is told may be gone without a word. That a result has no room is another matter."""


class Unheard(RawIOBase):
    """A stream that may be told anything: what it does not take, for a reason such as ``lost``, is gone."""

    def __init__(self, raw: Any, lost: type[OSError]) -> None:
        self._raw = raw
        self._lost = lost

    def writable(self) -> bool:
        """It always is."""
        return True

    def fileno(self) -> int:
        """That of the stream beneath."""
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        """Whether the stream beneath is a terminal."""
        return bool(self._raw.isatty())

    def write(self, data: Any, /) -> int:
        """How many bytes were taken, or are gone."""
        try:
            while (written := self._raw.write(data)) is None:
                # Whoever began us made it non-blocking: it is full for now, which is no failure.
                select([], [self._raw], [])
        except self._lost:
            return len(data)
        return int(written)


@contextmanager
def unheard() -> Iterator[None]:
    """Within it the exit code of a run never depends on who reads stdout and stderr."""
    # A stream that was closed before we began: nothing is read from it, nobody hears what it is told.
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - for as long as we run
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    kept = {name: getattr(sys, name) for name in LOST}
    for name, stream in kept.items():
        if isinstance(stream, TextIOWrapper):
            stream.flush()
            setattr(sys, name, _unheard(stream, LOST[name]))
    try:
        yield
    finally:
        for name, stream in kept.items():
            try:
                getattr(sys, name).flush()
            except OSError:
                silence(stream)
            setattr(sys, name, stream)


def _unheard(stream: TextIOWrapper, lost: type[OSError]) -> TextIOWrapper:
    """The same stream, which fails for fewer reasons."""
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return TextIOWrapper(
        BufferedWriter(Unheard(raw, lost)),
        encoding=stream.encoding,
        # A terminal that cannot show a character is shown its number instead.
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def silence(stream: Any) -> None:
    """Let nobody hear what is written to a stream, nor what it holds back, nor that it failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
