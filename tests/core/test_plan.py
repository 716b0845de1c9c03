"""From changes to a plan: order, keys, digest, what it prices and covers, and what guards it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest

from icaform import graph
from icaform.address import Address
from icaform.change import Change, Create, Edit, Held, Keep, Standing, Update
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.guard import Bounds, check
from icaform.kind import Kind
from icaform.operation import (
    Answer,
    Call,
    Made,
    Operation,
    Problem,
    RefusedByServer,
    Repeat,
    Secret,
    ask,
    canonical,
    digest,
    idempotency_key,
)
from icaform.plan import Plan, Price, digest_of, keyed, make, ordered, undeclared
from icaform.state import Live, Observed, Spec
from tests.core.conftest import same
from tests.core.words import ME, called, desired, said, told, view

CALL = Call("POST", "/api/x", "v3", body={"b": [1, None], "a": "é"}, repeat=Repeat.SAME)


def wish(name: str, item: str = "", **more: Any) -> Any:
    return replace(desired("Box", None, item, **more), address=Address("Box", name, item))


def box(decide: Any) -> Kind:
    """A kind that decides as it is told, with one operation a change."""

    def operate(changes: Sequence[Create | Update], _: Any) -> Sequence[Operation]:
        return [
            Operation(
                each.verbs[0],
                (each.address,),
                replace(CALL, body={"n": each.address.name}),
                irreversible=each.irreversible if isinstance(each, Update) else False,
                starts=2,
                after=each.desired.references,
            )
            for each in changes
        ]

    def nothing(*_: Any) -> Any:
        raise NotImplementedError

    return Kind(
        "Box", Spec, "", nothing, nothing, lambda wish, live, _: decide(wish, live), operate, nothing, nothing
    )


HELD = Diagnostic(Code.BACKWARD, "no way back", "leave it")
EDITS = (Edit("f", 1, 2), Edit("s", "f1", "f2", private=True))
BUSY = Address("Box", "busy")


def decide(wished: Any, live: Live | None) -> Change:
    """A change by the name of the wish."""
    name = wished.address.name
    if name.startswith("keep"):
        return Keep(wished, live, "as wanted")
    if name.startswith("held"):
        return Held(wished, live, HELD, EDITS)
    if live is None:
        return Create(wished, EDITS, ("make",), ("note",))
    stand = Standing.DRIFTED if name.startswith("drift") else Standing.PENDING
    return Update(wished, live, EDITS, ("move",), "final" in name, (), stand)


def planned(
    names: Sequence[str], only: bool = False, refs: dict[str, str] | None = None, **more: Any
) -> Plan:
    wishes = [
        wish(name, references=tuple(Address("Box", each) for each in (refs or {}).get(name, "").split()))
        for name in names
    ]
    live = {
        Address("Box", each): Live(Address("Box", each), f"id-{each}", {})
        for each in names
        if "new" not in each
    }
    observed = Observed(live, **more)
    seen = view(about=Address("Box", "gone"), remembered={})
    return make({"Box": box(decide)}, wishes, observed, seen, server="https://x", reads=3, only_drifted=only)


NAMES = ("keep", "new", "moved", "final", "drift", "held")


def shown(plan: Plan) -> list[str]:
    """A plan and all that it holds."""
    return [
        f"{plan.workspace} {plan.server} {plan.identity.user} aside={plan.aside} empty={plan.empty}",
        f"price {plan.price} begun {sorted(map(str, plan.begun))}",
        *map(said, plan.changes),
        *(f"move {each.address}" for each in plan.moves),
        *(f"held {each.address}" for each in plan.held),
        *(f"refused {each.address}" for each in plan.refused),
        *(f"final {each.name}" for each in plan.irreversible),
        *map(called, plan.operations),
        *map(told, plan.diagnostics),
        f"unmanaged {[each.id for each in plan.unmanaged]} undeclared {list(map(str, plan.undeclared))}",
        f"referred { {str(address): live for address, live in plan.referred.items()} }",
        canonical(plan.covered),
        plan.digest,
    ]


def test_a_plan_says_all_that_was_decided() -> None:
    fault = Diagnostic(Code.AMBIGUOUS, "two", "pick", address=Address("Box", "moved"))
    warned = replace(fault, severity=Severity.WARNING)
    stranger = Live(Address("Box", "stranger"), "id-s", {})
    plans = {
        "all": planned(NAMES),
        "drift alone": planned(NAMES, only=True),
        "a fault": planned(NAMES, faults=(fault,), unmanaged=(stranger,)),
        "a warning": planned(NAMES, faults=(warned,)),
        "nothing": planned(()),
        "references": planned(NAMES, refs={"new": "moved held", "drift": "new final"}),
    }
    same("plans", ((name, shown(plan)) for name, plan in plans.items()))


def test_a_fault_of_a_manifest_is_one_of_its_items_too() -> None:
    fault = Diagnostic(Code.AMBIGUOUS, "two", "pick", address=Address("Box", "b"))
    wishes = [wish("b", "one"), wish("c", "one")]
    made = make({"Box": box(decide)}, wishes, Observed(faults=(fault,)), view(), server="")
    assert [str(each.address) for each in made.changes] == ["Box/c[one]"]


def test_a_selection_tells_nothing_of_what_it_leaves_out() -> None:
    stranger = Live(Address("Box", "stranger"), "id-s", {})
    seen = view(about=Address("Box", "gone"), remembered={})
    for whole in (True, False):
        made = make({}, [], Observed(unmanaged=(stranger,)), seen, server="", whole=whole)
        assert (bool(made.unmanaged), bool(made.undeclared)) == (whole, whole)
    assert make({}, [], Observed(unmanaged=(stranger,)), seen, server="").unmanaged
    assert undeclared([wish("gone")], seen) == ()
    assert (Plan("", "", ME, (), ()).price, Plan("", "", ME, (), ()).reads) == (Price(0, 0, 0), 0)
    assert make({}, [], Observed(), seen, server="").reads == 0


def test_what_an_earlier_run_has_started_is_awaited_until_it_is_there() -> None:
    changes = [
        Keep(wish("a"), None, "being created", busy=True, awaited=True),
        Keep(wish("b"), None, "in progress", busy=True),
        Held(wish("c"), None, HELD),
    ]
    assert Plan("w", "s", ME, tuple(changes), (), reads=0, moves=()).awaited == 1


def test_an_item_that_changed_since_it_ran_does_not_count_as_refused() -> None:
    kept = Held(wish("a"), None, replace(HELD, code=Code.CHANGED_SINCE_RUN))
    lost = Held(wish("b"), None, HELD)
    plan = Plan("", "", ME, (kept, lost), (), moves=(kept, lost))
    assert plan.held == (kept, lost)
    assert plan.refused == (lost,)


def test_the_digest_is_of_what_is_covered_and_of_nothing_else() -> None:
    digests = {planned(names).digest for names in permutations(NAMES[:5])}
    print(f"{len(list(permutations(NAMES[:5])))} orders tried")
    assert len(digests) == 1
    plan = planned(NAMES)
    assert plan.digest == digest_of(plan.covered) == "sha256:" + digest(plan.covered, 64)
    others = [
        replace(plan, workspace="other"),
        replace(plan, server="other"),
        replace(plan, identity=replace(ME, user="other")),
        replace(plan, identity=replace(ME, tenant="other")),
        replace(plan, moves=plan.moves[1:]),
        replace(plan, operations=plan.operations[1:]),
        replace(plan, referred={BUSY: "x"}),
    ]
    assert len({plan.digest, *(each.digest for each in others)}) == len(others) + 1
    quiet = replace(plan, diagnostics=(HELD,), unmanaged=(Live(BUSY, "", {}),), reads=99, aside=5)
    assert quiet.digest == plan.digest


def test_the_digest_covers_each_program_that_gives_a_secret() -> None:
    def asking(*sources: tuple[str, ...]) -> str:
        wished = wish("keep", secrets=tuple(Secret(source) for source in sources))
        seen = Observed({wished.address: Live(wished.address, "id", {})})
        made = make({"Box": box(decide)}, [wished], seen, view(), server="https://x")
        print(canonical(made.covered))
        return made.digest

    told = (("vault",), ("vault", "a"), ("vault", "b"), ("pass", "a"))
    programs = [("command", *each) for each in told]
    digests = {asking(), *(asking(each) for each in programs), asking(*programs)}
    assert len(digests) == len(programs) + 2
    assert asking(("env", "A"), ("file", "b")) == asking()


def operation(name: str, *addresses: str, after: str = "") -> Operation:
    return Operation(
        name,
        tuple(Address("Box", each) for each in addresses),
        CALL,
        after=tuple(Address("Box", each) for each in after.split()),
    )


def test_operations_come_after_what_they_need_and_else_in_their_order() -> None:
    cases = [
        [],
        [operation("a", "x"), operation("b", "x")],
        [operation("a", "x", after="y"), operation("b", "y")],
        [operation("a", "x", after="y z"), operation("b", "y", after="z"), operation("c", "z")],
        [operation("a", "x", "y"), operation("b", "y", "z"), operation("c", "w", after="x")],
        [operation("a", "x", after="x"), operation("b", "q", after="missing")],
    ]
    same(
        "order",
        (
            ([each.name for each in case], (graph.dependencies(case), [each.verb for each in ordered(case)]))
            for case in cases
        ),
    )


def test_a_circle_is_found_whole() -> None:
    assert graph.cycle({}) == []
    assert graph.cycle({1: [2], 2: []}) == []
    found = graph.cycle({1: [2], 2: [3], 3: [1], 4: [1]})
    assert (found[0], len(found), set(found)) == (found[-1], 4, {1, 2, 3})


def test_a_key_is_of_the_intent_alone() -> None:
    addresses = (Address("Box", "a"), Address("Box", "b", "i"))
    first = idempotency_key("tenant", addresses, CALL)
    assert first.startswith("icaform-")
    assert len(first) == len("icaform-") + 48
    assert first[8:] == digest(["tenant", ["Box/a", "Box/b[i]"], "POST", "/api/x", CALL.body], 48)
    kept = [replace(CALL, accept="v4"), replace(CALL, key="k"), replace(CALL, repeat=Repeat.KEYED)]
    assert {idempotency_key("tenant", addresses, each) for each in kept} == {first}
    changed = [replace(CALL, method="PUT"), replace(CALL, path="/api/y"), replace(CALL, body={})]
    keys = {idempotency_key("tenant", addresses, each) for each in changed}
    keys |= {idempotency_key("other", addresses, CALL), idempotency_key("tenant", addresses[:1], CALL), first}
    assert len(keys) == 6
    assert keyed("tenant", operation("a", "x")).call.key == idempotency_key(
        "tenant", [Address("Box", "x")], CALL
    )


def test_there_is_one_text_of_a_value() -> None:
    value = {"b": Made(Address("Box", "x", "i")), "a": Secret(("env", "N")), "c": (1, 1.5, None, True, "é")}
    assert canonical(value) == (
        '{"a":{"$secret":["env","N"]},"b":{"$made":"Box/x[i]"},"c":[1,1.5,null,true,"é"]}'
    )
    assert digest({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad808"
    assert digest({"a": 1}, 64) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert digest("\ud800") == digest("\ud800")
    assert str(Secret(("command", "a", "b"))) == "{command: a b}"
    with pytest.raises(TypeError, match=r"^object has no JSON form$"):
        canonical(object())
    from types import MappingProxyType

    assert canonical(MappingProxyType({"z": 1, "a": 2})) == '{"a":2,"z":1}'


def test_names_and_problems_are_told_in_a_few_words() -> None:
    assert operation("a", "x").name == "a Box/x"
    assert operation("a", "x", "y", "z").name == "a Box/x and 2 more"
    assert str(CALL) == "POST /api/x"
    problems = [Problem(500), Problem(400, "C"), Problem(400, "", "d"), Problem(400, "C", "d", "r")]
    assert [str(each) for each in problems] == [
        "HTTP 500 no explanation",
        "HTTP 400 C",
        "HTTP 400 d",
        "HTTP 400 C: d (ref. r)",
    ]
    told = {fact: replace(operation("a", "x"), id_fact=fact) for fact in ("", "id", "batch")}
    assert [(each.makes, each.works) for each in told.values()] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def answered(answer: Answer, **how: bool) -> Answer:
    talk = ask(CALL, **how)
    assert next(talk) == (CALL,)
    with pytest.raises(StopIteration) as end:
        talk.send((answer,))
    found: Answer = end.value.value
    return found


def test_a_read_that_is_refused_is_raised_and_a_missing_one_only_where_it_matters() -> None:
    good, lost, wrong = Answer(200), Answer(404, problem=Problem(404)), Answer(400, problem=Problem(400))
    assert answered(good) is good
    assert answered(lost, missing=True) is lost
    for answer, how in ((lost, {}), (wrong, {}), (wrong, {"missing": True})):
        talk = ask(CALL, **how)
        next(talk)
        with pytest.raises(RefusedByServer) as refused:
            talk.send((answer,))
        assert (refused.value.call, refused.value.problem) == (CALL, answer.problem)
        assert str(refused.value) == f"POST /api/x: {answer.problem}"


def test_guards_stop_a_plan_with_the_arithmetic() -> None:
    plans = {
        "empty": planned(()),
        "all": planned(NAMES),
        "finals": planned([f"final{number}" for number in range(7)]),
        "five": planned([f"final{number}" for number in range(5)]),
        "six": planned([f"final{number}" for number in range(6)]),
        "half": planned(["keep", "moved"]),
    }
    shut = [
        Keep(wish("batch", "a", protected=True), None),
        Create(wish("batch", "b", protected=True), (), ("submit",)),
        Create(wish("batch", "c", protected=True), (), ("submit", "share")),
        Create(wish("fresh", "a", protected=True), (), ("submit",)),
        Create(wish("alone", protected=True), (), ("make",)),
        Update(wish("old", protected=True), Live(BUSY, "", {}), (), ("move", "share")),
        Update(wish("free"), Live(BUSY, "", {}), (), ("move",)),
        Held(wish("kept", protected=True), None, HELD),
    ]
    moves = tuple(each for each in shut if not isinstance(each, Keep))
    plans["protected"] = Plan("", "", ME, tuple(shut), (), moves=moves)
    bounds = {
        "none": Bounds(),
        "approved": Bounds(None),
        "one": Bounds(1),
        "seven": Bounds(7),
        "few writes": Bounds(None, writes=3),
        "enough writes": Bounds(None, writes=4),
        "few analyses": Bounds(None, analyses=7),
        "enough analyses": Bounds(None, analyses=8),
        "no share": Bounds(None, share=0),
        "half": Bounds(None, share=50),
        "two thirds": Bounds(None, share=66.6),
        "more": Bounds(None, share=66.7),
        "all at once": Bounds(0, 0, 0, 0),
    }
    same(
        "guards",
        (
            ((name, what), [told(each) for each in check(plan, bound)])
            for (name, plan), (what, bound) in product(plans.items(), bounds.items())
        ),
    )


def test_a_share_is_kept_to_the_last_resource() -> None:
    made = tuple(Create(wish(str(number)), (), ("make",)) for number in range(101))
    kept = (Keep(wish("kept"), None),) * 1000
    tried = 0
    for of in (3, 7, 100, 1000):
        for changed in range(1, min(of, 100)):
            if changed * 10_000 % of:
                continue
            tried, share = tried + 1, changed * 10_000 // of / 100
            for more, verdicts in ((0, 0), (1, 1)):
                moves = made[: changed + more]
                plan = Plan("", "", ME, (*moves, *kept[: of - len(moves)]), (), moves=moves)
                assert len(check(plan, Bounds(None, share=share))) == verdicts, (changed + more, of, share)
    print(f"{tried} shares of resources")
    nothing_said = check(planned(["new"]), Bounds(None, share=float("nan")))
    assert [each.code for each in nothing_said] == [Code.LIMIT]


def test_a_share_is_of_all_that_is_declared_also_where_some_is_left_aside() -> None:
    plan = planned(("keep", "moved", "drift", "final"), only=True)
    (found,) = check(plan, Bounds(None, share=24))
    assert found.summary == "the plan changes 1 of 4 resources (25 %), the limit is 24 %"
    assert check(plan, Bounds(None, share=25)) == []


def test_references_lead_somewhere_and_in_no_circle() -> None:
    def to(name: str, *references: str, item: str = "") -> Any:
        return wish(name, item, references=tuple(Address.parse(each) for each in references))

    cases = {
        "none": [to("a")],
        "good": [to("a", "Box/b"), to("b")],
        "an item's manifest": [to("a", "Box/b"), to("b", item="i")],
        "near": [to("a", "Box/beta"), to("bets")],
        "far": [to("a", "Box/zzzz"), to("b")],
        "another kind": [to("a", "Crate/beta"), to("beta")],
        "told once of a manifest": [to("a", "Box/x", item="i"), to("a", "Box/x", item="j"), to("c", "Box/x")],
        "two": [to("a", "Box/x", "Box/y")],
        "told before another": [to("a", "Box/x", item="i"), to("a", "Box/x", "Box/y", item="j")],
        "circle": [to("a", "Box/b"), to("b", "Box/c"), to("c", "Box/a"), to("d", "Box/a")],
        "itself": [to("a", "Box/a")],
    }
    same("references", ((name, [told(each) for each in graph.check(case)]) for name, case in cases.items()))


def test_what_was_meant_is_guessed_until_so_many_names_were_compared() -> None:
    declared = [wish(f"name-{number}") for number in range(graph.COMPARED // 4)]
    lost = [Address("Box", f"nme-{number}") for number in range(6)]
    found = graph.check([*declared, *(wish("name-0", str(n), references=(to,)) for n, to in enumerate(lost))])
    guesses = [f"did you mean `Box/name-{number}`?" for number in range(4)]
    assert [each.remedy for each in found] == guesses + [
        f"declare {each} in a manifest of the same run" for each in lost[4:]
    ]
