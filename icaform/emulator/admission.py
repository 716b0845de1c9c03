"""What a request must show before it has an effect: a known path, a caller, media types, and its place under
a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers

from . import media
from .body import Body, parsed
from .endpoints import Directory, Endpoint
from .idempotency import Claim, digest
from .problem import Problem
from .record import User
from .token import caller
from .world import World

NOBODY = User("", "", "", "", 0.0)


@dataclass(frozen=True)
class Admitted:
    """A request that may run: as whom, answered in which version, with a body in which representation."""

    endpoint: Endpoint
    path: Mapping[str, str]
    user: User
    version: str
    content: str | None
    claim: Claim | None
    api: str

    def body(self, raw: bytes) -> Body | None:
        """The body in its model; none is a 400 only where the description requires one."""
        if self.content is None or (not raw and not self.endpoint.body_required):
            return None
        if not raw:
            raise Problem(400, "body: is required", None, {"body": "is required"})
        return parsed(self.endpoint.bodies(self.api)[self.content], raw, form=self.content == "form")


def find(directory: Directory, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    endpoint, parameters, known = directory.find(method, path)
    if endpoint is None:
        raise Problem(405 if known else 404, f"There is no endpoint {method} {path}.")
    return endpoint, parameters


def authenticate(endpoint: Endpoint, world: World, headers: Headers, now: float) -> User:
    if endpoint.auth == "newcomer":
        return NOBODY
    return caller(world, headers, now, jwt_only=endpoint.auth == "jwt")


def admit(
    endpoint: Endpoint,
    parameters: Mapping[str, str],
    user: User,
    headers: Headers,
    raw: bytes,
    where: str,
    api: str,
) -> Admitted:
    """`where` is method and path, the scope of an Idempotency-Key beside its user."""
    contents = endpoint.bodies(api)
    sent, content = headers.get("content-type"), None
    if contents and (raw or endpoint.body_required or sent is not None):
        content = media.content(sent, tuple(contents))
    version = media.accepted(headers.get("accept"), endpoint.offers(api), content)
    key = headers.get("idempotency-key")
    claim = Claim(where, key, user.id, digest(raw)) if endpoint.idempotent and key else None
    return Admitted(endpoint, parameters, user, version, content, claim, api)
