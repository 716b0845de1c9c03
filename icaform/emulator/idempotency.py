"""The Idempotency-Key, as ICA's description words it.

Answers below 400 are kept for seven days per endpoint, key and user. The same body gets the kept answer and
nothing is executed; while the first call still runs, its twin gets 409; another body gets 422; errors are not
kept, so such calls may be retried. "The same body" is read as: the same bytes. "Endpoint" is read as: method
and path, ids included.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .call import Answer
from .problem import Problem
from .record import Json
from .world import World, encode

KEPT_FOR = 7 * 24 * 3600.0
LONGEST = 255


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class Claim:
    """One use of a key: by whom, where, and for what."""

    endpoint: str
    key: str
    user: str
    digest: str

    @property
    def slot(self) -> tuple[str, str, str]:
        return (self.endpoint, self.key, self.user)


class Keys:
    def __init__(self, world: World) -> None:
        self._world = world
        self._running: dict[tuple[str, str, str], str] = {}

    def take(self, claim: Claim, now: float) -> Answer | None:
        """The kept answer of an earlier call, or None: then the key is taken until `release`."""
        if len(claim.key) > LONGEST:
            limit = f"at most {LONGEST} characters"
            raise Problem(400, f"Idempotency-Key: {limit}", None, {"Idempotency-Key": limit})
        running = self._running.get(claim.slot)
        kept = self._world.db.execute(
            "SELECT digest, status, headers, body FROM answer"
            " WHERE endpoint = ? AND key = ? AND user = ? AND at > ?",
            (*claim.slot, now - KEPT_FOR),
        ).fetchone()
        earlier = running or (kept and kept[0])
        if earlier and earlier != claim.digest:
            raise Problem(422, "This Idempotency-Key was used with a different request body.")
        if running:
            raise Problem(409, "The original call with this Idempotency-Key is still in progress.")
        if kept:
            return Answer(kept[1], bytes(kept[3]), json.loads(kept[2]))
        self._running[claim.slot] = claim.digest
        return None

    def keep(self, claim: Claim, answer: Answer, now: float) -> None:
        if answer.status < 400:
            self._world.begin()
            self._world.db.execute("DELETE FROM answer WHERE at <= ?", (now - KEPT_FOR,))
            row = (*claim.slot, claim.digest, answer.status, encode(dict(answer.headers)), answer.body, now)
            self._world.db.execute("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def kept(self, now: float) -> list[Json]:
        """Every answer that would be given again, without its body."""
        names = ("endpoint", "key", "user", "digest", "status", "at")
        rows = self._world.db.execute(
            f"SELECT {', '.join(names)} FROM answer WHERE at > ? ORDER BY at, key", (now - KEPT_FOR,)
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def release_all(self) -> None:
        self._running.clear()

    def release(self, claim: Claim) -> None:
        self._running.pop(claim.slot, None)
