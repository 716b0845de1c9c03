"""The URL of a journal as others may write it: icaform.yaml says where a journal is, and nothing else of it.

A pull request is a stranger's text. It neither sends a password to a server that the person at the keyboard,
or the CI's own environment, has not named, nor loosens how that server is talked to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from icaform.journal import spelling

_PLAIN = re.compile(
    r"postgres(?:ql)?://(?:[A-Za-z0-9._-]+@)?"
    r"(?P<host>[A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]*)?"
)
"""So plain that no two readers of it can disagree about its host."""


def flaw(url: str) -> tuple[str, str] | None:
    """What is wrong with a path or URL, and the remedy; neither repeats it."""
    scheme, found, rest = url.partition("://")
    if not found:
        return spelling.flaw(url)
    if scheme not in ("postgres", "postgresql"):
        return (
            "names no place for a journal",
            "name a path inside the workspace, or postgresql://HOST/DATABASE",
        )
    if ":" in rest.rpartition("@")[0]:
        return (
            "holds a password",
            "leave it out; PGPASSWORD and ~/.pgpass (PGPASSFILE) are where it is looked for",
        )
    if not _PLAIN.fullmatch(url):
        return (
            "says more than postgresql://[USER@]HOST[:PORT]/DATABASE",
            "set the rest in the environment, such as PGSSLMODE; or give the whole URL with --journal "
            "or ICAFORM_JOURNAL",
        )
    return None


def untrusted(url: str, environ: Mapping[str, str]) -> str:
    """The host of a URL without flaw, where it is neither this machine nor named by the environment."""
    found = _PLAIN.fullmatch(url)
    host = found["host"].strip("[]") if found else url
    if host in ("", "localhost", *environ.get("PGHOST", "").split(",")):
        return ""
    try:
        return "" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host
