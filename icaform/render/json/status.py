"""The JSON document of ``status``: every piece of work, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from icaform.course import Course, Stage
from icaform.operation import Json
from icaform.render.report.parts import Finding, Named, Part, Source, Versioned, document_schema
from icaform.render.report.record import FORMAT_VERSION, diagnosis, encoded, named, source_of
from icaform.render.report.status import Crew, Status

DIALECT = "json"


def render(report: Status, **_: object) -> Iterator[str]:
    """The lines of the document. Colour, width and limit are for other dialects."""
    head = {
        "format_version": FORMAT_VERSION,
        "command": report.command,
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "errored": report.errored,
        "complete": report.ended,
        "workspace": report.workspace or None,
        "server": report.server or None,
        "counts": _counts(report.counts),
        "reads": report.reads,
        "waited_seconds": round(report.seconds),
        "diagnostics": [diagnosis(each) for each in report.diagnostics],
    }
    yield "{"
    for name, value in head.items():
        yield f"  {encoded(name)}: {encoded(value)},"
    yield '  "batches": ['
    for crew in report.crews:
        yield from _crew(crew, report, last=crew is report.crews[-1])
    yield "  ]"
    yield "}"


def _crew(crew: Crew, report: Status, *, last: bool) -> Iterator[str]:
    head = {**named(crew.address), "source": source_of(crew.source), "counts": _counts(crew.counts)}
    start = ", ".join(f"{encoded(name)}: {encoded(value)}" for name, value in head.items())
    yield f'    {{{start}, "items": ['
    for course in crew.courses:
        yield f"      {encoded(_item(course, report))}{'' if course is crew.courses[-1] else ','}"
    yield "    ]}" if last else "    ]},"


def _item(course: Course, report: Status) -> dict[str, Json]:
    brought = (report.yields or {}).get(course.address)
    return {
        **named(course.address),
        "stage": slug(course.stage),
        "status": course.status or None,
        "id": course.id or None,
        "project_id": course.scope or None,
        "attempt": course.attempt or None,
        "seconds": None if course.seconds is None else round(course.seconds),
        "reason": course.why or None,
        "notes": list(course.notes),
        "outputs": None
        if brought is None
        else [
            {"code": each.code, "id": each.id, "name": each.name, "type": each.sort}
            | {"project_id": each.project or None}
            for each in brought
        ],
    }


def slug(stage: Stage) -> str:
    """A stage as programs read it."""
    return stage.name.lower()


def _counts(counts: Mapping[Stage, int]) -> dict[str, int]:
    return {slug(each): counts.get(each, 0) for each in Stage}


class Output(Part):
    """One thing that an analysis brought; what is in a folder is not told again."""

    code: str = Field(description="The name of the pipeline's output")
    id: str
    name: str
    type: str = Field(description="FILE or FOLDER")
    project_id: str | None


class StatusItem(Named):
    """One item of a batch: its newest attempt."""

    stage: Literal[
        "to_start",
        "creating",
        "queued",
        "running",
        "waiting",
        "unknown",
        "succeeded",
        "failed",
        "failed_final",
        "aborted",
        "not_created",
    ]
    status: str | None = Field(description="ICA's own word, in the spelling of its newer API")
    id: str | None = Field(description="Of the analysis")
    project_id: str | None
    attempt: int | None
    seconds: int | None = Field(description="How long it ran, or has run by now")
    reason: str | None = Field(description="ICA's summary of a bad end")
    notes: list[str]
    outputs: list[Output] | None = Field(description="null unless they were asked for and it succeeded")


class StatusBatch(Named):
    """All items of one manifest."""

    source: Source | None
    counts: dict[str, int]
    items: list[StatusItem]


class StatusDocument(Versioned):
    """What icaform status writes with --output json. One that fails writes a report."""

    command: Literal["status"]
    verdict: str = Field(description="One line for people")
    exit_code: int
    errored: bool = Field(description="Something ended badly, or cannot be told")
    complete: bool = Field(description="Nothing is left that goes on or is to be started")
    workspace: str | None
    server: str | None
    counts: dict[str, int] = Field(description="Of all items, by stage")
    reads: int = Field(ge=0)
    waited_seconds: int = Field(ge=0)
    diagnostics: list[Finding]
    batches: list[StatusBatch]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    return document_schema(StatusDocument, f"icaform status, format {FORMAT_VERSION}")
