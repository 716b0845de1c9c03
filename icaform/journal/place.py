"""The file that a journal lives in: for its owner alone, whatever the umask."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from icaform.disk import private


def prepare(path: Path) -> None:
    """Make an empty file 0600 and the folders above it 0700, where there are none; OSError if that fails."""
    private.folders(path.parent)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        path.chmod(0o600)
        _make_durable(path.parent)
    is_there(path)


def is_there(path: Path) -> bool:
    """Whether anything was ever written to the file; OSError if it is none, or that cannot be told."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return found.st_size > 0


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another that took its name; None where there is none, or none can be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_settled(path: Path) -> bool:
    """Whether the file alone says everything: no writer left pages beside it that still belong into it."""
    return not any(is_there(path.with_name(path.name + suffix)) for suffix in ("-wal", "-journal"))


def _make_durable(folder: Path) -> None:
    # The name of a new file is durable once its folder is; a begun call must not vanish with it.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
