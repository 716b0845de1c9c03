"""The technical tags by which icaform knows the analyses that it started, with no memory of its own.

From marks alone a planner tells which items exist, with which spec, and whether the chunk that they were sent
in is still arriving: it has fewer visible analyses than its size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from icaform.operation import Json

PREFIX = "icaform."
_ITEM = f"{PREFIX}item="


@dataclass(frozen=True, slots=True)
class Marks:
    """What the tags of one analysis say."""

    batch: str
    item: str
    generation: int
    attempt: int
    spec: str
    chunk: str
    size: int

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that say it."""
        return (
            batch_tag(self.batch),
            f"{_ITEM}{self.item}",
            f"{PREFIX}generation={self.generation}",
            f"{PREFIX}attempt={self.attempt}",
            f"{PREFIX}spec={self.spec}",
            f"{PREFIX}chunk={self.chunk}/{self.size}",
        )


def batch_tag(batch: str) -> str:
    """The one tag that finds all analyses of a batch; ``batch`` is ``workspace/name``."""
    return f"{PREFIX}batch={batch}"


def tags_of(row: Json) -> list[str]:
    """The technical tags of an analysis, or of an item's request, as ICA tells it.

    Without them nobody could tell that it is there, and it would be started again: where they are no list of
    texts, TypeError or KeyError, which are told as a bad answer.
    """
    tags = row["tags"]["technicalTags"]
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise TypeError("technicalTags are no list of texts")
    return tags


def marked(row: Json) -> Marks | None:
    """The marks among its tags; None where it has none of ours, or not all."""
    return read(tags_of(row))


def item_in(tags: Iterable[str]) -> str:
    """The item that tags name whose other marks cannot be read; nothing where that is gone, too."""
    return next((tag.removeprefix(_ITEM) for tag in tags if tag.startswith(_ITEM)), "")


def read(tags: Iterable[str | None]) -> Marks | None:
    """The marks among the tags of an analysis, or None where they are not ours or not whole."""
    said: dict[str, str] = {}
    for tag in tags:
        if tag and tag.startswith(PREFIX):
            name, _, value = tag[len(PREFIX) :].partition("=")
            said[name] = value
    try:
        chunk, _, size = said["chunk"].partition("/")
        return Marks(
            said["batch"],
            said["item"],
            int(said["generation"]),
            int(said["attempt"]),
            said["spec"],
            chunk,
            int(size),
        )
    except (KeyError, ValueError):
        return None
