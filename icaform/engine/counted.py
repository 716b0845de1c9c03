"""A transport that tells how many reads were asked for, and how many of them are answered."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from icaform.engine.observe import Transport
from icaform.engine.world import Progress
from icaform.operation import Answer, Call


class Counted:
    """Passes calls on, from several threads. A list is one read, however many pages it has."""

    def __init__(self, transport: Transport, progress: Progress) -> None:
        self._transport = transport
        self._progress = progress
        self._lock = threading.Lock()
        self._asked = self._answered = 0

    def send(self, call: Call, body: bytes | None = None) -> Answer:
        """The answer to one call; what a plan does is counted by whoever runs it."""
        return self._transport.send(call, body)

    def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers to some reads, in their order."""
        self._tell(asked=len(calls))
        answers = self._transport.send_all(calls)
        self._tell(answered=len(calls))
        return answers

    def close(self) -> None:
        """Give up what waits."""
        self._transport.close()

    def _tell(self, asked: int = 0, answered: int = 0) -> None:
        with self._lock:
            self._asked += asked
            self._answered += answered
            self._progress("read", "", self._answered, self._asked)
