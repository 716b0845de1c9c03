"""What the pure core promises, for values of any shape: it raises nothing, and says the same of the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from icaform import guard
from icaform.address import Address, Origin
from icaform.change import Create, Edit, Held, Keep, Update, edits_between
from icaform.declare import declare
from icaform.diagnostic import Code
from icaform.guard import Bounds
from icaform.kinds import Kinds
from icaform.manifest import read
from icaform.operation import Call, Made, Operation, Secret, canonical, digest, idempotency_key
from icaform.plan import Plan, make
from icaform.state import Desired, Identity, Live, Observed, View
from tests.model import wishes
from tests.model.profiles import searching
from tests.model.test_digest import chances, sets
from tests.model.wishes import Declared

ME = Identity("tenant", "ada")
WORDS = ("", "x", "wgs-prod", "AWS_USER", "Released", "Draft", "FAILED", "1", "2026-11-21T00:00:00Z", "é")
FACTS = """
    id name type status statusAsString message shared secret timeModified written owner ownerId tenant
    tenantId linkedTo bundleLinks projectId summary spec generation failed failures analysis creating batch
    chunk said
"""
NAMES = re.findall(r"\w+", FACTS)


def wished(meant: Declared) -> list[Desired]:
    """The wishes of some manifests, as the core has them."""
    documents = [
        document
        for key, wish in meant.items()
        for document in read(canonical(wishes.document(wish, meant)).encode(), key)[0]
    ]
    found, wrong = declare(Kinds(), documents)
    assert wrong == []
    return found


def view(remembered: dict[Address, Any], secret: str | None = "now") -> View:
    return View("lab", "wgs-prod", ME, lambda: 1e9, remembered, fingerprint=lambda _: secret)


def anything(chance: Random, depth: int = 2) -> Any:
    """Any JSON at all, more often the words that mean something."""
    match chance.randint(0, 5 if depth else 3):
        case 0:
            return chance.choice([None, True, False, 0, -1, 2, 1e9])
        case 4:
            return [anything(chance, depth - 1) for _ in range(chance.randint(0, 2))]
        case 5:
            return {chance.choice(NAMES): anything(chance, depth - 1) for _ in range(chance.randint(0, 2))}
    return chance.choice(WORDS)


def facts(chance: Random) -> dict[str, Any]:
    return {name: anything(chance) for name in chance.sample(NAMES, chance.randint(0, 8))}


def kept(chance: Random) -> dict[str, Any]:
    """What a journal may hold: what icaform itself wrote there is of the type that it writes."""
    typed = {
        "secret": chance.choice([None, "now", "then"]),
        "written": chance.choice([None, 0, 1e9]),
        "failures": chance.choice([None, 0, 1, 9]),
    }
    return facts(chance) | typed


def told(chance: Random) -> dict[str, Any]:
    """What may have been observed: `observe` lets no object or list through that is none."""
    said = facts(chance)
    said |= {name: facts(chance) for name in ("owner", "tenant") if name in said}
    if "bundleLinks" in said:
        said["bundleLinks"] = [facts(chance)]
    if "linkedTo" in said:
        said["linkedTo"] = tuple(chance.sample(WORDS, 2))
    return said


def surroundings(meant: Declared, chance: Random) -> tuple[list[Desired], Observed, View]:
    """Valid wishes, and anything at all that a server may have said and a journal may hold of them."""
    found = wished(meant)
    live, remembered = {}, {}
    for wish in found:
        if wish.address.kind == "Pipeline" or chance.random() < 0.7:
            live[wish.address] = Live(wish.address, chance.choice(WORDS), told(chance), chance.choice(WORDS))
        if chance.random() < 0.5:
            remembered[wish.address] = kept(chance)
    ids = {"project": "project-id", "pipeline": "pipeline-id", "storage": "storage-id", "targets": {}}
    resolved = dict.fromkeys((wish.address for wish in found), ids)
    return found, Observed(live, resolved=resolved), view(remembered, chance.choice([None, "now", "x"]))


def test_a_plan_is_made_of_any_wishes_and_whatever_the_server_says() -> None:
    tried: Counter[str] = Counter()

    @searching(40, 20_000)
    @given(sets, chances)
    def plans(meant: Declared, chance: Random) -> None:
        found, observed, seen = surroundings(meant, chance)
        made = make(Kinds(), found, observed, seen, server="s")
        assert {each.address for each in made.changes} == {each.address for each in found}
        for change in made.changes:
            assert isinstance(change, Create | Update | Held | Keep)
            tried[type(change).__name__] += 1
        chance.shuffle(found)
        assert make(Kinds(), found, observed, seen, server="s").digest == made.digest

    plans()
    print(f"\ncore: compared {dict(tried)}")
    assert len(tried) == 4


def test_a_plan_of_nothing_is_empty() -> None:
    made = make(Kinds(), [], Observed(), view({}), server="s")
    assert made.empty
    assert not made.moves
    assert not made.irreversible
    assert guard.check(made, Bounds(0, 0, 0, 0.0)) == []


keys = st.text("ab_", min_size=1, max_size=2)
present = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
trees = st.recursive(
    present,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(keys, trees, max_size=3)


def edited(before: Any, edits: Sequence[Edit]) -> Any:
    """A tree after edits, each at its path; what is removed goes last, the last of a list first."""
    tree = json.loads(json.dumps(before))
    gone = [each for each in edits if each.after is None]
    for edit in [each for each in edits if each.after is not None] + gone[::-1]:
        steps = [int(each) if each.isdigit() else each for each in re.findall(r"\w+", edit.field)]
        place = tree
        for step in steps[:-1]:
            place = place[step]
        if edit.after is None:
            assert place.pop(steps[-1]) == edit.before
        elif isinstance(place, list) and len(place) == steps[-1]:
            place.append(edit.after)
        else:
            place[steps[-1]] = edit.after
    return tree


def test_the_edits_between_two_trees_lead_from_one_to_the_other() -> None:
    tried: Counter[str] = Counter()

    @searching(100, 20_000)
    @given(objects, objects)
    def lead(before: Any, after: Any) -> None:
        edits = edits_between(before, after)
        assert canonical(edited(before, edits)) == canonical(after)
        assert bool(edits) == (canonical(before) != canonical(after))
        assert all(edit.before != edit.after or edit.before is not edit.after for edit in edits)
        tried["edits"] += len(edits)
        tried["pairs"] += 1

    lead()
    print(f"\ncore: edits {dict(tried)}")


@dataclass(frozen=True)
class Size:
    """How much a plan does, of each sort."""

    created: int
    updated: int
    kept: int
    protected: int
    irreversible: int
    analyses: int


def sized(size: Size) -> Plan:
    """A plan of that size. A protected resource may be created, and not updated."""
    changes: list[Any] = []
    operations = []
    for number in range(size.created + size.updated + size.kept):
        place = Address("K", f"n{number}")
        guarded = number < size.protected
        wish = Desired(place, None, lambda *_: Origin("f", 1, 1), protected=guarded)
        live = Live(place, f"id{number}", {})
        if number >= size.created + size.updated:
            changes.append(Keep(wish, live))
            continue
        if number < size.created:
            changes.append(Create(wish, (), ("make",)))
        else:
            changes.append(Update(wish, live, (), ("turn",)))
        call = Call("POST", f"/api/{number}", "")
        operations.append(
            Operation("do", (place,), call, number < size.irreversible, size.analyses if number == 0 else 0)
        )
    moves = tuple(each for each in changes if not isinstance(each, Keep))
    return Plan("lab", "s", ME, tuple(changes), tuple(operations), moves=moves)


small = st.integers(0, 4)
bound = st.none() | st.integers(0, 9)


def test_a_guard_stops_exactly_what_is_more_than_was_allowed() -> None:
    tried: Counter[str] = Counter()

    @searching(100, 20_000)
    @given(
        st.builds(Size, small, small, small, small, small, small),
        st.builds(Bounds, bound, bound, bound, st.none() | st.integers(0, 100).map(float)),
    )
    def stops(size: Size, bounds: Bounds) -> None:
        plan = sized(size)
        moved = size.created + size.updated
        steps = min(size.irreversible, moved)
        analyses = size.analyses if moved else 0
        expected = Counter[Code]()
        if steps and bounds.irreversible not in (None, steps):
            expected[Code.IRREVERSIBLE] += 1
        expected[Code.LIMIT] += bounds.writes is not None and moved > bounds.writes
        expected[Code.LIMIT] += bounds.analyses is not None and analyses > bounds.analyses
        if bounds.share is not None and moved + size.kept:
            expected[Code.LIMIT] += moved / (moved + size.kept) > bounds.share / 100 + 1e-12
        expected[Code.PROTECTED] += max(0, min(size.protected, moved) - size.created)
        found = guard.check(plan, bounds)
        assert Counter(each.code for each in found) == +expected
        for each in found:
            if each.code is Code.LIMIT:
                assert str(moved) in each.summary or str(analyses) in each.summary
            tried[each.code.slug] += 1
        tried["plans"] += 1
        tried["let through"] += not found

    stops()
    print(f"\ncore: guarded {dict(tried)}")
    assert min(tried.values()) >= 5


addresses = st.lists(
    st.builds(
        Address, st.sampled_from(["A", "B"]), st.sampled_from(["a", "b.c"]), st.sampled_from(["", "x"])
    ),
    min_size=1,
    max_size=2,
).map(tuple)
bodies = st.recursive(
    present | st.builds(Made, addresses.map(lambda each: each[0])) | st.builds(Secret, st.just(("env", "A"))),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=5,
)
calls = st.builds(
    Call,
    st.sampled_from(["POST", "PUT"]),
    st.sampled_from(["/api/a", "/api/b"]),
    st.just(""),
    body=st.none() | bodies,
)
intents = st.tuples(st.sampled_from(["t", "u"]), addresses, calls)


def shuffled(value: Any, chance: Random) -> Any:
    """The same value with its keys in another order."""
    if isinstance(value, dict):
        pairs = list(value.items())
        chance.shuffle(pairs)
        return {key: shuffled(each, chance) for key, each in pairs}
    return [shuffled(each, chance) for each in value] if isinstance(value, list) else value


def exactly(value: Any) -> Any:
    """A form in which two values are equal where they mean the same; True is not 1."""
    if isinstance(value, dict):
        return {key: exactly(each) for key, each in value.items()}
    return [exactly(each) for each in value] if isinstance(value, list) else (type(value).__name__, value)


def test_two_keys_are_equal_exactly_where_the_intents_are() -> None:
    tried: Counter[str] = Counter()

    @searching(100, 20_000)
    @given(intents, intents, st.integers(0, 4), chances)
    def keyed(one: Any, other: Any, same: int, chance: Random) -> None:
        tenant, whom, call = other
        # Two that were drawn apart are seldom alike, so parts of the one are put into the other.
        tenant = one[0] if same > 0 else tenant
        whom = one[1] if same > 1 else whom
        call = replace(call, method=one[2].method, path=one[2].path) if same > 2 else call
        call = replace(call, body=shuffled(one[2].body, chance)) if same > 3 else call
        a, b = (idempotency_key(*each) for each in (one, (tenant, whom, call)))
        parts = [
            (each[0], each[1], each[2].method, each[2].path, exactly(each[2].body))
            for each in (one, (tenant, whom, call))
        ]
        assert (a == b) == (parts[0] == parts[1])
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", a)
        assert (digest(one[2].body) == digest(call.body)) == (parts[0][4] == parts[1][4])
        tried["equal" if a == b else "different"] += 1

    keyed()
    print(f"\ncore: keys of two intents {dict(tried)}")
    assert min(tried.values()) >= 5
