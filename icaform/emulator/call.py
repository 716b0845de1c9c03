"""One request as an endpoint sees it, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams

from .outcomes import Outcome
from .problem import not_found
from .record import Project, User
from .settings import Settings
from .world import World, encode


@dataclass(frozen=True)
class Call:
    """`now` is when writes happen; `view` is the moment that reads see, earlier by the read lag.

    The last four come from a fault: a longer lag, the fate of items, and where the job of a batch stops.
    """

    world: World
    settings: Settings
    now: float
    user: User
    path: Mapping[str, str]
    query: QueryParams
    headers: Mapping[str, str]
    version: str
    body: Any = None
    lag: float = 0.0
    rules: tuple[Outcome, ...] = ()
    stops: bool = False
    stops_after: int | None = None

    @property
    def view(self) -> float:
        return self.now - max(self.settings.read_lag, self.lag)

    def project(self) -> Project:
        """The project of the path. Its members are all users of its tenant; to others it does not exist."""
        return visible_project(self.world, self.user, self.path["projectId"], self.view)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def visible_project(world: World, user: User, identity: str, when: float) -> Project:
    project = world.get(Project, identity, when)
    if project is None or project.tenant_id != user.tenant_id:
        raise not_found("Project", identity)
    return project


def etag(*parts: object) -> str:
    return '"' + hashlib.sha256(encode(parts).encode()).hexdigest()[:32] + '"'


def shown(document: object, status: int = 200, tag: str | None = None) -> Answer:
    return Answer(status, encode(document).encode(), {"ETag": tag} if tag else {})


DONE = Answer(204)
