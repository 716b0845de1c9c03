"""Threads that wait to write take one turn together: they share a transaction, and its wait for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeAlias

from icaform.journal.database import Result, Transaction

Work: TypeAlias = Callable[[Transaction], Any]
Ended: TypeAlias = tuple[Any, BaseException | None]
"""What one work gave, or what it raised."""


class Turns:
    """Who may use the one connection of a database.

    ``transact`` does a work in one transaction, durably. ``verdict`` gives what the caller is to see of an
    error: of the driver's, a diagnostic; any other as it is. ``faults`` are the driver's.
    """

    def __init__(
        self,
        transact: Callable[[Work], Any],
        verdict: Callable[[BaseException], BaseException],
        faults: tuple[type[Exception], ...],
    ) -> None:
        self.turn = Lock()
        self._transact = transact
        self._verdict = verdict
        self._faults = faults
        self._waiting: deque[tuple[Work, Future[Any]]] = deque()

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Do the work in a transaction of its own, or in one with others that wait."""
        answer: Future[Result] = Future()
        self._waiting.append((work, answer))
        with self.turn:
            if not answer.done():
                self._write_waiting()
        return answer.result()

    def _write_waiting(self) -> None:
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        works = [work for work, _ in group]
        try:
            for (_, answer), (result, error) in zip(group, self._done(works), strict=True):
                answer.set_exception(self._verdict(error)) if error else answer.set_result(result)
        except BaseException as error:
            # After an interrupt, too: those who wait for an answer must not wait for ever.
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(self._verdict(error))
            if not isinstance(error, Exception):
                raise

    def _done(self, works: Sequence[Work]) -> Sequence[Ended]:
        if len(works) == 1:
            return [(self._transact(works[0]), None)]
        ended: Sequence[Ended] = self._transact(lambda each: [self._attempt(each, work) for work in works])
        return ended

    def _attempt(self, transaction: Transaction, work: Work) -> Ended:
        """The result of one of a group, or what it raised; then it is undone, and the others go on."""
        transaction.rows("SAVEPOINT one")
        result, failure = None, None
        try:
            result = work(transaction)
        except Exception as error:
            failure = error
            self._undo(transaction, error)
        transaction.rows("RELEASE one")
        return result, failure

    def _undo(self, transaction: Transaction, error: Exception) -> None:
        try:
            transaction.rows("ROLLBACK TO one")
        except self._faults as lost:
            # The database gave the whole transaction up, or is gone.
            raise (error if isinstance(error, self._faults) else lost) from None
