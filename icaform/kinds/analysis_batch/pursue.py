"""An item's analysis from its creation to its end, and what it brought."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from icaform.change import Change, Create, Held, Update
from icaform.course import Course, Pursuit, Stage, Yield
from icaform.diagnostic import Code
from icaform.kinds.analysis_batch.compare import compare, failures_in, is_current
from icaform.kinds.analysis_batch.desire import Wish
from icaform.kinds.analysis_batch.item import attempt_of
from icaform.kinds.analysis_batch.observe import observe
from icaform.kinds.analysis_batch.outcome import attempt_in, cut, stage_of, status_of, why
from icaform.operation import Answer, Call, Json
from icaform.reference import V3, moment, promised, whole
from icaform.state import Desired, Live, View

CHANGED = "the item differs from what ran; raise `generation` to run it as it is now"


def course(wish: Desired, live: Live | None, view: View) -> Course:
    """The newest attempt at an item, by the batch that creates it, its analysis, or the journal."""
    spec: Wish = wish.spec
    facts = live.facts if live else {}
    last = view.remembered.get(wish.address, {})
    seen = attempt_in(facts) if live else 0
    failures = failures_in(last) if is_current(last, spec) else 0
    uncreated = facts.get("failed") or (last.get("failed") if failures > seen else None)
    change = compare(wish, live, view)
    if uncreated:
        stage, reason, seconds = Stage.NOT_CREATED, cut(str(uncreated)), None
    elif live is None:
        stage, reason, seconds = Stage.TO_START, "", None
    elif facts.get("creating"):
        stage, reason, seconds = Stage.CREATING, "", None
    else:
        stage, seconds = stage_of(facts), _seconds(facts.get("began"), facts.get("ended"), view.now)
        reason = why(facts) if stage.bad else ""
    return Course(
        wish,
        stage,
        live.id if live and not uncreated else "",
        live.scope if live else "",
        "" if uncreated else status_of(facts),
        reason,
        max(seen, failures),
        seconds,
        tuple(_notes(wish, change, stage)),
    )


def _notes(wish: Desired, change: Change, stage: Stage) -> Sequence[str]:
    """What a person is to know beside that: what an apply would do about it."""
    if isinstance(change, Create | Update) and stage.bad:
        return [f"icaform apply starts attempt {attempt_of(change)} of {wish.spec.retry.attempts}"]
    if isinstance(change, Held) and change.reason.code is Code.CHANGED_SINCE_RUN:
        return [CHANGED if change.live else change.reason.summary]
    return []


def _seconds(began: Json, ended: Json, now: float) -> float | None:
    """How long it ran, or has run by now; None where ICA does not tell when it began."""
    start = moment(began)
    if start is None:
        return None
    return max(0.0, (moment(ended) or now) - start)


def ask(of: Course) -> Call:
    """The outputs of one analysis, in ICA's documented form."""
    project_id, analysis_id = quote(of.scope, safe=""), quote(of.id, safe="")
    return Call("GET", f"/api/projects/{project_id}/analyses/{analysis_id}/outputs", V3)


def brought(answer: Answer) -> Sequence[Yield]:
    """The data of each output; what is in a folder is not told again."""
    found = []
    for output in whole(answer):
        code, project_id = promised(output["code"]), str(output.get("projectId") or "")
        for datum in output.get("data") or ():
            data_id, name, sort = (promised(datum[each]) for each in ("dataId", "name", "dataType"))
            found.append(Yield(code, data_id, name, sort, project_id))
    return found


PURSUIT = Pursuit(partial(observe, resolving=False), course, ask, brought)
