"""The one door to ruamel.yaml: libyaml's events with their marks, and libyaml's complaints.

``CParser.get_event`` of the extra ``libyaml`` gives what the pure Python scanner gives, some twenty times
faster. Its own composer needs a resolver mixed in, recurses without a bound, and looks marks up for nodes
that nobody keeps. Importing this module imports ruamel.yaml, so its users import it when they have text to
compose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)


class Mark(Protocol):
    """A place, counted from 0; ``index`` in characters from the beginning."""

    index: int
    line: int
    column: int


class Event(Protocol):
    """What the composer reads of an event; which of these exist depends on its class."""

    start_mark: Mark
    end_mark: Mark
    value: str
    anchor: str | None
    tag: str | None
    # of a scalar: whether it is plain, and whether it is quoted, both false under a tag; of a collection: no
    # tag
    implicit: Any
    # of a scalar: how it is quoted; of a collection: whether it stands between brackets
    style: str | None
    flow_style: bool


SCALAR: type[Any] = ScalarEvent
ALIAS: type[Any] = AliasEvent
MAPPING: type[Any] = MappingStartEvent
MAPPING_END: type[Any] = MappingEndEvent
SEQUENCE: type[Any] = SequenceStartEvent
SEQUENCE_END: type[Any] = SequenceEndEvent
DOCUMENT: type[Any] = DocumentStartEvent
DOCUMENT_END: type[Any] = DocumentEndEvent
STREAM_END: type[Any] = StreamEndEvent

BROKEN: tuple[type[Exception], ...] = (YAMLError,)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What libyaml found wrong. Its words are constants of libyaml and quote no text of the file."""

    problem: str
    context: str
    line: int
    column: int
    context_line: int
    context_column: int


def events(data: bytes) -> Callable[[], Event]:
    """A call that gives the next event of the stream and raises one of ``BROKEN``."""
    return CParser(data).get_event  # type: ignore[no-any-return]


def complaint(error: Exception) -> Complaint | None:
    """The complaint in a ``BROKEN``; none where the bytes and not the grammar are at fault."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return None
    mark = error.problem_mark
    opened = error.context_mark or mark
    return Complaint(
        error.problem or "", error.context or "", mark.line, mark.column, opened.line, opened.column
    )
