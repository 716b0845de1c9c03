"""A hostile server under ``icaform status``: a code, a reason with a remedy, and never a wrong end."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from typing import Any

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, QUICK, Siege
from tests.hostile.impostor import Attack, Honest
from tests.hostile.misbehaviour import ALL, body, document
from tests.hostile.process import Ended
from tests.hostile.test_types import DROPPED, cases, replaced
from tests.hostile.verdict import calm, errors, judged

SEARCH = "POST /api/projects/[^/]+/analysis:search"
OUTPUTS = "GET /api/projects/[^/]+/analyses/[^/]+/outputs"
CALLS = {SEARCH: (), OUTPUTS: ("--outputs",)}
SHARE = 4
"""Of how many cases a quick run tries one."""


@pytest.fixture(scope="module")
def ended(siege: Siege) -> Siege:
    """A batch whose two analyses have succeeded, and whose journal is there."""
    siege.world.fresh()
    done = siege.run("apply", "batch", "--yes", "--first-run")
    assert done.code == 0, done.text
    siege.world.control("POST", "/clock", {"advance": 100})
    siege.world.control("DELETE", "/requests")
    siege.environ["ICAFORM_TIMEOUT"] = QUICK
    return siege


def held_to(ran: Ended, siege: Siege) -> dict[str, Any]:
    """What must hold of every status under attack; its document."""
    calm(ran, siege.secrets)
    told: dict[str, Any] = ran.json
    if "batches" not in told:
        return judged(ran, siege.secrets)
    assert told["exit_code"] == ran.code
    return told


@pytest.mark.parametrize("call", CALLS)
def test_whatever_is_answered_a_status_ends_with_its_code_and_writes_nothing(call: str, ended: Siege) -> None:
    ends: Counter[int] = Counter()
    turn = count()
    for title, bad in ALL.items():
        if bad.slow or not (EVERYTHING or next(turn) % SHARE == 0):
            continue
        ran = ended.run("status", "batch", *CALLS[call], attack=Attack(call, bad.act))
        told = held_to(ran, ended)
        assert ran.code in bad.ends, (title, ran.text[-500:])
        if ran.code == Exit.UNREACHABLE:
            assert set(errors(told)) <= {"bad-answer", "unreachable", "server-fault"}, title
        ends[ran.code] += 1
    assert not ended.world.writes()
    print(f"{ends.total()} misbehaviours, {dict(ends)}")


@pytest.mark.parametrize("call", CALLS)
def test_a_value_of_another_type_is_an_error_or_changes_nothing_that_counts(call: str, ended: Siege) -> None:
    heard: list[Honest] = []

    def listen(connection: Any, honest: Honest) -> None:
        heard.append(honest)
        connection.sendall(honest.head() + honest.body)

    held_to(ended.run("status", "batch", *CALLS[call], attack=Attack(call, listen)), ended)
    honest = json.loads(heard[0].body)
    ends: Counter[int] = Counter()
    for at, new in cases(honest, 0):
        data = json.dumps(replaced(honest, at, new)).encode()
        act = body(lambda _, data=data: data)
        ran = ended.run("status", "batch", *CALLS[call], attack=Attack(call, act))
        where = f"{'dropped' if new is DROPPED else repr(new)} at {at}"
        try:
            held_to(ran, ended)
        except Exception as error:
            raise AssertionError(where) from error
        ends[ran.code] += 1
    assert not ended.world.writes()
    assert ends.total() > 10
    print(f"{ends.total()} answers of another type, {dict(ends)}")


def spoken(status: Any, summary: Any = None) -> Attack:
    """Every analysis is in this state."""

    def change(answer: Any) -> Any:
        for each in answer["items"]:
            each.update(status=status, summary=summary)
        return answer

    return Attack(SEARCH, document(change))


NEW = ("PAUSED", "succeeded", "SUCCEEDED ", "\x1b[2J\n::error::x", "x" * 100_000)


@pytest.mark.parametrize("status", NEW, ids=range(len(NEW)))
def test_a_state_that_nobody_knows_is_no_end_and_is_told(status: str, ended: Siege) -> None:
    told = held_to(ended.run("status", "batch", attack=spoken(status)), ended)
    assert (told["exit_code"], told["counts"]["unknown"]) == (0, 2)
    assert [each["code"] for each in told["diagnostics"]] == ["foreign-state"]
    wait = ("--wait", "--timeout", "10m")
    told = held_to(ended.run("status", "batch", *wait, attack=spoken(status)), ended)
    assert (told["exit_code"], told["complete"]) == (Exit.UNKNOWN, False)


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("INPROGRESS", "running"),
        ("IN_PROGRESS", "running"),
        ("AWAITINGINPUT", "waiting"),
        ("AWAITING_INPUT", "waiting"),
        ("FAILEDFINAL", "failed_final"),
        ("FAILED_FINAL", "failed_final"),
        ("ABORTING", "running"),
        (None, "queued"),
    ],
)
def test_both_generations_words_are_understood(status: str | None, stage: str, ended: Siege) -> None:
    told = held_to(ended.run("status", "batch", attack=spoken(status, "x" * 10_000)), ended)
    assert [each["stage"] for each in told["batches"][0]["items"]] == [stage] * 2
    bad = stage == "failed_final"
    assert told["exit_code"] == (1 if bad else 0)
    assert [len(each["reason"] or "") for each in told["batches"][0]["items"]] == [1000 if bad else 0] * 2
