"""What will be done, in order, with what was seen when it was decided, and a digest of all that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from icaform import graph
from icaform.address import Address
from icaform.change import Change, Create, Edit, Held, Keep, Move, Standing, Update
from icaform.diagnostic import Code, Diagnostic
from icaform.kind import Kind
from icaform.operation import Json, Operation, digest, idempotency_key
from icaform.state import Desired, Identity, Live, Observed, View

FORMAT = 3
"""Version of what the digest covers. Another value makes every digest another."""
MODIFIED = "modified"
"""What is covered of a secret that somebody else has written to after us."""


@dataclass(frozen=True)
class Price:
    """What a plan costs: reads made to know it, writes to come, analyses to be started."""

    reads: int = 0
    writes: int = 0
    analyses: int = 0


@dataclass(frozen=True)
class Plan:
    """Ordered changes and operations. Pure: the same input gives the same plan, and the same digest."""

    workspace: str
    server: str
    identity: Identity
    changes: tuple[Change, ...]
    operations: tuple[Operation, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    undeclared: tuple[Address, ...] = ()
    reads: int = 0
    referred: Mapping[Address, str] = field(default_factory=dict)
    """The ids of live resources that operations refer to: who approves a plan approves these."""
    moves: tuple[Move, ...] = ()
    """The changes that are not Keep."""
    aside: int = 0
    """How many changes were left aside, since only drift was to be repaired."""
    commands: Mapping[Address, Json] = field(default_factory=dict)
    """The programs that give secrets, by whose they are: an apply runs them, to compare what they give."""

    @property
    def empty(self) -> bool:
        """Nothing is to be done."""
        return not self.operations

    @property
    def price(self) -> Price:
        """Reads made, writes to come, analyses to start."""
        return Price(self.reads, len(self.operations), sum(each.starts for each in self.operations))

    @property
    def declared(self) -> int:
        """How many resources were compared, those that were left aside among them."""
        return len(self.changes) + self.aside

    @property
    def held(self) -> tuple[Held, ...]:
        """What differs and is left alone until a person settles it."""
        return tuple(each for each in self.moves if isinstance(each, Held))

    @property
    def awaited(self) -> int:
        """How many resources an earlier run has started, and ICA has not made yet."""
        return sum(isinstance(change, Keep) and change.awaited for change in self.changes)

    @property
    def refused(self) -> tuple[Held, ...]:
        """What is held and will not come true as the manifest stands. An item that changed since it ran is
        none of these: it ran, and raising the generation is a wish of its own.
        """
        return tuple(each for each in self.held if each.reason.code is not Code.CHANGED_SINCE_RUN)

    @cached_property
    def begun(self) -> frozenset[Address]:
        """The manifests of several items of which some exist already."""
        return frozenset(
            change.address.parent
            for change in self.changes
            if change.address.item and not isinstance(change, Create)
        )

    @property
    def irreversible(self) -> tuple[Operation, ...]:
        """The steps that cannot be undone."""
        return tuple(each for each in self.operations if each.irreversible)

    @cached_property
    def covered(self) -> Mapping[str, Json]:
        """What an approval covers: the wishes that differ, what was seen of them, and the operations.

        It holds no time and no secret, and does not depend on files, order of keys, spacing or comments.
        """
        covered = {
            "format": FORMAT,
            "workspace": self.workspace,
            "server": self.server,
            "tenant": self.identity.tenant,
            "user": self.identity.user,
            "changes": {str(change.address): _said(change) for change in self.moves},
            "operations": {each.call.key: [each.verb, *map(str, each.addresses)] for each in self.operations},
            "referred": {str(address): live_id for address, live_id in self.referred.items()},
        }
        # What a command will give is not known to a plan, so it is the command that is approved.
        commands = {str(address): told for address, told in self.commands.items()}
        return {**covered, **({"commands": commands} if commands else {})}

    @cached_property
    def digest(self) -> str:
        """The digest of what an approval covers."""
        return digest_of(self.covered)


def digest_of(covered: Json) -> str:
    """``sha256:`` and 64 digits."""
    return "sha256:" + digest(covered, 64)


def _said(change: Move) -> Mapping[str, Json]:
    live = None if isinstance(change, Create) else change.live
    return {
        "change": type(change).__name__.lower(),
        "id": live.id if live else None,
        "edits": [_edit(each) for each in change.edits],
        "means": change.reason.code.slug if isinstance(change, Held) else list(change.verbs),
    }


def _edit(edit: Edit) -> Json:
    """A secret is not covered, but whether the server's side moved it: to rotate is not to put back."""
    if not edit.private:
        return [edit.field, edit.before, edit.after]
    return [edit.field, MODIFIED] if edit.standing in (Standing.DRIFTED, Standing.BOTH) else [edit.field]


def make(
    kinds: Mapping[str, Kind],
    wishes: Sequence[Desired],
    observed: Observed,
    view: View,
    *,
    server: str,
    diagnostics: Sequence[Diagnostic] = (),
    reads: int = 0,
    whole: bool = True,
    only_drifted: bool = False,
) -> Plan:
    """Compare every wish with what was observed, and order the calls that the differences need.

    ``observed.faults`` that are errors take their resources out of the comparison: what cannot be told is
    not changed. ``whole`` is false where a selection left wishes out: then what is not declared is not told.
    ``only_drifted`` leaves aside what the manifests changed: what is left puts the server back.
    """
    view = replace(view, resolved=observed.resolved)
    unclear = observed.unclear
    changes: list[Change] = []
    moves: list[Move] = []
    by_kind: dict[str, list[Create | Update]] = {}
    live = observed.live
    aside = 0
    for wish in wishes:
        address = wish.address
        if unclear and (address in unclear or address.parent in unclear):
            continue
        change = kinds[address.kind].compare(wish, live.get(address), view)
        if isinstance(change, Keep):
            changes.append(change)
            continue
        if only_drifted and change.standing is not Standing.DRIFTED:
            aside += 1
            continue
        changes.append(change)
        moves.append(change)
        if isinstance(change, Create | Update):
            by_kind.setdefault(address.kind, []).append(change)
    operations = [each for name, group in by_kind.items() for each in kinds[name].operate(group, view)]
    ordered_ = ordered([keyed(view.identity.tenant, each) for each in operations])
    referred = {each for operation in ordered_ for each in operation.after if each in live}
    return Plan(
        view.workspace,
        server,
        view.identity,
        tuple(changes),
        tuple(ordered_),
        (*diagnostics, *observed.faults),
        observed.unmanaged if whole else (),
        undeclared(wishes, view) if whole else (),
        reads,
        {each: live[each].id for each in sorted(referred)},
        tuple(moves),
        aside,
        {wish.address: [list(each.source[1:]) for each in wish.commands] for wish in wishes if wish.commands},
    )


def keyed(tenant: str, operation: Operation) -> Operation:
    """The operation with its Idempotency-Key, which every mutating call carries."""
    return replace(
        operation,
        call=replace(operation.call, key=idempotency_key(tenant, operation.addresses, operation.call)),
    )


def ordered(operations: Sequence[Operation]) -> list[Operation]:
    """Operations such that each comes after all that it needs; otherwise in the order given."""
    needs = graph.dependencies(operations)
    done: set[int] = set()
    left = list(range(len(operations)))
    result: list[Operation] = []
    while left:
        ready = [number for number in left if done.issuperset(needs[number])]
        assert ready, "references were checked for circles"
        result += [operations[number] for number in ready]
        done.update(ready)
        left = [number for number in left if number not in done]
    return result


def undeclared(wishes: Sequence[Desired], view: View) -> tuple[Address, ...]:
    """Resources that we once wrote or saw and that no manifest declares any more. They are left alone."""
    declared = {wish.address for wish in wishes}
    return tuple(sorted(address for address in view.remembered if address not in declared))
