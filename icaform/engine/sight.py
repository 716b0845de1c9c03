"""What shows of the effect of a call, whatever the journal and the manifests say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from icaform.address import Address
from icaform.change import Create, Held, Keep, Update
from icaform.engine.frozen import dated
from icaform.engine.run import Run
from icaform.operation import Operation, Repeat
from icaform.state import Begun, Live

CLOCKS = 86400.0
"""Seconds by which the clocks of two machines may differ where no answer of ICA's told its time to both."""


@dataclass(slots=True)
class Sight:
    """What shows of the effect of one operation: which of its resources are ``there`` by it, which may be
    ``coming``, which are ``missing``, which cannot be told; and the id of the ``work`` that makes them.
    """

    there: dict[Address, Live] = field(default_factory=dict)
    coming: list[Address] = field(default_factory=list)
    missing: list[Address] = field(default_factory=list)
    unsure: list[Address] = field(default_factory=list)
    work: str = ""

    @property
    def whole(self) -> bool:
        """All of it is there."""
        return bool(self.there) and not (self.coming or self.missing or self.unsure)


def sight_of(run: Run, operation: Operation, live: Mapping[Address, Live]) -> Sight:
    """Which resources of an operation show its effect by now, which do not, which cannot be told.

    That the manifests do not ask for it any more proves nothing: they may be others by now. Ids of ``live``
    save the search for them. WireError and RefusedByServer as ``Run.look``.
    """
    sight = Sight()
    changes, shows = run.sight(operation.addresses, live)
    for address, change in changes.items():
        shown = shows.get(address)
        if shown is not None and run.kinds[address.kind].proves(operation, shown):
            sight.there[address] = shown
            continue
        match change:
            case Keep(awaited=True):
                sight.coming.append(address)
            case Create() | Update():
                sight.missing.append(address)
            case Keep() if operation.call.repeat is Repeat.SAME:
                # Nobody asks for it any more, and of what it wrote nothing shows.
                sight.missing.append(address)
            case Keep() | Held() | None:
                # Something is there, and nothing tells that it is by this call.
                sight.unsure.append(address)
            case _:
                assert_never(change)
    sight.work = work_of(operation, sight.there)
    return sight


def work_of(operation: Operation, there: Mapping[Address, Live]) -> str:
    """The id of what an operation has started, where what it makes of its resources tells that."""
    if not operation.works:
        return ""
    return next(
        (str(live.facts[operation.id_fact]) for live in there.values() if live.facts.get(operation.id_fact)),
        "",
    )


def is_over(run: Run, begun: Begun, operation: Operation) -> bool:
    """Whether a call of which nothing shows can have no effect any more."""
    return age(run, begun) >= run.place.setting.readLag + operation.arrives


def age(run: Run, begun: Begun) -> float:
    """Seconds for which a call is surely begun."""
    told = dated(begun) and run.ahead() is not None
    return run.now() - begun.time - (0.0 if told else CLOCKS)
