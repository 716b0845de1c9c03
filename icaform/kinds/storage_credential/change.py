"""One storage credential against its wish, and the calls that a difference becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from icaform.change import NOT_KNOWN, Change, Create, Edit, Held, Keep, Standing, Update, standing, worst
from icaform.diagnostic import Code, Diagnostic
from icaform.kinds.storage_credential.spec import LIST, StorageCredentialSpec, name_of
from icaform.operation import AT_WORK, Call, Json, Operation, Repeat
from icaform.reference import V3, V4, moment
from icaform.state import PRESENT, Desired, Live, View

_NOT_SET = "the secret is not set here, so whether it must be rotated is not known"
_BY_COMMAND = (
    "a command gives its secret, which an apply runs once the plan is agreed to, and then rotates it or not"
)
MODIFIED = "(modified since, not known)"
"""Stands for the secret of a credential that somebody else has written to after us."""


def compare(wish: Desired, live: Live | None, view: View) -> Change:
    """Type by what ICA shows; shared and secret by what the journal remembers was written."""
    spec: StorageCredentialSpec = wish.spec
    last = view.remembered.get(wish.address, {})
    # What is remembered of another id or name was written to another credential.
    known = last if last.get("id") in (None, live.id if live else last.get("id")) else {}
    known = known if known.get("name") in (None, name_of(wish)) else {}
    secrets = wish.secrets if wish.stated("secret") else ()
    now = view.fingerprint(wish.secrets) if wish.secrets else None
    if live is None:
        first = ("create", "share") if spec.shared else ("create",)
        new = [Edit("type", None, spec.type)]
        new += [Edit("shared", None, True)] if spec.shared else []
        new += [Edit("secret", None, shown(now), private=True)] if wish.secrets else []
        warning = ("sharing cannot be undone",) if spec.shared else ()
        # One that another user has is not gone: it is this run that is another's.
        gone = known.get("id") and not view.resolved.get(wish.address, {}).get("owned")
        drifted = Standing.DRIFTED if gone else Standing.PENDING
        return Create(wish, tuple(new), first, warning, drifted)
    if wish.stated("type") and live.facts.get("type", spec.type) != spec.type:
        return Held(
            wish,
            live,
            Diagnostic(
                Code.IMMUTABLE,
                f"the credential is of type {live.facts['type']}, the manifest wants {spec.type}",
                "ICA cannot change a credential's type; make another one under another name",
                origin=wish.place(("spec", "type")),
                address=wish.address,
            ),
            (Edit("type", live.facts["type"], spec.type),),
        )
    if wish.stated("shared") and known.get("shared") and not spec.shared:
        return Held(
            wish,
            live,
            Diagnostic(
                Code.BACKWARD,
                "the credential is shared, the manifest wants it not shared",
                "ICA has no call to unshare; write shared: true, or make another credential",
                origin=wish.place(("spec", "shared")),
                address=wish.address,
            ),
            (Edit("shared", True, False),),
        )
    edits: list[Edit] = []
    verbs: list[str] = []
    notes = [
        *wish.ignored("type", live.facts.get("type", spec.type), spec.type),
        *wish.ignored("shared", bool(known.get("shared")), spec.shared),
        *wish.ignored("secret", shown(known["secret"]) if known.get("secret") else NOT_KNOWN, shown(now)),
    ]
    if wish.stated("shared") and spec.shared and not known.get("shared"):
        edits.append(Edit("shared", NOT_KNOWN if known.get("shared") is None else False, True))
        verbs.append("share")
    if secrets:
        before = known.get("secret")
        moved = before is not None and _moved_behind_us(known, live)
        if now is None:
            notes.append(_BY_COMMAND if wish.commands else _NOT_SET)
        elif before != now or moved:
            there = MODIFIED if moved else before
            was = MODIFIED if moved else shown(before) if before else NOT_KNOWN
            edits.append(Edit("secret", was, shown(now), standing(now, there, before), private=True))
            verbs.append("rotate")
            if moved:
                notes.append(
                    "ICA shows that it was modified after we last wrote it: its secret may be another one"
                )
    if not verbs:
        return Keep(wish, live, notes=tuple(notes))
    return Update(
        wish,
        live,
        tuple(edits),
        tuple(verbs),
        "share" in verbs,
        tuple(notes),
        worst(tuple(e.standing for e in edits)),
    )


def operate(changes: Sequence[Create | Update], view: View) -> Sequence[Operation]:
    """Create carries the secret; share and rotate are calls of their own."""
    found: list[Operation] = []
    for change in changes:
        wish, spec = change.desired, change.desired.spec
        secret = {"secret": view.fingerprint(wish.secrets)} if wish.secrets else {}
        body = {"awsCredentials": _aws(spec)} if spec.secret else {}
        # Which credential it is written to, where that is known: memory may still speak of another one.
        known = {"id": change.live.id, "name": name_of(wish)} if isinstance(change, Update) else {}
        for verb in change.verbs:
            id_fact = ""
            match verb:
                case "create":
                    # AWS_ROLE is known to v4 alone.
                    media = V4 if spec.type == "AWS_ROLE" else V3
                    made = {"name": name_of(wish), "type": spec.type, **body}
                    call = Call("POST", LIST, media, content_type=media, body=made, repeat=Repeat.NEVER)
                    id_fact = "id"
                    # What another credential of this address left in memory does not hold for the new one.
                    facts: Mapping[str, Json] = {"shared": None, "timeModified": None, "name": name_of(wish)}
                    facts = {**facts, **secret}
                case "share":
                    call = Call("POST", f"{LIST}/{{id}}:share", V3, repeat=Repeat.SAME)
                    facts = {**known, "shared": True, "timeModified": None}
                case "rotate":
                    call = Call(
                        "POST",
                        f"{LIST}/{{id}}:updateSecrets",
                        V3,
                        content_type=V3,
                        body=body,
                        repeat=Repeat.SAME,
                    )
                    facts = {**known, **secret, "timeModified": None}
                case _:
                    raise ValueError(verb)
            found.append(
                Operation(
                    verb,
                    (wish.address,),
                    call,
                    irreversible=verb == "share",
                    id_fact=id_fact,
                    remember={wish.address: facts},
                    # ICA shows neither: what may have been sent is not known to be what it has.
                    unproven=("shared",) if verb == "share" else ("secret",),
                    appears=AT_WORK if verb == "create" else 0.0,
                )
            )
    return found


def proves(operation: Operation, live: Live) -> bool:
    """A credential was made; that it was shared or got a secret, ICA does not show."""
    return operation.verb == "create"


def recall(wish: Desired, live: Live, before: Live | None) -> Mapping[str, Json]:
    """The id, and when ICA says it was last modified: another time, later, means that somebody else wrote it.

    A time that did not move although we wrote may be an old answer, so it is left to the next look.
    """
    modified = live.facts.get("timeModified")
    stale = before is not None and before.facts.get("timeModified") == modified
    return {"id": live.id, "name": name_of(wish), "timeModified": None if stale else modified}


def _aws(spec: StorageCredentialSpec) -> Json:
    assert spec.secret
    return {"accessKeyId": spec.secret.accessKeyId.leaf, "secretAccessKey": spec.secret.secretAccessKey.leaf}


def shown(fingerprint: str | None) -> str:
    """A fingerprint as people see it: enough to tell two apart."""
    if fingerprint == PRESENT:
        return "(set)"
    return f"fingerprint {fingerprint[:8]}" if fingerprint else "(not set here)"


def _moved_behind_us(last: Mapping[str, Json], live: Live) -> bool:
    """Whether ICA shows another time than we last saw, and none at which we may have written it ourselves."""
    seen, shows = last.get("timeModified"), live.facts.get("timeModified")
    if seen is None or shows in (None, seen):
        return False
    written = moment(shows)
    return written is None or written > float(last.get("written") or 0)
