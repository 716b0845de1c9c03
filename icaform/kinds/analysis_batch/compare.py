"""One item against what the server tells of it."""

from __future__ import annotations

from collections.abc import Mapping

from icaform.change import Change, Create, Edit, Held, Keep, Standing, edits_between
from icaform.diagnostic import Code, Diagnostic
from icaform.kinds.analysis_batch.desire import Wish
from icaform.operation import Json
from icaform.state import Desired, Live, View

ENDED = frozenset({"SUCCEEDED", "FAILED", "FAILED_FINAL", "FAILEDFINAL", "ABORTED"})
"""ICA's statuses, in both spellings, after which an analysis does not change."""


def compare(wish: Desired, live: Live | None, view: View) -> Change:
    """New items are created, started ones kept, changed ones held, failed ones sent again by their retry."""
    spec: Wish = wish.spec
    last = view.remembered.get(wish.address, {})
    if live is None or "failed" in live.facts:
        return _send(wish, live, last, view)
    if live.facts.get("spec") not in (None, spec.spec_digest):
        before = last.get("said")
        edits = edits_between(before, spec.said) if before and before != spec.said else ()
        started = f"analysis {live.id}" if live.id else "the chunk that is being created"
        return Held(
            wish,
            live,
            Diagnostic(
                Code.CHANGED_SINCE_RUN,
                f"the item differs from what {started} was started with",
                f"raise `generation` from {spec.generation} to run the batch again, or put the item back",
                origin=wish.origin,
                address=wish.address,
            ),
            edits or (Edit("spec", live.facts.get("spec"), spec.spec_digest),),
        )
    if live.facts.get("creating"):
        return Keep(wish, live, "being created", busy=True, awaited=True)
    status = str(live.facts.get("status") or "started")
    notes: tuple[str, ...] = ()
    if status in ("FAILED", "FAILED_FINAL", "FAILEDFINAL", "ABORTED"):
        why = live.facts.get("summary")
        notes = (f"the analysis {live.id} ended as {status.lower()}" + (f": {why}" if why else ""),)
    return Keep(wish, live, status.lower().replace("_", " "), notes, busy=status not in ENDED)


def _send(wish: Desired, live: Live | None, last: Mapping[str, Json], view: View) -> Change:
    spec: Wish = wish.spec
    # Failures of another generation, or of an item that was corrected since, are not this one's.
    current = last.get("generation") == spec.generation and last.get("spec") == spec.spec_digest
    failures = int(last.get("failures") or 0) if current else 0
    if current and live is not None and not last.get("failed"):
        failures += 1
    reason = ((live.facts.get("failed") if live else None) or last.get("failed")) if current else None
    notes = []
    if reason:
        if failures >= spec.attempts:
            return Held(
                wish,
                live,
                Diagnostic(
                    Code.RETRIES_USED,
                    f"ICA could not create the analysis: {reason}",
                    f"mend the cause, then raise `retry.attempts` above {spec.attempts}",
                    origin=wish.origin,
                    address=wish.address,
                ),
            )
        notes.append(f"attempt {failures + 1} of {spec.attempts}; the last failed: {reason}")
    if wish.address in view.pending:
        notes.append("a call for it was begun and its answer is not known; apply looks before it sends")
    drifted = current and live is None and last.get("analysis") and not reason
    if drifted:
        notes.append(f"analysis {last['analysis']} was started for it and is not found any more")
    return Create(
        wish,
        (Edit("pipeline", None, _called(spec.said["pipeline"])),),
        ("submit",),
        tuple(notes),
        Standing.DRIFTED if drifted else Standing.PENDING,
        irreversible=False,
        remember={"failures": failures},
    )


def _called(pipeline: Mapping[str, Json]) -> str:
    """The pipeline as its manifest names it."""
    return " ".join(
        str(pipeline[each]) for each in ("ref", "code", "name", "version", "urn", "id") if each in pipeline
    )


def recall(wish: Desired, live: Live, before: Live | None) -> Mapping[str, Json]:
    """The analysis that stands for the item, so that its disappearance is seen as drift."""
    spec: Wish = wish.spec
    facts: dict[str, Json] = {"generation": spec.generation, "spec": spec.spec_digest}
    sent = {name: live.facts[name] for name in ("batch", "chunk") if name in live.facts}
    return {**facts, **sent, **({"analysis": live.id, "failed": None} if live.id else {})}
