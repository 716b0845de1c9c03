"""Many reads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from icaform.wire.problem import WireError

Asked = TypeVar("Asked")
Got = TypeVar("Got")


def fan_out(send: Callable[[Asked], Got], asked: Sequence[Asked], workers: int) -> list[Got]:
    """``[send(each) for each in asked]``, several at a time.

    After an exception no more are begun; those under way end; the first WireError in order is raised, before
    it any other exception, which is a defect. An interrupt leaves at once.
    """
    if len(asked) < 2 or workers < 2:
        return [send(each) for each in asked]
    got: dict[int, Got] = {}
    failed: dict[int, BaseException] = {}
    todo = iter(enumerate(asked))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                place, each = next(todo, (-1, None)) if not failed else (-1, None)
            if place < 0 or each is None:
                return
            try:
                got[place] = send(each)
            except BaseException as error:
                failed[place] = error

    # Daemons, and no pool of the standard library: that one makes the interpreter wait for answers in flight,
    # and a stopped run has five seconds.
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(asked)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        first = min(failed, key=lambda place: (isinstance(failed[place], WireError), place))
        raise failed[first]
    return [got[place] for place in range(len(asked))]
