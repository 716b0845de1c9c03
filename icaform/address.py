"""What we call a thing before the server gives it an id, and the place where it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TEXT = re.compile(r"(?P<kind>[A-Za-z]+)/(?P<name>[^\[\]/]+)(?:\[(?P<item>.+)\])?")


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Kind and name of a resource, and the item inside it where the resource is one of many.

    Printed as ``Pipeline/germline-4-2`` or ``AnalysisBatch/cohort[NA12878]``.
    """

    kind: str
    name: str
    item: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}[{self.item}]" if self.item else f"{self.kind}/{self.name}"

    @property
    def parent(self) -> Address:
        """The manifest that this resource was written in: the address without its item."""
        return Address(self.kind, self.name) if self.item else self

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what ``str`` wrote; ValueError on anything else."""
        found = _TEXT.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no address; write Kind/name or Kind/name[item]")
        return cls(found["kind"], found["name"], found["item"] or "")


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in a manifest: the file as the user named it, line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
