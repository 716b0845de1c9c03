"""A call as it leaves and as it is written down: its last leaves filled in, and frozen to the byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.secrets import Secrets
from icaform.operation import Call, Json, Made, Operation, Repeat, Secret, canonical
from icaform.state import Begun


@dataclass(frozen=True, slots=True)
class Frozen:
    """A call whose path and body are complete. ``secret``: its body may be sent and never written down.

    Neither is one that ``leaks``, where other words of it hold the value of a secret.
    """

    call: Call
    body: bytes | None = field(repr=False)
    secret: bool
    leaks: bool = False

    @property
    def digest(self) -> str:
        """Of the body, for the journal; empty where even that would tell something of a secret."""
        return "" if self.secret else hashlib.sha256(self.body or b"").hexdigest()

    @property
    def kept(self) -> str | None:
        """The body as the journal keeps it."""
        return None if self.secret or self.leaks or self.body is None else self.body.decode()


def freeze(operation: Operation, ids: Mapping[Address, str], secrets: Secrets) -> Frozen:
    """Fill in what was open until now; Rejected where an id or a secret cannot be had."""
    call = operation.call
    if "{id}" in call.path:
        call = replace(call, path=call.path.replace("{id}", quote(_id(operation.addresses[0], ids), safe="")))
    if call.body is None:
        return Frozen(call, None, secret=False)
    held: list[Secret] = []
    value = _filled(call.body, ids, secrets, held)
    text = canonical(value)
    return Frozen(call, text.encode(), secret=bool(held), leaks=secrets.leaks(text))


def _filled(value: Json, ids: Mapping[Address, str], secrets: Secrets, held: list[Secret]) -> Json:
    match value:
        case Made(address):
            return _id(address, ids)
        case Secret():
            held.append(value)
            return secrets.value(value)
        case Mapping():
            return {name: _filled(each, ids, secrets, held) for name, each in value.items()}
        case list() | tuple():
            return [_filled(each, ids, secrets, held) for each in value]
    return value


def _id(address: Address, ids: Mapping[Address, str]) -> str:
    if address not in ids:
        raise Rejected(
            [
                Diagnostic(
                    Code.NOT_FOUND,
                    f"{address} has no id: it was not made, or was left out of this run",
                    "see what became of it above, then run apply again",
                    address=address,
                )
            ]
        )
    return ids[address]


def described(call: Call, operation: Operation, secrets: Secrets, *, dated: bool = False) -> str:
    """A call as the journal keeps it: enough to send it again, beside its body, and to remember it by.

    ``dated``: the time beside it is ICA's, and not that of some machine.
    """
    return canonical(
        {
            "method": call.method,
            "path": call.path,
            "accept": call.accept,
            "content_type": call.content_type,
            "repeat": call.repeat.value,
            "id_fact": operation.id_fact,
            "unproven": operation.unproven,
            "appears": operation.appears,
            "arrives": operation.arrives,
            "clock": "ICA" if dated else "",
            "remember": {
                str(address): secrets.sifted(facts) for address, facts in operation.remember.items()
            },
        }
    )


def dated(begun: Begun) -> bool:
    """Whether the time of an entry is ICA's."""
    try:
        return bool(json.loads(begun.call)["clock"] == "ICA")
    except (ValueError, KeyError, TypeError):
        return False


def again(begun: Begun) -> Operation | None:
    """The operation that a pending entry speaks of, without its body; None where the entry is damaged."""
    try:
        told = json.loads(begun.call)
        call = Call(
            told["method"],
            told["path"],
            told["accept"],
            content_type=told["content_type"],
            repeat=Repeat(told["repeat"]),
            key=begun.key,
        )
        remember = {Address.parse(address): facts for address, facts in told["remember"].items()}
        return Operation(
            begun.verb,
            begun.addresses,
            call,
            appears=float(told["appears"]),
            arrives=float(told["arrives"]),
            id_fact=told["id_fact"],
            unproven=tuple(told["unproven"]),
            remember=remember,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
