"""One call that we ask for or mean to make, what came back, and how an operation ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from icaform.address import Address
from icaform.diagnostic import Diagnostic

Json: TypeAlias = Any
"""What ``json.loads`` returns. In a body that is not yet sent, leaves may also be Made or Secret."""

AT_WORK = 75.0
"""Seconds for which ICA may be at work on a call whose answer is lost: longer than one waits for it."""
MAX_KEY = 255
"""Longest Idempotency-Key that ICA accepts (ICA, description of the Idempotency-Key header)."""


class Repeat(Enum):
    """What happens when a call is sent twice. It decides what the wire may do by itself."""

    READ = "read"  # it changes nothing: send again at will
    SAME = "same"  # it states a state (deprecate, archive, share, new secret): a repeat is harmless
    KEYED = "keyed"  # the server honours Idempotency-Key, but not after a 5xx: look before sending again
    NEVER = "never"  # a repeat makes a second thing: look before sending again


@dataclass(frozen=True, slots=True)
class Made:
    """A leaf of a body: the id of a resource, known once that resource is observed or created."""

    address: Address


@dataclass(frozen=True, slots=True)
class Secret:
    """A leaf of a body: a value that is fetched just before it is sent and is kept nowhere.

    ``source`` is ``("env", NAME)``, ``("file", PATH)`` or ``("command", program, argument, ...)``.
    """

    source: tuple[str, ...]

    def __str__(self) -> str:
        return f"{{{self.source[0]}: {' '.join(self.source[1:])}}}"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call to ICA, as a value. ``path`` begins with ``/api``."""

    method: str
    path: str
    accept: str
    query: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: Json = None
    repeat: Repeat = Repeat.READ
    key: str = ""
    paged: bool = False
    """Follow the cursor to the end: the answer's ``items`` are those of all pages."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Problem:
    """ICA's own account of what went wrong: its code (``ICA_API_004``), words and reference."""

    status: int
    code: str = ""
    detail: str = ""
    reference: str = ""
    own: bool = False
    """Whether it has the form that ICA gives its problems: what stands before ICA has others, or none."""

    def __str__(self) -> str:
        words = ": ".join(part for part in (self.code, self.detail) if part) or "no explanation"
        return f"HTTP {self.status} {words}" + (f" (ref. {self.reference})" if self.reference else "")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Answer:
    """What the server said. ``problem`` is set when the status is 400 or more."""

    status: int
    body: Json = None
    problem: Problem | None = None
    etag: str = ""
    pages: int = 1


class RefusedByServer(Exception):  # noqa: N818 - a verdict, not a defect
    """A read that was needed was refused; carries the call and ICA's problem."""

    def __init__(self, call: Call, problem: Problem) -> None:
        self.call = call
        self.problem = problem
        super().__init__(f"{call}: {problem}")


@dataclass(frozen=True, slots=True)
class Wait:
    """A kind asks for time to pass before it goes on, in seconds."""

    seconds: float
    reason: str


Result = TypeVar("Result")
Steps: TypeAlias = Generator[tuple[Call, ...] | Wait, tuple[Answer, ...], Result]
"""A conversation with the server: yields the calls it needs (a tuple may go out at once), is sent their
answers in the same order, and returns its result. It does no I/O, so it can be tested with a list."""


def ask(call: Call, *, missing: bool = False) -> Steps[Answer]:
    """Make one read; RefusedByServer unless it was granted (or, with ``missing``, was a 404)."""
    (answer,) = yield (call,)
    if answer.problem and not (missing and answer.status == 404):
        raise RefusedByServer(call, answer.problem)
    return answer


@dataclass(frozen=True, slots=True)
class Operation:
    """One mutating call that a plan means to make, for one change or for many.

    ``call.body`` is the whole body except for its Made and Secret leaves, and the key is fixed, so that a
    repeat is the same to the byte.
    """

    verb: str
    addresses: tuple[Address, ...]
    call: Call
    irreversible: bool = False
    starts: int = 0
    """How many analyses it starts: what the plan's price counts."""
    after: tuple[Address, ...] = ()
    """Resources whose operations must have succeeded before this one."""
    appears: float = 0.0
    """Seconds, beside the read lag, until its effect can be seen where the server works on it afterwards."""
    arrives: float = 0.0
    """Seconds, beside the read lag, after which what does not show did not happen: no server is as slow."""
    hides: float = 0.0
    """Seconds, beside the read lag, for which nobody can see what another call for the same has started: the
    server tells less than it could."""
    id_fact: str = ""
    """Under which name the answer's ``id`` is remembered for each address; empty: it has none."""
    remember: Mapping[Address, Mapping[str, Json]] = field(default_factory=dict)
    """What to remember of each resource once the call is acknowledged: facts that cannot be read back."""
    fails: Mapping[Address, Mapping[str, Json]] = field(default_factory=dict)
    """What to remember of each resource where ICA refuses the call for what it says, and not for who asks: it
    is this resource's own failure. The reason is remembered beside it, as ``failed``."""
    unproven: tuple[str, ...] = ()
    """Facts of these that seeing the effect of a call that was not acknowledged does not prove."""

    @property
    def makes(self) -> bool:
        """Whether the answer's id is that of its resource, and not of work that it started."""
        return self.id_fact == "id"

    @property
    def works(self) -> bool:
        """Whether the server is at work on it after its answer, which tells the id of that work."""
        return bool(self.id_fact) and not self.makes

    @property
    def name(self) -> str:
        """A stable name inside one plan."""
        more = f" and {len(self.addresses) - 1} more" if len(self.addresses) > 1 else ""
        return f"{self.verb} {self.addresses[0]}{more}"


@dataclass(frozen=True, slots=True)
class Done:
    """The change is there. ``already`` where it was so before we did anything; ``observed`` where it was
    seen and not only acknowledged, so that nobody needs to look again."""

    id: str = ""
    already: bool = False
    observed: bool = False
    remember: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """It is certain that the change is not there, and why."""

    reason: Diagnostic
    remember: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be decided whether the change is there. Unknown is not failed: look, then decide."""

    reason: Diagnostic
    remember: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """It was not started, and why."""

    reason: Diagnostic


Outcome: TypeAlias = Done | Refused | Unknown | Skipped


def canonical(value: Json) -> str:
    """The one JSON text of a value: sorted keys, no spaces. Made and Secret leaves stand as references."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_leaf)


def digest(value: Json, length: int = 32) -> str:
    """The first ``length`` hexadecimal digits of the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]


def idempotency_key(tenant: str, addresses: Iterable[Address], call: Call) -> str:
    """A key that is the same for the same intent and differs otherwise; safe characters, 255 at most.

    The resources belong to the intent: two of them may take the same call, but for an id not known yet.
    """
    names = [str(each) for each in addresses]
    return "icaform-" + digest([tenant, names, call.method, call.path, call.body], 48)


def _leaf(value: object) -> Json:
    match value:
        case Made():
            return {"$made": str(value.address)}
        case Secret():
            return {"$secret": list(value.source)}
        case Mapping():
            return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
