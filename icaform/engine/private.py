"""Files that are ours: for their owner alone, whatever the umask, and whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a file in one step, so that no reader and no crash meets half of it; OSError if that fails."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            os.chmod(draft, 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


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
        write(ignore, "*\n")
