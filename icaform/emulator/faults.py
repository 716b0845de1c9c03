"""What goes wrong on purpose: a list of faults, told through the control door; the first one that fits a
request acts.

    {"match": {"method"?: "POST", "path"?: glob of the path from /api on, "nth"?: 1},
     "do"?: "drop_request" | "drop_answer" | "status", "status"?: 503, "retry_after"?: seconds,
     "when"?: "before" | "after", "body"?: "json" | "html" | "empty", "times"?: 1, "delay"?: seconds,
     "stored"?: bool}

A fault acts on the `nth` request that fits and on the next `times` - 1. `when` says on which side of the
effect a status or a delay falls. `delay` is emulated time. `stored` says whether an idempotent answer is kept
although the client does not get it: by default yes where the connection broke, no where the server itself
answered with an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .call import Answer
from .problem import MEDIA_TYPE, overload
from .record import Json

HTML = b"<html><head><title>Error</title></head><body>Internal Server Error</body></html>"
CHOICES = {
    "do": ("drop_request", "drop_answer", "status", None),
    "status": (429, 500, 503, None),
    "when": ("before", "after"),
    "body": ("json", "html", "empty"),
}


@dataclass
class Fault:
    method: str = "*"
    path: str = "*"
    nth: int = 1
    do: str | None = None
    status: int | None = None
    retry_after: int | None = None
    when: str = "before"
    body: str = "json"
    times: int = 1
    delay: float = 0.0
    stored: bool | None = None
    seen: int = field(default=0)

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(str(a) for a in allowed if a is not None)}"
                )
        if (self.do == "status") != (self.status is not None):
            raise ValueError('"do": "status" and "status" go together')
        if self.do is None and not self.delay:
            raise ValueError("a fault needs do or delay")

    def meets(self, method: str, path: str) -> bool:
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def keeps_answer(self) -> bool:
        return self.do != "status" if self.stored is None else self.stored

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
        document: dict[str, Any] = dict(vars(self))
        match = {name: document.pop(name) for name in ("method", "path", "nth")}
        return {"match": match, **document}


def read(document: Json) -> Fault:
    fields = {name: value for name, value in document.items() if name not in ("match", "seen")}
    match = document.get("match", {})
    if set(match) - {"method", "path", "nth"}:
        raise ValueError("match knows method, path and nth")
    try:
        return Fault(**match, **fields)
    except TypeError as unknown:
        raise ValueError(str(unknown).split(") ")[-1]) from None


def acting(faults: list[Fault], method: str, path: str) -> Fault | None:
    """Every fault counts what it fits; the first that is due acts."""
    due = [fault for fault in faults if fault.meets(method, path)]
    return due[0] if due else None
