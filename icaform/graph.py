"""Order by reference: what must have happened before what."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, did_you_mean
from icaform.operation import Operation
from icaform.state import Desired

Node = TypeVar("Node", bound=Hashable)

COMPARED = 20_000
"""With how many names unknown references are compared in all, to guess what was meant; guessing is slow."""


def check(wishes: Sequence[Desired]) -> list[Diagnostic]:
    """References that lead nowhere, and references that lead in a circle."""
    declared = {wish.address for wish in wishes} | {wish.address.parent for wish in wishes}
    origins = {wish.address: wish for wish in wishes}
    found = []
    names: dict[str, set[str]] = {}
    compared = 0
    told: set[tuple[Address, Address]] = set()
    for wish in wishes:
        for reference in wish.references:
            if (wish.address.parent, reference) in told:
                continue
            if reference not in declared:
                told.add((wish.address.parent, reference))
                if not names:
                    for each in declared:
                        names.setdefault(each.kind, set()).add(str(each.parent))
                alike = names.get(reference.kind, set())
                compared += len(alike)
                near = did_you_mean(str(reference), sorted(alike)) if compared <= COMPARED else ""
                found.append(
                    Diagnostic(
                        Code.UNKNOWN_REFERENCE,
                        f"{wish.address} refers to {reference}, which is not declared",
                        near or f"declare {reference} in a manifest of the same run",
                        origin=wish.origin,
                        address=wish.address,
                    )
                )
    circle = cycle({wish.address: wish.references for wish in wishes if wish.references})
    if circle:
        path = " -> ".join(map(str, circle))
        wish = next(origins[each] for each in circle if each in origins)
        found.append(
            Diagnostic(
                Code.REFERENCE_CYCLE,
                f"resources refer to each other in a circle: {path}",
                "remove one of these references",
                origin=wish.origin,
                address=wish.address,
            )
        )
    return found


def cycle(edges: Mapping[Node, Iterable[Node]]) -> list[Node]:
    """A circle in a graph, first node repeated at the end, or an empty list."""
    try:
        tuple(TopologicalSorter(edges).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def dependencies(operations: Sequence[Operation]) -> list[tuple[int, ...]]:
    """For each operation the numbers of those that must have succeeded before it.

    Operations on one resource run in the order given; others wait for the resources named in ``after``.
    """
    latest: dict[Address, int] = {}
    by_address: dict[Address, list[int]] = {}
    for number, operation in enumerate(operations):
        for address in operation.addresses:
            by_address.setdefault(address, []).append(number)
    found = []
    for number, operation in enumerate(operations):
        needs = {latest[address] for address in operation.addresses if address in latest}
        for address in operation.after:
            needs.update(each for each in by_address.get(address, ()) if each != number)
        for address in operation.addresses:
            latest[address] = number
        found.append(tuple(sorted(needs)))
    return found
