"""Jobs: what ICA still has to do, has done, or has given up. Here only batches of analyses have one.

Where ICA is silent: one sees the jobs of all projects that one may see, whoever began them; the type of the
subject is spelled as in the description's one example, SampleCreationBatch.
"""

from __future__ import annotations

from collections.abc import Iterator

from .call import Answer, Call, shown
from .clock import iso
from .paging import page
from .problem import Problem, not_found
from .progress import job
from .projects import render as render_project
from .projects import render_user
from .record import Batch, Json, Project, User

STATUSES = (
    "INITIALIZED",
    "WAITING_FOR_RESOURCES",
    "RUNNING",
    "STOPPED",
    "SUCCEEDED",
    "PARTIALLY_SUCCEEDED",
    "FAILED",
)


def list_jobs(call: Call) -> Answer:
    wanted = call.query.getlist("status")
    if not set(wanted) <= set(STATUSES):
        allowed = f"supported values are {', '.join(STATUSES)}"
        raise Problem(400, f"status: {allowed}", None, {"status": allowed})
    rows = [batch for batch in _visible(call) if not wanted or _state(call, batch)["status"] in wanted]
    rows.sort(key=_place)
    return shown(
        page(
            call,
            rows,
            _place,
            lambda batch: render(call, batch),
            {
                "timeCreated": lambda batch: batch.created,
                "timeStarted": lambda batch: _state(call, batch)["started"],
                "timeFinished": lambda batch: _state(call, batch)["finished"],
            },
        )
    )


def get_job(call: Call) -> Answer:
    for batch in _visible(call):
        if batch.job_id == call.path["jobId"]:
            return shown(render(call, batch))
    raise not_found("Job", call.path["jobId"])


def render(call: Call, batch: Batch) -> Json:
    state = _state(call, batch)
    owner = call.world.get(User, batch.owner_id, float("inf"))
    project = call.world.get(Project, batch.project_id, float("inf"))
    return {
        "id": batch.job_id,
        "status": state["status"],
        "additionalStatusInformation": None,
        "subjectType": "AnalysisCreationBatch",
        "subjectId": batch.id,
        "timeCreated": iso(batch.created),
        "timeStarted": state["started"] and iso(state["started"]),
        "timeFinished": state["finished"] and iso(state["finished"]),
        "owner": owner and render_user(call.world, owner),
        "project": project and render_project(call.world, project),
    }


def _visible(call: Call) -> Iterator[Batch]:
    for batch in call.world.all(Batch, call.view):
        project = call.world.get(Project, batch.project_id, call.view)
        if project is not None and project.tenant_id == call.user.tenant_id:
            yield batch


def _state(call: Call, batch: Batch) -> Json:
    return job(batch, call.settings, call.view)


def _place(batch: Batch) -> tuple[float, str]:
    return (batch.created, batch.id)
