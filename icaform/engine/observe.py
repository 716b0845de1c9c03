"""Holds the conversations that kinds have with the server: their calls go out, the answers go back."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol, TypeVar

from icaform.kind import Kind
from icaform.operation import Answer, Call, Steps, Wait, canonical
from icaform.state import Desired, Observed, View
from icaform.wire import BadAnswer

Result = TypeVar("Result")


class Transport(Protocol):
    """What the engine needs of the wire."""

    def send(self, call: Call, body: bytes | None = None) -> Answer: ...

    def send_all(self, calls: Sequence[Call]) -> list[Answer]: ...

    def close(self) -> None: ...


class Pause(Protocol):
    """Lets time pass, telling why."""

    def __call__(self, seconds: float, reason: str) -> None: ...


def converse(steps: Steps[Result], transport: Transport, pause: Pause) -> Result:
    """Hold one conversation to its end."""
    try:
        wish = next(steps)
        while True:
            if isinstance(wish, Wait):
                pause(wish.seconds, wish.reason)
                wish = steps.send(())
            else:
                wish = told(steps, wish, tuple(transport.send_all(wish)))
    except StopIteration as end:
        result: Result = end.value
        return result


def told(
    steps: Steps[Result], calls: tuple[Call, ...], answers: tuple[Answer, ...]
) -> tuple[Call, ...] | Wait:
    """Pass answers on. BadAnswer where one lacks what ICA's contract promises, and so cannot be read."""
    try:
        return steps.send(answers)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        flaw = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        what = f"an answer is not what ICA's contract says: {flaw}"
        raise BadAnswer(calls[-1], what) from error


def observe(
    kinds: Mapping[str, Kind], wishes: Sequence[Desired], view: View, transport: Transport
) -> Observed:
    """Observe all kinds side by side. A question that two of them ask is asked once."""
    by_kind: dict[str, list[Desired]] = {}
    for wish in wishes:
        by_kind.setdefault(wish.address.kind, []).append(wish)
    talks: list[Generator[tuple[Call, ...] | Wait, tuple[Answer, ...], Observed]] = [
        kinds[name].observe(group, view) for name, group in by_kind.items()
    ]
    return _merged(_together(talks, transport))


def _together(talks: Sequence[Steps[Observed]], transport: Transport) -> list[Observed]:
    results: dict[int, Observed] = {}
    waiting: dict[int, tuple[Call, ...]] = {}
    answered: dict[str, Answer] = {}

    def advance(number: int, answers: tuple[Answer, ...] | None = None, asked: tuple[Call, ...] = ()) -> None:
        try:
            wish = next(talks[number]) if answers is None else told(talks[number], asked, answers)
        except StopIteration as end:
            results[number] = end.value
            return
        assert not isinstance(wish, Wait), "an observation does not wait"
        waiting[number] = wish

    for number in range(len(talks)):
        advance(number)
    while waiting:
        asked = {_question(call): call for calls in waiting.values() for call in calls}
        new = {question: call for question, call in asked.items() if question not in answered}
        answered.update(zip(new, transport.send_all(list(new.values())), strict=True))
        for number, calls in list(waiting.items()):
            del waiting[number]
            advance(number, tuple(answered[_question(call)] for call in calls), calls)
    return [results[number] for number in range(len(talks))]


def _question(call: Call) -> str:
    return canonical([call.method, call.path, call.accept, call.query, call.body, call.paged])


def _merged(parts: Sequence[Observed]) -> Observed:
    if len(parts) == 1:
        return parts[0]
    return Observed(
        {address: live for part in parts for address, live in part.live.items()},
        tuple(fault for part in parts for fault in part.faults),
        tuple(live for part in parts for live in part.unmanaged),
        {address: ids for part in parts for address, ids in part.resolved.items()},
    )
