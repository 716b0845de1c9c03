"""A transport that passes calls on, asks no question twice, and knows afterwards all that it was told."""

from __future__ import annotations

from collections.abc import Sequence

from icaform.engine.observe import Transport
from icaform.operation import Answer, Call, Json, canonical


def asked_by(call: Call) -> tuple[Json, ...]:
    """What a call asks: method, path, Accept, query, body, and whether its list is read to the end."""
    return call.method, call.path, call.accept, [list(each) for each in call.query], call.body, call.paged


def question(call: Call) -> str:
    """What makes two calls the same question."""
    return canonical(asked_by(call))


class Listener:
    """Hears every answer. For reads alone: nothing that it was told grows old in one run."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.heard: dict[str, tuple[Call, Answer]] = {}

    def send(self, call: Call, body: bytes | None = None) -> Answer:
        """The answer to one call."""
        (answer,) = self.send_all([call])
        return answer

    def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers to some calls, in their order."""
        new = {question(call): call for call in calls if question(call) not in self.heard}
        answers = self._transport.send_all(list(new.values()))
        for (asked, call), answer in zip(new.items(), answers, strict=True):
            self.heard[asked] = call, answer
        return [self.heard[question(call)][1] for call in calls]

    def close(self) -> None:
        """Nothing is kept open here."""
