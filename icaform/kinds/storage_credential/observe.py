"""The server's side of storage credentials, told by one list."""

from __future__ import annotations

from collections.abc import Sequence

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.kinds.storage_credential.spec import LIST, NAME, name_of
from icaform.operation import Call, Json, RefusedByServer, Steps, ask
from icaform.reference import V3, V4, WRONG_ACCEPT, promised, whole
from icaform.state import Desired, Live, Observed, View


def listed() -> Steps[tuple[list[Json], bool]]:
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
    return whole(answer), older


def observe(wishes: Sequence[Desired], view: View) -> Steps[Observed]:
    """One list tells all."""
    found, older = yield from listed()
    # The list also shows what others share with us; only our own may be adopted.
    mine: dict[str, list[Json]] = {}
    others: dict[str, list[Json]] = {}
    for row in found:
        if row.get("timeModified") is not None:
            promised(row["timeModified"])
        whose = mine if owner(row) == view.identity.user else others
        whose.setdefault(promised(row["name"]), []).append(row)
    live: dict[Address, Live] = {}
    faults: list[Diagnostic] = []
    resolved: dict[Address, Json] = {}
    wanted: dict[str, Desired] = {}
    for wish in wishes:
        name = name_of(wish)
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
            resolved[wish.address] = {"owned": True}
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
    return Observed(live, tuple(faults), unmanaged, resolved)


def owner(row: Json) -> Json:
    return promised(row.get("ownerId") or row["owner"]["id"])
