"""How an analysis stands, in the words of both generations of ICA's API, and what a bad end leads to.

V3 writes AWAITINGINPUT, INPROGRESS and FAILEDFINAL where V4 writes AWAITING_INPUT, IN_PROGRESS and
FAILED_FINAL; V4 has more words, and more may come (ICA, AnalysisV3.status and AnalysisV4.status).
"""

from __future__ import annotations

from collections.abc import Mapping

from icaform.course import Stage
from icaform.kinds.analysis_batch.desire import Wish
from icaform.kinds.analysis_batch.spec import Retry
from icaform.operation import Json
from icaform.state import Live

STAGES = {
    "REQUESTED": Stage.QUEUED,
    "QUEUED": Stage.QUEUED,
    "INITIALIZING": Stage.QUEUED,
    "PREPARING_INPUTS": Stage.RUNNING,
    "IN_PROGRESS": Stage.RUNNING,
    "GENERATING_OUTPUTS": Stage.RUNNING,
    "AWAITING_INPUT": Stage.WAITING,
    "ABORTING": Stage.RUNNING,
    "SUCCEEDED": Stage.SUCCEEDED,
    "FAILED": Stage.FAILED,
    "FAILED_FINAL": Stage.FAILED_FINAL,
    "ABORTED": Stage.ABORTED,
}
"""ICA's words for an analysis, by V4's spelling."""
_SPELT = {word.replace("_", ""): word for word in STAGES}
LONGEST = 1000
"""Characters of ICA's summary of a bad end that are repeated."""


def status_of(facts: Mapping[str, Json]) -> str:
    """The status in V4's spelling; an unknown one as ICA writes it, nothing where it tells none."""
    said = str(facts.get("status") or "")
    return _SPELT.get(said.replace("_", ""), said)


def stage_of(facts: Mapping[str, Json]) -> Stage:
    """Where an analysis stands that exists."""
    status = status_of(facts)
    return STAGES.get(status, Stage.UNKNOWN) if status else Stage.QUEUED


def why(facts: Mapping[str, Json]) -> str:
    """ICA's summary of a bad end, or nothing."""
    return cut(str(facts.get("summary") or ""))


def cut(said: str) -> str:
    """As much of ICA's words as is repeated."""
    return said if len(said) <= LONGEST else said[: LONGEST - 3] + "..."


def attempt_in(facts: Mapping[str, Json]) -> int:
    """Which attempt at its item an analysis is, by its marks."""
    return int(facts.get("attempt") or 1)


def newest_seen(live: Live | None) -> int:
    """Which attempt at its item shows; 0 where none does."""
    return attempt_in(live.facts) if live else 0


def covered(retry: Retry, facts: Mapping[str, Json]) -> bool:
    """Whether the manifest wants an item started again whose newest analysis stands like that."""
    return stage_of(facts).name in retry.when


def tried_again(spec: Wish, facts: Mapping[str, Json]) -> bool:
    """Whether it shall be, as far as this analysis tells."""
    left = attempt_in(facts) < spec.retry.attempts
    return left and covered(spec.retry, facts) and facts.get("spec") == spec.spec_digest


def again(attempt: int) -> str:
    """The verb that starts an item which ran before. It names the attempt, so that to see this one's
    analysis is to see its effect, however that analysis has ended by then.
    """
    return f"submit again (attempt {attempt})"
