"""Refusals, as ICA words them: application/problem+json with the code in `title`.

Titles whose meaning is public are ICA's (ICA_API_004, ICA_SEC_002, ICA_API_429, ICA_API_503). ICA's other
codes are not documented, so refusals that need one carry EMU_<status>: nobody can mistake it for a code of
ICA's.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from .clock import iso
from .world import encode

MEDIA_TYPE = "application/problem+json"
INVALID_MEDIA = "ICA_API_004"
UNAUTHORIZED = "ICA_SEC_002"


class Problem(Exception):  # noqa: N818  (the word of RFC 7807)
    """Raised by whoever refuses a request; the application turns it into an answer."""

    def __init__(
        self, status: int, detail: str, title: str | None = None, parameters: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or f"EMU_{status}"
        self.parameters = dict(parameters or {})

    def body(self, now: float, method: str, instance: str) -> bytes:
        reference = str(uuid.uuid4())
        problem = {
            "id": reference,
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": f"{self.detail} (ref. {reference})" if self.status in (429, 500, 503) else self.detail,
            "instance": instance,
            "parameters": self.parameters,
            "timestamp": iso(now),
            "method": method,
            "ref": reference,
        }
        return encode(problem).encode()


def not_found(what: str, identity: str) -> Problem:
    return Problem(404, f"{what} {identity} was not found.")


def unauthorized(detail: str) -> Problem:
    return Problem(401, detail, UNAUTHORIZED)


def overload(status: int) -> Problem:
    """The answers of a busy or broken server, worded as ICA does; and of one that lets one not in."""
    if status == 403:
        return Problem(403, "You are not allowed to do this.")
    if status == 429:
        return Problem(429, "Too many requests. Please try again later!", "ICA_API_429")
    if status == 503:
        return Problem(503, "The service is temporarily unavailable. Please try again later!", "ICA_API_503")
    return Problem(status, "Internal Server Error" if status >= 500 else "The request was refused.")
