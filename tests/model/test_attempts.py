"""One item through every short history: nothing is started beside what is there; what may be is.

A history is what was truly sent for it, by this machine or another one with a journal of its own: earlier
generations, the item as it was before it was corrected, and its attempts. Of each, what shows of it, which
jobs are open, and what this journal has learned, are varied; then one look at the server decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count, product
from typing import Any

from hypothesis import settings

from icaform.address import Address, Origin
from icaform.change import Change, Create, Keep, Update
from icaform.journal.entry import merge
from icaform.kinds.analysis_batch import KIND
from icaform.kinds.analysis_batch.desire import Wish
from icaform.kinds.analysis_batch.marks import Marks
from icaform.kinds.analysis_batch.observe import observe
from icaform.kinds.analysis_batch.spec import Retry
from icaform.operation import Answer, Call, Problem, Wait
from icaform.state import Desired, Identity, Observed, View
from tests.model.profiles import LONG

PROJECT = "11111111-1111-4111-8111-111111111111"
ITEM = Address("AnalysisBatch", "n", "a")
NOW = 1_800_000_000.0
OVER = ("uncreated", "FAILED")
"""How an attempt may end that is not the last."""
ENDS = ("creating", "RUNNING", "SUCCEEDED", *OVER)
RETRIES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("CREATION",)),
    (2, ("CREATION",)),
    (2, ("CREATION", "FAILED")),
    (3, ("FAILED", "CREATION")),
)
Memory = Mapping[str, Any]
Told = tuple[int, str, int, str]
"""Generation, spec, attempt and end."""
QUICK, WHOLE = 701, 29
"""Of so many settings of a history one is tried, in the normal run and in the long one."""


@dataclass(frozen=True)
class Sent:
    """One call for the item. ``here``: it is this machine's. ``shows``: nobody took its tags away."""

    number: int
    here: bool
    generation: int
    spec: str
    attempt: int
    end: str
    open: bool = False
    shows: bool = True

    @property
    def batch(self) -> str:
        return f"B{self.number}"

    @property
    def analysis(self) -> str:
        return f"A{self.number}"

    @property
    def is_made(self) -> bool:
        return self.end not in ("creating", "uncreated")

    @property
    def time(self) -> float:
        return NOW - 50_000 + 5000 * self.number

    @property
    def chunk(self) -> str:
        return f"{self.spec}-{self.attempt}"

    @property
    def row(self) -> dict[str, Any]:
        """The analysis."""
        marks = Marks("lab/n", "a", self.generation, self.attempt, self.spec, self.chunk, 1)
        tags = {"technicalTags": list(marks.tags)}
        status = self.end.replace("RUNNING", "INPROGRESS")
        return {"id": self.analysis, "status": status, "tags": tags, "timeCreated": _iso(self.time)}

    @property
    def item(self) -> dict[str, Any]:
        """The item of its batch."""
        told = {"creating": "RUNNING", "uncreated": "FAILED"}.get(self.end, "SUCCEEDED")
        found = {"request": {"tags": self.row["tags"]}, "processing": {"status": told}}
        return found | ({"createdAnalysis": self.row} if self.is_made else {})

    @property
    def job(self) -> dict[str, Any]:
        status = "RUNNING" if self.open else "SUCCEEDED"
        finished = None if self.open else _iso(self.time + 1)
        about = {"subjectType": "AnalysisCreationBatch", "subjectId": self.batch, "project": {"id": PROJECT}}
        return about | {"status": status, "timeCreated": _iso(self.time), "timeFinished": finished}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def answer(call: Call, sent: Sequence[Sent], hidden: bool) -> Answer:
    """What ICA says, by its contract."""
    if call.path.endswith(":search"):
        return Answer(200, {"items": [each.row for each in sent if each.is_made and each.shows]})
    if call.path == "/api/jobs":
        refused = Answer(403, {}, problem=Problem(403, "forbidden"))
        return refused if hidden else Answer(200, {"items": [each.job for each in sent if each.open]})
    one = next(each for each in sent if f"/{each.batch}" in call.path)
    return Answer(200, {"items": [one.item]} if call.path.endswith("/items") else {"job": one.job})


def decided(wish: Desired, sent: Sequence[Sent], memory: Memory, now: float, hidden: bool = False) -> Change:
    """What a look at the server leads to."""
    me = Identity("tenant", "user", "lab")
    view = View("lab", PROJECT, me, lambda: now, {ITEM: memory} if memory else {})
    steps = observe([wish], view, resolving=False)
    answers: Any = None
    while True:
        try:
            asked = steps.send(answers)
        except StopIteration as stop:
            found: Observed = stop.value
            return KIND.compare(wish, found.live.get(ITEM), replace(view, resolved=found.resolved))
        answers = None if isinstance(asked, Wait) else tuple(answer(each, sent, hidden) for each in asked)


def wished(generation: int, spec: str, retry: tuple[int, tuple[str, ...]]) -> Desired:
    attempts, when = retry
    again = Retry.model_validate({"attempts": attempts, **({"when": list(when)} if attempts > 1 else {})})
    said = {"pipeline": {"code": "p"}, "spec": spec}
    return Desired(
        ITEM, Wish("n", PROJECT, generation, again, 100, said, spec, 0), lambda *_: Origin("f", 1, 1)
    )


def learned(memory: Memory, one: Sent, how: str) -> Memory:
    """The journal after a call of this machine's, which was lost, acknowledged or followed."""
    if how == "lost":
        return memory
    ids = {"batch": one.batch, "written": one.time, "chunk": one.chunk, "project": PROJECT}
    facts = {"generation": one.generation, "spec": one.spec, "failures": one.attempt - 1}
    memory = merge(memory, {**facts, **ids, "failed": None, "analysis": None, "vouched": None})
    if how == "followed" and one.is_made:
        return merge(memory, {"analysis": one.analysis})
    if how == "followed" and one.end == "uncreated":
        return merge(memory, {"failed": "no quota", "failures": one.attempt})
    return memory


def remembered(sent: Sequence[Sent], how: str, looks: str, retry: tuple[int, tuple[str, ...]]) -> Memory:
    """What this journal knows after all that, by ``how`` it learned of its last call, and when it looked."""
    memory: Memory = {}
    own = [each.number for each in sent if each.here]
    for each in sent:
        if each.here:
            memory = learned(memory, each, how if each.number == own[-1] else "followed")
        if looks == "all" or (looks == "last" and each is sent[-1]):
            wish = wished(each.generation, each.spec, retry)
            until = [replace(one, shows=True) for one in sent[: each.number + 1]]
            seen = decided(wish, until, memory, each.time + 2000)
            if isinstance(seen, Keep) and seen.live:
                memory = merge(memory, KIND.recall(wish, seen.live, None))
    return memory


def chains(spec: str, most: int) -> Iterator[list[Told]]:
    """Attempts one after another, of which only the last may be anything but over."""
    for length in range(most + 1):
        for before in product(OVER, repeat=max(0, length - 1)):
            for last in ENDS if length else ("",):
                ends = (*before, last) if length else ()
                yield [(2, spec, number, end) for number, end in enumerate(ends, 1)]


def histories() -> Iterator[list[Told]]:
    """What was sent of generation 1, of generation 2 before the item was corrected, and after."""
    ones: list[list[Told]] = [[], *([(1, "new", 1, end)] for end in ("uncreated", "SUCCEEDED", "FAILED"))]
    ones.append([(1, "new", 1, "uncreated"), (1, "new", 2, "SUCCEEDED")])
    uncreated: list[Told] = [(2, "old", number, "uncreated") for number in (1, 2)]
    for first, corrected in product(ones, range(3)):
        for attempts in chains("new", 2 if first or corrected else 3):
            yield first + uncreated[:corrected] + attempts
    for first, end in product(ones, ("creating", "RUNNING", "SUCCEEDED", "FAILED")):
        yield [*first, (2, "old", 1, end)]


def settings_of(history: Sequence[Told]) -> Iterator[tuple[list[Sent], str, str]]:
    """Who sent what, which jobs are open, whose tags are gone; how the last call was learned of; looks."""
    sides, flags = (True, False), (False, True)
    for here, open_ in product(product(sides, repeat=len(history)), product(flags, repeat=len(history))):
        sent = [Sent(n, here[n], *told, open=open_[n]) for n, told in enumerate(history)]
        if sum(open_) > 2 or any(each.end == "creating" and not each.open for each in sent):
            continue
        for gone in (None, *(each.number for each in sent if each.is_made)):
            shown = [replace(each, shows=each.number != gone) for each in sent]
            for how in ("followed", "acknowledged", "lost") if any(here) else ("followed",):
                yield from ((shown, how, looks) for looks in ("none", "all", "last"))


def wrong(
    change: Change, sent: Sequence[Sent], memory: Memory, retry: tuple[int, tuple[str, ...]], hidden: bool
) -> str:
    """What must not be decided, given what is truly there and can be seen from here."""
    attempts, when = retry
    mine = [each for each in sent if each.generation == 2]

    def evident(one: Sent) -> bool:
        known = memory.get("batch") == one.batch or memory.get("analysis") == one.analysis
        return known or (one.is_made and one.shows) or (one.open and not hidden)

    def stands(one: Sent) -> bool:
        return one.end != "uncreated" and not (one.end == "FAILED" and "FAILED" in when)

    if isinstance(change, Create | Update):
        attempt = int(change.remember["failures"]) + 1
        if any(stands(each) and evident(each) for each in mine):
            return "it was started beside what is there"
        if any(each.is_made and each.attempt >= attempt and evident(each) for each in mine):
            return "an attempt was made again"
        return "it was one attempt too many" if attempt > attempts else ""
    if isinstance(change, Keep):
        kept = any(each.spec == "new" and each.end != "uncreated" for each in mine)
        return "" if kept else "it was kept, and nothing stands for it"
    last = mine[-1] if mine else None
    lost = hidden or any(not each.shows for each in sent) or any(map(stands, mine))
    if lost or any(each.spec == "old" and each.is_made for each in mine):
        return ""
    used = last.attempt if last and last.spec == "new" else 0
    over = {"uncreated": "CREATION", "FAILED": "FAILED"}
    free = not used or (last and used < attempts and over[last.end] in when)
    return "it was held, and nothing is in its way" if free else ""


def test_one_item_is_started_where_it_may_be_and_nowhere_else() -> None:
    tried: Counter[str] = Counter()
    every = WHOLE if settings.get_current_profile_name().startswith(LONG) else QUICK
    turn = count()
    for history in histories():
        for sent, how, looks in settings_of(history):
            if next(turn) % every:
                continue
            for retry, hidden in product(RETRIES, (False, True)):
                memory = remembered(sent, how, looks, retry)
                change = decided(wished(2, "new", retry), sent, memory, NOW, hidden)
                story = "\n".join(
                    map(str, (change, retry, f"jobs hidden: {hidden}", how, looks, *sent, memory))
                )
                assert not wrong(change, sent, memory, retry, hidden), story
                tried[type(change).__name__] += 1
    print(f"\nitems: {sum(tried.values())} decisions in {next(turn)} settings, {dict(tried)}")
    assert len(tried) == 4
