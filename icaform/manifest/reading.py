"""The bytes of a manifest file into documents, and every complaint about them."""

from __future__ import annotations

import gc
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from icaform.address import Origin
from icaform.diagnostic import Code, Diagnostic
from icaform.manifest.document import Document
from icaform.manifest.encoding import forbidden, refused
from icaform.manifest.ledger import ALL_BYTES, BYTES, Abandoned, Allowance, Ledger, Stopped

# A file whose documents are broken one by one is given up after as many; each costs a new parser.
_BROKEN_DOCUMENTS = 100

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_BREAK = re.compile(rb"\r\n?|\n")


def read(
    data: bytes,
    file: str,
    variables: Mapping[str, str] = _NO_VARIABLES,
    allowance: Allowance | None = None,
) -> tuple[list[Document], list[Diagnostic]]:
    """The documents of a file and what is wrong with it, in the order of the text. Never raises for bad
    input.

    A document whose text is broken is left out and reading goes on at the next ``---``; one with lesser
    faults is given with its refused scalars as text, so that ``check`` finds the rest of what is wrong. Any
    diagnostic means that the file is refused. ``allowance`` is one for all files of a run.
    """
    allowance = allowance or Allowance()
    ledger = Ledger(file, allowance)
    allowance.bytes += len(data)
    if len(data) > BYTES:
        return [], [too_large(file)]
    if allowance.bytes > ALL_BYTES:
        allowance.spent = True
        summary = f"all manifests together have more than {ALL_BYTES:,} bytes"
        remedy = "split them into several workspaces, or runs"
        return [], [Diagnostic(Code.TOO_LARGE, summary, remedy, origin=Origin(file, 1, 1))]
    wrong = refused(data, file)
    if wrong:
        return [], [wrong]
    if not data.strip():
        return [], [_empty(file)]
    with _no_collection():
        documents = _documents(data, ledger, variables)
    allowance.nodes += ledger.nodes
    if not documents and not ledger.diagnostics:
        return [], [_empty(file)]
    ledger.diagnostics.sort(
        key=lambda each: (each.origin.line, each.origin.column) if each.origin else (0, 0)
    )
    return documents, ledger.diagnostics


def too_large(file: str) -> Diagnostic:
    """What is said of a file of more than ``BYTES``."""
    summary = f"the file has more than {BYTES:,} bytes"
    return Diagnostic(Code.TOO_LARGE, summary, "split it into several files", origin=Origin(file, 1, 1))


def _documents(data: bytes, ledger: Ledger, variables: Mapping[str, str]) -> list[Document]:
    # importing these imports ruamel.yaml
    from icaform.manifest.composing import Segment
    from icaform.manifest.events import BROKEN, complaint, events
    from icaform.manifest.syntax import fault

    # a backslash may write either character of "${" as an escape
    templated = b"${" in data or b"\\" in data
    documents: list[Document] = []
    offset, base = 0, 0
    marks: list[tuple[int, int]] = []
    for _ in range(_BROKEN_DOCUMENTS):
        rest = data[offset:] if offset else data
        segment = Segment(ledger.file, ledger, base, variables, templated)
        at = -1
        try:
            segment.compose(events(rest))
        except Stopped:
            at = -1
        except Abandoned:
            at = base + segment.start + 1
        except BROKEN as error:
            found = complaint(error)
            if found is None:
                ledger.diagnostics.append(forbidden(data, ledger.file))
            else:
                text = _line(rest, found.line)
                at = max(base + segment.start + 1, base + found.line)
                try:
                    ledger.enter(fault(found, text, ledger.file, base))
                except Stopped:
                    at = -1
        documents += segment.documents
        if at < 0:
            return documents
        marks = marks or list(_separators(data))
        following = bisect_left(marks, (at, 0))
        if following == len(marks):
            return documents
        base, offset = marks[following]
    summary = f"more than {_BROKEN_DOCUMENTS} documents are broken; the rest of the file was not read"
    ledger.diagnostics.append(
        Diagnostic(Code.TOO_LARGE, summary, "correct these first", origin=Origin(ledger.file, base + 1, 1))
    )
    return documents


def _separators(data: bytes) -> Iterator[tuple[int, int]]:
    """Line (from 0) and offset of every ``---``: at the start of a line it always begins a document."""
    start = 0
    for line, found in enumerate(_BREAK.finditer(data), 1):
        start = found.end()
        if data.startswith(b"---", start) and data[start + 3 : start + 4] in (b"", b" ", b"\t", b"\r", b"\n"):
            yield line, start


def _line(data: bytes, number: int) -> bytes:
    """A line of the data, counted from 0."""
    start = 0
    for line, found in enumerate(_BREAK.finditer(data)):
        if line == number:
            return data[start : found.start()]
        start = found.end()
    return data[start:]


def _empty(file: str) -> Diagnostic:
    return Diagnostic(
        Code.EMPTY,
        "the file holds no manifest",
        "write a manifest in it, or leave the file out",
        origin=Origin(file, 1, 1),
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Cyclic garbage collection paused: values that are being built are no garbage, and looking costs a
    third.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
