"""Bytes from files that a stranger may have made: never of a device or a pipe, and never without end."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class Unreadable(Exception):  # noqa: N818 - a verdict on a path
    """It is no file that can be read; the text says why, and goes behind the file's name."""


@contextmanager
def regular(path: str | Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """A regular file, open for reading, and its facts; Unreadable.

    It is looked at before it is opened, because to open a device may do something, and to open a pipe waits
    for its writer; and afterwards, because it may be another one by then.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unreadable("is no regular file")
        with open(path, "rb", opener=_at_once) as stream:
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise Unreadable("is no regular file")
            yield stream, facts
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or type(error).__name__}") from None
    except ValueError:
        raise Unreadable("is no path") from None


def leads_out(path: str | Path, folders: Sequence[str | Path]) -> bool:
    """Whether a path is a link to what lies in none of the folders.

    A pull request is a stranger's text: it may link to a file, and not have us read any file there is.
    """
    if not os.path.islink(path):
        return False
    place = Path(os.path.realpath(path))
    return not any(place.is_relative_to(os.path.realpath(each)) for each in folders)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
