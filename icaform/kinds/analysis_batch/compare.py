"""One item against what the server tells of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from icaform.address import Address
from icaform.change import Change, Create, Edit, Held, Keep, Standing, Update, edits_between
from icaform.diagnostic import Code, Diagnostic
from icaform.kinds.analysis_batch.batches import BATCH
from icaform.kinds.analysis_batch.desire import Wish
from icaform.kinds.analysis_batch.outcome import (
    again,
    attempt_in,
    covered,
    newest_seen,
    stage_of,
    status_of,
    why,
)
from icaform.operation import Json
from icaform.state import Desired, Live, Remembered, View

ARRIVAL = 900.0
"""Seconds after which a batch that was sent has begun, and a chunk has arrived of which some items show. ICA
states no bound; a batch job of this age has ended in all that is documented."""
ARCHIVED = "Archived"
"""ICA, PipelineV4.statusAsString."""
_SENT = re.compile(r"/api/projects/([^/\"]+)/([\w:]+)")
CREATION = "CREATION"
"""In a manifest's ``retry.when``: ICA could not create the analysis, so that nothing ran."""


def compare(wish: Desired, live: Live | None, view: View) -> Change:
    """New items are created, started ones kept, changed ones held, failed ones tried again by their retry."""
    spec: Wish = wish.spec
    last = view.remembered.get(wish.address, {})
    if live is None or ("failed" in live.facts and not live.id):
        return _send(wish, live, last, view)
    if live.facts.get("spec") not in (None, spec.spec_digest):
        before = last.get("said")
        edits = edits_between(before, spec.said) if before and before != spec.said else ()
        started = f"analysis {live.id}" if live.id else "the chunk that is being created"
        return Held(
            wish,
            live,
            _told(
                wish,
                Code.CHANGED_SINCE_RUN,
                f"the item differs from what {started} was started with",
                f"raise `generation` from {spec.generation} to run the batch again, or put the item back",
            ),
            edits or (Edit("spec", live.facts.get("spec"), spec.spec_digest),),
        )
    if live.facts.get("creating"):
        return Keep(wish, live, "being created", busy=True, awaited=True)
    stage, status = stage_of(live.facts), status_of(live.facts) or "started"
    state = status.lower().replace("_", " ")
    if not stage.bad:
        return Keep(wish, live, state, busy=stage.open)
    reason = why(live.facts)
    note = f"the analysis {live.id} ended as {state}" + (f": {reason}" if reason else "")
    if not covered(spec.retry, live.facts):
        return Keep(wish, live, state, (note,))
    return _send_again(wish, live, last, note, view)


def _send(wish: Desired, live: Live | None, last: Remembered, view: View) -> Change:
    """No analysis stands for it: it was never sent, or ICA could not create one."""
    spec: Wish = wish.spec
    resolved = view.resolved.get(wish.address, {})
    place = resolved.get("project")
    if ran_elsewhere(wish, place, view):
        return _elsewhere(wish, last, str(place))
    held = _unanswered(wish, live, view) or _concealed(wish, live, last, view)
    if held:
        return held
    # Failures of another generation, or of an item that was corrected since, are not this one's.
    current = is_current(last, spec)
    own = live.facts if live and live.facts.get("spec") in (None, spec.spec_digest) else {}
    failures = max(failures_in(last) if current else 0, attempt_in(own) if own else 0)
    reason = own.get("failed") or (last.get("failed") if current else None)
    notes = []
    if reason:
        if failures >= spec.retry.attempts or CREATION not in spec.retry.when:
            return _uncreated(wish, live, reason)
        notes.append(f"attempt {failures + 1} of {spec.retry.attempts}; the last failed: {reason}")
    notes += _begun(wish.address, view)
    notes += _retired(spec.said["pipeline"], resolved, view)
    return Create(
        wish,
        (Edit("pipeline", None, _called(spec.said["pipeline"])),),
        ("submit",),
        tuple(notes),
        irreversible=False,
        remember={"failures": failures},
        grows=bool(resolved.get("begun")),
    )


def _send_again(wish: Desired, live: Live, last: Remembered, note: str, view: View) -> Change:
    """Its newest analysis ended in a way that the manifest wants tried again, as often as it says."""
    held = _unanswered(wish, live, view) or _concealed(wish, live, last, view)
    if held:
        return held
    spec: Wish = wish.spec
    seen = attempt_in(live.facts)
    failures = failures_in(last) if is_current(last, spec) else 0
    used = max(seen, failures)
    reason = live.facts.get("failed") or (last.get("failed") if failures > seen else None)
    if reason and (used >= spec.retry.attempts or CREATION not in spec.retry.when):
        return _uncreated(wish, live, reason)
    if used >= spec.retry.attempts:
        return Held(
            wish,
            live,
            _told(
                wish,
                Code.RETRIES_USED,
                f"{note}; it was attempt {used} of {spec.retry.attempts}",
                f"mend the cause, then raise `retry.attempts` above {spec.retry.attempts}, "
                "or `generation` to run the batch again",
            ),
            there=True,
        )
    notes = [note, *([f"ICA could not create attempt {used}: {reason}"] if reason else ())]
    notes.append(f"attempt {used + 1} of {spec.retry.attempts}: another analysis, which costs as much again")
    notes += _begun(wish.address, view)
    return Update(
        wish,
        live,
        (Edit("attempt", seen, used + 1),),
        (again(used + 1),),
        notes=tuple(notes),
        remember={"failures": used},
    )


def _unanswered(wish: Desired, live: Live | None, view: View) -> Held | None:
    """Held where a call for it that was begun may come to something that cannot be seen from here."""
    begun = view.pending.get(wish.address)
    sent = _SENT.search(begun.call) if begun else None
    if begun is None or sent is None:
        return None
    resolved = view.resolved.get(wish.address, {})
    there, blind, young = unquote(sent[1]), resolved.get("blind"), view.now - begun.time < ARRIVAL
    if there != resolved.get("project", there):
        summary = f"a call for it was begun in another project, {there}, and its answer is not known"
        remedy = "put the project back and apply, which looks there, or close it with icaform journal settle"
    elif blind and young and sent[2] == BATCH:
        summary = "a call for it was begun and its answer is not known, nor what ICA is at work on"
        remedy = f"apply again {ARRIVAL / 60:.0f} minutes after it, or close it with icaform journal settle"
        summary += f": {blind}"
    else:
        return None
    return Held(wish, live, _told(wish, Code.OUTCOME_UNKNOWN, summary, remedy))


def _concealed(wish: Desired, live: Live | None, last: Remembered, view: View) -> Held | None:
    """Held where an analysis may stand for an item that does not show, or a newer one than does."""
    spec: Wish = wish.spec
    resolved = view.resolved.get(wish.address, {})
    remembered = int(last.get("generation") or 0) if was_sent(last) else 0
    newest = max(int(resolved.get("newest") or 0), remembered)
    if newest > spec.generation:
        summary = f"the item ran as generation {newest}, which is above {spec.generation}"
        remedy = f"put `generation` back to {newest}, or raise it above that to run the batch again"
        edits = (Edit("generation", newest, spec.generation),)
        return Held(wish, live, _told(wish, Code.CHANGED_SINCE_RUN, summary, remedy), edits)
    current = remembered == spec.generation and failures_in(last) >= newest_seen(live)
    if current and last.get("analysis"):
        return _vanished(wish, live, last)
    if current and last.get("vouched"):
        summary = "a person has closed a call for it as done, and no analysis of it shows"
        remedy = f"if there is none in ICA, raise `generation` from {spec.generation} to run the batch again"
        return Held(wish, live, _told(wish, Code.FOREIGN_STATE, summary, remedy))
    if unread := resolved.get("unread"):
        summary = f"analysis {unread} is of this batch, and the tags that tell its item are changed or gone"
        remedy = "put back the technical tags that icaform gave it, or take icaform.batch away, too"
        return Held(wish, live, _told(wish, Code.FOREIGN_STATE, summary, remedy))
    return None


def _vanished(wish: Desired, live: Live | None, last: Remembered) -> Held:
    """ICA deletes no analysis: one that is not found has lost its tags, or is not shown to this user."""
    summary = f"analysis {last['analysis']} was started for it and is not found any more"
    remedy = (
        "look for it in ICA and put back the technical tags that icaform gave it; "
        f"or raise `generation` from {wish.spec.generation} to run the batch again"
    )
    reason = _told(wish, Code.FOREIGN_STATE, summary, remedy)
    return Held(wish, live, reason, standing=Standing.DRIFTED)


def ran_elsewhere(wish: Desired, project_id: str | None, view: View) -> bool:
    """Whether the journal remembers this generation of the item in another project than that."""
    last = view.remembered.get(wish.address, {})
    there = str(last.get("project") or "").lower()
    same = last.get("generation") == wish.spec.generation
    return bool(was_sent(last) and same and there and project_id and there != project_id)


def _elsewhere(wish: Desired, last: Remembered, project_id: str) -> Held:
    spec: Wish = wish.spec
    what = f"analysis {last['analysis']}" if last.get("analysis") else f"batch {last.get('batch')}"
    what = "a person says" if not (last.get("analysis") or last.get("batch")) else what
    return Held(
        wish,
        None,
        _told(
            wish,
            Code.CHANGED_SINCE_RUN,
            f"the item was started in another project, {last['project']}, as {what}",
            f"put the project back, or raise `generation` from {spec.generation} to run the batch here, too",
        ),
        (Edit("project", last["project"], project_id),),
    )


def _uncreated(wish: Desired, live: Live | None, reason: str) -> Held:
    spec: Wish = wish.spec
    more = f"raise `retry.attempts` above {spec.retry.attempts}"
    if CREATION not in spec.retry.when:
        more = f"add {CREATION} to `retry.when`"
    told = f"ICA could not create the analysis: {reason}"
    return Held(wish, live, _told(wish, Code.RETRIES_USED, told, f"mend the cause, then {more}"))


def _told(wish: Desired, code: Code, summary: str, remedy: str) -> Diagnostic:
    """Why an item is held, at its place."""
    return Diagnostic(code, summary, remedy, origin=wish.origin, address=wish.address)


def was_sent(last: Remembered) -> bool:
    """Whether an item is remembered of which ICA made an analysis, or was asked to, or a person says so."""
    known = last.get("analysis") or last.get("batch") or last.get("vouched")
    return bool(known and not last.get("failed"))


def failures_in(last: Remembered) -> int:
    """How many attempts are remembered to have failed."""
    return int(last.get("failures") or 0)


def is_current(last: Remembered, spec: Wish) -> bool:
    """Whether what is remembered is of the item as it is wished for now."""
    return bool(last.get("generation") == spec.generation and last.get("spec") == spec.spec_digest)


def _begun(address: Address, view: View) -> list[str]:
    if address not in view.pending:
        return []
    return ["a call for it was begun and its answer is not known; apply looks before it sends"]


def _retired(pipeline: Mapping[str, Json], resolved: Mapping[str, Json], view: View) -> list[str]:
    """A note where ICA may refuse the start for its pipeline; it does not document for which statuses."""
    if "ref" in pipeline:
        resolved = view.resolved.get(Address.parse(pipeline["ref"]), {})
    if resolved.get("status") != ARCHIVED:
        return []
    return [f"the pipeline {_called(pipeline)} is Archived, or will be: ICA may start no analysis of it"]


def _called(pipeline: Mapping[str, Json]) -> str:
    """The pipeline as its manifest names it."""
    return " ".join(
        str(pipeline[each]) for each in ("ref", "code", "name", "version", "urn", "id") if each in pipeline
    )


def recall(wish: Desired, live: Live, before: Live | None) -> Mapping[str, Json]:
    """The analysis that stands for the item, so that its disappearance is seen as drift.

    What is remembered may be of another generation, which another journal's run has sent again.
    """
    if not live.id and "batch" not in live.facts:
        # Others of its chunk show, and nothing tells that it is among them.
        return {}
    spec: Wish = wish.spec
    facts: dict[str, Json] = {"generation": spec.generation, "spec": spec.spec_digest}
    if "attempt" in live.facts and "failed" not in live.facts:
        facts["failures"] = attempt_in(live.facts) - 1
    known = ("batch", "chunk", "written") if "batch" in live.facts else ()
    sent = {name: live.facts[name] for name in known if name in live.facts}
    place = {"project": live.scope} if live.scope else {}
    if live.id or "written" in sent:
        # With no id yet, the batch is another one than is remembered, and so is all that came of that.
        facts |= {"analysis": live.id or None, "failed": None, "vouched": None}
    return {**facts, **sent, **place}
