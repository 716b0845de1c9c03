"""One run of icaform: the wishes, the server, the journal and the surroundings, put together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from icaform.address import Address
from icaform.change import Change, Keep
from icaform.diagnostic import Code, Diagnostic, Rejected, Severity
from icaform.engine.bookmark import Bookmark
from icaform.engine.observe import Transport, observe
from icaform.engine.secrets import Secrets
from icaform.engine.setting import Place
from icaform.engine.world import World
from icaform.journal.entry import DECIDED, NO_FACTS, Facts, Memory, merge
from icaform.journal.store import Intent, Lease, Store
from icaform.kind import Kind
from icaform.operation import AT_WORK, Json, Repeat
from icaform.plan import Plan, make
from icaform.state import Begun, Desired, Identity, Live, Observed, View

MAKING = (Repeat.NEVER, Repeat.KEYED)
"""Calls of which a second one makes a second thing, at once or once the key's life is over."""
AWAITED = 960.0
"""Seconds that an apply waits for what an earlier run has started. A kind takes what it sees in part to be
arriving for 900 s, and the wait must outlast that."""
TWICE = "nothing of it shows; looking once more, for work that ended just now and is not told yet"
"""Why absence takes two looks, the read lag apart: a job may be told to be over before what it has made, so
what was no more at work at the first look is proven not to be there by the second alone."""
LOOKS = (5.0, 10.0, 20.0, 30.0)
"""Seconds between looks at that; the last one is repeated."""


@dataclass
class Run:
    """What every verb that talks to a server needs. ``whole`` is false where a selection left wishes out."""

    world: World
    kinds: Mapping[str, Kind]
    place: Place
    server: str
    project: str
    session: Transport
    store: Store
    secrets: Secrets
    identity: Identity
    wishes: Sequence[Desired]
    whole: bool = True
    only_drifted: bool = False
    alone: bool = False
    """Whether the server is this workspace's own: nobody else ever wrote to it."""
    observed_at: float = field(default=0.0, init=False)
    """When the observation began that the last plan rests on, by this machine's clock."""
    ahead: Callable[[], float | None] = field(default_factory=lambda: lambda: None, init=False)
    """By how many seconds this machine's clock is ahead of ICA's; None as long as no answer told."""
    holds: Callable[[], bool] = field(default=lambda: True, init=False)
    """Whether the workspace is still this run's alone; once it is not, nothing more is begun or sent."""
    lease: Lease | None = field(default=None, init=False)
    unclear: set[int] = field(default_factory=set, init=False)
    """Numbers of pending entries of which a look could not tell whether they had their effect."""
    by_address: dict[Address, Desired] = field(init=False)
    bookmark: Bookmark = field(init=False)
    _memory: Memory | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.by_address = {wish.address: wish for wish in self.wishes}
        self.secrets.key = self.store.fingerprint_key()
        whose = (self.server, self.identity.tenant, self.place.setting.workspace)
        self.bookmark = Bookmark(self.world, self.store, None if self.alone else whose)

    def memory(self) -> Memory:
        """What the journal told when it was first asked, and what this run wrote since.

        Nobody else writes while this run holds the lease, and reading it again for each operation would make
        an apply quadratic.
        """
        with self._lock:
            if self._memory is None:
                self._memory = self.store.memory()
            return self._memory

    def hold(self, lease: Lease, holds: Callable[[], bool]) -> None:
        """The workspace is this run's alone from now on; what was read before may be outdated."""
        with self._lock:
            self.lease, self.holds, self._memory = lease, holds, None

    def now(self) -> float:
        """ICA's time: of it are the times that ICA tells, and what this workspace's runs tell each other."""
        return self.world.clock.now() - (self.ahead() or 0.0)

    def begin(self, intent: Intent) -> int:
        """Write down, durably, a call that is about to be sent; Rejected once the workspace is another's."""
        memory = self.memory()
        number = self.store.begin(intent, self.lease)
        with self._lock:
            memory.pending[number] = intent.numbered(number)
        return number

    def ended(self, number: int, outcome: str, facts: Facts = NO_FACTS, note: str = "") -> None:
        """Write down, durably, how a call ended and what is to be remembered of it."""
        facts, note = self._sifted(facts), self.secrets.sifted(note)
        self.store.end(number, outcome, facts, note, self.now())
        if outcome in DECIDED:
            self.memory().pending.pop(number, None)
        self._learn(facts)

    def adopt(self, facts: Facts) -> None:
        """Remember facts that were learned without a call of ours."""
        if facts := self._sifted(facts):
            self.store.adopt(facts, self.now())
            self._learn(facts)

    def _sifted(self, facts: Facts) -> Facts:
        return {address: self.secrets.sifted(each) for address, each in facts.items()}

    def _learn(self, facts: Facts) -> None:
        remembered = self.memory().remembered
        with self._lock:
            for address, new in facts.items():
                remembered[address] = merge(remembered.get(address, {}), new)

    def pause(self, seconds: float, reason: str) -> None:
        """Let time pass, telling why."""
        self.world.progress("wait", reason)
        try:
            self.world.clock.sleep(seconds)
        finally:
            self.world.progress("waited", reason)

    def view(self, memory: Memory, ids: Mapping[Address, str] | None = None) -> View:
        """What the kinds may look at."""
        pending: dict[Address, Begun] = {
            address: begun for begun in tuple(memory.pending.values()) for address in begun.addresses
        }
        return View(
            self.place.setting.workspace,
            self.project,
            self.identity,
            self.now,
            memory.remembered,
            pending,
            ids or {},
            fingerprint=self.secrets.fingerprint,
            read_lag=self.place.setting.readLag,
        )

    def look(
        self, addresses: Sequence[Address], live: Mapping[Address, Live]
    ) -> dict[Address, Change | None]:
        """Observe and compare some resources afresh; ids of ``live``, where known, save the search for them.

        None where the observation could not tell, or nothing is declared.
        """
        return self.sight(addresses, live)[0]

    def sight(
        self, addresses: Sequence[Address], live: Mapping[Address, Live]
    ) -> tuple[dict[Address, Change | None], Mapping[Address, Live]]:
        """As ``look``, and what was observed beside it: what shows, whatever the manifests wish by now."""
        wishes = [self.by_address[each] for each in addresses if each in self.by_address]
        view = self.view(self.memory(), {each: live[each].id for each in addresses if each in live})
        observed = observe(self.kinds, wishes, view, self.session)
        view, unclear = replace(view, resolved=observed.resolved), observed.unclear
        changes: dict[Address, Change | None] = dict.fromkeys(addresses)
        for wish in wishes:
            address = wish.address
            if address not in unclear and address.parent not in unclear:
                changes[address] = self.kinds[address.kind].compare(wish, observed.live.get(address), view)
        return changes, observed.live


def prepare(run: Run, calls: Mapping[str, int] | None = None) -> tuple[Plan, Observed]:
    """Observe everything and make the plan. It writes nothing."""
    view = run.view(run.memory())
    run.observed_at = run.world.clock.now()
    observed = observe(run.kinds, run.wishes, view, run.session)
    return planned(run, observed, calls), observed


def planned(run: Run, observed: Observed, calls: Mapping[str, int] | None = None) -> Plan:
    """The plan that an observation leads to."""
    memory = run.memory()
    return make(
        run.kinds,
        run.wishes,
        observed,
        run.view(memory),
        server=run.server,
        diagnostics=unset_secrets(run) + waiting(memory, run),
        reads=sum(calls.values()) if calls is not None else 0,
        whole=run.whole,
        only_drifted=run.only_drifted,
    )


def recalled(
    run: Run, calls: Mapping[str, int] | None = None, *, first: bool = False
) -> tuple[Plan, Observed]:
    """The plan, made with patience where the journal may lack the last run: it was lost, restored from a
    backup or a cache, or is not the only one.

    A run that died moments ago may then have started what does not show yet, and neither the journal nor, for
    another user or another manifest, a key would tell. ``first`` says that there was no such run.
    """
    made, observed = arrived(run, calls)
    making = [each for each in made.operations if each.call.repeat in MAKING]
    if run.alone or not making:
        return made, observed
    doubt, memory = run.bookmark.doubt(), run.memory()
    if not memory.remembered and not memory.pending:
        doubt = f"the journal knows nothing of workspace {run.place.setting.workspace}"
    if first or not doubt:
        return made, observed
    hides = max(each.hides for each in making)
    wait = run.place.setting.readLag + max(AT_WORK, hides)
    untold = ", and ICA does not tell what it is at work on" if hides else ""
    while doubt:
        run.pause(
            wait,
            f"{doubt}{untold}: waiting {wait:.0f} s, for what a run that died just now may have started "
            "(--first-run: there was none)",
        )
        doubt = run.bookmark.doubt() if run.bookmark.moved() else ""
    made, observed = arrived(run, calls)
    unseen = next((each for each in made.operations if each.works), None)
    if unseen is None:
        return made, observed
    run.pause(run.place.setting.readLag, f"{unseen.name}: {TWICE}")
    return arrived(run, calls)


def arrived(run: Run, calls: Mapping[str, int] | None = None) -> tuple[Plan, Observed]:
    """The plan once what an earlier run has started came to be, or did not: waits for that, within bounds."""
    made, observed = prepare(run, calls)
    waited, looks = 0.0, chain(LOOKS, repeat(LOOKS[-1]))
    awaited: set[Address] = set()
    # What has come may show that more is on its way: a chunk of which some are there, and not all.
    while waited < AWAITED and (open_ := _awaited(made.changes)):
        awaited.update(open_)
        while waited < AWAITED and open_:
            pause = next(looks)
            run.pause(pause, f"{open_[0].parent}: {len(open_)} from an earlier run being created")
            waited += pause
            open_ = _awaited(run.look(open_, {}).values())
        made, observed = prepare(run, calls)
    return legible(run, made, observed, calls, awaited)


def _awaited(changes: Iterable[Change | None]) -> list[Address]:
    return [each.address for each in changes if isinstance(each, Keep) and each.awaited]


def legible(
    run: Run,
    made: Plan,
    observed: Observed,
    calls: Mapping[str, int] | None = None,
    awaited: Container[Address] = (),
) -> tuple[Plan, Observed]:
    """The plan once what it would change can be read as an earlier run has written it.

    A time to come tells that some clock was wrong, and not when it was: as if it were written just now. So is
    what was ``awaited`` until now, for that its work is over may be told before what that brought.
    """
    memory, now = run.memory().remembered, run.now()
    written = max(
        (
            now if address in awaited else float(memory.get(address, {}).get("written") or 0)
            for operation in made.operations
            for address in operation.addresses
        ),
        default=0.0,
    )
    wait = min(written, now) + run.place.setting.readLag - now
    if wait <= 0 or run.alone:
        return made, observed
    run.pause(wait, f"waiting {wait:.0f} s, until what an earlier run wrote can be read")
    return prepare(run, calls)


def unset_secrets(run: Run) -> list[Diagnostic]:
    """A warning for each secret that cannot be had here: it is needed once it must be sent."""
    found = []
    for wish in run.wishes:
        for secret in wish.secrets:
            if secret.source[0] == "command":
                continue
            try:
                run.secrets.value(secret)
            except Rejected as rejected:
                found += [
                    replace(each, origin=wish.origin, address=wish.address, severity=Severity.WARNING)
                    for each in rejected.diagnostics
                ]
    return found


def waiting(memory: Memory, run: Run) -> list[Diagnostic]:
    """A warning for each call that was begun and is not known to have ended."""
    return [
        Diagnostic(
            Code.STILL_RUNNING,
            f"a call to {begun.verb} {begun.addresses[0]}"
            + (f" and {len(begun.addresses) - 1} more" if len(begun.addresses) > 1 else "")
            + " was begun and its answer is not known",
            "apply looks what became of it before it sends anything; icaform journal settle closes it",
            address=begun.addresses[0],
            severity=Severity.WARNING,
        )
        for begun in memory.pending.values()
    ]


def ago(begun: Begun, now: float) -> str:
    """How long ago a call was begun, as far as the clocks can tell."""
    age = now - begun.time
    return f"{age:.0f} s ago" if age >= 0 else "by a clock that was ahead of this one"


def facts_of(run: Run, change: Keep, before: Live | None) -> Mapping[str, Json]:
    """What to remember of a resource that is as wanted."""
    if change.live is None:
        return {}
    return run.kinds[change.address.kind].recall(change.desired, change.live, before)
