"""HTTP to ICA and nothing else: a Call goes in, an Answer or a WireError comes out.

Importing this costs little: ``requests`` is loaded by the first Session.
"""

from icaform.wire.clock import Clock, SystemClock
from icaform.wire.credential import Credential, Means, alone, find_credential
from icaform.wire.jwt import Identity
from icaform.wire.limits import Event, Limits
from icaform.wire.problem import (
    BadAnswer,
    NotSent,
    Ousted,
    RateLimited,
    ReadOnly,
    ServerFault,
    Unanswered,
    Unauthorised,
    Unreachable,
    WireError,
)
from icaform.wire.server import Setting, base_url, find_project, find_server
from icaform.wire.session import Session

__all__ = [
    "BadAnswer",
    "Clock",
    "Credential",
    "Event",
    "Identity",
    "Limits",
    "Means",
    "NotSent",
    "Ousted",
    "RateLimited",
    "ReadOnly",
    "ServerFault",
    "Session",
    "Setting",
    "SystemClock",
    "Unanswered",
    "Unauthorised",
    "Unreachable",
    "WireError",
    "alone",
    "base_url",
    "find_credential",
    "find_project",
    "find_server",
]
