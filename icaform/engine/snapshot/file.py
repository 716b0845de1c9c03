"""A snapshot as a value and as a file. Whoever reads one trusts it no more than an answer of a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.intake import Unreadable, regular
from icaform.journal import Memory
from icaform.operation import Answer, Json, Problem, canonical, digest
from icaform.state import Begun, Identity
from icaform.wire.answer import NotJson, read_json
from icaform.wire.limits import MIB, Limits
from icaform.wire.memory import weight, words

FORMAT_VERSION = "1.0"
"""A reader takes every file whose first number is this one's."""
BYTES = 64 * MIB
"""A larger file is none: a plan of 10,000 pipelines asks for some three million."""

Question = tuple[Json, ...]
"""Method, path, Accept, query, body, and whether the list is read to its end."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was known at ``taken`` (seconds since 1970), and as whom."""

    taken: float
    workspace: str
    server: str
    identity: Identity
    project: str = ""
    """Where a flag or the environment named it; what icaform.yaml names is left to icaform.yaml."""
    configured: str = ""
    """The server in icaform.yaml: another one there means another plan."""
    memory: Memory = field(default_factory=Memory)
    answers: tuple[tuple[Question, Answer], ...] = ()


def to_text(snapshot: Snapshot) -> str:
    """The file's text: the same for the same snapshot."""
    document = {
        "format_version": FORMAT_VERSION,
        "taken": snapshot.taken,
        "workspace": snapshot.workspace,
        "server": snapshot.server,
        "identity": {
            "tenant": snapshot.identity.tenant,
            "user": snapshot.identity.user,
            "tenant_name": snapshot.identity.tenant_name,
        },
        "project": snapshot.project,
        "configured": snapshot.configured,
        "remembered": [
            [_triple(address), facts] for address, facts in sorted(snapshot.memory.remembered.items())
        ],
        "pending": [
            {
                "number": begun.number,
                "addresses": [_triple(each) for each in begun.addresses],
                "verb": begun.verb,
                "time": begun.time,
            }
            for _, begun in sorted(snapshot.memory.pending.items())
        ],
        "answers": [
            {
                "asked": list(asked),
                "status": answer.status,
                "code": answer.problem.code if answer.problem else "",
                "body": answer.body,
            }
            for asked, answer in snapshot.answers
        ],
    }
    lines = [f"{json.dumps(name)}: {_spread(each)}" for name, each in document.items()]
    return "{" + ",\n".join([*lines, f'"digest": "{_digest(document)}"']) + "}\n"


def _spread(value: Json) -> str:
    """The JSON of a field, a list with a line for each of its values, so that two files can be compared."""
    if not isinstance(value, list) or not value:
        return canonical(value)
    return "[\n" + ",\n".join(map(canonical, value)) + "]"


def load(name: str) -> Snapshot:
    """Read a file; Rejected unless it is a snapshot, whole and just as it was written."""
    try:
        with regular(Path(name)) as (stream, _):
            data = stream.read(BYTES + 1)
    except Unreadable as why:
        raise _unusable(name, str(why), "check the path") from None
    if len(data) > BYTES or _held(data) > Limits().max_held:
        raise _unusable(name, "is too large for a snapshot", _ANOTHER)
    try:
        document = read_json(data)
        version = document.pop("format_version")
        sealed = document.pop("digest")
        if str(version).partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
            raise _unusable(
                name, f"has format {str(version)[:20]!r}, this icaform reads {FORMAT_VERSION}", _ANOTHER
            )
        if sealed != _digest({"format_version": version, **document}):
            raise _unusable(name, "is damaged: its digest is not that of what it holds", _ANOTHER)
        return _snapshot(document)
    except (NotJson, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise _unusable(name, "is no snapshot that icaform wrote", _ANOTHER) from None


def _held(data: bytes) -> int:
    """Bytes that reading it takes at most: its value, and all its text twice more for the digest."""
    return weight(data) + 2 * words(data)


_ANOTHER = "take another one with icaform export --snapshot, with the same version of icaform"


def _unusable(name: str, why: str, remedy: str) -> Rejected:
    return Rejected([Diagnostic(Code.SNAPSHOT, f"the snapshot {name} {why}", remedy)])


def _digest(document: Mapping[str, Json]) -> str:
    return f"sha256:{digest(document, 64)}"


def _snapshot(document: Mapping[str, Any]) -> Snapshot:
    who = document["identity"]
    pending = [_begun(each) for each in _list(document["pending"])]
    remembered = {_address(triple): _mapping(facts) for triple, facts in _list(document["remembered"])}
    return Snapshot(
        _seconds(document["taken"]),
        _name(document["workspace"]),
        _name(document["server"]),
        Identity(_name(who["tenant"]), _name(who["user"]), _name(who["tenant_name"])),
        _name(document["project"]),
        _name(document["configured"]),
        Memory(remembered, {begun.number: begun for begun in pending}),
        tuple(_answer(each) for each in _list(document["answers"])),
    )


def _begun(told: Mapping[str, Any]) -> Begun:
    addresses = tuple(_address(each) for each in _list(told["addresses"]))
    number = int(_seconds(told["number"]))
    time = _seconds(told["time"])
    if not addresses:
        raise ValueError("a call is about something")
    return Begun(number, addresses, _text(told["verb"]), "", "", "", None, "", "", time)


def _answer(told: Mapping[str, Any]) -> tuple[Question, Answer]:
    method, path, accept, query, body, paged = told["asked"]
    status, code = int(_seconds(told["status"])), _text(told["code"])
    problem = Problem(status, code, _RECORDED) if status >= 400 else None
    asked = (_text(method), _text(path), _text(accept), _list(query), body, bool(paged))
    return asked, Answer(status, None if problem else told["body"], problem)


_RECORDED = "so the snapshot recorded it"


def _address(triple: Iterable[Any]) -> Address:
    kind, name, item = triple
    return Address(_text(kind), _text(name), _text(item))


def _triple(address: Address) -> list[str]:
    return [address.kind, address.name, address.item]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name(value: Any) -> str:
    """A text that may be told."""
    if len(_text(value)) > _LONGEST:
        raise ValueError("too long for a name")
    return str(value)


_LONGEST = 4096
"""Characters of a name or an address of a server."""


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise TypeError
    return value


_LATEST = 253_402_300_800
"""The year 10000, in seconds since 1970."""


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value
