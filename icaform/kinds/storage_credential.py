"""StorageCredential: keys, or a role, that let ICA read a lab's own buckets.

ICA can create, share and give new secrets to a credential; it has no call to delete, rename or unshare one
(ICA's OpenAPI description, tag Storage Credentials). Neither the secret nor whether it is shared can be read
back, so both are remembered in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.address import Address
from icaform.change import NOT_KNOWN, Change, Create, Edit, Held, Keep, Standing, Update, standing, worst
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.kind import Kind, Manifest, simple
from icaform.operation import Call, Json, Operation, RefusedByServer, Repeat, Steps, ask
from icaform.portrait import Export, Portrait, Scope
from icaform.reference import V3, V4, WRONG_ACCEPT, promised
from icaform.state import PRESENT, Desired, Live, Observed, SecretSource, Spec, View

NAME = "StorageCredential"
LIST = "/api/storageCredentials"
LATE = 60.0
"""Seconds for which a create whose answer was lost may be at work: as long as one waits for an answer."""


class AwsSecret(Spec):
    """The two halves of an AWS user's key; each is a reference, never a value."""

    accessKeyId: SecretSource = Field(description="Where the access key id is found")  # noqa: N815
    secretAccessKey: SecretSource = Field(description="Where the secret access key is found")  # noqa: N815


class StorageCredentialSpec(Spec):
    """What may be said of a storage credential. Its name in ICA is ``name``, or else the manifest's."""

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=150,
        pattern=r"^[a-zA-Z0-9_-]*$",
        description="Name in ICA: A-Z a-z 0-9 _ -",
    )
    type: Literal["AWS_USER", "AWS_ROLE"] = Field(description="AWS_USER has a secret; AWS_ROLE has none")
    shared: bool = Field(
        default=False, description="Share with all users of the tenant; ICA cannot take this back"
    )
    secret: AwsSecret | None = Field(default=None, description="Needed for AWS_USER")

    @model_validator(mode="after")
    def _secret_fits_type(self) -> StorageCredentialSpec:
        if self.type == "AWS_USER" and self.secret is None:
            raise PydanticCustomError(
                "missing-field",
                "an AWS_USER credential needs `secret`\nadd accessKeyId and secretAccessKey references",
            )
        if self.type == "AWS_ROLE" and self.secret is not None:
            raise PydanticCustomError("bad-value", "an AWS_ROLE credential has no secret\nremove `secret`")
        return self


def desire(manifest: Manifest) -> tuple[Sequence[Desired], Sequence[Diagnostic]]:
    """One manifest, one credential."""
    spec = manifest.spec
    assert isinstance(spec, StorageCredentialSpec)
    secrets = (spec.secret.accessKeyId.leaf, spec.secret.secretAccessKey.leaf) if spec.secret else ()
    desired = simple(manifest, NAME, secrets=secrets)
    name = spec.name or manifest.name
    if len(name) > 150 or not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
        return (), (
            Diagnostic(
                Code.BAD_VALUE,
                f"{name!r} cannot be the name of a storage credential in ICA",
                "use at most 150 of A-Z a-z 0-9 _ - or set spec.name",
                origin=manifest.document.origin(("metadata", "name")),
            ),
        )
    return (desired,), ()


def _listed() -> Steps[tuple[list[Json], bool]]:
    """All credentials that we may see, and whether the server speaks the older API.

    The list has no paging and no filter (ICA, GET /api/storageCredentials). The newer API speaks v4, the only
    version that shows AWS_ROLE; the older one answers ICA_API_004 to it.
    """
    call = Call("GET", LIST, V4)
    (answer,) = yield (call,)
    older = answer.problem is not None and answer.problem.code == WRONG_ACCEPT
    if older:
        answer = yield from ask(Call("GET", LIST, V3))
    elif answer.problem:
        raise RefusedByServer(call, answer.problem)
    return answer.body["items"], older


def observe(wishes: Sequence[Desired], view: View) -> Steps[Observed]:
    """One list tells all."""
    listed, older = yield from _listed()
    # The list also shows what others share with us; only our own may be adopted.
    mine: dict[str, list[Json]] = {}
    others: dict[str, list[Json]] = {}
    for row in listed:
        if row.get("timeModified") is not None:
            promised(row["timeModified"])
        whose = mine if _owner(row) == view.identity.user else others
        whose.setdefault(promised(row["name"]), []).append(row)
    live: dict[Address, Live] = {}
    faults: list[Diagnostic] = []
    wanted: dict[str, Desired] = {}
    for wish in wishes:
        name = _name(wish)
        other = wanted.setdefault(name, wish)
        if other is not wish:
            faults.append(
                Diagnostic(
                    Code.DECLARED_TWICE,
                    f"{other.address} and {wish.address} are both named {name!r} in ICA",
                    "keep one of the two, or give one another name in spec.name",
                    origin=wish.origin,
                    address=wish.address,
                )
            )
            continue
        rows = mine.get(name, [])
        if len(rows) == 1:
            live[wish.address] = Live(wish.address, promised(rows[0]["id"]), rows[0])
        elif rows:
            faults.append(
                Diagnostic(
                    Code.AMBIGUOUS,
                    f"{len(rows)} storage credentials of yours are named {name!r}: "
                    + ", ".join(f"{row['id']} (created {row.get('timeCreated', '?')})" for row in rows),
                    "ICA cannot rename or delete one; pick another name in spec.name",
                    origin=wish.origin,
                    address=wish.address,
                )
            )
        elif older and wish.spec.type == "AWS_ROLE":
            faults.append(
                Diagnostic(
                    Code.BAD_VALUE,
                    "this server's older API knows no AWS_ROLE credentials",
                    "use AWS_USER, or wait until the server speaks the newer API",
                    origin=wish.place(("spec", "type")),
                    address=wish.address,
                )
            )
        elif name in others:
            faults.append(
                Diagnostic(
                    Code.AMBIGUOUS,
                    f"a storage credential named {name!r} exists and belongs to another user",
                    "icaform will create one of the same name for you; use another name to tell them apart",
                    origin=wish.origin,
                    address=wish.address,
                    severity=Severity.WARNING,
                )
            )
    unmanaged = tuple(
        Live(Address(NAME, name), row["id"], row)
        for name, rows in mine.items()
        if name not in wanted
        for row in rows
    )
    return Observed(live, tuple(faults), unmanaged)


def compare(wish: Desired, live: Live | None, view: View) -> Change:
    """Type by what ICA shows; shared and secret by what the journal remembers was written."""
    spec: StorageCredentialSpec = wish.spec
    last = view.remembered.get(wish.address, {})
    # What is remembered of another id or name was written to another credential.
    known = last if last.get("id") in (None, live.id if live else last.get("id")) else {}
    known = known if known.get("name") in (None, _name(wish)) else {}
    secrets = wish.secrets if wish.stated("secret") else ()
    now = view.fingerprint(wish.secrets) if wish.secrets else None
    if live is None:
        first = ("create", "share") if spec.shared else ("create",)
        new = [Edit("type", None, spec.type)]
        new += [Edit("shared", None, True)] if spec.shared else []
        new += [Edit("secret", None, shown(now), private=True)] if wish.secrets else []
        warning = ("sharing cannot be undone",) if spec.shared else ()
        drifted = Standing.DRIFTED if known.get("id") else Standing.PENDING
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
            notes.append("the secret is not set here, so whether it must be rotated is not known")
        elif before != now or moved:
            stand = Standing.DRIFTED if before == now else standing(now, before, before)
            edits.append(
                Edit("secret", shown(before) if before else NOT_KNOWN, shown(now), stand, private=True)
            )
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
        known = {"id": change.live.id, "name": _name(wish)} if isinstance(change, Update) else {}
        for verb in change.verbs:
            id_fact = ""
            match verb:
                case "create":
                    # AWS_ROLE is known to v4 alone.
                    media = V4 if spec.type == "AWS_ROLE" else V3
                    made = {"name": _name(wish), "type": spec.type, **body}
                    call = Call("POST", LIST, media, content_type=media, body=made, repeat=Repeat.NEVER)
                    id_fact = "id"
                    # What another credential of this address left in memory does not hold for the new one.
                    facts: Mapping[str, Json] = {"shared": None, "timeModified": None, "name": _name(wish)}
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
                    # A secret that may have been sent is not known to be the one that ICA has.
                    unproven=("secret",),
                    appears=LATE if verb == "create" else 0.0,
                )
            )
    return found


def recall(wish: Desired, live: Live, before: Live | None) -> Mapping[str, Json]:
    """The id, and when ICA says it was last modified: another time, later, means that somebody else wrote it.

    A time that did not move although we wrote may be an old answer, so it is left to the next look.
    """
    modified = live.facts.get("timeModified")
    stale = before is not None and before.facts.get("timeModified") == modified
    return {"id": live.id, "name": _name(wish), "timeModified": None if stale else modified}


def portraits(scope: Scope, view: View) -> Steps[Sequence[Portrait]]:
    """Our own credentials. Each secret gets the names of two variables: ICA shows none."""
    listed, _ = yield from _listed()
    known = {facts["id"]: facts for facts in view.remembered.values() if facts.get("id")}
    mine = [row for row in listed if _owner(row) == view.identity.user]
    stems = Counter(_stem(row["name"]) for row in mine)
    found = []
    for row in mine:
        stem = _stem(row["name"])
        stem += f"_{row['id'][:8].upper()}" if stems[stem] > 1 else ""
        halves = {"accessKeyId": "ACCESS_KEY_ID", "secretAccessKey": "SECRET_ACCESS_KEY"}
        secret = {half: {"env": f"{stem}_{end}"} for half, end in halves.items()}
        user = row.get("type") == "AWS_USER"
        shared = {"shared": True} if known.get(row["id"], {}).get("shared") else {}
        found.append(
            Portrait(
                row["id"],
                row["name"],
                {"name": row["name"], **({"secret": secret} if user else {})},
                {"type": row.get("type"), **shared},
                () if user else ("secret",),
                "name",
                notes=("ICA does not show its secret: once these are set, an apply writes them.",) * user,
            )
        )
    return found


def _stem(name: str) -> str:
    """How the names of its secret's variables begin; never as those that hold a runner's own keys."""
    return "ICA_" + name.upper().replace("-", "_")


def _owner(row: Json) -> Json:
    return promised(row.get("ownerId") or row["owner"]["id"])


def _name(wish: Desired) -> str:
    """What ICA calls it."""
    return str(wish.spec.name or wish.address.name)


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
    try:
        return datetime.fromisoformat(str(shows)).timestamp() > float(last.get("written") or 0)
    except ValueError:
        return True


KIND = Kind(
    NAME,
    StorageCredentialSpec,
    "keys or a role that let ICA read your own buckets",
    desire,
    observe,
    compare,
    operate,
    recall,
    ignorable=("type", "shared", "secret"),
    export=Export(
        portraits,
        portraits,
        frozenset(("items", "id", "name", "type", "owner", "ownerId", "timeCreated", "timeModified")),
        private=frozenset({"secret"}),
    ),
)
