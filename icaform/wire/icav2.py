"""The two small files that the official CLI ``icav2`` keeps in a user's home.

``~/.icav2/config.yaml`` has access-token, server-url (a bare host) and x-api-key, which ``icav2 config set``
stores encrypted as ``!!binary``; ``~/.icav2/.session.ica.yaml`` has access-token and project-id, named by the
first label of the server's host (help.ica.illumina.com, cli-configsettings and cli-authentication). People
write the first one themselves too, as YAML allows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any
from urllib.parse import urlsplit

_LARGEST = 1 << 16
_BINARY = "tag:yaml.org,2002:binary"
_TEXT = (None, "!", "tag:yaml.org,2002:str")
_NULL = ("~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class CliFile:
    """What was readable in one of them: ``values`` are the texts of its keys, ``encrypted`` are keys.

    ``flaw`` is why nothing in it could be read; ``there`` whether there is one at all.
    """

    name: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    encrypted: frozenset[str] = frozenset()
    flaw: str = ""
    there: bool = True


def read_config(home: Path) -> CliFile:
    """The CLI's configuration; empty where there is none."""
    return _read(home, "config.yaml")


def read_session(home: Path, server: str) -> CliFile:
    """What the CLI's last session with that server left; empty where there is none."""
    label = re.sub(r"[^A-Za-z0-9-]", "", (urlsplit(server).hostname or "").split(".")[0])
    return _read(home, f".session.{label}.yaml")


def _read(home: Path, name: str) -> CliFile:
    shown = f"~/.icav2/{name}"
    path = home / ".icav2" / name
    try:
        if not S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            return CliFile(shown, flaw="is no file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return CliFile(shown, there=False)
    except OSError as error:
        return CliFile(shown, flaw=f"cannot be read: {error.strerror}")
    if len(data) > _LARGEST:
        return CliFile(shown, flaw=f"is longer than {_LARGEST:,} bytes")
    from icaform.manifest.events import BROKEN, SCALAR

    values: dict[str, str] = {}
    encrypted: set[str] = set()
    try:
        for key, value in _entries(data):
            if not isinstance(key, SCALAR) or not isinstance(value, SCALAR):
                continue
            if value.tag == _BINARY:
                encrypted.add(key.value)
            elif value.tag in _TEXT and value.value and (value.style or value.value not in _NULL):
                values[key.value] = value.value
    except BROKEN:
        return CliFile(shown, flaw="is no YAML")
    return CliFile(shown, values, frozenset(encrypted))


def _entries(data: bytes) -> Iterator[tuple[Any, Any]]:
    """The first events of each key and of its value, of the mapping that the first document is."""
    from icaform.manifest import events as yaml

    following = yaml.events(data)
    depth, key = 0, None
    while not isinstance(event := following(), (yaml.DOCUMENT_END, yaml.STREAM_END)):
        if isinstance(event, (yaml.MAPPING_END, yaml.SEQUENCE_END)):
            depth -= 1
            continue
        if depth == 1:
            if key:
                yield key, event
            key = None if key else event
        if isinstance(event, yaml.MAPPING) or (depth and isinstance(event, yaml.SEQUENCE)):
            depth += 1
