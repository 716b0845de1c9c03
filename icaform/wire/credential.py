"""What proves to ICA who we are, and the documented places where it is looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.wire.clock import Clock, SystemClock
from icaform.wire.icav2 import CliFile, read_config, read_session
from icaform.wire.jwt import expiry
from icaform.wire.server import base_url, flag

_SENDABLE = re.compile(r"[\x21-\x7e]{1,16384}")


class Means(Enum):
    """How a token is obtained (ICA, POST /api/tokens)."""

    API_KEY = "API key"
    TOKEN = "access token"  # handed in ready-made; it cannot be minted again
    BASIC = "user and password"
    PS_TOKEN = "psToken"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret and how it is used. Neither its repr nor its str shows anything but the means."""

    means: Means
    secret: str = field(repr=False)
    user: str = field(default="", repr=False)
    tenant: str = field(default="", repr=False)
    """For BASIC: the tenant's name, where the user belongs to several."""


@dataclass(frozen=True, slots=True)
class Found:
    """A credential and the place where it was found, to show."""

    credential: Credential
    where: str


def find_credential(
    flags: Mapping[str, str | None],
    environ: Mapping[str, str],
    home: Path,
    server: str,
    clock: Clock | None = None,
) -> Found:
    """The credential for a server, from the first place that has one.

    Order: ``--access-token``, ``--x-api-key``, ``ICAV2_ACCESS_TOKEN``, ``ICAV2_X_API_KEY``, the session
    token of the official CLI if it has not expired, its config.yaml (x-api-key, access-token). The CLI's
    files belong to the server that they name: a key kept for one host is not sent to another.

    Rejected: NO_CREDENTIALS, which says what was seen; BAD_SETTING where a value cannot stand in a header.
    """
    for value, means, where in (
        (flag(flags, "access_token"), Means.TOKEN, "--access-token"),
        (flag(flags, "x_api_key"), Means.API_KEY, "--x-api-key"),
        (environ.get("ICAV2_ACCESS_TOKEN", ""), Means.TOKEN, "ICAV2_ACCESS_TOKEN"),
        (environ.get("ICAV2_X_API_KEY", ""), Means.API_KEY, "ICAV2_X_API_KEY"),
    ):
        if value.strip():
            return _found(value, means, where)
    config, session = read_config(home), read_session(home, server)
    notes: list[str] = []
    if _other_host(config, server):
        notes.append(f"{config.name} is for another server.")
    else:
        now = (clock or SystemClock()).now()
        for file, name, means in (
            (session, "access-token", Means.TOKEN),
            (config, "x-api-key", Means.API_KEY),
            (config, "access-token", Means.TOKEN),
        ):
            place = f"{file.name} ({name})"
            value = file.values.get(name, "")
            if name in file.opaque:
                notes.append(f"{place} is encrypted, and only icav2 can read it.")
            elif value and means is Means.TOKEN and (expiry(value) or now + 1) <= now:
                notes.append(f"{place} has expired.")
            elif value:
                return _found(value, means, place)
    raise Rejected(
        [
            Diagnostic(
                Code.NO_CREDENTIALS,
                "No API key or access token was found.",
                remedy="Set ICAV2_X_API_KEY (or ICAV2_ACCESS_TOKEN), or give --x-api-key.",
                detail=" ".join(notes),
            )
        ]
    )


def _other_host(config: CliFile, server: str) -> bool:
    named = config.values.get("server-url", "")
    try:
        return bool(named) and urlsplit(base_url(named, config.name)).netloc != urlsplit(server).netloc
    except Rejected:
        return True


def _found(value: str, means: Means, where: str) -> Found:
    value = value.strip()
    if not _SENDABLE.fullmatch(value):
        raise Rejected(
            [
                Diagnostic(
                    Code.BAD_SETTING,
                    f"The {means.value} from {where} has characters that no {means.value} has.",
                    remedy="Copy it again, without quotes, spaces or line ends.",
                )
            ]
        )
    return Found(Credential(means, value), where)
