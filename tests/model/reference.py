"""The reference model: what a plan must say, from the manifests, the truth on the server, and what an honest
memory of earlier runs would be. It knows nothing of icaform's code.

Where a run was disturbed, what its memory holds is not predicted but UNSURE, until a run ends well again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.model.site import Selection
from tests.model.truth import Truth
from tests.model.wishes import Batch, Credential, Item, Pipeline, Wish, address, reference

ORDER = ("Draft", "Released", "Deprecated", "Archived")
VERBS = {"Released": "release", "Deprecated": "deprecate", "Archived": "archive"}
UNSURE: Any = "unsure"
"""Stands for a fact of which it is not known whether icaform remembers it."""


@dataclass(frozen=True)
class Facts:
    """What icaform remembers of one resource in one journal."""

    id: Any = None
    name: Any = None
    shared: Any = None
    secret: Any = None
    modified: Any = None
    written: Any = 0.0
    message: Any = None
    run: Any = None
    """Of an item: the generation that was last sent, and what its manifest said."""
    failures: Any = 0
    """The last attempt, if it could not be created."""


LOST = Facts(*[UNSURE] * 9)


@dataclass(frozen=True)
class Need:
    """What a plan must say of one resource. ``vague``: it cannot be predicted.

    ``held`` will not come true as it stands; ``changed`` is held too, but ran; ``fault`` stops everything;
    ``doomed`` is tried and refused by the server, ``risky`` perhaps. ``attempt`` is which one this is, at an
    item.
    """

    verbs: tuple[str, ...] = ()
    held: bool = False
    changed: bool = False
    fault: bool = False
    doomed: bool = False
    risky: bool = False
    vague: bool = False
    attempt: int = 0

    @property
    def ended(self) -> bool:
        """Whether an item's analysis may have come to an end that is tried again, or was the last try."""
        return self.vague or self.held or self.attempt > 1

    @property
    def row(self) -> str:
        """How the plan shows it; nothing where it is left as it is."""
        return "held" if self.held or self.changed else "+".join(self.verbs)


@dataclass(frozen=True)
class Resource:
    """One declared resource: a manifest, or an item of one."""

    address: str
    wish: Wish
    item: Item | None = None


@dataclass
class Reference:
    """What is declared, and what each journal remembers of it."""

    older: bool = False
    lagging: bool = False
    declared: dict[str, Wish] = field(default_factory=dict)
    memories: dict[str, dict[str, Facts]] = field(default_factory=dict)
    marks: dict[tuple[str, str], str] = field(default_factory=dict)
    """The spec's mark on what was sent, by address and by what the manifest said then."""
    doomed: set[str] = field(default_factory=set)
    """userReferences that the server refuses to create."""
    owed: list[Resource] = field(default_factory=list)
    """What was sent to a server that acts on it much later, whatever is declared by then."""
    tampered: set[str] = field(default_factory=set)
    """Ids of what somebody else wrote in a way that nobody can read back."""

    def resources(self) -> Iterator[Resource]:
        for key, wish in self.declared.items():
            if isinstance(wish, Batch):
                for item in wish.items:
                    yield Resource(f"{key}[{item.name}]", wish, item)
            else:
                yield Resource(key, wish)

    def chosen(self, selection: Selection) -> list[Resource]:
        """What a selection takes, and what that refers to, unless it is excluded."""
        every = list(self.resources())
        taken = [each for each in every if selection.takes(each.address, each.wish.team)]
        needed = {reference for each in taken for reference in self.references(each)}
        along = Selection(exclude=selection.exclude)
        return [
            each
            for each in every
            if each in taken or (each.address in needed and along.takes(each.address, each.wish.team))
        ]

    def references(self, resource: Resource) -> set[str]:
        return set(_references(self.said(resource)))

    def said(self, resource: Resource) -> Any:
        wish = resource.wish
        return wish.said(resource.item, self.declared) if isinstance(wish, Batch) and resource.item else {}

    def memory(self, journal: str) -> dict[str, Facts]:
        return self.memories.setdefault(journal, {})

    def need(self, resource: Resource, truth: Truth, user: str, journal: str, chosen: list[Resource]) -> Need:
        """What a plan must say of one chosen resource."""
        facts = self.memory(journal).get(resource.address, Facts())
        wish = resource.wish
        if isinstance(wish, Credential):
            return self._credential(wish, truth, user, facts)
        if isinstance(wish, Pipeline):
            return self._pipeline(wish, truth, user, facts)
        return self._item(resource, wish, truth, facts, chosen, user, journal)

    def _credential(self, wish: Credential, truth: Truth, user: str, facts: Facts) -> Need:
        rows = truth.credential(wish.ica_name, user)
        if len(rows) > 1 or (not rows and wish.role and self.older):
            return Need(fault=True)
        if not rows:
            return Need(("create", "share") if wish.shared else ("create",))
        (row,) = rows
        if row["type"] != wish.type:
            return Need(held=True)
        if UNSURE in (facts.id, facts.name, facts.shared, facts.secret):
            return Need(vague=True)
        known = facts if (facts.id, facts.name) == (row["id"], wish.ica_name) else Facts()
        if known.shared and not wish.shared:
            return Need(held=True)
        verbs: tuple[str, ...] = ("share",) if wish.shared and not known.shared else ()
        if not wish.role:
            touched = known.secret is not None and known.modified != row["modified"]
            if touched and (self.lagging or known.modified is UNSURE):
                return Need(vague=True)
            if known.secret != wish.value or (touched and row["modified"] > known.written):
                verbs += ("rotate",)
        return Need(verbs)

    def _pipeline(self, wish: Pipeline, truth: Truth, user: str, facts: Facts) -> Need:
        row = truth.pipelines[wish.which]
        if facts.id not in (row["id"], UNSURE):
            facts = Facts()
        refused = row["owner_id"] != truth.users[user]
        if row["status"] == wish.status:
            if wish.message is None or facts.message == wish.message:
                return Need()
            return Need(vague=True) if facts.message is UNSURE else Need(("message",), doomed=refused)
        if ORDER.index(row["status"]) > ORDER.index(wish.status):
            return Need(held=True)
        return Need((VERBS[wish.status],), doomed=refused)

    def _item(
        self,
        resource: Resource,
        wish: Batch,
        truth: Truth,
        facts: Facts,
        chosen: list[Resource],
        user: str,
        journal: str,
    ) -> Need:
        assert resource.item
        mark = self.marks.get((resource.address, text(self.said(resource))))
        if facts.run is UNSURE:
            return Need(vague=True)
        mine = [each for each in truth.sent if each.address == resource.address]
        used = facts.failures if facts.run == (wish.generation, text(self.said(resource))) else 0
        uncreated = used
        started = truth.started(resource.address, wish.generation)
        if started:
            newest = started[-1]
            if newest.spec != mark:
                return Need(changed=True)
            status = truth.status(newest, truth.now)
            if status != truth.status(newest, truth.now - truth.settings.read_lag):
                return Need(vague=True)
            if status not in wish.again:
                return Need()
            used = max(used, newest.attempt)
            uncreated = uncreated if uncreated > newest.attempt else 0
        if (used and used >= wish.attempts) or (uncreated and "CREATION" not in wish.again):
            return Need(held=True)
        attempt = used + 1
        # The same call within seven days is answered as it was, whatever has been mended since.
        repeated = any(
            (each.generation, each.spec, each.attempt) == (wish.generation, mark, attempt) for each in mine
        )
        left_out = self.references(resource) - {each.address for each in chosen}
        doomed = reference(wish.name, resource.item.name) in self.doomed or bool(left_out)
        status, risky = truth.pipelines[wish.which]["status"], repeated
        for each in chosen:
            if isinstance(each.wish, Pipeline) and each.wish.which == wish.which:
                need = self.need(each, truth, user, journal, chosen)
                if need.verbs and address(each.wish) in self.references(resource):
                    # It waits for the other, which must be done first.
                    doomed = doomed or need.doomed
                    status = each.wish.status
                else:
                    risky = risky or bool(need.verbs) or need.vague
        doomed = doomed or status in ("Draft", "Archived")
        verb = f"submit again (attempt {attempt})" if started else "submit"
        return Need((verb,), doomed=doomed, risky=risky, attempt=attempt)

    def learn(self, truth: Truth) -> list[str]:
        """Which mark stands for what a manifest says; and where one stands for two, or two for one."""
        wrong = []
        said = {each.address: text(self.said(each)) for each in self.resources()}
        for sent in truth.sent[-64:]:
            if sent.address not in said:
                continue
            known = {mark: key for key, mark in self.marks.items() if key[0] == sent.address}
            if sent.spec in known:
                continue
            if self.marks.setdefault((sent.address, said[sent.address]), sent.spec) != sent.spec:
                wrong.append(
                    f"{sent.address} was marked {sent.spec} and otherwise before, for the same manifest"
                )
        return wrong

    def lose(self, journal: str, resources: list[Resource]) -> None:
        """A disturbed run leaves nobody sure of what it remembers."""
        for each in resources:
            self.memory(journal)[each.address] = LOST

    def remember(self, journal: str, resources: list[Resource], truth: Truth, user: str, now: float) -> None:
        """What a run that ended well, with nothing left to do, remembers of what it was about."""
        memory = self.memory(journal)
        for each in resources:
            facts, wish = memory.get(each.address, Facts()), each.wish
            if isinstance(wish, Credential):
                (row,) = truth.credential(wish.ica_name, user)
                secret = None if wish.role else wish.value
                modified = UNSURE if self.lagging else row["modified"]
                memory[each.address] = Facts(
                    row["id"], wish.ica_name, wish.shared, secret, modified, min(now, row["modified"])
                )
            elif isinstance(wish, Pipeline):
                # Where the manifest says none, an earlier message may still be remembered, or not.
                row = truth.pipelines[wish.which]
                before = facts.message if facts.id in (row["id"], UNSURE) else None
                message = wish.message if wish.message is not None else UNSURE if before else None
                memory[each.address] = Facts(row["id"], message=message)
            else:
                memory[each.address] = Facts()

    def fail(self, journal: str, resource: Resource, attempt: int) -> None:
        """An attempt at an item that the server has just refused to create."""
        assert isinstance(resource.wish, Batch)
        run = (resource.wish.generation, text(self.said(resource)))
        self.memory(journal)[resource.address] = replace(Facts(), run=run, failures=attempt)


def text(said: Any) -> str:
    return json.dumps(said, sort_keys=True)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"ref"}:
            yield value["ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
