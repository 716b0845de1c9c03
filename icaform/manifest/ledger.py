"""What is counted and reported over all documents of a file."""

from __future__ import annotations

from icaform.address import Origin
from icaform.diagnostic import Code, Diagnostic

DEPTH = 100
NODES = 2_000_000
# Aliases may repeat a little freely; a bomb repeats much, and out of little.
AMPLIFICATION = 10
FREELY_EXPANDED = 1_000_000
DIAGNOSTICS = 1_000


class Abandoned(Exception):  # noqa: N818 - a verdict, not a failure
    """The document cannot be read on; the next one can."""


class Stopped(Exception):  # noqa: N818 - a verdict, not a failure
    """The file cannot be read on."""


class Ledger:
    """The diagnostics of a file, and how many nodes its finished documents have, aliased ones apart."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.nodes = 0
        self.expanded = 0

    def report(self, code: Code, summary: str, remedy: str, place: int) -> None:
        """Add a diagnostic at a packed place of the file; Stopped when there are too many."""
        self.enter(
            Diagnostic(
                code, summary, remedy, origin=Origin(self.file, (place >> 32) + 1, (place & 0xFFFFFFFF) + 1)
            )
        )

    def enter(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic; Stopped when there are too many."""
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) >= DIAGNOSTICS:
            summary = f"more than {DIAGNOSTICS:,} errors; the rest of the file was not read"
            self.diagnostics.append(
                Diagnostic(Code.TOO_LARGE, summary, "correct these first", origin=diagnostic.origin)
            )
            raise Stopped

    def count(self, unfinished: int, place: int) -> None:
        """Hold the nodes of the file, those of the unfinished document among them, against the limit;
        Stopped.
        """
        if self.nodes + unfinished > NODES:
            summary = f"the file has more than {NODES:,} values"
            self.report(Code.TOO_LARGE, summary, "split it into several files", place)
            raise Stopped

    def count_aliased(self, unfinished: int, aliased: int, more: int, place: int) -> None:
        """Hold what aliases have added against the limits, before ``more`` is added; Abandoned or Stopped."""
        total = self.nodes + unfinished + more
        expanded = self.expanded + aliased + more
        if expanded > FREELY_EXPANDED and total > AMPLIFICATION * (total - expanded):
            self.report(
                Code.ALIAS_BOMB,
                f"aliases expand to more than {AMPLIFICATION} times what the file has",
                "write the values out, or use fewer aliases of aliases",
                place,
            )
            raise Abandoned
        self.count(unfinished + more, place)
