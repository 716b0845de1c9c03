"""Which representation an endpoint speaks: a strict reading of Accept and Content-Type.

ICA refuses what an endpoint does not list, on endpoints that answer 204 as well (libica issue #139), and asks
that the two headers carry a matching version. `*/*` is refused like any other unlisted type.
"""

from __future__ import annotations

from collections.abc import Sequence

from .problem import INVALID_MEDIA, Problem

TYPES = {
    "v4": "application/vnd.illumina.v4+json",
    "v3": "application/vnd.illumina.v3+json",
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
}
VERSIONED = ("v3", "v4")


def accepted(header: str | None, offered: Sequence[str], sent: str | None = None) -> str:
    """The short name of the representation to answer in. `sent` is the representation of the body, if there
    is one.
    """
    wanted = sorted(_ranges(header or ""), key=lambda pair: -pair[0])
    names = [name for _, text in wanted for name in offered if TYPES[name] == text]
    if not names:
        raise Problem(400, "Invalid Accept Header", INVALID_MEDIA)
    if sent in VERSIONED and len(offered) > 1:
        if sent not in names:
            raise Problem(
                400, "The Accept and Content-Type headers must have matching versions", INVALID_MEDIA
            )
        return str(sent)
    return names[0]


def content(header: str | None, allowed: Sequence[str]) -> str:
    """The short name of the representation that a request body came in."""
    text = (header or "").split(";")[0].strip().lower()
    for name in allowed:
        if TYPES[name] == text:
            return name
    raise Problem(400, "Invalid Content-Type Header", INVALID_MEDIA)


def _ranges(header: str) -> list[tuple[float, str]]:
    ranges = []
    for part in header.split(","):
        text, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if quality > 0:
            ranges.append((quality, text))
    return ranges
