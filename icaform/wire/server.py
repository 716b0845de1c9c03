"""Which server: found where ICA's users name it, and judged before a byte is sent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.wire.icav2 import read_config

API_ROOT = "/ica/rest"
"""Where the API lies on its host (ICA's OpenAPI description, ``servers``)."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_PATH = re.compile(r"(/[A-Za-z0-9_.~-]+)*")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that is no secret, and where it was found."""

    value: str
    where: str


def find_server(
    flags: Mapping[str, str | None], environ: Mapping[str, str], home: Path, configured: str | None
) -> Setting:
    """The base URL, ending in /ica/rest, and where it was named.

    Order: ``--server-url``, ``ICAV2_BASE_URL``, ``ICAV2_SERVER_URL``, ``configured`` (icaform.yaml),
    ``server-url`` of the official CLI's config.yaml. Rejected where nobody names one, where it is no usable
    URL, where plain http would leave the machine, and where only icaform.yaml names a host that is not ICA's:
    a manifest comes from a pull request, and it must not decide where a key goes.
    """
    if given := flag(flags, "server_url"):
        where = flag_place(flags, environ, "server_url")
        return Setting(base_url(given, where), where)
    for name in ("ICAV2_BASE_URL", "ICAV2_SERVER_URL"):
        if given := environ.get(name, "").strip():
            return Setting(base_url(given, name), name)
    if configured and configured.strip():
        url = base_url(configured, "icaform.yaml")
        if not (is_ica(url) or is_loopback(url)):
            raise Rejected(
                [
                    Diagnostic(
                        Code.UNTRUSTED_SERVER,
                        f"icaform.yaml sends credentials to {urlsplit(url).hostname}, which is not ICA's.",
                        remedy="If it is meant, name it with --server-url or ICAV2_BASE_URL instead.",
                    )
                ]
            )
        return Setting(url, "icaform.yaml")
    config = read_config(home)
    if given := config.values.get("server-url", ""):
        return Setting(base_url(given, config.name), config.name)
    raise Rejected(
        [
            Diagnostic(
                Code.NO_SERVER,
                "No server is named.",
                remedy="Write `server: ica.illumina.com` in icaform.yaml, or give --server-url.",
            )
        ]
    )


def find_project(
    flags: Mapping[str, str | None], environ: Mapping[str, str], home: Path, configured: str | None
) -> Setting | None:
    """The project by name or id and where it was named, or None.

    Order: ``--project-id``, ``ICAV2_PROJECT_ID``, ``configured``. The project that somebody last entered
    with the official CLI is left alone: it would make a run depend on a shell's past.
    """
    candidates = (
        (flag(flags, "project_id"), flag_place(flags, environ, "project_id")),
        (environ.get("ICAV2_PROJECT_ID"), "ICAV2_PROJECT_ID"),
        (configured, "icaform.yaml"),
    )
    for value, where in candidates:
        if value and value.strip():
            return Setting(value.strip(), where)
    return None


def flag(flags: Mapping[str, str | None], name: str) -> str:
    """A command line option's value by its name with underscores or hyphens; empty where not given."""
    return (flags.get(name) or flags.get(name.replace("_", "-")) or "").strip()


def flag_place(flags: Mapping[str, str | None], environ: Mapping[str, str], name: str) -> str:
    """Where an option's value was given: each has a variable too, which the command line goes before."""
    variable = f"ICAFORM_{name.upper()}"
    same = environ.get(variable, "").strip() == flag(flags, name)
    return variable if same else f"--{name.replace('_', '-')}"


def base_url(text: str, where: str) -> str:
    """The URL of the API from a URL or a bare host; Rejected unless it can be trusted with a token.

    Trusted means https, or plain http that stays on this machine. The result is put together anew from
    parts that were checked, so no two readers of a URL can disagree about its host.
    """
    text = text.strip()
    if not text.isprintable() or " " in text:  # urlsplit drops line ends silently
        raise _unusable(where)
    if "://" not in text:
        text = ("http://" if is_loopback(f"http://{text}") else "https://") + text
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(where) from None
    path = parts.path.rstrip("/")
    if (
        parts.scheme not in ("http", "https")
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
        or not (_HOST.fullmatch(host) or ":" in host)
        or not _PATH.fullmatch(path)
        or ".." in path
    ):
        raise _unusable(where)
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    url = f"{parts.scheme}://{place}{path if path.endswith(API_ROOT) else path + API_ROOT}"
    if parts.scheme == "http" and not is_loopback(url):
        raise Rejected(
            [
                Diagnostic(
                    Code.UNTRUSTED_SERVER,
                    f"{where} names {host} over plain http, where others can read the credentials.",
                    remedy=f"Write https://{place}, or use a server on this machine.",
                )
            ]
        )
    return url


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_ica(url: str) -> bool:
    """Whether a URL's host is Illumina's."""
    host = urlsplit(url).hostname or ""
    return host == "illumina.com" or host.endswith(".illumina.com")


def _unusable(where: str) -> Rejected:
    return Rejected(
        [
            Diagnostic(
                Code.BAD_SETTING,
                f"{where} does not name a server.",
                remedy="Write a host (ica.illumina.com) or a URL (https://ica.illumina.com/ica/rest).",
            )
        ]
    )
