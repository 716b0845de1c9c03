"""The seam: a kind is a value. Everything above asks it; nothing above knows which kinds there are.

A kind states what may be said of it, what it must read to know the server's side, how the two differ, and
which calls a difference becomes. It does no I/O: it yields the calls that it needs and is sent the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from icaform.address import Address
from icaform.change import Change, Create, Update
from icaform.course import Pursuit
from icaform.diagnostic import Diagnostic
from icaform.manifest import Document
from icaform.operation import Answer, Json, Operation, Outcome, Steps
from icaform.portrait import Export
from icaform.state import Desired, Live, Observed, Spec, View


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document whose envelope and spec are found to be right."""

    name: str
    labels: Mapping[str, str]
    spec: Spec
    document: Document
    protected: bool = False
    ignore: Mapping[str, str] = field(default_factory=dict)


def _no_follow(operation: Operation, answer: Answer, view: View) -> Steps[Mapping[Address, Outcome]]:
    return {}
    yield ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource.

    ``desire`` turns a manifest into its resources, one or one an item, with what is wrong between fields.
    ``observe`` reads the server's side of these resources with as few calls as it can.
    ``compare`` tells one wish from one live resource (None: there is none).
    ``operate`` turns the changes of this kind into calls; one call may carry many changes.
    ``recall`` picks what to remember of a live resource that is as wanted; ``before`` is what was seen before
    we wrote, or None.
    ``proves`` tells whether a live resource shows that an operation had its effect on it, whatever is wished.
    ``follow`` waits for work that a call has started and tells how each resource of it ended; an address
    that it does not name is observed afresh and compared instead.
    ``id_fact`` is the name under which the id of a resource is remembered.
    ``ignorable`` are the fields that a manifest may leave to others in ``metadata.ignore``.
    ``export`` leads the other way, from the server to manifests; None where a kind has no such way.
    ``pursuit`` follows the work that its resources stand for; None where they stand for none.
    """

    name: str
    spec: type[Spec]
    summary: str
    desire: Callable[[Manifest], tuple[Sequence[Desired], Sequence[Diagnostic]]]
    observe: Callable[[Sequence[Desired], View], Steps[Observed]]
    compare: Callable[[Desired, Live | None, View], Change]
    operate: Callable[[Sequence[Create | Update], View], Sequence[Operation]]
    recall: Callable[[Desired, Live, Live | None], Mapping[str, Json]]
    proves: Callable[[Operation, Live], bool]
    follow: Callable[[Operation, Answer, View], Steps[Mapping[Address, Outcome]]] = _no_follow
    id_fact: str = "id"
    ignorable: tuple[str, ...] = ()
    export: Export | None = None
    pursuit: Pursuit | None = None


def simple(manifest: Manifest, kind: str, references: Iterable[Address] = (), **more: object) -> Desired:
    """The one resource of a manifest that has no items."""
    return Desired(
        address=Address(kind, manifest.name),
        spec=manifest.spec,
        place=manifest.document.origin,
        labels=manifest.labels,
        references=tuple(references),
        protected=manifest.protected,
        ignore=manifest.ignore,
        **more,  # type: ignore[arg-type]
    )
