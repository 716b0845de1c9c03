"""Files that we write: their owner's alone, whatever the umask, and whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path


def write(file: str | Path, chunks: Iterable[str]) -> None:
    """Write a file that a user named: beside its place, durably, and move it there; OSError if that fails.

    A link is followed. A new file is its owner's alone. One that is there keeps its mode, and its owner
    where we may give it away: so who wants another user to read a report (node_exporter, say) makes the file
    once, empty, with the mode that it shall have. A device or a pipe is just written to.
    """
    about = _facts(file)
    if about and not stat.S_ISREG(about.st_mode):
        _pour(_opened(file, os.O_WRONLY), chunks)
    else:
        _whole(Path(os.path.realpath(file)), chunks, about)


def keep(file: Path, text: str) -> None:
    """Write a file of our own over whatever is there, and make its folders; OSError if that fails."""
    folders(file.parent)
    _whole(file, [text])


def kept(file: Path, most: int) -> str:
    """What ``keep`` wrote, of ``most`` bytes; OSError or ValueError where that is no file of ours alone."""
    # Not what a link leads to, and no wait for the writer of a pipe.
    with open(os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | _AT_ONCE), "rb") as stream:
        facts = os.fstat(stream.fileno())
        if os.name == "posix" and (facts.st_uid != os.getuid() or facts.st_mode & 0o077):
            raise PermissionError(errno.EPERM, "others may have written it")
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return stream.read(most).decode("ascii")


def append(file: str | Path, chunks: Iterable[str]) -> None:
    """Write at the end of a file, which need not be there; OSError if that fails."""
    _pour(_opened(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT), chunks)


def folders(path: Path) -> None:
    """Make a folder and those above it, where there are none; OSError if that fails."""
    for each in reversed([each for each in (path, *path.parents) if not each.exists()]):
        with contextlib.suppress(FileExistsError):  # another process was faster
            each.mkdir(mode=0o700)
            each.chmod(0o700)  # a umask may have taken bits from its owner


def folder(path: Path) -> None:
    """Make a folder that git ignores, unless it is there; OSError if that fails."""
    folders(path)
    ignore = path / ".gitignore"
    if not ignore.exists():
        _whole(ignore, ["*\n"])


def _facts(file: str | Path) -> os.stat_result | None:
    """What the system knows of a file; None where there is none."""
    try:
        return os.stat(file)
    except FileNotFoundError:
        return None


def _opened(file: str | Path, flags: int) -> int:
    """A file open for writing, at once: to open a pipe otherwise waits for its reader, who may never come."""
    try:
        handle = os.open(file, flags | _AT_ONCE, 0o600)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(errno.ENXIO, "nobody reads from it") from None
    os.set_blocking(handle, True)
    return handle


_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def _pour(handle: int, chunks: Iterable[str]) -> None:
    with open(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.writelines(chunks)


def _whole(path: Path, chunks: Iterable[str], before: os.stat_result | None = None) -> None:
    """Write a file in one step, so that no reader and no crash meets half of it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            _resemble(handle, before)
            stream.writelines(chunks)
            stream.flush()
            os.fsync(handle)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _resemble(handle: int, before: os.stat_result | None) -> None:
    if before is None:
        os.fchmod(handle, 0o600)  # a umask may have taken bits from its owner
        return
    with contextlib.suppress(PermissionError):
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))
