"""One trial: a site, the reference model beside it, and everything that people do there, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tests.front.conftest import Ran
from tests.front.everything import Killed
from tests.model import wishes
from tests.model.events import Event, Fault
from tests.model.reference import Need, Reference, Resource
from tests.model.site import SETTLED, VARIANTS, Selection, Site
from tests.model.truth import Truth
from tests.model.verdict import excused, holds_always, holds_when_done, shown
from tests.model.wishes import Credential, Pipeline, Wish

DAY = 86400.0
EVERYTHING = Selection()


class Trial:
    """What is done to a workspace goes through here. ``counts`` says how much was tried."""

    def __init__(self, site: Site, counts: Counter[str]) -> None:
        self.site, self.counts = site, counts
        self.ica = Reference(older=site.older, lagging=VARIANTS[site.variant].read_lag > 0)
        self.fragile = False
        """The journal is another one since a moment ago."""
        self.quiet_since = self.others_since = 0.0
        """When anything was last written, and when somebody else last wrote."""

    # -- what is wished

    def declare(self, wish: Wish) -> None:
        if self.site.older:
            # The older API has no roles, and tells no names of pipelines.
            wish = replace(wish, role=False) if isinstance(wish, Credential) else wish
            wish = replace(wish, way="code") if isinstance(wish, Pipeline) else wish
        if isinstance(wish, Pipeline):
            # One pipeline has one manifest; the new one takes it over.
            self.ica.declared.pop(wishes.managed(wish.which, self.ica.declared), None)
        self.ica.declared[wishes.address(wish)] = wish
        self.site.say(f"# declared: {wish}")
        self.site.write(self.ica.declared)

    def undeclare(self, number: int) -> None:
        keys = sorted(self.ica.declared)
        if keys:
            gone = self.ica.declared.pop(keys[number % len(keys)])
            self.site.say(f"# declared no more: {wishes.address(gone)}")
            self.site.write(self.ica.declared)

    # -- what happens

    def happens(self, event: Event) -> None:
        self.site.say(f"# somebody else: {event}")
        self.site.clock.sleep(1)
        event.happen(self.site, self.ica)
        self.quiet_since = self.others_since = self.site.lab.clock.now()

    def waits(self, seconds: float) -> None:
        self.site.say(f"# {seconds:.0f} s pass")
        self.site.clock.sleep(seconds)

    def takes_over(self, journal: str, seconds: float) -> None:
        """Another machine, with a journal of its own or with one from earlier."""
        self.site.clock.sleep(seconds)
        self.site.journal = journal
        self.site.say(f"# {seconds:.0f} s later on another machine: the journal is {journal}")
        truth = self.site.truth()
        self.ica.tampered |= {row["id"] for row in [*truth.credentials, *truth.pipelines]}
        self._doubts(seconds)

    def forgets(self, seconds: float) -> None:
        self.site.clock.sleep(seconds)
        self.site.say(f"# {seconds:.0f} s later the journal is lost")
        self.site.forget()
        self.ica.memories.clear()
        self._doubts(seconds)

    def _doubts(self, seconds: float) -> None:
        """Soon after a run that this journal knows nothing of, one thing can be told by the server alone."""
        if seconds < SETTLED:
            self.fragile = True
            self.ica.lose(self.site.journal, [each for each in self.ica.resources() if each.item])

    # -- what icaform does

    def needs(self, chosen: list[Resource], truth: Truth) -> dict[str, Need]:
        site, ica = self.site, self.ica
        return {each.address: ica.need(each, truth, site.user, site.journal, chosen) for each in chosen}

    def shows(self, since: float) -> bool:
        """Whether reads show what was written then."""
        lag = VARIANTS[self.site.variant].read_lag
        return self.site.lab.clock.now() - since > lag or not lag

    def look(self, verb: str, selection: Selection) -> Ran:
        """A plan or a drift. A plan says what the reference says, wherever that can tell."""
        ran = self.site.read(verb, selection, "--detailed-exitcode")
        self.counts["looks"] += 1
        chosen = self.ica.chosen(selection)
        if not chosen:
            self.site.must(ran.code in (64, 65), "nothing is chosen")
        elif verb == "plan" and self.shows(self.quiet_since):
            self._foresaw(ran, self.needs(chosen, self.site.truth()))
        elif verb == "drift" and ran.code in (0, 2):
            told = bool(ran.json["resource_drift"])
            self.site.must((ran.code == 2) == told, f"drift tells {told} and exits with {ran.code}")
        return ran

    def _foresaw(self, ran: Ran, needs: dict[str, Need]) -> None:
        if any(each.fault for each in needs.values()):
            self.site.must(ran.code == 65, "a resource that cannot be told is an error")
            return
        rows = shown(ran)
        sure = {address: need for address, need in needs.items() if not need.vague}
        self.counts["resources foreseen"] += len(sure)
        self.counts["resources not foreseen"] += len(needs) - len(sure)
        expected = {address: need.row for address, need in sure.items() if need.row}
        told = {address: row for address, row in rows.items() if address in sure}
        self.site.must(told == expected, f"the plan says {told}, expected was {expected}")
        if len(sure) == len(needs):
            code = 1 if any(each.held for each in needs.values()) else 2 if rows else 0
            self.site.must(ran.code == code, f"the plan exits with {ran.code}, expected was {code}")

    def run(
        self,
        selection: Selection,
        faults: Sequence[Fault] = (),
        looks: int | None = None,
        approve: bool = False,
    ) -> int | None:
        """A plan, then an apply of it, perhaps disturbed, and what must hold. None where it was killed."""
        site, ica = self.site, self.ica
        options = self._options(self.look("plan", selection), approve)
        chosen, before = ica.chosen(selection), site.truth()
        needs, sure = self.needs(chosen, before), self.shows(self.quiet_since)
        blind = not self.shows(self.others_since)
        faults = () if self.fragile else faults
        if any(each.is_owed for each in faults):
            ica.owed += chosen
        ran = self._apply(selection, options, faults, looks)
        self.quiet_since = site.lab.clock.now()
        after = site.truth()
        holds_always(site, ica, chosen, before, after)
        for wrong in ica.learn(after):
            site.must(False, wrong)
        if ran is None or blind or (ran.code and (faults or looks)):
            ica.lose(site.journal, chosen)
        elif ran.code:
            if not sure or any(each.vague for each in needs.values()):
                ica.lose(site.journal, chosen)
            else:
                self._ended_badly(ran, chosen, needs, before, after)
        else:
            self.counts["applied"] += 1
            self.fragile = self.fragile and selection != EVERYTHING
            self._ended_well(selection, chosen, after)
        return None if ran is None else ran.code

    def _options(self, planned: Ran, approve: bool) -> list[str]:
        if planned.code not in (0, 1, 2):
            return ["--yes"]
        if approve:
            return ["--approve", planned.json["plan_digest"]]
        steps = sum(each["irreversible"] for each in planned.json["resource_changes"])
        return ["--yes", "--allow-irreversible", str(steps)]

    def _apply(
        self, selection: Selection, options: list[str], faults: Sequence[Fault], looks: int | None
    ) -> Ran | None:
        for each in faults:
            self.site.say(f"# {each}")
        if looks is not None:
            self.site.say(f"# to be killed at look {looks} at the clock")
        self.counts["applies"] += 1
        with self.site.faulty([each.document for each in faults]):
            self.site.clock.looks_left = looks
            try:
                return self.site.run("apply", selection, *options)
            except Killed:
                self.counts["killed"] += 1
                return None
            finally:
                self.site.clock.looks_left = None

    def _ended_well(self, selection: Selection, chosen: list[Resource], truth: Truth) -> None:
        """Everything has come true, and the next plan is empty but for what is held since it ran."""
        site, ica = self.site, self.ica
        holds_when_done(site, ica, chosen, truth)
        ica.remember(site.journal, chosen, truth, site.user, site.lab.clock.now())
        needs = self.needs(chosen, truth)
        excused = {address for address, need in needs.items() if need.changed or need.ended}
        again = shown(self.look("plan", selection)).keys()
        site.must(again <= excused, f"after an apply that exits with 0 the plan is not empty: {again}")

    def _ended_badly(
        self, ran: Ran, chosen: list[Resource], needs: dict[str, Need], before: Truth, after: Truth
    ) -> None:
        """An undisturbed apply that did not do everything has a reason, and did the rest."""
        site, ica = self.site, self.ica
        if not chosen or any(each.fault for each in needs.values()):
            site.must(ran.code in (64, 65), f"what cannot be told ends with {ran.code}")
            site.must(not site.lab.writes(), f"a refused apply wrote: {site.lab.writes()}")
            return
        site.must(ran.code in (1, 12, 77), f"an undisturbed apply exits with {ran.code}:\n{ran.text}")
        reasons = [each for each in needs.values() if each.held or each.doomed or each.risky]
        site.must(reasons, f"an undisturbed apply of what can be done exits with {ran.code}:\n{ran.text}")
        ended: dict[str, set[str]] = {}
        for row in ran.json["outcomes"]:
            ended.setdefault(row["address"], set()).add(row["outcome"])
        for each in chosen:
            need, how = needs[each.address], ended.get(each.address)
            if need.held or need.changed:
                continue
            if not need.verbs or how == {"done"}:
                holds_when_done(site, ica, [each], after)
                ica.remember(site.journal, [each], after, site.user, site.lab.clock.now())
            elif each.item and how == {"refused"} and (each.item.alone or after.sent != before.sent):
                ica.fail(site.journal, each, need.attempt)
            else:
                ica.lose(site.journal, [each])

    def ends(self) -> None:
        """With nothing in the way any more, every wish comes true, or there is a reason that one can see."""
        if not self.ica.declared:
            return
        site, ica = self.site, self.ica
        site.say("# the end: nothing fails any more")
        site.user = "ada"
        site.lab.control("DELETE", "/outcomes")
        ica.doomed = set()
        code: int | None = None
        for seconds in (SETTLED, 8 * DAY, 8 * DAY):
            site.clock.sleep(seconds)
            code = self.run(EVERYTHING)
            if code == 0:
                self.counts["ended well"] += 1
                return
        self.counts["ended excused"] += 1
        truth, chosen = site.truth(), ica.chosen(EVERYTHING)
        site.must(code in (1, 12, 65, 77), f"after all it still exits with {code}")
        needs = self.needs(chosen, truth)
        reasons = [each for each in chosen if excused(each, needs[each.address], truth)]
        site.must(reasons, f"nothing is in the way, and it still exits with {code}")
