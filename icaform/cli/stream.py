"""What goes on during a run as lines of ndjson on stdout, each flushed, for a program that follows it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping

from icaform.address import Address
from icaform.cli.output import Output
from icaform.engine.secrets import WITHHELD
from icaform.engine.world import Progress
from icaform.operation import Operation, Outcome
from icaform.render import ndjson
from icaform.wire.clock import Clock


class Stream:
    """Hears of operations, waits and notes, from several threads. That nobody reads ends no run."""

    def __init__(self, output: Output, clock: Clock) -> None:
        self._output = output
        self._clock = clock
        self._lock = threading.Lock()

    def began(self, operation: Operation) -> None:
        """The call of an operation is about to leave."""
        self._write(ndjson.began(operation, self._clock.now()))

    def ended(self, operation: Operation, outcomes: Mapping[Address, Outcome], done: int, of: int) -> None:
        """An operation ended; so have ``done`` of all resources by now."""
        self._write(ndjson.ended(operation, outcomes, done, of, self._clock.now()))

    def beside(self, progress: Progress) -> Progress:
        """A progress that tells its waits and notes here too."""

        def tell(kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
            progress(kind, text, done, of)
            if kind in ("wait", "note") and text:
                self._write(ndjson.told(kind, text, self._clock.now()))

        return tell

    def _write(self, line: str) -> None:
        secrets = self._output.secrets
        if secrets and secrets.leaks(line, cut=True):
            line = ndjson.told("note", WITHHELD, self._clock.now())
        with self._lock:
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except OSError as error:
                self._output.lose(error)
