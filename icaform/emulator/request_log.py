"""What was asked of the API, one entry per request, in order: the ground on which tests count effects and
duplicates.
"""

from __future__ import annotations

import json

from .record import Json
from .world import World, encode


def write(world: World, entry: Json) -> None:
    world.begin()
    world.db.execute("INSERT INTO request (entry) VALUES (?)", (encode(entry),))


def entries(world: World, after: int = 0) -> list[Json]:
    rows = world.db.execute("SELECT number, entry FROM request WHERE number > ? ORDER BY number", (after,))
    return [{"sequence": number, **json.loads(entry)} for number, entry in rows]


def clear(world: World) -> None:
    """Numbers go on where they were, so that entries before and after are never confused."""
    world.begin()
    world.db.execute("DELETE FROM request")
    world.commit()
