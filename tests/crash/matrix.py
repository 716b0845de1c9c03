"""Kills at every point of a run, under every fault, and what the runs after it make of the rest.

A run is walked through first: at each point the state of server and journal is looked at. Where it is one
that nobody has met, a run under the same fault is killed at that point, and from what it leaves reruns are
made: now or eight days later, by the same user or another, with the journal or without, and with the manifest
as it was, grown or changed. Where nothing goes wrong a run is killed at every point, and must leave what was
seen when walking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count, product
from typing import Any

from tests.crash import likeness, workspace
from tests.crash.aftermath import ENDED, Aftermath
from tests.crash.case import DEFAULTS, HIDDEN, SETTINGS, VARIANTS, Case, Place, Tally, Variant
from tests.crash.likeness import is_bookmark
from tests.crash.menu import MUCH_LATER, Document, Mishap
from tests.crash.rig import Files, Moment, Ran, Rig
from tests.crash.workspace import IRREVERSIBLE, Wanted, wanted

WEEK = 8 * 86400.0
HOURS = 7200.0
"""Seconds between two kills: nothing of the first run can be on its way any more, all of the second can."""
READS = ("/tokens", ":search", ":search?pageSize=1000")
"""How calls end that are POSTs and change nothing."""
STRANGER = {"name": "lab-other", "owner": "ada", "secretAccessKey": "of somebody else"}
NO_JOBS = {"match": {"method": "GET", "path": "/api/jobs"}, "times": 10**9, "do": "status", "status": 403}


class Matrix:
    """The matrix of one setting, on one rig. What was tried once is not tried again."""

    def __init__(self, rig: Rig, setting: str, variants: Callable[[int], tuple[Variant, ...]]) -> None:
        self.rig = rig
        self.setting = setting
        self._variants = variants
        self._met: set[Place] = set()
        self._tried: set[tuple[str, ...]] = set()
        self._seen: tuple[Any, Place] | None = None
        self._always = [NO_JOBS] if setting == HIDDEN else []
        self._prepare()

    def _prepare(self) -> None:
        """A workspace with a past: one credential was made with a secret that is to be rotated now."""
        rig = self.rig
        rig.control("DELETE", "/snapshot")
        self.lag = SETTINGS[self.setting].get("read_lag", 0.0)
        rig.control("PUT", "/settings", DEFAULTS | SETTINGS[self.setting])
        rig.control("POST", "/reset", {"seed": {"credentials": [STRANGER]}})
        rig.put({})
        self._faults([])
        past = Wanted(workspace.KEPT, workspace.OLD, frozenset(), "")
        assert rig.run(past, "--first-run").code == 0
        rig.advance(86400)
        rig.control("DELETE", "/requests")
        self._start, self._more = rig.moment(), ("--allow-irreversible", str(IRREVERSIBLE))
        before = rig.control("GET", "/state")
        ran = self.run()
        assert ran.code == 0, ran.out + ran.err
        rig.advance(ENDED)
        tags = [each["tags"]["technicalTags"] for each in rig.control("GET", "/state")["objects"]["Analysis"]]
        marks = [dict(tag.split("=", 1) for tag in each) for each in tags]
        specs = {each["icaform.item"]: each["icaform.spec"] for each in marks}
        assert len(specs) == 6
        self.before, self.specs = before, specs
        self.aftermath = Aftermath(rig, before, specs)

    def run(self, kill: int = 0, workers: int | None = 1) -> Ran:
        """The run that is killed, or is left in peace."""
        return self.rig.run(wanted("unchanged"), *self._more, kill=kill, workers=workers)

    def begin(self, mishap: Mishap) -> None:
        """Let everything stand as before that run."""
        self._seen = None
        self.rig.go_back(self._start)
        self._faults(mishap.document)

    def _faults(self, wished: list[Document]) -> None:
        """What goes wrong from now on, beside what always does."""
        self.rig.control("PUT", "/faults", [*wished, *self._always])

    # -- where a run may die

    def walk(self, mishap: Mishap) -> list[tuple[str, Place]]:
        """The points of a run and the state at each."""
        found: list[tuple[str, Place]] = []
        self.begin(mishap)
        self.rig.walk(
            wanted("unchanged"),
            *self._more,
            look=lambda name: found.append((name, self.place(mishap))),
        )
        for fault, _ in zip(self.rig.control("GET", "/faults")["items"], mishap.document, strict=False):
            assert fault["seen"] >= fault["match"]["nth"], f"{mishap} did not happen"
        return found

    def place(self, mishap: Mishap) -> Place:
        """The state as it is at this moment."""
        rig = self.rig
        traffic, files = rig.control("GET", "/traffic"), rig.files()
        mark = (mishap, traffic["writes"], traffic["now"], traffic["hanging"], files)
        if self._seen is None or self._seen[0] != mark:
            state, answers = rig.control("GET", "/state"), rig.control("GET", "/answers")["items"]
            entries = likeness.entries_of(files, rig.aside)
            hangs = f"{mishap.name} {mishap.call}" if traffic["hanging"] else ""
            now, later = (
                likeness.of(state, answers, self.lag, entries, later=later) for later in (False, True)
            )
            self._seen = mark, Place(now, later, hangs)
        return self._seen[1]

    def play(self, mishap: Mishap, every: bool = False, one_each: bool = False) -> Tally:
        """Everything under one fault.

        With ``every`` a run is killed at each point, met before or not. With ``one_each`` there is one rerun
        from each state, another one each time, instead of all.
        """
        tally = Tally(self.setting, mishap)
        for number, (name, place) in enumerate(self.walk(mishap), 1):
            tally.points += 1
            new = place not in self._met
            variants = self._variants(len(self._met)) if new else ()
            self._met.add(place)
            if one_each:
                variants = variants and (VARIANTS[number % len(VARIANTS)],)
            tally.states += new
            if not (variants or every):
                continue
            left = self._kill(mishap, number)
            tally.kills += 1
            if left != place:
                tally.wrong.append(f"{name} ({number}): killed, it left another state than it had")
            tally.cases += self._reruns(mishap, number, name, place, variants)
        return tally

    def play_twice(self) -> Iterator[Tally]:
        """A run that is killed in doubt, and the run that takes it up killed in its turn."""
        base = self._start, self._more
        doubtful = [
            (number, name)
            for number, (name, _) in enumerate(self.walk(Mishap()), 1)
            if name.startswith(("before POST", "unread POST")) and not name.endswith(READS)
        ]
        unsent = [each for each in doubtful if each[1].startswith("before POST") and "nalysis" in each[1]]
        for (number, _), gap in (*product(doubtful, (0.0,)), *product(unsent, (HOURS,))):
            self._kill(Mishap(), number)
            self.rig.advance(gap)
            self._start, self._more = self._moment(), ("--allow-irreversible", "0")
            if said := re.search(r"--allow-irreversible (\d+)", self.run().out):
                self._more = ("--allow-irreversible", said[1])
            yield self.play(Mishap("killed twice, hours apart" if gap else "killed twice"), one_each=not gap)
            self.rig.drop(self._start)
            self._start, self._more = base

    def play_first(self) -> Tally:
        """The first run ever, which makes the journal."""
        base = self._start, self._more
        self._start, self._more = Moment(self._start.server, {}), (*self._more, "--first-run")
        try:
            return self.play(Mishap("none, first run ever"), one_each=True)
        finally:
            self._start, self._more = base

    def play_in_threads(self, mishap: Mishap) -> Tally:
        """A kill at every point of a run with all its threads, whose order is another each time; a rerun for
        each new state.
        """
        tally = Tally(self.setting, mishap)
        for number in count(1):
            self.begin(mishap)
            ran = self.run(kill=number, workers=None)
            if ran.code != -9:
                break
            tally.points += 1
            tally.kills += 1
            place = self.place(mishap)
            if place not in self._met:
                self._met.add(place)
                tally.states += 1
                variant = VARIANTS[number % len(VARIANTS)]
                tally.cases += self._from(self._moment(), mishap, ran.points[-1], place, (variant,))
        return tally

    def _kill(self, mishap: Mishap, number: int) -> Place:
        self.begin(mishap)
        ran = self.run(kill=number)
        assert ran.code == -9, f"{mishap} at {number}: {ran.code} {ran.err}"
        return self.place(mishap)

    def _moment(self) -> Moment:
        self._faults([])
        return self.rig.moment()

    # -- what comes after

    def _reruns(
        self, mishap: Mishap, number: int, name: str, place: Place, variants: tuple[Variant, ...]
    ) -> Iterator[Case]:
        """Reruns from the state that a kill has just left."""
        if not place.hangs:
            yield from self._from(self._moment(), mishap, name, place, variants)
            return
        # What hangs is in no snapshot: it ends at once when time passes, or else is brought about each time.
        for variant in variants:
            if mishap.name == MUCH_LATER and variant.traceless:
                continue  # nobody can tell that ICA will act on it minutes after its sender died
            if self._new(place, variant):
                self._kill(mishap, number)
                self._faults([])
                self.rig.put(self._found(self.rig.files(), variant))
                yield self._case(mishap, name, variant)

    def _from(
        self, moment: Moment, mishap: Mishap, name: str, place: Place, variants: tuple[Variant, ...]
    ) -> Iterator[Case]:
        for variant in variants:
            if self._new(place, variant):
                self.rig.go_back(Moment(moment.server, self._found(moment.files, variant)))
                yield self._case(mishap, name, variant)
        self.rig.drop(moment)

    def _found(self, files: Files, variant: Variant) -> Files:
        """What the next run finds of what the last one left: a journal that was restored has its old age, and
        the bookmark, which is kept elsewhere, has not.
        """
        if variant.journal == "lost":
            return {}
        if variant.journal == "kept":
            return files
        old = {name: data for name, data in self._start.files.items() if not is_bookmark(name)}
        return old | {name: data for name, data in files.items() if is_bookmark(name)}

    def _new(self, place: Place, variant: Variant) -> bool:
        """Whether nobody has tried this yet."""
        server, journal = place.now if variant.when == "now" else place.later
        hangs = place.hangs if variant.when == "now" else ""
        key = (*variant, server, "" if variant.journal == "lost" else journal, hangs)
        new = key not in self._tried
        self._tried.add(key)
        return new

    def _case(self, mishap: Mishap, name: str, variant: Variant) -> Case:
        if variant.when != "now":
            self.rig.advance(WEEK)
        codes, verdict = self.aftermath.follow(variant)
        return Case(self.setting, mishap, name, variant, codes, verdict)
