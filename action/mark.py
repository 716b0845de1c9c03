"""The hidden first line of what the action writes: what it is for, and of which commit and plan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

_LINE = re.compile(
    r"<!-- icaform-action kind=(?P<kind>[a-z]+) key=(?P<key>[^ ]*) head=(?P<head>[0-9a-f]*)"
    r" digest=(?P<digest>(?:sha256:[0-9a-f]{64})?) -->"
)


@dataclass(frozen=True)
class Mark:
    """``head`` is a commit and ``digest`` a plan's; either may be empty. It is read from a body's first line
    alone, since all below it may repeat what a server, or a manifest, says.
    """

    kind: str
    key: str
    head: str = ""
    digest: str = ""

    def __str__(self) -> str:
        # A dash is quoted too: two of them may not stand in an HTML comment.
        key = quote(self.key, safe="").replace("-", "%2D")
        return f"<!-- icaform-action kind={self.kind} key={key} head={self.head} digest={self.digest} -->"

    @classmethod
    def of(cls, body: str) -> Mark | None:
        """The mark of a body, or None where its first line is none."""
        found = _LINE.fullmatch(body.split("\n", 1)[0].rstrip())
        if found is None:
            return None
        return cls(found["kind"], unquote(found["key"]), found["head"], found["digest"])

    def same(self, other: Mark | None) -> bool:
        """Whether both mark the same place, whatever commit and plan."""
        return other is not None and (self.kind, self.key) == (other.kind, other.key)
