"""What is on the server as manifests would state it: the way of a kind that leads out of ICA.

A kind that can be exported has an ``Export``. Like its other conversations these do no I/O, so that whoever
listens to them learns what ICA answered, and can answer for it later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from icaform.operation import Json, Steps
from icaform.state import View


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: projects by id, each with what a manifest calls it; empty for the workspace's own.

    ``others`` are further projects that we may see, and that manifests may name one day.
    """

    projects: Mapping[str, str]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Portrait:
    """One thing on the server, as a manifest of its kind.

    ``spec`` are the fields that find it, or that nobody can read back; ``state`` those that tell how it is. A
    manifest that is there already keeps the former and is given the latter; ``gone`` are fields that it
    cannot have any more.
    """

    id: str
    called: str
    """ICA's own name for it: metadata.name is made of it, and is it where it can be."""
    spec: Mapping[str, Json] = field(default_factory=dict)
    state: Mapping[str, Json] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    title: str = ""
    """A field of ``spec`` that says what metadata.name says unless they differ."""
    fixed: bool = False
    """Its metadata.name is known to ICA, and can be no other."""
    notes: tuple[str, ...] = ()
    """What a person should know who reads the manifest."""
    left_out: str = ""
    """Why it has no manifest."""


@dataclass(frozen=True, slots=True)
class Export:
    """How a kind is exported.

    ``portraits`` finds what is there. ``survey`` asks what manifests that nobody has written yet may ask.
    ``reads`` names the fields of answers that the kind's conversations and comparisons read, whatever object
    they stand in, or with ``path#field`` in the answers of one path alone: the rest of an answer can be
    forgotten. ``private`` are facts that stay in the journal:
    they tell something of a secret.
    """

    portraits: Callable[[Scope, View], Steps[Sequence[Portrait]]]
    survey: Callable[[Scope, View], Steps[object]]
    reads: frozenset[str]
    private: frozenset[str] = frozenset()
