"""One post in one place: written once, then kept up to date, whatever was lost on the way."""

from __future__ import annotations

from typing import Protocol

from action.clock import Clock
from action.github import Lost, Refused
from action.post import Post

TRIES = 3
SETTLING = 5.0
"""Seconds after a lost answer until what was created can surely be listed."""


class Shelf(Protocol):
    """Where the posts of one mark stand."""

    def ours(self) -> list[Post]:
        """Those that we wrote, oldest first."""

    def create(self, body: str) -> int:
        """Write one; its id."""

    def update(self, post: Post, body: str) -> None:
        """Replace the text of one."""

    def retire(self, post: Post) -> None:
        """Put away one that is there twice."""


def put(shelf: Shelf, body: str, clock: Clock) -> int:
    """The id of the one post, which now says ``body``. Refused or Lost where that could not be brought about.

    An answer that was lost is not asked for again blindly: the shelf is looked at first.
    """
    lost: Lost | None = None
    for _ in range(TRIES):
        if lost:
            clock.sleep(SETTLING)
        ours = shelf.ours()
        for each in ours[1:]:
            shelf.retire(each)
        try:
            if not ours:
                return shelf.create(body)
            shelf.update(ours[0], body)
            return ours[0].id
        except Lost as error:
            lost = error
        except Refused as refused:
            # Somebody deleted it meanwhile.
            if not ours or refused.status not in (404, 410):
                raise
    raise lost or Lost("the post vanished as often as it was written")
