"""Manifests of the storage credentials that ICA has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from icaform.kinds.storage_credential.observe import listed, owner
from icaform.operation import Steps
from icaform.portrait import Portrait, Scope
from icaform.state import View


def portraits(scope: Scope, view: View) -> Steps[Sequence[Portrait]]:
    """Our own credentials. Each secret gets the names of two variables: ICA shows none."""
    rows, _ = yield from listed()
    known = {facts["id"]: facts for facts in view.remembered.values() if facts.get("id")}
    mine = [row for row in rows if owner(row) == view.identity.user]
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
