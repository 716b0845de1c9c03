"""What others do at the worst moment: between a caller's read and the write that follows from it."""

from __future__ import annotations

from dataclasses import replace

from .body import CreateCredentialV3, CreateCredentialV4
from .call import Call
from .faults import Fault
from .record import Credential, Pipeline
from .token import digest


def meddle(fault: Fault, call: Call) -> None:
    """Do what the fault says just before the call has its effect; nothing where the two do not fit."""
    if fault.do == "move_pipeline":
        _move(fault, call)
    elif fault.do == "rival_credential" and isinstance(call.body, CreateCredentialV3 | CreateCredentialV4):
        _rival(call, call.body)


def _move(fault: Fault, call: Call) -> None:
    pipeline = call.world.get(Pipeline, call.path.get("pipelineId", ""), call.now)
    if pipeline is not None:
        message = pipeline.message if fault.message is None else fault.message
        moved = replace(pipeline, status=fault.to, message=message, modified=call.now)
        call.world.put(moved, call.now)


def _rival(call: Call, wanted: CreateCredentialV3 | CreateCredentialV4) -> None:
    rival = Credential(
        id=call.world.next_ids("storageCredential", 1)[0],
        tenant_id=call.user.tenant_id,
        owner_id=call.user.id,
        name=wanted.name,
        type=wanted.type,
        created=call.now,
        modified=call.now,
        access_key_digest=digest("a rival's access key"),
        secret_digest=digest("a rival's secret"),
    )
    call.world.put(rival, call.now)
