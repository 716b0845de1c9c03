"""The JSON Schema of one line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from icaform.render.report import parts
from icaform.render.report.parts import Part, Promise, Versioned
from icaform.render.report.record import FORMAT_VERSION


class ResourceChange(parts.ResourceChange, Versioned):
    """What the plan means to do with a resource, or why it does nothing."""

    type: Literal["resource_change"]


class ResourceDrift(parts.ResourceDrift, Versioned):
    """What the server's side did to a resource."""

    type: Literal["resource_drift"]


class Outcome(parts.Outcome, Versioned):
    """How one operation ended for one resource."""

    type: Literal["outcome"]


class Unchanged(parts.Unchanged, Versioned):
    """Resources for which nothing is to be done, counted by state."""

    type: Literal["unchanged"]


class Unmanaged(parts.Live, Versioned):
    """A thing on the server that no manifest declares."""

    type: Literal["unmanaged"]


class Undeclared(parts.Named, Versioned):
    """A resource that no manifest declares any more. It is left as it is."""

    type: Literal["undeclared"]


class Diagnostic(parts.Finding, Versioned):
    """What is wrong, where, and what to do about it."""

    type: Literal["diagnostic"]


class Summary(parts.Head, Versioned):
    """The last line of a report. An apply that tells its plan first has two, of `plan` and of `apply`."""

    type: Literal["summary"]


class Event(Versioned):
    """Something that happened while the run was going on."""

    time: str = Field(description="RFC 3339, UTC")


class Begun(Event):
    """An operation whose call is about to leave."""

    type: Literal["operation_began"]
    verb: str
    addresses: list[str]
    irreversible: bool
    idempotency: Promise


class Counted(Part):
    """How many resources of an operation ended how."""

    done: int = 0
    already: int = 0
    refused: int = 0
    unknown: int = 0
    skipped: int = 0


class Ended(Event):
    """An operation that ended, or was not begun; the `outcome` lines of the report have the last word."""

    type: Literal["operation_ended"]
    verb: str
    addresses: list[str]
    irreversible: bool
    idempotency: Promise
    outcomes: Counted
    done: int = Field(ge=0, description="Resources of all operations that have ended so far")
    of: int = Field(ge=0)


class Told(Event):
    """Why the run waits, or what a person should hear of."""

    type: Literal["wait", "note"]
    text: str


Line = Annotated[
    ResourceChange
    | ResourceDrift
    | Outcome
    | Unchanged
    | Unmanaged
    | Undeclared
    | Diagnostic
    | Summary
    | Begun
    | Ended
    | Told,
    Field(discriminator="type"),
]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a line."""
    made = TypeAdapter[Any](Line).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of icaform's ndjson, format {FORMAT_VERSION}",
        **made,
    }
