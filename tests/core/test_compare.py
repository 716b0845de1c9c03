"""How each kind compares, and which calls a difference becomes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from typing import Any

import pytest

from icaform.address import Address
from icaform.change import Create, Standing, Update, edits_between, standing, worst
from icaform.course import Yield
from icaform.kinds import analysis_batch, pipeline
from icaform.kinds.analysis_batch.compare import compare as compare_item
from icaform.kinds.analysis_batch.outcome import LONGEST, STAGES, cut, tried_again
from icaform.kinds.analysis_batch.pursue import PURSUIT
from icaform.kinds.analysis_batch.spec import Retry
from icaform.kinds.pipeline.spec import PipelineSpec
from icaform.kinds.storage_credential import KIND as CREDENTIAL
from icaform.kinds.storage_credential.spec import StorageCredentialSpec
from icaform.operation import Answer, Call, Operation, Secret
from icaform.reference import V3
from icaform.state import PRESENT, Begun, Live
from tests.core.conftest import same
from tests.core.words import NOW, called, desired, said, view

SECRET = (Secret(("env", "K")), Secret(("env", "S")))
AWS = {"accessKeyId": {"env": "K"}, "secretAccessKey": {"env": "S"}}


def test_three_sides_of_a_field_and_of_a_resource() -> None:
    values = (None, "a", "b", "c")
    rows = [(three, standing(*three).value) for three in product(values, repeat=3)]
    for size in range(4):
        rows += [
            (tuple(each.value for each in some), worst(some).value)  # type: ignore[misc]
            for some in combinations_with_replacement(Standing, size)
        ]
    same("standing", rows)


def test_the_fields_that_differ_between_two_trees() -> None:
    trees = [
        {},
        {"a": 1},
        {"a": 1.0},
        {"a": True},
        {"a": None, "b": [1, 2]},
        {"b": [2, 1]},
        {"b": [1, {"c": "x"}]},
        {"b": [1, {"c": "y"}, 3]},
        {"b": {"c": {"d": [[1], [2]]}}},
    ]
    rows = [
        ((one, two), [(each.field, each.before, each.after) for each in edits_between(one, two)])
        for one, two in product(trees, repeat=2)
    ]
    same("edits", rows)


CREDENTIAL_MEMORY: dict[str, dict[str, Any]] = {
    "nothing": {},
    "ours": {"id": "c1", "name": "n", "shared": True, "secret": "f1", "timeModified": "2026-11-01T00:00:00Z"},
    "written since": {"id": "c1", "secret": "f1", "timeModified": "2026-11-01T00:00:00Z", "written": NOW},
    "another id": {"id": "c2", "shared": True, "secret": "f1"},
    "another name": {"name": "m", "shared": True, "secret": "f1"},
    "unshared": {"id": "c1", "shared": False, "secret": "f2"},
}
MODIFIED = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "soon", None)
IGNORED = ({}, {"secret": "why"}, {"shared": "why", "type": "because"})


def credentials() -> Iterator[tuple[str, Any, Any, Any]]:
    """Every wish for a credential against every live one, memory and present secret."""
    for kind, shared, ignore in product(("AWS_USER", "AWS_ROLE"), (False, True), IGNORED):
        spec = StorageCredentialSpec.model_validate(
            {"type": kind, "shared": shared} | ({"secret": AWS} if kind == "AWS_USER" else {})
        )
        secrets = SECRET if kind == "AWS_USER" else ()
        wish = desired("StorageCredential", spec, secrets=secrets, ignore=ignore)
        lives: list[tuple[str, Live | None]] = [("none", None)]
        for shown, time in product((kind, "AWS_OTHER"), MODIFIED):
            lives.append((f"{shown} {time}", Live(wish.address, "c1", {"type": shown, "timeModified": time})))
        lives.append(("untyped", Live(wish.address, "c1", {})))
        for (name, live), (memory, facts), now in product(
            lives, CREDENTIAL_MEMORY.items(), (None, "f1", "f2", PRESENT)
        ):
            if kind == "AWS_ROLE" and now is not None:
                continue
            given = f"{kind} shared={shared} ignore={','.join(ignore)} live={name} memory={memory} now={now}"
            yield given, wish, live, view(facts, now, about=wish.address)


def test_credentials_are_compared_by_what_can_be_known() -> None:
    same(
        "credentials",
        ((given, said(CREDENTIAL.compare(wish, live, seen))) for given, wish, live, seen in credentials()),
    )


def test_changes_of_credentials_become_calls() -> None:
    rows: dict[str, list[str]] = {}
    for _, wish, live, seen in credentials():
        change = CREDENTIAL.compare(wish, live, seen)
        if isinstance(change, Create | Update):
            made = [called(each) for each in CREDENTIAL.operate([change], seen)]
            rows.setdefault(f"{wish.spec.type} {'+'.join(change.verbs)}", made)
    same("credential calls", rows.items())
    change = Create(desired("StorageCredential", StorageCredentialSpec(type="AWS_ROLE")), (), ("paint",))
    with pytest.raises(ValueError, match="paint"):
        CREDENTIAL.operate([change], view())


PIPELINE_MEMORY: dict[str, dict[str, Any]] = {
    "nothing": {},
    "released": {"id": "p1", "status": "Released"},
    "deprecated, told": {"id": "p1", "status": "Deprecated", "message": "m"},
    "archived": {"status": "Archived", "message": "other"},
    "another": {"id": "p2", "status": "Deprecated", "message": "m"},
}


def pipelines() -> Iterator[tuple[str, Any, Any, Any]]:
    """Every wish for a pipeline against every live status, scope and memory."""
    statuses = ("Draft", "Released", "Deprecated", "Archived", "Queued", None)
    ignores: tuple[dict[str, str], ...] = ({}, {"status": "why"}, {"message": "why"})
    for wanted, message, ignore in product(statuses[1:4], (None, "m"), ignores):
        if message and wanted == "Released":
            continue
        told = {"message": message} if message else {}
        spec = PipelineSpec.model_validate({"select": {"code": "x"}, "status": wanted, **told})
        wish = desired("Pipeline", spec, ignore=ignore)
        for status, scope, (memory, facts) in product(statuses, ("", "pro/1"), PIPELINE_MEMORY.items()):
            live = Live(wish.address, "p1", {"statusAsString": status}, scope)
            given = f"{wanted} {message} ignore={','.join(ignore)} live={status} in={scope} memory={memory}"
            yield given, wish, live, view(facts, about=wish.address)


def test_pipelines_move_forward_or_not_at_all() -> None:
    change = pipeline.KIND.compare
    same("pipelines", ((given, said(change(wish, live, seen))) for given, wish, live, seen in pipelines()))


def test_changes_of_pipelines_become_calls() -> None:
    rows: dict[str, list[str]] = {}
    for _, wish, live, seen in pipelines():
        change = pipeline.KIND.compare(wish, live, seen)
        if isinstance(change, Update):
            made = [called(each) for each in pipeline.KIND.operate([change], seen)]
            ignored = ",".join(wish.ignore)
            given = (wish.spec.status, wish.spec.message, ignored, live.facts["statusAsString"], live.scope)
            rows.setdefault(f"{given} {change.verbs}", made)
    same("pipeline calls", rows.items())


def test_what_else_a_change_of_a_pipeline_touches_is_noted() -> None:
    spec = PipelineSpec.model_validate({"select": {"code": "x"}, "status": "Deprecated"})
    wish = desired("Pipeline", spec)
    many = tuple(f"p{number}" for number in range(9))
    facts: list[dict[str, Any]] = [
        {"owner": {"id": "me"}, "tenant": {"id": "our-tenant"}, "projectId": "here"},
        {"owner": {"id": "you"}},
        {"ownerId": "you", "tenantId": "our-tenant"},
        {"ownerId": "you", "tenantId": "theirs"},
        {"tenant": {"id": "theirs", "name": "Theirs"}},
        {"projectId": "there"},
        {"linkedTo": ("one",)},
        {"linkedTo": many[:5]},
        {"linkedTo": many},
        {"linkedTo": ("?",)},
        {"linkedTo": (pipeline.change.NOT_ASKED,)},  # type: ignore[attr-defined]
        {"bundleLinks": [{"name": "b"}, {"name": "a"}]},
        {"bundleLinks": None},
    ]
    rows = []
    for more, scope in product(facts, ("", "here")):
        live = Live(wish.address, "p1", {"statusAsString": "Released", **more}, scope)
        rows.append(((more, scope), said(pipeline.KIND.compare(wish, live, view()))))
    same("pipeline notes", rows)


class Item:
    """What an item's wish says, as far as it is compared."""

    batch, generation, retry, spec_digest = "n", 2, Retry(attempts=2), "d1"
    said = {"pipeline": {"name": "p", "version": "1"}, "x": 1}  # noqa: RUF012


def items() -> Iterator[tuple[str, Any, Any, Any]]:
    """An item against every live fact and every memory."""
    lives: list[dict[str, Any] | None] = [
        None,
        {"failed": "no data"},
        {"failed": ""},
        {"failed": "no data", "attempt": 2, "spec": "d1"},
        {"failed": "no data", "attempt": 1, "spec": "d2"},
        {"spec": "d1", "creating": True},
        {"spec": "d2", "creating": True},
        {"spec": "d2", "status": "SUCCEEDED"},
        {"status": None},
        *({"spec": "d1", "status": each} for each in ("SUCCEEDED", "IN_PROGRESS", "ABORTED", "REQUESTED")),
        *(
            {"spec": "d1", "status": each, "summary": "why"}
            for each in ("FAILED", "FAILED_FINAL", "FAILEDFINAL")
        ),
    ]
    memories: list[dict[str, Any] | None] = [
        None,
        {},
        {"generation": 2, "spec": "d1"},
        {"generation": 2, "spec": "d1", "failures": 1, "failed": "no data"},
        {"generation": 2, "spec": "d1", "failures": 2, "failed": "no data"},
        {"generation": 2, "spec": "d1", "failures": 1},
        {"generation": 1, "spec": "d1", "failures": 2, "failed": "no data"},
        {"generation": 2, "spec": "d2", "failures": 2, "failed": "no data", "analysis": "a0"},
        {"generation": 2, "spec": "d1", "analysis": "a0"},
        {"generation": 2, "spec": "d1", "said": {"pipeline": {"name": "p", "version": "1"}, "x": 2}},
        {"generation": 2, "spec": "d1", "said": Item.said},
    ]
    wish = desired("AnalysisBatch", Item, "i")
    for facts, last, begun, live_id in product(lives, memories, (False, True), ("a1", "")):
        if facts is None and live_id:
            continue
        live = None if facts is None else Live(wish.address, live_id, facts)
        pending = {wish.address: None} if begun else {}
        given = f"live={facts} {live_id!r} memory={last} begun={begun}"
        yield given, wish, live, view(last, about=wish.address, pending=pending)


def items_elsewhere() -> Iterator[tuple[str, Any, Any, Any]]:
    """An item of which nothing shows in its project, and every memory of it in that one or another."""
    wish = desired("AnalysisBatch", Item, "i")
    lost: dict[str, Any] = {"batch": "b0", "failed": "no data"}
    sent: list[dict[str, Any]] = [{}, {"analysis": "a0"}, {"batch": "b0"}, lost, {"vouched": True}]
    for facts, there, generation, here in product(sent, (None, "pro/1", "pro/2"), (1, 2), (None, "pro/1")):
        last = {"generation": generation, "spec": "d1", "project": there, **facts}
        found = {wish.address: {"project": here, "begun": generation == 1}} if here else {}
        yield f"in {here} memory={last}", wish, None, view(last, about=wish.address, resolved=found)


def items_in_doubt() -> Iterator[tuple[str, Any, Any, Any]]:
    """An item to be sent or tried again whose call has no known end, and what can be seen from here."""
    calls = ("/api/projects/pro%2F1/analysisCreationBatch", "/api/projects/pro%2F1/analysis:cwl", "damaged")
    wish = tried("FAILED", attempts=2)
    ends = [None, Live(wish.address, "a0", {"spec": "d1", "attempt": 1, "status": "FAILED"}, "pro/1")]
    for live, call, age, here, blind in product(
        ends, calls, (-5.0, 899.0, 900.0), (None, "pro/1", "pro/2"), ("", "no jobs are listed")
    ):
        begun = Begun(7, (wish.address,), "submit", call, "k", "d", None, "u", "t", NOW - age)
        found = {wish.address: {name: each for name, each in (("project", here), ("blind", blind)) if each}}
        given = f"live={live and live.facts} {call} {age:.0f} s ago in {here} {blind}"
        yield given, wish, live, view(pending={wish.address: begun}, resolved=found)


def items_concealed() -> Iterator[tuple[str, Any, Any, Any]]:
    """An item of which nothing shows, or a failed attempt, and all that tells that an analysis may stand."""
    wish = tried("FAILED", attempts=3)
    shown = [None, Live(wish.address, "a0", {"spec": "d1", "attempt": 1, "status": "FAILED"})]
    sent: list[dict[str, Any]] = [{}, {"analysis": "a0"}, {"batch": "b0"}, {"analysis": "a0", "failed": "no"}]
    sent += [{"vouched": True}, {"vouched": True, "failures": 1}, {"analysis": "a1", "failures": 1}]
    for live, facts, generation, spec, newest, unread in product(
        shown, sent, (1, 2, 3), ("d1", "d2"), (None, 1, 2, 3), (None, "a9")
    ):
        last = {"generation": generation, "spec": spec, **facts}
        found = {name: each for name, each in (("newest", newest), ("unread", unread)) if each}
        given = f"live={live and live.facts} memory={last} {found}"
        yield given, wish, live, view(last, about=wish.address, resolved={wish.address: found})


def items_of_pipelines() -> Iterator[tuple[str, Any, Any, Any]]:
    """A new item of a pipeline that is named or referred to, and every status of that."""
    other = Address("Pipeline", "p")
    for said_of, status in product(({"code": "p 1"}, {"ref": "Pipeline/p"}), (None, "Released", "Archived")):
        wish = desired("AnalysisBatch", type("Of", (Item,), {"said": {"pipeline": said_of}}), "i")
        found = {wish.address if "code" in said_of else other: {"status": status}}
        yield f"pipeline={said_of} status={status}", wish, None, view(resolved=found)


def test_items_are_started_once_and_again_only_where_they_failed() -> None:
    every = (*items(), *items_elsewhere(), *items_in_doubt(), *items_concealed(), *items_of_pipelines())
    same("items", ((given, said(compare_item(wish, live, seen))) for given, wish, live, seen in every))


def proofs() -> Iterator[tuple[str, bool]]:
    """Every verb of each kind against what may show of it."""
    statuses = ("Released", "Deprecated", "Archived", None)
    chunks = [{"chunk": chunk, "generation": 2} for chunk in ("c1", "c2", None)]
    shown: tuple[tuple[Any, tuple[str, ...], list[dict[str, Any]], list[dict[str, Any]]], ...] = (
        (CREDENTIAL, ("create", "share", "rotate"), [{}], [{}]),
        (
            pipeline.KIND,
            ("release", "deprecate", "archive", "message"),
            [{"status": each} for each in statuses],
            [{"statusAsString": each} for each in statuses],
        ),
        (
            analysis_batch.KIND,
            ("submit",),
            [*chunks, {}],
            [*chunks, {**chunks[0], "generation": 1}, {**chunks[0], "batch": "b0", "creating": True}, {}],
        ),
    )
    for kind, verbs, written, live in shown:
        address = Address(kind.name, "n")
        for verb, said_of, facts in product(verbs, written, live):
            operation = Operation(verb, (address,), Call("POST", "/x", V3), remember={address: said_of})
            yield (
                f"{kind.name} {verb} {said_of} live={facts}",
                kind.proves(operation, Live(address, "l1", facts)),
            )


def test_only_what_shows_of_a_call_proves_it() -> None:
    same("proofs", proofs())


def tried(*when: str, attempts: int) -> Any:
    """A wish for an item that is to be tried again after these ends."""
    retry = Retry.model_validate({"attempts": attempts, **({"when": when} if when else {})})
    return desired("AnalysisBatch", type("Tried", (Item,), {"retry": retry}), "i")


def retries() -> Iterator[tuple[str, Any, Any, Any]]:
    """What ended badly against what the manifest says of that, and every memory of a later attempt."""
    ends = (
        {"status": "FAILED", "summary": "why"},
        {"status": "ABORTED"},
        {"status": "FAILEDFINAL"},
        {"status": "FAILED_FINAL"},
        {"status": "FAILED", "failed": "no data"},
    )
    wishes = [
        tried(attempts=3),
        tried("FAILED", attempts=2),
        tried("CREATION", "FAILED", attempts=3),
        tried("ABORTED", attempts=3),
    ]
    ours: dict[str, Any] = {"generation": 2, "spec": "d1"}
    memories: list[dict[str, Any] | None] = [
        None,
        {**ours, "failures": 0, "analysis": "a1"},
        {**ours, "failures": 1, "batch": "b1"},
        {**ours, "failures": 1, "analysis": "a2"},
        {**ours, "failures": 2, "failed": "no quota", "analysis": "a2"},
        {**ours, "failures": 2, "failed": "no quota"},
        {**ours, "generation": 1, "failures": 9, "failed": "no quota"},
        {**ours, "spec": "d2", "analysis": "a9"},
    ]
    for facts, attempt, wish, last, begun in product(ends, (1, 2, 3), wishes, memories, (False, True)):
        live = Live(wish.address, "a0", {"spec": "d1", "attempt": attempt, **facts}, "pro/1")
        pending = {wish.address: None} if begun else {}
        said_of = f"{wish.spec.retry.attempts} when {'+'.join(wish.spec.retry.when)}"
        given = f"live={live.facts} retry={said_of} memory={last} begun={begun}"
        yield given, wish, live, view(last, about=wish.address, pending=pending)


def test_what_ended_badly_is_tried_again_as_often_as_the_manifest_says_and_no_more() -> None:
    same("retries", ((given, said(compare_item(wish, live, seen))) for given, wish, live, seen in retries()))


def test_every_state_is_told_in_both_spellings_as_the_stage_that_it_is() -> None:
    words = [
        *STAGES,
        *(each.replace("_", "") for each in STAGES if "_" in each),
        "PAUSED",
        "failed",
        "",
        None,
    ]
    times: tuple[Any, ...] = (
        (None, None),
        ("2027-01-15T07:59:00Z", None),
        ("2027-01-15T07:00:00.500Z", "2027-01-15T07:01:00Z"),
        ("2027-01-15T07:01:00Z", "2027-01-15T07:00:00Z"),
        ("soon", 7),
    )
    rows = []
    wish = tried("FAILED", attempts=2)
    for status, (began, ended) in product(words, times):
        facts = {"status": status, "summary": "why", "spec": "d1", "began": began, "ended": ended}
        live = Live(wish.address, "a0", {**facts, "attempt": 1}, "pro/1")
        rows.append(((status, began, ended), _course(PURSUIT.course(wish, live, view()))))
    same("stages", rows)


def test_the_course_of_an_item_is_that_of_its_newest_attempt() -> None:
    rows = []
    for given, wish, live, seen in [*items(), *retries()]:
        rows.append((given, _course(PURSUIT.course(wish, live, seen))))
    same("courses", rows)
    assert cut("x" * LONGEST) == "x" * LONGEST
    assert cut("x" * (LONGEST + 1)) == "x" * (LONGEST - 3) + "..."


def test_what_is_tried_again_is_looked_for_before() -> None:
    rows = []
    wishes = [tried("FAILED", "ABORTED", attempts=2), tried("FAILED", attempts=3), tried(attempts=3)]
    for wish, status, attempt, spec in product(
        wishes, ("FAILED", "ABORTED", "FAILEDFINAL", "SUCCEEDED", None), (1, 2, None), ("d1", "d2", None)
    ):
        facts = {"status": status, "attempt": attempt, "spec": spec}
        retry = f"{wish.spec.retry.attempts} when {'+'.join(wish.spec.retry.when)}"
        rows.append(((retry, status, attempt, spec), tried_again(wish.spec, facts)))
    same("tried again", rows)


def test_outputs_are_asked_for_and_read_as_the_contract_has_them() -> None:
    wish = tried(attempts=1)
    course = PURSUIT.course(wish, Live(wish.address, "a/1", {"status": "SUCCEEDED"}, "p 1"), view())
    call = PURSUIT.ask(course)
    assert (str(call), call.accept) == ("GET /api/projects/p%201/analyses/a%2F1/outputs", V3)
    file = {"dataId": "fil.1", "name": "a.bam", "dataType": "FILE", "mountPath": "/x", "children": []}
    good = {"items": [{"code": "bam", "projectId": "p1", "data": [file, file]}, {"code": "none"}]}
    assert PURSUIT.brought(Answer(200, good)) == [Yield("bam", "fil.1", "a.bam", "FILE", "p1")] * 2
    wrong: list[Any] = [None, [], {}, {"items": [{}]}, {"items": [{"code": "x", "data": [7]}]}, {"items": 7}]
    for field in ("dataId", "name", "dataType"):
        wrong += [{"items": [{"code": "x", "data": [{**file, field: each}]}]} for each in (None, "", 7, [])]
    for body in (*wrong, {"items": [{"code": 7, "data": [file]}]}):
        with pytest.raises((KeyError, TypeError, AttributeError)):
            PURSUIT.brought(Answer(200, body))


def _course(course: Any) -> str:
    parts = (course.stage.name, course.status, course.id, course.scope, course.why, course.attempt)
    return "; ".join(map(str, (*parts, course.seconds, *course.notes)))


def test_what_is_recalled_of_what_is_as_wanted() -> None:
    rows: list[tuple[object, object]] = []
    address = Address("AnalysisBatch", "n", "i")
    for facts, live_id in product(({}, {"batch": "b1", "chunk": "c1"}, {"chunk": "c1"}), ("", "a1")):
        live = Live(address, live_id, facts)
        recalled = analysis_batch.KIND.recall(desired("AnalysisBatch", Item, "i"), live, None)
        rows.append(((facts, live_id), dict(recalled)))
    new = {"batch": "b1", "chunk": "c1", "written": 5.0, "attempt": 2}
    for facts, live_id in (
        *product((new,), ("", "a1")),
        *product(({"attempt": 1}, {"attempt": 3}, {"attempt": 3, "failed": "no"}), ("a1",)),
    ):
        live = Live(address, live_id, facts, "project")
        recalled = analysis_batch.KIND.recall(desired("AnalysisBatch", Item, "i"), live, None)
        rows.append(((facts, live_id), dict(recalled)))
    spec = PipelineSpec.model_validate({"select": {"code": "x"}, "status": "Released"})
    live = Live(address, "p1", {"statusAsString": "Released"})
    rows.append(("a pipeline", dict(pipeline.KIND.recall(desired("Pipeline", spec), live, None))))
    role = desired("StorageCredential", StorageCredentialSpec(type="AWS_ROLE"))
    for before, now in product((None, "t1", "t2"), ("t1", None)):
        seen = None if before is None else Live(address, "c1", {"timeModified": before})
        live = Live(address, "c1", {"timeModified": now})
        rows.append((("a credential", before, now), dict(CREDENTIAL.recall(role, live, seen))))
    same("recalled", rows)
