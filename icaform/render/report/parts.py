"""What is in a record, as models from which the JSON Schemas of the dialects for machines are made.

They are not used to write anything: fifty thousand rows through a model would cost more than all the rest.
A test validates what is written against the schemas instead.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

StandingWord = Literal["same", "pending", "drifted", "both", "unknown"]
Repeat = Literal["read", "same", "keyed", "never"]


def document_schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document, under a title of its own."""
    made = model.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return head | {name: value for name, value in made.items() if name != "title"}


class Part(BaseModel):
    """Base of all parts: every field is always there, null where it does not apply."""

    model_config = ConfigDict(extra="allow")


class Source(Part):
    """A place in a manifest, counted from 1."""

    file: str
    line: int = Field(ge=0)
    column: int = Field(ge=0)


class Finding(Part):
    """What is wrong, where, and what to do about it."""

    code: str = Field(description="Stable name, such as `unknown-field`")
    severity: Literal["error", "warning"]
    summary: str
    detail: str | None
    remedy: str | None
    source: Source | None
    address: str | None


class Named(Part):
    """An address, whole and in its parts."""

    address: str = Field(description="Kind/name, or Kind/name[item]")
    kind: str
    name: str
    item: str | None


class Live(Named):
    """A thing on the server that no manifest declares."""

    id: str


class Sides(Part):
    """The two sides of a change, by path of the field. Only what differs is in them."""

    actions: list[Literal["create", "update", "delete", "no-op"]]
    before: dict[str, Any] | None = Field(description="null where there is no such resource")
    after: dict[str, Any] | None = Field(description="null where there is no such resource any more")
    before_unknown: dict[str, bool] = Field(description="Fields that ICA does not show")
    after_unknown: dict[str, bool] = Field(description="Fields that are known after apply")
    before_sensitive: dict[str, bool] = Field(description="Fields that hold a secret; their value is null")
    after_sensitive: dict[str, bool] = Field(description="Fields that hold a secret; their value is null")


class Precondition(Part):
    """What was seen of the resource when the plan was made; apply holds it if that is no longer so."""

    exists: bool
    id: str | None


class Promise(Part):
    """The call that is made, its Idempotency-Key, and what a repeat of it would do."""

    verb: str
    call: str
    key: str
    repeat: Repeat


class ResourceChange(Named):
    """What the plan means to do with a resource, or why it does nothing."""

    change: Sides
    state: Literal["planned", "held"]
    verbs: list[str]
    irreversible: bool
    standing: StandingWord
    reason: Finding | None = Field(description="Why it is held")
    notes: list[str]
    source: Source | None
    precondition: Precondition
    idempotency: list[Promise]


class ResourceDrift(Named):
    """What the server's side did: `before` is what icaform last wrote, `after` what is there now."""

    change: Sides
    standing: StandingWord
    id: str | None
    reason: Finding | None
    notes: list[str]
    source: Source | None


class Outcome(Named):
    """How one operation ended for one resource. Unknown is not failed: look, then decide."""

    verb: str
    outcome: Literal["done", "already", "refused", "unknown", "skipped"]
    irreversible: bool
    observed: bool
    id: str | None
    reason: Finding | None
    idempotency: Promise


class Note(Part):
    """What is said of a number of resources, one of which is named."""

    text: str
    count: int = Field(ge=1)
    address: str


class Unchanged(Part):
    """Resources for which nothing is to be done, counted by state. The first different notes are told."""

    state: str | None
    busy: bool = Field(description="Work on them is under way in ICA")
    count: int = Field(ge=1)
    notes: list[Note]
    more_notes: int = Field(ge=0)


class ApiCalls(Part):
    """What the command cost, or the plan will cost."""

    reads: int = Field(ge=0)
    writes: int = Field(ge=0)
    analyses: int = Field(ge=0)
    seconds: float | None = Field(
        description="How long the writes take at the rate limit, where one is known"
    )
    calls_per_second: float | None = Field(
        default=None, description="That limit: found out while reading, or set by whoever runs it"
    )


class Counts(Part):
    """Each number of the verdict. Which of them are there depends on the command."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]

    errors: int = Field(ge=0)
    warnings: int = Field(ge=0)


class Head(Part):
    """What is said of the whole run."""

    command: str
    verdict: str = Field(description="One line for people")
    exit_code: int
    errored: bool
    complete: bool = Field(description="Nothing more is left to do, or to be told, than is in this document")
    workspace: str | None
    server: str | None
    plan_digest: str | None = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    counts: Counts
    api_calls: ApiCalls


class Versioned(Part):
    """Whatever a program reads by itself says which format it has."""

    format_version: str = Field(pattern=r"^1\.\d+$")
