"""What the emulator remembers: one frozen record per kind of object, made only of JSON values.

A record holds facts, not answers: how a pipeline looks in V3 or V4 is decided where it is rendered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str


@dataclass(frozen=True)
class User:
    """A member of one tenant; somebody in two tenants is two records with one email. Only digests of what
    opens the door.
    """

    id: str
    tenant_id: str
    name: str
    email: str
    created: float
    api_key_digest: str = ""
    password_digest: str = ""
    ps_token_digest: str = ""


@dataclass(frozen=True)
class Project:
    id: str
    tenant_id: str
    owner_id: str
    name: str
    created: float
    modified: float
    active: bool = True
    region: str = "EU"
    description: str = ""
    user_tags: tuple[str, ...] = ()
    technical_tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalysisStorage:
    id: str
    tenant_id: str
    owner_id: str
    name: str
    description: str
    created: float


@dataclass(frozen=True)
class Pipeline:
    """`status` is ICA's statusAsString; `message` is the text of :deprecate or :archive, which no answer
    shows.
    """

    id: str
    tenant_id: str
    owner_id: str
    name: str
    version: str
    language: str
    status: str
    storage_id: str
    description: str
    created: float
    modified: float
    message: str | None = None
    code: str = ""
    technical_tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A pipeline is available to a project. The pipeline is one object, however many projects link it."""

    id: str
    project_id: str
    pipeline_id: str
    active: bool = True


@dataclass(frozen=True)
class Credential:
    """Storage credentials. The secret is never kept, only digests of both halves."""

    id: str
    tenant_id: str
    owner_id: str
    name: str
    type: str
    created: float
    modified: float
    shared: bool = False
    access_key_digest: str | None = None
    secret_digest: str | None = None
    role_session_prefix: str | None = None


@dataclass(frozen=True)
class Data:
    """A file or a folder. `path` is that of itself, from the root of its project; a folder's ends with a
    slash.
    """

    id: str
    project_id: str
    tenant_id: str
    owner_id: str
    path: str
    created: float
    modified: float
    status: str = "AVAILABLE"
    size: int = 0
    indexed: bool = True


@dataclass(frozen=True)
class DataLink:
    """Data of one project shows in another, at the same path; a folder with all that is in it."""

    id: str
    project_id: str
    data_id: str


@dataclass(frozen=True)
class Batch:
    """An analysis creation batch; `items` hold id, userReference, pipelineId, tags, and analysis (id) or
    reason. Its job may be one that stops after the first so many items.
    """

    id: str
    project_id: str
    owner_id: str
    job_id: str
    created: float
    items: tuple[Json, ...] = ()
    stops_after: int | None = None


@dataclass(frozen=True)
class Analysis:
    """Its status is computed from `created`, `abort_at` and `outcome`; `retagged` is when its tags last
    changed.
    """

    id: str
    project_id: str
    tenant_id: str
    owner_id: str
    pipeline_id: str
    reference: str
    user_reference: str
    created: float
    tags: Json = field(default_factory=dict)
    storage_id: str | None = None
    outcome: str = "SUCCEEDED"
    summary: str | None = None
    abort_at: float | None = None
    retagged: float | None = None


Record = (
    Tenant
    | User
    | Project
    | AnalysisStorage
    | Pipeline
    | Link
    | Credential
    | Data
    | DataLink
    | Batch
    | Analysis
)
KINDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        Tenant,
        User,
        Project,
        AnalysisStorage,
        Pipeline,
        Link,
        Credential,
        Data,
        DataLink,
        Batch,
        Analysis,
    )
}
