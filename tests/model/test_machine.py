"""Whatever is wished, whatever others do, whatever fails: each wish comes true once, nothing else does."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.model import events, wishes
from tests.model.doors import Doors
from tests.model.events import Decides, Event, Fault
from tests.model.profiles import searching
from tests.model.site import SETTLED, VARIANTS, Selection, Servers, Site
from tests.model.trial import DAY, EVERYTHING, Trial
from tests.model.wishes import Batch, Item, Wish

selections = st.builds(
    Selection,
    team=st.sampled_from(["", "", *wishes.TEAMS]),
    only=st.sampled_from(["", "", "AnalysisBatch", "StorageCredential/*", "*/c*", "AnalysisBatch/*[S1]"]),
    exclude=st.sampled_from(["", "", "", "Pipeline", "AnalysisBatch/cohort[no]", "StorageCredential/lab"]),
)


class Workspace(RuleBasedStateMachine):
    """One workspace through a life of edits, applies and mishaps."""

    def __init__(self, servers: Servers, counts: Counter[str]) -> None:
        super().__init__()
        self.servers, self.counts = servers, counts
        self.doors = Doors()
        self.trial: Trial
        counts["examples"] += 1
        if counts["examples"] % 100 == 0:
            print(f"model checking so far: {dict(counts)}", flush=True)

    @initialize(
        variant=st.sampled_from(list(VARIANTS)),
        threads=st.booleans(),
        first=st.lists(wishes.wishes, min_size=1, max_size=4),
    )
    def begin(self, variant: str, threads: bool, first: list[Wish]) -> None:
        """A fresh world. With ``threads`` calls go out side by side, as they do in life."""
        site = Site(self.servers[variant], variant)
        self.doors.open(site, in_turn=not threads)
        self.trial = Trial(site, self.counts)
        for wish in first:
            self.trial.declare(wish)

    def teardown(self) -> None:
        try:
            if hasattr(self, "trial") and sys.exc_info()[0] is None:
                self.trial.ends()
        finally:
            self.doors.close()
            if hasattr(self, "trial"):
                self.counts["commands"] += self.trial.site.commands
                self.trial.site.close()

    @rule(wish=wishes.wishes)
    def declare(self, wish: Wish) -> None:
        self.trial.declare(wish)

    @rule(wish=wishes.batches, more=wishes.items)
    def edit(self, wish: Batch, more: Item) -> None:
        """A batch that is declared grows by an item, or changes one."""
        known = self.trial.ica.declared.get(wishes.address(wish), wish)
        assert isinstance(known, Batch)
        items = tuple(each for each in known.items if each.name != more.name)
        self.trial.declare(replace(known, items=(*items, more)))

    @rule(number=st.integers(0, 9))
    def undeclare(self, number: int) -> None:
        self.trial.undeclare(number)

    @rule(event=events.events)
    def meanwhile(self, event: Event) -> None:
        self.trial.happens(event)

    @rule(seconds=st.sampled_from([1.0, 40.0, 100.0, 400.0, SETTLED, 6.9 * DAY, 8 * DAY]))
    def wait(self, seconds: float) -> None:
        self.trial.waits(seconds)

    @rule(user=st.sampled_from(["ada", "grace"]))
    def become(self, user: str) -> None:
        self.trial.site.user = user
        self.trial.site.say(f"# applied by {user} from now on")

    @rule(journal=st.sampled_from(["elsewhere", "here"]), seconds=st.sampled_from([100.0, SETTLED]))
    def move(self, journal: str, seconds: float) -> None:
        self.trial.takes_over(journal, seconds)

    @rule(seconds=st.sampled_from([1.0, SETTLED]))
    def lose(self, seconds: float) -> None:
        self.trial.forgets(seconds)

    @rule(selection=selections, verb=st.sampled_from(["plan", "drift"]))
    def look(self, selection: Selection, verb: str) -> None:
        self.trial.look(verb, selection)

    @rule(approve=st.booleans())
    def apply(self, approve: bool) -> None:
        self.trial.run(EVERYTHING, approve=approve)

    @rule(selection=selections)
    def apply_some(self, selection: Selection) -> None:
        self.trial.run(selection)

    @rule(decides=st.none() | events.decides, times=st.integers(2, 4))
    def apply_on_a_schedule(self, decides: Decides | None, times: int) -> None:
        """What fails, fails as often as it is tried."""
        if decides:
            self.trial.happens(decides)
        for _ in range(times):
            self.trial.run(EVERYTHING)
            self.trial.waits(400.0)

    @rule(wish=st.none() | wishes.wishes, faults=st.lists(events.faults, min_size=1, max_size=3))
    def apply_with_faults(self, wish: Wish | None, faults: list[Fault]) -> None:
        if wish:
            self.trial.declare(wish)
        self.trial.run(EVERYTHING, faults)

    @rule(
        wish=st.none() | wishes.wishes,
        looks=st.integers(1, 150),
        faults=st.lists(events.faults, max_size=1),
    )
    def die_applying(self, wish: Wish | None, looks: int, faults: list[Fault]) -> None:
        if wish:
            self.trial.declare(wish)
        self.trial.run(EVERYTHING, faults, looks)


def test_each_wish_comes_true_once_and_nothing_else_changes(servers: Servers) -> None:
    counts: Counter[str] = Counter()
    try:
        machine: Any = partial(Workspace, servers, counts)
        run_state_machine_as_test(machine, settings=searching(8, 2000, steps=10))
    finally:
        print(f"\nmodel checking: {dict(counts)}")
