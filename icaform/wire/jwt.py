"""What an ICA token says of itself: tenant (``tid``, ``tns``), user (``sub``), ``exp``.

The signature is not checked: we have no key, and ICA checks it on every call.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from icaform.wire.answer import SHORT_TEXT, clean, read_json

_LONGEST = 1 << 16
_LATEST = 253_402_300_799
"""The end of the year 9999 in seconds since the epoch; nothing that shows a date goes further."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the token speaks for. ``expires`` in seconds since the epoch."""

    tenant_id: str
    tenant: str
    user_id: str
    expires: float | None


def claims(token: str) -> Mapping[str, Any]:
    """The claims of a JWT; empty where the text is none."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST:
        return {}
    try:
        value = read_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def expiry(token: str) -> float | None:
    """When a JWT expires, in seconds since the epoch; None where it does not say."""
    return _number(claims(token), "exp")


def lifetime(token: str) -> float | None:
    """How many seconds a JWT lives from when it was issued, whatever our clock shows; None if unsaid."""
    said = claims(token)
    begins, ends = _number(said, "iat") or _number(said, "nbf"), _number(said, "exp")
    return ends - begins if begins is not None and ends is not None and ends > begins else None


def delay(token: str) -> float:
    """Seconds after it was issued from which a JWT counts (``nbf``); 0 where it does not say."""
    said = claims(token)
    issued, begins = _number(said, "iat"), _number(said, "nbf")
    return max(0.0, begins - issued) if issued is not None and begins is not None else 0.0


def identity(token: str) -> Identity | None:
    """Whom a JWT speaks for, in words that can be shown; None where it names no tenant or no user."""
    said = claims(token)
    found = (said.get(name) for name in ("tid", "tns", "sub"))
    tenant_id, tenant, user = (clean(each, SHORT_TEXT) if isinstance(each, str) else "" for each in found)
    if not (tenant_id or tenant) or not user:
        return None
    return Identity(tenant_id, tenant, user, expiry(token))


def _number(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        return None
    return float(value)
