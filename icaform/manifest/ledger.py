"""What is counted and reported over all documents of a file, and over all files of a run.

The limits hold a run below 500 MB, whatever its manifests hold, and are far beyond what people review: a
batch of 10,000 items with a few inputs each has 300,000 values, 50,000 pipelines have two million.
"""

from __future__ import annotations

from icaform.address import Origin
from icaform.diagnostic import MOST_TOLD, Code, Diagnostic

DEPTH = 100
NODES = 2_500_000
"""Values of a run. A mapping or list counts four times: it takes as much memory, and as many errors."""
HOLDER = 3
"""What a mapping or list counts beside its own place."""
ENTRIES = 100_000
"""Of one mapping or list; each may be a resource, or an error, of its own."""
BEGIN = 10
"""What a document counts beside its values, so that many empty ones come to an end as well."""
BYTES = 32 * 1024 * 1024
ALL_BYTES = 2 * BYTES
"""Of one file, and of all files of a run."""
# Aliases may repeat a little freely; a bomb repeats much, and out of little.
AMPLIFICATION = 10
FREELY_EXPANDED = 1_000_000


class Abandoned(Exception):  # noqa: N818 - a verdict, not a failure
    """The document cannot be read on; the next one can."""


class Stopped(Exception):  # noqa: N818 - a verdict, not a failure
    """The file cannot be read on."""


class Allowance:
    """What the files that were read so far hold, and whether that is too much to read another one."""

    def __init__(self) -> None:
        self.nodes = 0
        self.bytes = 0
        self.spent = False


class Ledger:
    """The diagnostics of a file, and how many nodes its finished documents have, aliased ones apart.

    ``added`` are the characters that aliases and variables put in where they stand; ``saved`` the places that
    are kept for aliases.
    """

    def __init__(self, file: str, allowance: Allowance | None = None) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.nodes = 0
        self.expanded = 0
        self.added = 0
        self.saved = 0
        self._all = allowance or Allowance()

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
        if len(self.diagnostics) >= MOST_TOLD:
            summary = f"more than {MOST_TOLD:,} errors; the rest of the file was not read"
            self.diagnostics.append(
                Diagnostic(Code.TOO_LARGE, summary, "correct these first", origin=diagnostic.origin)
            )
            raise Stopped

    def count(self, unfinished: int, place: int) -> None:
        """Hold the nodes of all files, those of the unfinished document among them, against the limit;
        Stopped.
        """
        if self._all.nodes + self.nodes + unfinished > NODES:
            self._all.spent = True
            what = "the manifests have" if self._all.nodes else "the file has"
            summary = f"{what} more than {NODES:,} values, a mapping or list counting four times"
            self.report(Code.TOO_LARGE, summary, "split them into several workspaces, or runs", place)
            raise Stopped

    def count_text(self, more: int, place: int) -> None:
        """Hold the characters that aliases and variables put in against the limit; Stopped."""
        self.added += more
        if self.added > BYTES:
            summary = f"aliases and variables put in more than {BYTES:,} characters"
            self.report(Code.ALIAS_BOMB, summary, "write what is meant, in fewer words", place)
            raise Stopped

    def count_saved(self, more: int, place: int) -> None:
        """Hold what is kept for aliases against the limit, before it is; Abandoned."""
        self.saved += more
        if self.saved > NODES:
            summary = "anchors inside anchors hold too many values"
            self.report(Code.ALIAS_BOMB, summary, "anchor only what an alias needs", place)
            raise Abandoned

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
