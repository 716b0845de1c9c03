"""The two small files that the official CLI ``icav2`` keeps in a user's home.

``~/.icav2/config.yaml`` has access-token, server-url (a bare host) and x-api-key, which ``icav2 config set``
stores encrypted as ``!!binary``; ``~/.icav2/.session.ica.yaml`` has access-token and project-id, named by the
first label of the server's host (help.ica.illumina.com, cli-configsettings and cli-authentication).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_LARGEST = 1 << 16
_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*:(?:\s+(.*))?")
_BLOCKS = ("|", ">", "&", "*", "!", "[", "{")


@dataclass(frozen=True, slots=True)
class CliFile:
    """What was readable in one of them. ``opaque`` are the keys whose value is no plain text."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    opaque: frozenset[str] = frozenset()


def read_config(home: Path) -> CliFile:
    """The CLI's configuration; empty where there is none."""
    return _read(home, "config.yaml")


def read_session(home: Path, server: str) -> CliFile:
    """What the CLI's last session with that server left; empty where there is none."""
    label = re.sub(r"[^A-Za-z0-9-]", "", (urlsplit(server).hostname or "").split(".")[0])
    return _read(home, f".session.{label}.yaml")


def _read(home: Path, name: str) -> CliFile:
    shown = f"~/.icav2/{name}"
    try:
        with (home / ".icav2" / name).open("rb") as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return CliFile(shown)
    values: dict[str, str] = {}
    opaque: set[str] = set()
    for line in text.splitlines():
        found = _LINE.fullmatch(line.rstrip())
        if not found:
            continue
        key, value = found[1], re.sub(r"(^|\s+)#.*", "", found[2] or "").strip()
        if value.startswith(_BLOCKS):
            opaque.add(key)
        elif len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            values[key] = value[1:-1]
        elif value and value not in ("~", "null"):
            values[key] = value
    return CliFile(shown, values, frozenset(opaque))
