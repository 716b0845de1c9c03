"""One pipeline against its wish, and the call that a difference becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from icaform.change import NOT_KNOWN, Change, Create, Edit, Held, Keep, Standing, Update, standing, worst
from icaform.diagnostic import Code, Diagnostic
from icaform.kinds.pipeline.links import NOT_ASKED
from icaform.kinds.pipeline.spec import MESSAGED, ORDER, VERBS, PipelineSpec
from icaform.operation import Call, Json, Operation, Repeat
from icaform.reference import SHOWN, V3, brief
from icaform.state import Desired, Live, View


def compare(wish: Desired, live: Live | None, view: View) -> Change:
    """Forward is an update, backward is held; the message counts as written only where we remember it."""
    spec: PipelineSpec = wish.spec
    assert live is not None, "a pipeline that is not found is a fault of the observation"
    status = live.facts.get("statusAsString")
    last = view.remembered.get(wish.address, {})
    # What is remembered of another id was written to another pipeline.
    last = last if last.get("id") in (None, live.id) else {}
    wanted, message = _wanted(wish, live)
    ignored = wish.ignored("status", status, spec.status)
    if status == wanted and (message is None or last.get("message") == message):
        return Keep(wish, live, notes=ignored)
    if status not in ORDER:
        return Held(
            wish,
            live,
            Diagnostic(
                Code.FOREIGN_STATE,
                f"ICA reports the status {brief(status)!r}, which icaform does not move pipelines out of",
                "wait for ICA to finish, or settle it in ICA",
                origin=wish.place(("spec", "status")),
                address=wish.address,
            ),
        )
    edits = []
    if status != wanted:
        edits.append(Edit("status", status, wanted, standing(wanted, status, last.get("status"))))
    if ORDER.index(status) > ORDER.index(wanted):
        return Held(
            wish,
            live,
            Diagnostic(
                Code.BACKWARD,
                f"the pipeline is {status}, the manifest wants {wanted}",
                f"ICA has no call that leads back; write status: {status}, or release another version",
                origin=wish.place(("spec", "status")),
                address=wish.address,
            ),
            tuple(edits),
            worst(tuple(each.standing for each in edits)),
        )
    if status == "Draft" and wanted == "Released" and not live.scope:
        return Held(
            wish,
            live,
            Diagnostic(
                Code.IMMUTABLE,
                "ICA releases a pipeline through a project only, and the manifest names none",
                "name a project that has the pipeline, in spec.project or in icaform.yaml",
                origin=wish.place(("spec", "status")),
                address=wish.address,
            ),
            tuple(edits),
            worst(tuple(each.standing for each in edits)),
        )
    if message is not None and last.get("message") != message:
        before = last.get("message", NOT_KNOWN)
        edits.append(Edit("message", before, message, Standing.PENDING))
    verb = VERBS[wanted] if status != wanted else "message"
    return Update(
        wish,
        live,
        tuple(edits),
        (verb,),
        verb != "message",
        ignored + _notes(live, view),
        worst(tuple(e.standing for e in edits)),
    )


def _wanted(wish: Desired, live: Live) -> tuple[str, str | None]:
    """The status that is wanted, and what its users shall be told; what is ignored is wanted as it is."""
    spec: PipelineSpec = wish.spec
    status: str = spec.status if wish.stated("status") else live.facts.get("statusAsString") or spec.status
    told = wish.stated("message") and status in MESSAGED
    return status, spec.message if told else None


def _notes(live: Live, view: View) -> tuple[str, ...]:
    notes = []
    owner = (live.facts.get("owner") or {}).get("id") or live.facts.get("ownerId")
    tenant = live.facts.get("tenant") or {}
    tenant_id = tenant.get("id") or live.facts.get("tenantId")
    if tenant_id not in (None, view.identity.tenant):
        notes.append(f"it belongs to another tenant ({tenant.get('name') or tenant_id}); ICA may refuse")
    elif owner not in (None, view.identity.user):
        notes.append(f"it is owned by another user ({owner}); ICA may refuse")
    here, home = live.scope, live.facts.get("projectId")
    if here and home not in (None, here):
        notes.append(
            f"it is linked here from project {home}, and changes there and wherever else it is linked"
        )
    linked = live.facts.get("linkedTo", ())
    if linked == (NOT_ASKED,):
        notes.append(
            "it may be linked to other projects, which would see the change; too many to look them up"
        )
    elif linked:
        more = f" and {len(linked) - SHOWN} more" if len(linked) > SHOWN else ""
        notes.append(
            f"it is linked to other projects too, which see the change: {', '.join(linked[:SHOWN])}{more}"
        )
    bundles = [str(each.get("name")) for each in live.facts.get("bundleLinks") or ()]
    if bundles:
        notes.append(f"it comes with bundle {', '.join(sorted(bundles))}, and changes for all who use that")
    return tuple(notes)


def operate(changes: Sequence[Create | Update], view: View) -> Sequence[Operation]:
    """One call a pipeline. The body holds the message alone; a release has no body."""
    found = []
    for change in changes:
        assert isinstance(change, Update)
        status, message = _wanted(change.desired, change.live)
        (verb,) = change.verbs
        here = change.live.scope
        form = f"/api/projects/{quote(here, safe='')}" if here else "/api"
        body = None if verb == "release" else {} if message is None else {"message": message}
        call = Call(
            "POST",
            f"{form}/pipelines/{quote(change.live.id, safe='')}:{VERBS[status]}",
            V3,
            content_type=V3 if body is not None else "",
            body=body,
            repeat=Repeat.SAME,
        )
        # Without a message in the call, ICA may keep the one there is or clear it: it is not known any more.
        facts: dict[str, Json] = {"id": change.live.id, "status": status, "message": message}
        found.append(
            Operation(
                verb,
                (change.address,),
                call,
                change.irreversible,
                remember={change.address: facts},
                # The status that shows may be somebody else's doing, who told other words, or none.
                unproven=("message",) if message is not None else (),
            )
        )
    return found


def proves(operation: Operation, live: Live) -> bool:
    """The status that was to be; of a message alone nothing shows."""
    status = operation.remember.get(live.address, {}).get("status")
    return operation.verb != "message" and status is not None and status == live.facts.get("statusAsString")


def recall(wish: Desired, live: Live, before: Live | None) -> Mapping[str, Json]:
    """The status is remembered, so that drift can be told from a wish that is not yet applied."""
    return {"id": live.id, "status": live.facts.get("statusAsString")}
