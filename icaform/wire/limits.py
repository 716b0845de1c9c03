"""How long and how much the wire puts up with, and what it tells of itself meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    question: float = 900.0
    """Longest time for one question, the repeats of its call and all pages of its list included."""
    max_body: int = 64 * MIB
    """Largest answer, counted after decompression."""
    max_held: int = 288 * MIB
    """What all answers that are held at once may take of the machine's memory, as ``memory`` reckons it."""
    page_size: int = 1000
    """Items per page; ICA publishes no maximum, 1000 is what its clients use."""
    workers: int = 8
    """How many reads go out at once."""
    calls_per_second: float | None = None
    """Never more than these, whatever the server allows."""

    def within(self, seconds: float) -> Limits:
        """The same, where one question may take so many seconds and no more."""
        return replace(
            self,
            connect_timeout=min(self.connect_timeout, seconds),
            read_timeout=seconds,
            patience=min(self.patience, seconds),
            first_contact=min(self.first_contact, seconds),
            call_deadline=seconds,
            question=seconds,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, for a progress display. Holds no secret and no body.

    ``call``: one request was answered (``status``) or failed (``reason``) after ``seconds``.
    ``retry``: it will be sent again, not before ``seconds`` have passed.
    ``wait``: a call waited ``seconds`` for its turn. ``pace`` is the pace then, in calls per second.
    """

    kind: Literal["call", "retry", "wait"]
    call: str
    status: int | None = None
    seconds: float = 0.0
    reason: str = ""
    pace: float | None = None
