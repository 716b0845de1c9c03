"""How batches and analyses get on: pure functions of the time since their creation, computed when somebody
looks.
"""

from __future__ import annotations

from .record import Analysis, Batch, Json
from .settings import Settings

# ICA's V3 has fewer words than V4; where it names no counterpart, the nearest is taken.
V3_STATUS = {
    "REQUESTED": "REQUESTED",
    "QUEUED": "REQUESTED",
    "INITIALIZING": "REQUESTED",
    "PREPARING_INPUTS": "INPROGRESS",
    "IN_PROGRESS": "INPROGRESS",
    "GENERATING_OUTPUTS": "INPROGRESS",
    "ABORTING": "INPROGRESS",
    "AWAITING_INPUT": "AWAITINGINPUT",
    "FAILED_FINAL": "FAILEDFINAL",
}
TERMINAL = ("SUCCEEDED", "FAILED", "FAILED_FINAL", "ABORTED")


def v3_status(status: str) -> str:
    return V3_STATUS.get(status, status)


def stages(settings: Settings) -> tuple[tuple[str, float], ...]:
    """The statuses before the end, and how long each lasts."""
    return (
        ("REQUESTED", settings.analysis_requested),
        ("QUEUED", settings.analysis_queued),
        ("INITIALIZING", settings.analysis_initializing),
        ("PREPARING_INPUTS", settings.analysis_preparing_inputs),
        ("IN_PROGRESS", settings.analysis_in_progress),
        ("GENERATING_OUTPUTS", settings.analysis_generating_outputs),
    )


def analysis_status(analysis: Analysis, settings: Settings, when: float) -> tuple[str, float]:
    """The V4 status at `when`, and since when it holds."""
    if analysis.abort_at is not None:
        starts = analysis.abort_at + settings.abort_pending
        if when >= starts + settings.abort_running:
            return "ABORTED", starts + settings.abort_running
        if when >= starts:
            return "ABORTING", starts
    since = analysis.created
    for status, lasts in stages(settings):
        if when < since + lasts:
            return status, since
        since += lasts
    return analysis.outcome, since


def started_at(analysis: Analysis, settings: Settings) -> float:
    """When the work itself begins: the end of REQUESTED and QUEUED."""
    return analysis.created + settings.analysis_requested + settings.analysis_queued


def item_moment(batch_created: float, index: int, count: int, settings: Settings) -> float:
    """When item `index` of `count` is done: the items share `batch_running` evenly, one after the other."""
    return batch_created + settings.batch_initialized + settings.batch_running * (index + 1) / count


def item_status(batch: Batch, index: int, settings: Settings, when: float) -> str:
    item = batch.items[index]
    if batch.stops_after is not None and index >= batch.stops_after:
        return "WAITING_RESOURCES"
    if when >= item_moment(batch.created, index, len(batch.items), settings):
        return "FAILED" if item["reason"] is not None else "SUCCEEDED"
    if when >= item_moment(batch.created, index - 1, len(batch.items), settings):
        return "RUNNING"
    return "WAITING_RESOURCES"


def job(batch: Batch, settings: Settings, when: float) -> Json:
    """Status, start and end of the job that creates the analyses."""
    starts = batch.created + settings.batch_initialized
    ends = starts + (settings.batch_running if batch.items else 0.0)
    if when < starts:
        return {"status": "INITIALIZED", "started": None, "finished": None}
    stops = batch.stops_after is not None
    if stops:
        ends = item_moment(batch.created, (batch.stops_after or 0) - 1, len(batch.items), settings)
    if when < ends:
        return {"status": "RUNNING", "started": starts, "finished": None}
    if stops:
        return {"status": "STOPPED", "started": starts, "finished": ends}
    failed = sum(item["reason"] is not None for item in batch.items)
    status = "PARTIALLY_SUCCEEDED" if failed else "SUCCEEDED"
    if failed and failed == len(batch.items):
        status = "FAILED"
    return {"status": status, "started": starts, "finished": ends}
