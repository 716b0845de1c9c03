"""Runs the program that a secret comes from: within a time, and up to so many bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

TICK = 0.02
"""Seconds between two looks at a program that has written nothing new."""
_PIECE = 1 << 16


class Failed(Exception):  # noqa: N818 - a verdict on a program
    """It handed out nothing that can be used; the text says why, and quotes nothing of it."""


def output_of(arguments: Sequence[str], folder: Path, seconds: float, most: int) -> bytes:
    """What a program writes to its standard output until it ends; Failed.

    It is the program's own end that counts: an agent that it started may keep the pipe open for ever. It
    reads nothing, and what it says on stderr is dropped, for it may be the secret as well.
    """
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "that is no command"
        raise Failed(f"could not be run: {why}") from None
    try:
        data = _read(process, time.monotonic() + seconds, most)
    finally:
        if process.poll() is None:
            _end(process)
        if process.stdout:
            process.stdout.close()
    if data is None:
        raise Failed(f"had not ended after {seconds:g} s")
    if len(data) > most:
        raise Failed(f"writes more than {most:,} bytes, which is no secret")
    if process.returncode:
        raise Failed(f"ended with code {process.returncode}")
    return data


def _read(process: subprocess.Popen[bytes], due: float, most: int) -> bytes | None:
    """Everything until the program has ended, or a little more than ``most``; None where it is too late."""
    assert process.stdout
    pipe = process.stdout.fileno()
    os.set_blocking(pipe, False)
    data = b""
    while len(data) <= most:
        ended = process.poll() is not None
        try:
            piece = os.read(pipe, _PIECE)
        except BlockingIOError:
            piece = b""
        data += piece
        if piece:
            continue
        if ended:
            return data
        if time.monotonic() > due:
            return None
        try:
            process.wait(TICK)
        except subprocess.TimeoutExpired:
            continue
    return data


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it, and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):
        process.kill()
    process.wait()
