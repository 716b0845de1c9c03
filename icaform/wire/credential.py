"""What proves to ICA who we are, and the documented places where it is looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.wire.clock import Clock, SystemClock
from icaform.wire.icav2 import CliFile, read_config, read_session
from icaform.wire.jwt import expiry
from icaform.wire.server import base_url, flag, flag_place

_SENDABLE = re.compile(r"[\x21-\x7e]{1,16384}")


class Means(Enum):
    """How a token is obtained (ICA, POST /api/tokens)."""

    API_KEY = "API key"
    KEY_ALONE = "API key on every call"  # a token only tells whose key it is
    TOKEN = "access token"  # handed in ready-made; it cannot be minted again
    BASIC = "user and password"
    PS_TOKEN = "psToken"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret, how it is used and where it was found. Its repr and its str never show the secret."""

    means: Means
    secret: str = field(repr=False)
    user: str = field(default="", repr=False)
    tenant: str = field(default="", repr=False)
    """For BASIC: the tenant's name, where the user belongs to several."""
    where: str = field(default="", compare=False)

    def __str__(self) -> str:
        means = Means.API_KEY if self.means is Means.KEY_ALONE else self.means
        return f"the {means.value} from {self.where}" if self.where else f"the {means.value}"


def find_credential(
    flags: Mapping[str, str | None],
    environ: Mapping[str, str],
    home: Path,
    server: str,
    clock: Clock | None = None,
) -> Credential:
    """The credential for a server, from the first place that has one.

    Order: ``--access-token``, ``--x-api-key``, ``ICAV2_ACCESS_TOKEN``, ``ICAV2_X_API_KEY``,
    ``ICAV2_PS_TOKEN``, ``ICAV2_USERNAME`` with ``ICAV2_PASSWORD`` (and ``ICAV2_TENANT_NAME``), the session
    token of the official CLI if it has not expired, its config.yaml (x-api-key, access-token). The CLI's
    files belong to the server that they name: a key kept for one host is not sent to another. Passwords and
    psTokens have no flag, for command lines can be read by others.

    Rejected: NO_CREDENTIALS, which says what was seen; BAD_SETTING where a value cannot stand in a header.
    """
    notes: list[str] = []
    for value, means, where in (
        (flag(flags, "access_token"), Means.TOKEN, flag_place(flags, environ, "access_token")),
        (flag(flags, "x_api_key"), Means.API_KEY, flag_place(flags, environ, "x_api_key")),
        (environ.get("ICAV2_ACCESS_TOKEN", ""), Means.TOKEN, "ICAV2_ACCESS_TOKEN"),
        (environ.get("ICAV2_X_API_KEY", ""), Means.API_KEY, "ICAV2_X_API_KEY"),
        (environ.get("ICAV2_PS_TOKEN", ""), Means.PS_TOKEN, "ICAV2_PS_TOKEN"),
    ):
        if value.strip():
            return _found(value, means, where)
    user, password = environ.get("ICAV2_USERNAME", "").strip(), environ.get("ICAV2_PASSWORD", "")
    if user and password:
        return _basic(user, password, environ.get("ICAV2_TENANT_NAME", "").strip())
    if user or password:
        notes.append("Of ICAV2_USERNAME and ICAV2_PASSWORD only one is set.")
    config, session = read_config(home), read_session(home, server)
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
            value = file.values.get(name, "").strip()
            if name in file.encrypted:
                notes.append(f"{place} is encrypted, and only icav2 can read it.")
            elif value and means is Means.TOKEN and (expiry(value) or now + 1) <= now:
                notes.append(f"{place} has expired by this machine's clock.")
            elif value:
                return _found(value, means, place)
        notes += [*_barren(session, "access-token"), *_barren(config, "x-api-key", "access-token")]
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


def _barren(file: CliFile, *names: str) -> list[str]:
    """What to say of a file of the CLI that is there and has nothing of what is looked for."""
    if file.flaw:
        return [f"{file.name} {file.flaw}."]
    if not file.there or any(each in file.values or each in file.encrypted for each in names):
        return []
    return [f"{file.name} holds no {' or '.join(names)} that icaform can read."]


def _other_host(config: CliFile, server: str) -> bool:
    named = config.values.get("server-url", "")
    try:
        return bool(named) and urlsplit(base_url(named, config.name)).netloc != urlsplit(server).netloc
    except Rejected:
        return True


def alone(found: Credential) -> Credential:
    """The same API key, sent with every call; Rejected where something else was found."""
    if found.means is not Means.API_KEY:
        said = f"--no-token wants an API key, and {found.where} holds another credential."
        remedy = f"Give the key in ICAV2_X_API_KEY, without {found.where}."
        raise Rejected([Diagnostic(Code.BAD_SETTING, said, remedy)])
    return replace(found, means=Means.KEY_ALONE)


def _basic(user: str, password: str, tenant: str) -> Credential:
    # The first colon ends the user (RFC 7617), and the tenant stands in a URL.
    if ":" in user or not (user + password + tenant).isprintable():
        said = "ICAV2_USERNAME, ICAV2_PASSWORD or ICAV2_TENANT_NAME has characters that cannot be sent."
        raise Rejected([Diagnostic(Code.BAD_SETTING, said, "Set them again, without colons or line ends.")])
    return Credential(Means.BASIC, password, user, tenant, "ICAV2_USERNAME and ICAV2_PASSWORD")


def _found(value: str, means: Means, where: str) -> Credential:
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
    return Credential(means, value, where=where)
