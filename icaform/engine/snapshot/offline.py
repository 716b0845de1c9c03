"""A plan from a snapshot: no server, no credentials, no journal, no secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from icaform.diagnostic import Code, Diagnostic, Rejected, Severity
from icaform.engine.connect import Options
from icaform.engine.run import Run, prepare
from icaform.engine.secrets import Secrets
from icaform.engine.setting import Place
from icaform.engine.snapshot.file import Snapshot
from icaform.engine.snapshot.replay import Replay
from icaform.engine.world import World
from icaform.journal import Memory, Store
from icaform.kind import Kind
from icaform.operation import canonical
from icaform.plan import Plan
from icaform.state import Desired
from icaform.wire import BadAnswer, find_project
from icaform.wire.clock import Clock

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def plan(
    world: World,
    kinds: Mapping[str, Kind],
    place: Place,
    wishes: Sequence[Desired],
    snapshot: Snapshot,
    options: Options = Options(),  # noqa: B008 - frozen
    *,
    name: str,
    whole: bool = True,
    only_drifted: bool = False,
) -> Plan:
    """The plan that would have been made when the snapshot was taken. Rejected where that does not tell.

    Its first diagnostic is a warning that says how old the snapshot, the file ``name``, is. What a secret's
    value would change is not told: none is looked for.
    """
    wrong = _other_place(place, snapshot)
    if wrong:
        raise Rejected([wrong])
    project = find_project(
        options.flags, world.environ, world.home, snapshot.project or place.setting.project
    )
    replay = Replay(snapshot.answers)
    run = Run(
        replace(world, clock=_Then(snapshot.taken)),
        kinds,
        place,
        snapshot.server,
        project.value if project else "",
        replay,
        cast("Store", _Recalled(snapshot.memory)),
        Secrets({}, [], place.folder),
        snapshot.identity,
        wishes,
        whole=whole,
        only_drifted=only_drifted,
    )
    try:
        made, _ = prepare(run)
    except (BadAnswer, KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        why = f"the snapshot {name} does not hold what icaform writes ({type(error).__name__})"
        raise Rejected([Diagnostic(Code.SNAPSHOT, why, "take another one")]) from None
    ours = [each for each in made.diagnostics if each.code not in (Code.SECRET_UNSET, Code.SECRET_FORBIDDEN)]
    told = [_age(name, snapshot.taken, world.clock.now()), *_unknown(run, replay)]
    return replace(made, diagnostics=(*told, *ours))


def _other_place(place: Place, snapshot: Snapshot) -> Diagnostic | None:
    """What is wrong where the snapshot is of another workspace, or the manifests now apply elsewhere."""
    here, server = place.setting.workspace, place.setting.server or ""
    if here != snapshot.workspace:
        what = f"the snapshot is of workspace {snapshot.workspace!r}, the manifests are of {here!r}"
    elif server != snapshot.configured:
        what = "icaform.yaml named another server when the snapshot was taken"
    else:
        return None
    return Diagnostic(Code.SNAPSHOT, what, "take one of this workspace as it is now, where ICA can be asked")


def _unknown(run: Run, replay: Replay) -> Iterator[Diagnostic]:
    """A warning for each manifest with items that nobody asked for then."""
    assumed = canonical([call.body for call in replay.assumed])
    new = {wish.address.parent: wish for wish in reversed(run.wishes) if wish.address.item}
    for address, wish in reversed(new.items()):
        if f'/{address.name}"' in assumed:
            yield Diagnostic(
                Code.SNAPSHOT,
                f"the snapshot knows nothing of {address}: it is taken to be new",
                "if it is not, the plan that is made where ICA can be asked will say so",
                origin=wish.origin,
                address=address,
                severity=Severity.WARNING,
            )


def _age(name: str, taken: float, now: float) -> Diagnostic:
    moment = datetime.fromtimestamp(taken, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Diagnostic(
        Code.SNAPSHOT,
        f"planned offline: {name} is {ago(now - taken)}, of {moment}; what changed in ICA since is not seen",
        "icaform plan, where ICA can be asked, tells how things stand now",
        severity=Severity.WARNING,
    )


def ago(seconds: float) -> str:
    """An age in words, rounded down."""
    if seconds < 0:
        return "from the future, by this machine's clock"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        count = int(seconds // unit)
        if count:
            return f"{count:,} {name}{'s' if count > 1 else ''} old"
    return "less than a minute old"


@dataclass(frozen=True)
class _Recalled:
    """A journal of which only its memory came along; nothing can be written to it."""

    known: Memory
    name: str = "the snapshot"

    def memory(self) -> Memory:
        return self.known

    def fingerprint_key(self) -> None:
        return None


@dataclass(frozen=True)
class _Then(Clock):
    """The clock as it stood when the snapshot was taken."""

    time: float

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError("a plan does not wait")
