"""How long and how much the wire puts up with, and what it tells of itself meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one Session. Times in seconds, sizes in bytes."""

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    """Longest silence of the server while an answer is awaited or read."""
    patience: float = 120.0
    """How long after its start a call may still be sent again, or wait for its turn."""
    first_contact: float = 20.0
    """The same for a server that has not answered once: a wrong address is likelier than an outage."""
    call_deadline: float = 300.0
    """Longest time from the sending of a request to the last byte of its answer."""
    max_body: int = 256 * MIB
    """Largest answer, counted after decompression."""
    page_size: int = 1000
    """Items per page; ICA publishes no maximum, 1000 is what its clients use."""
    workers: int = 8
    """How many reads go out at once."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, for a progress display. Holds no secret and no body.

    ``call``: one request was answered (``status``) or failed (``reason``) after ``seconds``.
    ``retry``: it will be sent again, not before ``seconds`` have passed.
    ``wait``: a call waited ``seconds`` for its turn.
    """

    kind: Literal["call", "retry", "wait"]
    call: str
    status: int | None = None
    seconds: float = 0.0
    reason: str = ""
