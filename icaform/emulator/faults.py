"""What goes wrong on purpose: a list of faults, told through the control door; the first one that fits a
request acts.

    {"match": {"method"?: "POST", "path"?: glob of the path from /api on, "nth"?: 1}, "times"?: 1,
     "do"?: see below, "delay"?: seconds, "when"?: "before" | "after", "stored"?: bool, and what `do` wants}

It acts on the `nth` request that fits and on the next `times` - 1. `do` is one of

    drop_request      the connection breaks, nothing was done
    drop_answer       the effect, then the connection breaks
    cut_answer        the effect, half of the answer, then a reset
    truncate          the effect, half of the body; "length": "right" (of that half) | "wrong" (of the whole)
    status            "status": 500 | 502 | 503 | 504 | a refusal (REFUSALS), "when", "retry_after"?: seconds,
                      "body"?: "json" | "html" | "empty"
    stale_token       the token of the request counts no more, for this request and for all that follow: 401
    lag               a read that sees the world as it was "seconds": 30 ago
    twin              the same request is under way already: 409 to this one, the effect after `delay`
    fail_items        of the batch that the request makes, the items whose userReference "fits": "*" a glob
                      fail, with "reason"
    stop_batch        the job of the batch that the request makes stops after "done"?: N of its items (half)
    move_pipeline     just before, somebody else moves the request's pipeline "to": a status, "message"?
    rival_credential  just before, the caller makes credentials of the same name elsewhere

and without `do` the request is only delayed. `delay` is emulated time; `when` says on which side of the
effect a status or a delay falls. A delay outlives a caller who hangs up: then the effect comes late. `stored`
says whether an idempotent answer is kept although the client does not get it: by default yes where the
connection broke, no where the server itself answered with an error.

A document with a seed is a schedule of faults (schedule.py):

    {"seed": 7, "rate": 0.2, "of": [fault without match and times], "match"?: {method, path}, "first"?: N}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .call import Answer
from .lifecycle import ORDER
from .outcomes import Outcome
from .problem import MEDIA_TYPE, overload
from .record import Json
from .settings import HORIZON
from .typed import typed

HTML = b"<html><head><title>Error</title></head><body>Internal Server Error</body></html>"
OWN: dict[str | None, tuple[str, ...]] = {
    None: (),
    "drop_request": (),
    "drop_answer": (),
    "cut_answer": (),
    "truncate": ("length",),
    "status": ("status", "retry_after", "body"),
    "stale_token": (),
    "lag": ("seconds",),
    "twin": (),
    "fail_items": ("fits", "reason"),
    "stop_batch": ("done",),
    "move_pipeline": ("to", "message"),
    "rival_credential": (),
}
"""What each `do` wants beside the fields that all have."""
SHARED = ("do", "times", "delay", "when", "stored")
REFUSALS = (400, 401, 403, 404, 405, 408, 409, 410, 413, 421, 422, 425, 429, 499)
LONGEST = 1e9
"""Seconds of a delay."""
CHOICES = {
    "do": tuple(OWN),
    "status": (*REFUSALS, 500, 502, 503, 504, None),
    "when": ("before", "after"),
    "body": ("json", "html", "empty"),
    "length": ("right", "wrong"),
    "to": ORDER,
}


@dataclass
class Fault:
    method: str = "*"
    path: str = "*"
    nth: int = 1
    do: str | None = None
    times: int = 1
    delay: float = 0.0
    when: str = "before"
    stored: bool | None = None
    status: int | None = None
    retry_after: int | None = None
    body: str = "json"
    length: str = "right"
    seconds: float = 30.0
    fits: str = "*"
    reason: str = "The item failed."
    done: int | None = None
    to: str = "Archived"
    message: str | None = None
    seen: int = field(default=0)

    def __post_init__(self) -> None:
        typed(self)
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(str(a) for a in allowed if a is not None)}"
                )
        if (self.do == "status") != (self.status is not None):
            raise ValueError('"do": "status" and "status" go together')
        if self.do is None and not self.delay:
            raise ValueError("a fault needs do or delay")
        if not 0 <= self.seconds <= HORIZON:
            raise ValueError(f"seconds must be between 0 and {HORIZON:.0f}")
        if not 0 <= self.delay <= LONGEST:
            raise ValueError(f"delay must be between 0 and {LONGEST:.0f}")

    @property
    def name(self) -> str:
        """What the log of requests calls it."""
        return self.do or "delay"

    def due(self, method: str, path: str) -> Fault | None:
        """Itself, if it acts on this request; it counts what it fits."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return None
        self.seen += 1
        return self if self.nth <= self.seen < self.nth + self.times else None

    @property
    def spares(self) -> bool:
        """Whether the request has no effect."""
        return self.do == "drop_request" or (self.do == "status" and self.when == "before")

    @property
    def silent(self) -> bool:
        """Whether there is no answer at all."""
        return self.do in ("drop_request", "drop_answer")

    @property
    def keeps_answer(self) -> bool:
        return self.do != "status" if self.stored is None else self.stored

    @property
    def bearing(self) -> Json:
        """What of it the endpoint itself must know, as fields of a Call."""
        match self.do:
            case "lag":
                return {"lag": self.seconds}
            case "fail_items":
                return {"rules": (Outcome(self.fits, self.reason),)}
            case "stop_batch":
                return {"stops": True, "stops_after": self.done}
        return {}

    def answer(self, now: float, method: str, instance: str) -> Answer:
        assert self.status is not None
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.body == "html":
            return Answer(self.status, HTML, headers | {"Content-Type": "text/html;charset=utf-8"})
        if self.body == "empty":
            return Answer(self.status, b"", headers)
        problem = overload(self.status).body(now, method, instance)
        return Answer(self.status, problem, headers | {"Content-Type": MEDIA_TYPE})

    def show(self) -> Json:
        match = {name: getattr(self, name) for name in ("method", "path", "nth")}
        shown: dict[str, Any] = {name: getattr(self, name) for name in (*SHARED, *OWN[self.do])}
        return {"match": match, **shown, "seen": self.seen}


def read(document: Json) -> Fault:
    fields = {name: value for name, value in document.items() if name not in ("match", "seen")}
    match = document.get("match", {})
    if not isinstance(match, dict) or set(match) - {"method", "path", "nth"}:
        raise ValueError("match knows method, path and nth")
    do = fields.get("do")
    own = OWN.get(do, fields) if do is None or isinstance(do, str) else fields
    strange = set(fields) - {*SHARED, *own}
    if "status" in strange:
        raise ValueError('"do": "status" and "status" go together')
    if strange:
        raise ValueError(f"{do or 'a delay'} knows no {', '.join(sorted(strange))}")
    return Fault(**match, **fields)
