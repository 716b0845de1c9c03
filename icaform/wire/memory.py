"""How much of the machine's memory answers may take, over all threads of a Session.

A server can say in three bytes what Python keeps in two hundred, so the size of a body says little: what it
will take is reckoned before it is parsed, and counted for as long as its answer is held.
"""

from __future__ import annotations

import re
import threading
import traceback
import weakref
from types import TracebackType

from icaform.operation import Answer

# Bytes that CPython 3.11 to 3.14 takes at most for an object with its first entry, for any other value or
# entry with its place in what holds it, and for a character of a text that is not all ASCII.
_OBJECT, _VALUE, _WIDE = 190, 100, 4
_ESCAPE = re.compile(rb"\\u")


class TooMuch(Exception):  # noqa: N818 - a verdict on bytes
    """There is no memory left for it."""


class Memory:
    """So many bytes, taken and given back by loans."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def loan(self) -> Loan:
        """Nothing yet, to be taken bit by bit."""
        return Loan(self)

    def take(self, size: int) -> None:
        """Count so many bytes as taken; TooMuch where they are not there."""
        with self._lock:
            if size > self._left:
                raise TooMuch
            self._left -= size

    def give(self, size: int) -> None:
        """Count so many bytes as free again."""
        with self._lock:
            self._left += size


class Loan:
    """What one exchange, or one question of many pages, takes; given back at the end of the ``with``."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._size = 0

    def __enter__(self) -> Loan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever keeps the error keeps the frames it came through, and in these what is given back here.
        while error:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__
        self._memory.give(self._size)
        self._size = 0

    def take(self, size: int) -> None:
        """Take so many bytes more; TooMuch where they are not there."""
        self._memory.take(size)
        self._size += size

    def leave(self, answer: Answer) -> None:
        """Leave all that was taken to an answer: it is given back once nobody holds that any more."""
        weakref.finalize(answer, self._memory.give, self._size).atexit = False
        self._size = 0


def weight(data: bytes) -> int:
    """Bytes that the value of a JSON text takes at most."""
    return words(data) + _OBJECT * data.count(b"{") + _VALUE * (data.count(b",") + data.count(b"["))


def words(data: bytes) -> int:
    """Bytes that the texts of a JSON text take at most, and that it takes when it is written again."""
    return len(data) * _WIDE if _ESCAPE.search(data) else decoded(data)


def decoded(data: bytes) -> int:
    """Bytes that a text takes at most once it is decoded."""
    return len(data) if data.isascii() else len(data) * _WIDE
