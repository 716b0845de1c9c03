"""The words of the matrix: how the server is, what differs when icaform comes again, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from tests.crash.judge import Verdict
from tests.crash.likeness import Likeness
from tests.crash.menu import Mishap
from tests.crash.workspace import MANIFESTS

LAGS = {"read_lag": 30.0}
SLOW = {"batch_initialized": 120.0, "batch_running": 15.0}
HIDDEN = "read lag, slow job, jobs hidden"
SETTINGS: dict[str, dict[str, float]] = {
    "at once": {},
    "read lag": LAGS,
    HIDDEN: LAGS | SLOW,
    "read lag, slow job": LAGS | SLOW,
    "slow job": SLOW,
}
"""How the server is: whether writes are read 30 s late; whether the job of a batch begins after that; and
whether it keeps its list of jobs to itself. Where jobs are slow, only faults of batches are tried."""
DEFAULTS = {"read_lag": 0, "batch_initialized": 0.3, "batch_running": 1.0}


class Variant(NamedTuple):
    """What is different when icaform comes again."""

    journal: str
    when: str
    user: str
    manifest: str

    @property
    def traceless(self) -> bool:
        """Whether a call that does not show yet leaves no trace: neither the journal nor its key tells."""
        another = self.user == "other" or self.manifest != "unchanged"
        return another and self.journal != "kept" and self.when == "now"


def _variants(*journals: str) -> tuple[Variant, ...]:
    times, users = ("now", "eight days later"), ("same", "other")
    return tuple(Variant(*each) for each in product(journals, times, users, MANIFESTS))


VARIANTS = _variants("kept", "lost")
RESTORED = _variants("restored")
"""With the journal as it was before the run that was killed: of these one is tried from each state."""


@dataclass(frozen=True)
class Case:
    """One rerun, or several until nothing more was to come: their exit codes and the verdict."""

    setting: str
    mishap: Mishap
    point: str
    variant: Variant
    codes: tuple[int, ...]
    verdict: Verdict

    @property
    def unknown(self) -> bool:
        """Whether icaform said once that it cannot tell."""
        return 14 in self.codes


@dataclass
class Tally:
    """What was done under one fault of one setting."""

    setting: str
    mishap: Mishap
    points: int = 0
    kills: int = 0
    states: int = 0
    cases: list[Case] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """The state at a point: as it is, as it will be when all is long ago, and what still hangs."""

    now: Likeness
    later: Likeness
    hangs: str
