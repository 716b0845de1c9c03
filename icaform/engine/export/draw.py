"""What kinds find on the server, as manifests that are proven: written, read back, compared as in a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from icaform import graph
from icaform.address import Address
from icaform.change import Change, Create, Held, Keep, Update
from icaform.declare import API_VERSION, admit
from icaform.diagnostic import Diagnostic, Severity
from icaform.engine.export.names import names
from icaform.engine.gather import Selection
from icaform.engine.observe import Transport, converse, observe
from icaform.engine.run import Run
from icaform.kind import Kind
from icaform.manifest import read
from icaform.manifest.writing import written
from icaform.operation import Json
from icaform.portrait import Portrait, Scope
from icaform.state import Desired, Observed, Remembered, View

_EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Drawing:
    """One thing on the server, with the manifest that states it."""

    address: Address
    portrait: Portrait
    value: Mapping[str, Json]
    wishes: tuple[Desired, ...] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """The manifest."""
        return written(self.value, self.portrait.notes)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing on the server that has no manifest, and why."""

    kind: str
    called: str
    id: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.called!r} ({self.id}): {self.why}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """All that was found: what is proven, what is declared already, and what had to be left out."""

    new: tuple[Drawing, ...]
    there: Mapping[Address, Portrait]
    """By the address of the manifest that states it."""
    left_out: tuple[LeftOut, ...]
    observed: Observed = field(repr=False)
    """The server's side of what is declared already, and how it is looked at."""
    view: View = field(repr=False)


def drawn(
    run: Run, transport: Transport, kinds: Sequence[str], scope: Scope, selection: Selection = _EVERYTHING
) -> Drawn:
    """The things of these kinds in these projects. ``run.wishes`` are what is declared already.

    What the journal remembers of a thing is remembered by its address, so it keeps that if it has one. New
    manifests get the labels of the selection: ICA has none.
    """
    view = replace(run.view(run.memory()), fingerprint=lambda _: None)
    observed = observe(run.kinds, run.wishes, view, transport) if run.wishes else Observed()
    declared = _declared(run, observed)
    own = replace(view, remembered=_own(run, observed, view))
    new: list[Drawing] = []
    there: dict[Address, Portrait] = {}
    left_out: list[LeftOut] = []
    for name in kinds:
        kind = run.kinds[name]
        if kind.export is None:
            continue
        found = []
        for portrait in converse(kind.export.portraits(scope, own), transport, run.pause):
            address = declared.get((name, portrait.called if portrait.fixed else portrait.id))
            if address:
                there[address] = portrait
            elif portrait.left_out:
                left_out.append(LeftOut(name, portrait.called, portrait.id, portrait.left_out))
            else:
                found.append(portrait)
        new += _named(kind, found, run, own, selection.labels)
    proven, more = _proven(run, view, transport, new, selection)
    meant = {wish.address.parent for wish in run.wishes if selection.takes(wish)}
    there = {address: portrait for address, portrait in there.items() if address in meant}
    return Drawn(
        tuple(proven), there, (*left_out, *more), observed, replace(view, resolved=observed.resolved)
    )


def _own(run: Run, observed: Observed, view: View) -> Mapping[Address, Remembered]:
    """What is remembered, but for addresses that now belong to manifests of something else."""

    def stands(address: Address, facts: Remembered) -> bool:
        live = observed.live.get(address)
        return (
            address not in run.by_address
            or "id" not in facts
            or (live is not None and live.id == facts["id"])
        )

    return {address: facts for address, facts in view.remembered.items() if stands(address, facts)}


def _declared(run: Run, observed: Observed) -> dict[tuple[str, str], Address]:
    """The manifests that there are by kind and id in ICA, and those with items by their names."""
    found = {(each.kind, live.id): each.parent for each, live in observed.live.items()}
    for wish in run.wishes:
        if wish.address.item:
            found[wish.address.kind, wish.address.name] = wish.address.parent
    return found


def _named(
    kind: Kind, found: Sequence[Portrait], run: Run, view: View, labels: Mapping[str, str]
) -> Iterator[Drawing]:
    """Drawings that are not proven yet, in the order of their names."""
    ids = {each.id for each in found}
    known = {
        str(facts["id"]): address.name
        for address, facts in sorted(view.remembered.items())
        if address.kind == kind.name and facts.get("id") in ids
    }
    taken = {wish.address.name for wish in run.wishes if wish.address.kind == kind.name}
    others = {each.id: each.called for each in found if not each.fixed and each.id not in known}
    called = {each.id: each.called for each in found if each.fixed}
    called |= known | names(others, taken | set(known.values()), kind.name.lower())
    for portrait in sorted(found, key=lambda each: (called[each.id], each.id)):
        name = called[portrait.id]
        said = {**portrait.spec, **portrait.state}
        if portrait.title and said.get(portrait.title) == name:
            del said[portrait.title]
        value = {
            "apiVersion": API_VERSION,
            "kind": kind.name,
            "metadata": {"name": name, **({"labels": dict(labels)} if labels else {})},
            "spec": {each: said[each] for each in kind.spec.model_fields if each in said},
        }
        yield Drawing(Address(kind.name, name), portrait, value)


def _proven(
    run: Run, view: View, transport: Transport, new: Sequence[Drawing], selection: Selection
) -> tuple[list[Drawing], list[LeftOut]]:
    """The drawings of which a plan is empty. What one of them needs may be left out, so it is asked again."""
    wrong: dict[Address, str] = {}
    left_out: list[LeftOut] = []
    good: dict[Address, Drawing] = {}
    for each in new:
        drawing, why = _read_back(run, each)
        if each.address in good:
            why = f"there is another one that would be {each.address}, from {good[each.address].portrait.id}"
        if why:
            left_out.append(_without(each, why))
        elif any(selection.takes(wish) for wish in drawing.wishes):
            good[each.address] = drawing
    while good:
        wishes = [*run.wishes, *(wish for each in good.values() for wish in each.wishes)]
        wrong = _unsound(run, view, transport, wishes)
        if not wrong.keys() & good.keys():
            break
        left_out += [_without(good.pop(address), wrong[address]) for address in wrong if address in good]
    return list(good.values()), left_out


def _without(drawing: Drawing, why: str) -> LeftOut:
    return LeftOut(drawing.address.kind, drawing.portrait.called, drawing.portrait.id, why)


def _read_back(run: Run, drawing: Drawing) -> tuple[Drawing, str]:
    """The drawing with what it declares, or why its manifest is none."""
    try:
        text = drawing.text
    except ValueError as error:
        return drawing, str(error)
    documents, wrong = read(text.encode(), "")
    if not wrong and [each.value for each in documents] == [drawing.value]:
        address, wishes, found = admit(run.kinds, documents[0])
        wrong = [*found]
        if address == drawing.address and not wrong:
            return replace(drawing, wishes=tuple(wishes)), ""
    return drawing, wrong[0].summary if wrong else "it cannot be written down"


def _unsound(run: Run, view: View, transport: Transport, wishes: Sequence[Desired]) -> dict[Address, str]:
    """Why some manifests would not stand in a plan as they are, by their addresses."""
    found: dict[Address, str] = {}

    def note(diagnostics: Sequence[Diagnostic]) -> None:
        for each in diagnostics:
            if each.address and each.severity is Severity.ERROR:
                found.setdefault(each.address.parent, each.summary)

    note(graph.check(wishes))
    if found:
        return found
    observed = observe(run.kinds, wishes, view, transport)
    note(observed.faults)
    seen = replace(view, resolved=observed.resolved)
    for wish in wishes:
        address = wish.address
        if address.parent not in found:
            change = run.kinds[address.kind].compare(wish, observed.live.get(address), seen)
            if not isinstance(change, Keep):
                found[address.parent] = differs(change)
    return found


def differs(change: Change) -> str:
    """In what a manifest is not as the server is."""
    match change:
        case Held(reason=reason):
            return reason.summary
        case Create() | Update():
            return f"a plan would {' and '.join(change.verbs)} it"
    return "it is as it is there"
