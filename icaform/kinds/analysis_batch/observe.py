"""What the server tells of a batch's items: analyses by their marks, and chunks still being created.

An analysis exists once the batch job has created it, and from then on it is found by its technical tags;
before that only the batch tells of it, which the journal remembers or an open job leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.kinds.analysis_batch.batches import Sent, UnderWay, batch_items, under_way
from icaform.kinds.analysis_batch.compare import ARRIVAL, failures_in, is_current, ran_elsewhere, was_sent
from icaform.kinds.analysis_batch.desire import NAME
from icaform.kinds.analysis_batch.inputs import located
from icaform.kinds.analysis_batch.marks import Marks, batch_tag, item_in, read, tags_of
from icaform.kinds.analysis_batch.outcome import newest_seen, stage_of, tried_again
from icaform.kinds.analysis_batch.resolve import resolve
from icaform.operation import Call, Json, Steps, ask
from icaform.reference import V3, moment, project, promised
from icaform.state import Desired, Live, Observed, Remembered, View


@dataclass(frozen=True, slots=True)
class Found:
    """The analyses of a batch. ``unread``: ids of those whose marks are not whole, by the item they name."""

    marked: Sequence[tuple[Marks, Json]]
    unread: Mapping[str, str]


def observe(wishes: Sequence[Desired], view: View, *, resolving: bool = True) -> Steps[Observed]:
    """One search a batch, pages as needed; batches that the journal knows to be unfinished; names to ids.

    The last is asked only for items that are to be sent, so that an unchanged batch costs its pages alone;
    and not at all unless ``resolving``.
    """
    live: dict[Address, Live] = {}
    faults: list[Diagnostic] = []
    unmanaged: list[Live] = []
    resolved: dict[Address, Mapping[str, Json]] = {}
    lacking: list[Desired] = []
    for place, group in _by_project(wishes, view).items():
        try:
            project_id = yield from project(place)
        except Rejected as rejected:
            faults += _faults(rejected, group)
            continue
        work: UnderWay | None = None
        for batch in dict.fromkeys(wish.spec.batch for wish in group):
            mine = [wish for wish in group if wish.spec.batch == batch]
            found = yield from _search(project_id, f"{view.workspace}/{batch}")
            begun = bool(found.marked or found.unread) or _is_remembered(batch, view)
            resolved |= {wish.address: {"project": project_id, "begun": begun} for wish in mine}
            unmanaged += _visible(mine, found.marked, project_id, live)
            hidden = [
                wish
                for wish in mine
                if _may_hide(wish, live.get(wish.address), view) and not ran_elsewhere(wish, project_id, view)
            ]
            if hidden:
                work = (yield from under_way(project_id)) if work is None else work
                arriving = _arriving(mine[0], found.marked, view)
                yield from _creating(hidden, project_id, view, live, work.sent, arriving)
                for address, concealed in _concealed(hidden, found, work):
                    resolved[address] = {**resolved[address], **concealed}
            missing = [wish for wish in mine if resolving and _is_missing(wish, live.get(wish.address))]
            lacking += missing
            try:
                yield from resolve(missing, project_id, place, resolved, faults)
            except Rejected as rejected:
                faults += _faults(rejected, mine)
    ids, wrong = yield from located(lacking)
    resolved |= {address: {**one, "data": ids} for address, one in resolved.items()}
    return Observed(live, (*faults, *wrong), tuple(unmanaged), resolved)


def _faults(rejected: Rejected, group: Sequence[Desired]) -> list[Diagnostic]:
    """What was rejected, told of each batch that it concerns, so that none of its items is compared."""
    batches = {wish.address.parent: wish for wish in reversed(group)}
    return [
        replace(each, origin=wish.origin, address=batch)
        for batch, wish in reversed(batches.items())
        for each in rejected.diagnostics
    ]


def _by_project(wishes: Sequence[Desired], view: View) -> Mapping[str, list[Desired]]:
    groups: dict[str, list[Desired]] = {}
    for wish in wishes:
        place = wish.spec.project or view.project
        if not place:
            raise Rejected(
                [
                    Diagnostic(
                        Code.MISSING_FIELD,
                        "a batch of analyses needs a project",
                        "add spec.project, or `project` to icaform.yaml",
                        origin=wish.origin,
                        address=wish.address.parent,
                    )
                ]
            )
        groups.setdefault(place, []).append(wish)
    return groups


def _search(project_id: str, batch: str) -> Steps[Found]:
    """All analyses with the tag of a batch. How ICA matches tags is not documented, so each is checked."""
    answer = yield from ask(
        Call(
            "POST",
            f"/api/projects/{quote(project_id, safe='')}/analysis:search",
            V3,
            content_type=V3,
            body={"technicalTags": [batch_tag(batch)]},
            paged=True,
        )
    )
    found = []
    unread = {}
    for row in answer.body["items"]:
        tags = tags_of(row)
        marks = read(tags)
        if marks and marks.batch == batch:
            found.append((marks, row))
        elif batch_tag(batch) in tags:
            unread[item_in(tags)] = promised(row["id"])
    return Found(found, unread)


def _concealed(
    hidden: Sequence[Desired], found: Found, work: UnderWay
) -> Iterator[tuple[Address, Mapping[str, Json]]]:
    """What may stand for items although nothing shows: what cannot be read, and a newer generation."""
    newest: dict[str, int] = {}
    for marks, _ in found.marked:
        newest[marks.item] = max(newest.get(marks.item, 0), marks.generation)
    for wish in hidden:
        item = wish.address.item
        told = {
            "blind": work.blind,
            "unread": found.unread.get(item) or found.unread.get(""),
            "newest": newest.get(item),
        }
        yield wish.address, {name: each for name, each in told.items() if each}


def _visible(
    mine: Sequence[Desired], found: Sequence[tuple[Marks, Json]], project_id: str, live: dict[Address, Live]
) -> list[Live]:
    """Fill ``live`` with the newest attempt of each item's generation; return what no manifest declares.

    A person may have run an attempt again in ICA, which keeps its tags: one of these that is well is enough.
    """
    wanted = {wish.address.item: wish for wish in mine}
    batch = mine[0].spec.batch
    best: dict[str, tuple[Marks, Json]] = {}
    strangers: dict[str, tuple[Marks, Json]] = {}
    for marks, row in found:
        wish = wanted.get(marks.item)
        if wish is None:
            strangers[marks.item] = (marks, row)
        elif marks.generation == wish.spec.generation and (
            marks.item not in best or _rank(best[marks.item]) < _rank((marks, row))
        ):
            best[marks.item] = (marks, row)
    for item, (marks, row) in best.items():
        live[wanted[item].address] = _live(wanted[item].address, marks, row, project_id)
    return [
        _live(Address(NAME, batch, item), marks, row, project_id) for item, (marks, row) in strangers.items()
    ]


def _rank(one: tuple[Marks, Json]) -> tuple[int, bool, str]:
    marks, row = one
    return marks.attempt, not stage_of({"status": row.get("status")}).bad, str(row["id"])


def _live(address: Address, marks: Marks, row: Json, project_id: str) -> Live:
    facts = {
        "status": row.get("status"),
        "summary": row.get("summary"),
        "spec": marks.spec,
        "generation": marks.generation,
        "attempt": marks.attempt,
        "chunk": marks.chunk,
        "reference": row.get("reference"),
        "began": row.get("startDate"),
        "ended": row.get("endDate"),
    }
    return Live(address, promised(row["id"]), facts, project_id)


def _arriving(wish: Desired, found: Sequence[tuple[Marks, Json]], view: View) -> set[str]:
    """The young chunks of the wished generation of which fewer items show than were sent.

    A chunk whose batch the journal remembers does not count: that batch is asked what became of its items.
    """
    chunks: dict[str, list[tuple[Marks, Json]]] = {}
    known: set[str] = set()
    for marks, row in found:
        if marks.generation == wish.spec.generation:
            chunks.setdefault(marks.chunk, []).append((marks, row))
            last = view.remembered.get(Address(NAME, wish.spec.batch, marks.item), {})
            # Each generation of the same items has the same chunks.
            sent = last.get("generation"), last.get("chunk")
            if last.get("batch") and not last.get("failed") and sent == (marks.generation, marks.chunk):
                known.add(marks.chunk)
    return {
        chunk
        for chunk, rows in chunks.items()
        if chunk not in known
        and len({marks.item for marks, _ in rows}) < rows[0][0].size
        and view.now - max(moment(row.get("timeCreated")) or 0.0 for _, row in rows) < ARRIVAL
    }


def _is_missing(wish: Desired, live: Live | None) -> bool:
    """Whether it may be sent now: no analysis stands for it, or one that ended and shall be tried again."""
    return live is None or "failed" in live.facts or tried_again(wish.spec, live.facts)


def _may_hide(wish: Desired, live: Live | None, view: View) -> bool:
    """Whether a newer attempt than the one that is seen may be on its way."""
    if live is None or tried_again(wish.spec, live.facts):
        return True
    return _later(wish, live, view)


def _is_remembered(batch: str, view: View) -> bool:
    """Whether the journal knows that an item of a batch was sent, declared or not."""
    return any(
        (address.kind, address.name) == (NAME, batch) and was_sent(last)
        for address, last in view.remembered.items()
    )


def _has_failed(last: Remembered, wish: Desired) -> bool:
    """Whether this generation of an item is remembered as one that could not be created."""
    return bool(last.get("failed")) and last.get("generation") == wish.spec.generation


def _is_young(last: Remembered, view: View) -> bool:
    """Whether what ICA acknowledged may not show yet."""
    return view.now - float(last.get("written") or 0) < ARRIVAL


def _later(wish: Desired, live: Live | None, view: View) -> bool:
    """Whether the journal remembers that a newer attempt than the one that is seen was sent."""
    last = view.remembered.get(wish.address, {})
    current = last.get("generation") == wish.spec.generation
    return bool(current and not last.get("failed") and failures_in(last) >= newest_seen(live))


def _creating(
    mine: Sequence[Desired],
    project_id: str,
    view: View,
    live: dict[Address, Live],
    sent: Sequence[Sent],
    arriving: set[str],
) -> Steps[None]:
    """Items that were sent and are not visible: open batches tell of them, or those that are remembered."""
    batches: dict[str, list[Desired]] = {}
    unsure: list[Desired] = []
    open_ = _by_item(sent, f"{view.workspace}/{mine[0].spec.batch}", mine[0].spec.generation)
    for wish in mine:
        seen = live.get(wish.address)
        last = view.remembered.get(wish.address, {})
        facts: dict[str, Json]
        found = _newest(open_.get(wish.address.item, ()), wish.spec.spec_digest, newest_seen(seen))
        # A corrected item begins with its first attempt anew, whatever became of it as it was.
        failures = failures_in(last) if is_current(last, wish.spec) else 0
        later = _later(wish, seen, view)
        # This journal has counted its own failures, and another run is at the item.
        elsewhere = found and "failed" not in found.facts and found.batch != last.get("batch") and not later
        if found and (elsewhere or found.marks.attempt > failures):
            facts = {"spec": found.marks.spec, "batch": found.batch, "chunk": found.marks.chunk}
            facts |= {"attempt": found.marks.attempt, "generation": found.marks.generation}
            if last.get("batch") != found.batch:
                # It is not older than the job that is open: what it tells once that ended may be read late.
                facts |= {"written": view.now}
            live[wish.address] = _newer(wish.address, seen, {**facts, **found.facts}, project_id)
        elif later and last.get("batch"):
            batches.setdefault(last["batch"], []).append(wish)
        elif later and last.get("analysis") and _is_young(last, view):
            facts = {"creating": True, **_sent(last)}
            live[wish.address] = Live(wish.address, promised(last["analysis"]), facts, project_id)
        elif arriving - ({last.get("chunk")} if _has_failed(last, wish) else set()):
            unsure.append(wish)
    for batch_id, wishes in batches.items():
        young = any(_is_young(view.remembered[wish.address], view) for wish in wishes)
        told = yield from batch_items(project_id, batch_id, young, view.now - view.read_lag)
        for wish in wishes:
            said = told.get(wish.address.item) or told[""]
            as_sent, seen = _sent(view.remembered[wish.address]), live.get(wish.address)
            facts = {**as_sent, **said}
            if said and _is_news(facts, as_sent, seen, wish):
                live[wish.address] = _newer(wish.address, seen, facts, project_id)
    for wish in unsure:
        live[wish.address] = Live(
            wish.address, "", {"creating": True, "spec": wish.spec.spec_digest}, project_id
        )


def _sent(last: Remembered) -> Mapping[str, Json]:
    """What the newest attempt that is remembered was sent as."""
    told = {name: last.get(name) for name in ("spec", "chunk", "generation")}
    return {**told, "attempt": failures_in(last) + 1}


def _is_news(facts: Remembered, as_sent: Remembered, seen: Live | None, wish: Desired) -> bool:
    """Whether what the remembered batch tells of an item is of a later attempt than the one that shows."""
    # Another journal's run may have sent what is remembered; then the batch is of an earlier one.
    ours = all(facts[name] == as_sent[name] for name in ("generation", "spec"))
    corrected = "failed" in facts and facts["spec"] != wish.spec.spec_digest
    return ours and facts["attempt"] > newest_seen(seen) and not corrected


def _newer(address: Address, seen: Live | None, facts: Mapping[str, Json], project_id: str) -> Live:
    """An item as a batch tells of it. Where that could not create it, the analysis before stays its own."""
    if seen and "failed" in facts:
        newer = {"failed": facts["failed"], "attempt": facts["attempt"]}
        return replace(seen, facts={**seen.facts, **newer})
    return Live(address, facts.get("analysis", ""), facts, project_id)


def _by_item(sent: Sequence[Sent], batch: str, generation: int) -> Mapping[str, Sequence[Sent]]:
    """What open batches tell of each item of one batch and generation, the newest first."""
    found: dict[str, list[Sent]] = {}
    for each in sent:
        if (each.marks.batch, each.marks.generation) == (batch, generation):
            found.setdefault(each.marks.item, []).append(each)
    return found


def _newest(sent: Sequence[Sent], spec: str, seen: int) -> Sent | None:
    """The newest attempt at an item after the one that is ``seen``: what is under way, before what failed.

    Of an item that was corrected since, a failure is not this one's, and its attempts do not count; but while
    it is being created as it was, that stands in its way.
    """
    newer = [each for each in sent if each.marks.attempt > seen]
    mine = [each for each in newer if each.marks.spec == spec]
    failed = [each for each in mine if "failed" in each.facts]
    under_way = [each for each in newer if "failed" not in each.facts]
    ours = [each for each in under_way if each in mine]
    return max(ours or under_way or failed, key=lambda each: each.marks.attempt, default=None)
