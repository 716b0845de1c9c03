"""Storage credentials: list, create, get, share and rotate. ICA has no way to delete, rename or unshare them.

Where ICA is silent: names need not be unique; one sees one's own credentials and those shared in the tenant;
only the owner shares and rotates; sharing twice is no error; `:updateSecrets` moves timeModified; V3, whose
enumeration knows no AWS_ROLE, does not show credentials of that type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .body import AwsCredentials, CreateCredentialV3, CreateCredentialV4, UpdateSecrets
from .call import DONE, Answer, Call, etag, shown
from .problem import Problem, not_found
from .projects import stamp
from .record import Credential, Json
from .token import digest
from .world import encode


def list_credentials(call: Call) -> Answer:
    rows = (render(call, row) for row in call.world.all(Credential, call.view) if _visible(call, row))
    return shown({"items": list(rows)})


def get_credential(call: Call) -> Answer:
    credential = _found(call, call.view)
    return shown(render(call, credential), tag=etag(encode(vars(credential))))


def create_credential(call: Call) -> Answer:
    wanted: CreateCredentialV3 | CreateCredentialV4 = call.body
    identity = call.world.next_ids("storageCredential", 1)[0]
    credential = Credential(
        id=identity,
        tenant_id=call.user.tenant_id,
        owner_id=call.user.id,
        name=wanted.name,
        type=wanted.type,
        created=call.now,
        modified=call.now,
        role_session_prefix=f"ica-{identity[:8]}" if wanted.type == "AWS_ROLE" else None,
        **_digests(wanted.aws_credentials),
    )
    call.world.put(credential, call.now)
    return shown(render(call, credential), 201, etag(encode(vars(credential))))


def share_credential(call: Call) -> Answer:
    credential = _own(call)
    if not credential.shared:
        call.world.put(replace(credential, shared=True, modified=call.now), call.now)
    return DONE


def update_secrets(call: Call) -> Answer:
    credential, update = _own(call), call.body
    assert isinstance(update, UpdateSecrets)
    if update.aws_credentials is not None:
        changed = replace(credential, modified=call.now, **_digests(update.aws_credentials))
        call.world.put(changed, call.now)
    return DONE


def render(call: Call, row: Credential) -> Json:
    document = {
        "id": row.id,
        **stamp(call.world, row.tenant_id, row.owner_id, row.created, row.modified),
        "name": row.name,
        "type": row.type,
    }
    if call.version == "v4":
        document["awsRoleSessionNamePrefix"] = row.role_session_prefix
    return document


def _digests(keys: AwsCredentials | None) -> dict[str, Any]:
    if keys is None:
        return {}
    return {
        "access_key_digest": digest(keys.access_key_id),
        "secret_digest": digest(keys.secret_access_key),
    }


def usable(call: Call, row: Credential) -> bool:
    """Whether a bucket can be opened with it."""
    return row.owner_id == call.user.id or (row.shared and row.tenant_id == call.user.tenant_id)


def _visible(call: Call, row: Credential) -> bool:
    return usable(call, row) and (call.version == "v4" or row.type == "AWS_USER")


def _found(call: Call, when: float) -> Credential:
    identity = call.path["storageCredentialId"]
    row = call.world.get(Credential, identity, when)
    if row is None or not _visible(call, row):
        raise not_found("Storage credential", identity)
    return row


def _own(call: Call) -> Credential:
    identity = call.path["storageCredentialId"]
    row = call.world.get(Credential, identity, call.now)
    if row is None or row.tenant_id != call.user.tenant_id:
        raise not_found("Storage credential", identity)
    if row.owner_id != call.user.id:
        raise Problem(403, "Only the owner of a storage credential may do this.")
    return row
