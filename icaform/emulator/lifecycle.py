"""The life of a pipeline: Draft, Released, Deprecated, Archived, and the calls that move it onwards.

ICA documents that calling :deprecate or :archive again updates the message. Where it is silent: any step
forward is allowed, none backward (409); releasing what is released changes nothing; a call without a message
keeps the one there is; only the owner may move a pipeline (403), as wrapica assumes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .body import PipelineMessage
from .call import DONE, Answer, Call, visible_project
from .pipelines import linked_one, reachable
from .problem import Problem
from .record import Pipeline

ORDER = ("Draft", "Released", "Deprecated", "Archived")


def _moving_to(status: str) -> Callable[[Call], Answer]:
    def move(call: Call) -> Answer:
        pipeline = _target(call)
        if pipeline.owner_id != call.user.id:
            raise Problem(403, "Only the owner of a pipeline may change its status.")
        if ORDER.index(status) < ORDER.index(pipeline.status):
            raise Problem(409, f"A pipeline cannot go from {pipeline.status} to {status}.")
        message = call.body.message if isinstance(call.body, PipelineMessage) else None
        moved = replace(pipeline, status=status, message=message if message is not None else pipeline.message)
        if moved != pipeline:
            call.world.put(replace(moved, modified=call.now), call.now)
        return DONE

    return move


def _target(call: Call) -> Pipeline:
    if "projectId" in call.path:
        project = visible_project(call.world, call.user, call.path["projectId"], call.now)
        return linked_one(call, project.id, call.path["pipelineId"], call.now)
    return reachable(call, call.now)


release = _moving_to("Released")
deprecate = _moving_to("Deprecated")
archive = _moving_to("Archived")
