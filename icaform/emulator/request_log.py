"""What was asked of the API, one entry per request, in the order in which they ended: the ground on which
tests count effects and duplicates.

An entry tells who asked for what (method, path, query, user, key and digest of the body), what became of it
(status, null where there was no answer; effect: whether anything was written; replayed: whether a kept answer
was given instead), and the fault that acted. A twin has an entry of its own once it has run.
"""

from __future__ import annotations

import json

from .record import Json
from .world import World, encode


def write(world: World, entry: Json) -> None:
    """Write an entry, or write it again once more is known of it."""
    world.begin()
    told = {name: value for name, value in entry.items() if name != "sequence"}
    if "sequence" in entry:
        row = (encode(told), entry["sequence"])
        world.db.execute("UPDATE request SET entry = ? WHERE number = ?", row)
    else:
        entry["sequence"] = world.db.execute(
            "INSERT INTO request (entry) VALUES (?)", (encode(told),)
        ).lastrowid


def entries(world: World, after: int = 0) -> list[Json]:
    rows = world.db.execute("SELECT number, entry FROM request WHERE number > ? ORDER BY number", (after,))
    return [{"sequence": number, **json.loads(entry)} for number, entry in rows]


def clear(world: World) -> None:
    """Numbers go on where they were, so that entries before and after are never confused."""
    world.begin()
    world.db.execute("DELETE FROM request")
    world.commit()
