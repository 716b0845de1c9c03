"""A report in a file: the whole new one or still the old one, whoever reads it and whatever breaks."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path


def write(file: str, chunks: Iterable[str]) -> None:
    """Write a report beside its place, durably, and move it there; OSError if that fails.

    A new file is its owner's alone, like all that we make. One that is there keeps its mode, and its owner
    where we may give it away: so who wants another user to read a report (node_exporter, say) makes the file
    once, empty, with the mode that it shall have. A device or a pipe is just written to.
    """
    path = Path(os.path.realpath(file))
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.writelines(chunks)
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            _resemble(handle, path)
            stream.writelines(chunks)
            stream.flush()
            os.fsync(handle)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _resemble(handle: int, path: Path) -> None:
    try:
        about = path.stat()
    except FileNotFoundError:
        return
    with contextlib.suppress(PermissionError):
        os.fchown(handle, about.st_uid, about.st_gid)
    os.fchmod(handle, stat.S_IMODE(about.st_mode))
