"""A right answer with one value of another type, at every place: an error or a right plan, never a write.

A world in which everything is as wanted is looked at, so whatever a plan then means to write is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, QUICK, Siege
from tests.hostile.impostor import Attack, Honest
from tests.hostile.misbehaviour import body
from tests.hostile.site import STEPS
from tests.hostile.verdict import errors, judged

Path = tuple[str | int, ...]
DROPPED = object()
VALUES: tuple[Any, ...] = (None, True, 0, -1.5, 10**30, "", "\x1b[31m\n::error::x", [], {}, [[]], {"a": {}})
SHARE = 9
"""Of how many cases a quick run tries one; every path has about one."""

READS = {
    "credential": ("POST /api/tokens", "GET /api/storageCredentials"),
    "pipeline": ("GET /api/projects", "GET /api/projects/[^/]+/pipelines"),
    "batch": (
        "POST /api/projects/[^/]+/analysis:search",
        "GET /api/jobs",
        "GET /api/projects/[^/]+/analysisCreationBatch/[^/]+",
        "GET /api/projects/[^/]+/analysisCreationBatch/[^/]+/items",
    ),
}
OLD_READS = {"pipeline": ("GET /api/projects/[^/]+/pipelines/[^/]+", "GET /api/projects/[^/]+/pipelines")}
LATE = {
    "GET /api/analysisStorages": "batch",
    "GET /api/projects/[^/]+/data": "batch",
    "POST /api/projects/[^/]+/pipelines:search": "pipeline",
}
"""Asked only about what is not as wanted yet."""


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place of a value; of a list's items the first, for they are alike."""
    yield at
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*at, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:1]):
            yield from paths(inner, (*at, number))


def replaced(value: Any, at: Path, new: Any) -> Any:
    """The value with another one at a place of it."""
    if not at:
        return new
    first, *rest = at
    if isinstance(value, dict):
        pairs = (
            (name, replaced(each, tuple(rest), new) if name == first else each)
            for name, each in value.items()
        )
        return {name: each for name, each in pairs if each is not DROPPED}
    return [
        replaced(each, tuple(rest), new) if number == first else each for number, each in enumerate(value)
    ]


def value_at(value: Any, at: Path) -> Any:
    for step in at:
        value = value[step]
    return value


def cases(honest: Any, turn: int) -> Iterator[tuple[Path, Any]]:
    """Places and what is put there: never of the type that stood there, for that may be another truth."""
    number = turn
    for at in paths(honest):
        there = value_at(honest, at)
        droppable = [DROPPED] if at and isinstance(at[-1], str) else []
        for new in (*VALUES, *droppable):
            same = new is not DROPPED and (
                type(new) is type(there) or {type(new), type(there)} <= {int, float}
            )
            if same:
                continue
            number += 1
            if EVERYTHING or number % SHARE == 0:
                yield at, new


def listening(siege: Siege, call: str, folder: str) -> Any:
    """What ICA itself answers to a call of a plan."""
    heard: list[Honest] = []

    def act(connection: Any, honest: Honest) -> None:
        heard.append(honest)
        connection.sendall(honest.head() + honest.body)

    judged(siege.run("plan", folder, attack=Attack(call, act)), siege.secrets)
    return json.loads(heard[0].body) if heard else None


def spoil(siege: Siege, call: str, folder: str, writes: int, turn: int) -> tuple[int, int]:
    """Every case of one call; how many were tried, and how many of them ended in an error."""
    honest = listening(siege, call, folder)
    if honest is None:
        return 0, 0
    tried = failed = 0
    for at, new in cases(honest, turn):
        data = json.dumps(replaced(honest, at, new)).encode()
        act = body(lambda _, data=data: data)
        ended = siege.run("plan", folder, "--timeout", QUICK, attack=Attack(call, act))
        where = (
            f"{call}: {'dropped' if new is DROPPED else repr(new)} at {'.'.join(map(str, at)) or 'the top'}"
        )
        try:
            report = judged(ended, siege.secrets)
        except Exception as error:
            raise AssertionError(where) from error
        tried += 1
        failed += report["errored"]
        if not report["errored"] and ended.code != Exit.FAILED:
            assert report["api_calls"]["writes"] <= writes, where
    assert not siege.world.writes()
    return tried, failed


def forget(siege: Siege) -> None:
    """Leave no journal of a world that is gone."""
    for each in siege.folders.values():
        for file in each.glob(".icaform/journal*"):
            file.unlink()


def settle(siege: Siege) -> None:
    """Have everything as wanted."""
    siege.world.fresh()
    forget(siege)
    for folder in siege.folders:
        steps = ("--allow-irreversible", str(STEPS[folder]))
        ended = siege.run("apply", folder, "--yes", "--first-run", *steps)
        assert ended.code == 0, ended.text
    siege.world.control("DELETE", "/requests")


@pytest.mark.parametrize("memory", ["kept", "lost"])
@pytest.mark.parametrize("folder", READS)
def test_a_value_of_another_type_is_never_taken_for_a_thing_that_is_not_there(
    folder: str, memory: str, siege: Siege
) -> None:
    settle(siege)
    if memory == "lost":
        for each in siege.folders[folder].glob(".icaform/journal*"):
            each.unlink()
    writes = judged(siege.run("plan", folder), siege.secrets)["api_calls"]["writes"]
    assert memory == "lost" or not writes
    tried = failed = 0
    for turn, call in enumerate(READS[folder]):
        more, wrong = spoil(siege, call, folder, writes, turn + (5 if memory == "lost" else 0))
        tried, failed = tried + more, failed + wrong
    print(f"{tried} answers of another type, {failed} of them told as an error")
    assert tried > 10


def test_the_same_of_the_older_api_and_of_what_is_asked_about_new_things(
    siege: Siege, old_siege: Siege
) -> None:
    tried = failed = 0
    old_siege.world.fresh()
    siege.world.fresh()
    forget(siege)
    asked = [(old_siege, "pipeline", call) for call in OLD_READS["pipeline"]]
    asked += [(siege, folder, call) for call, folder in LATE.items()]
    for turn, (here, folder, call) in enumerate(asked):
        more, wrong = spoil(here, call, folder, 10, turn)
        assert more, call
        tried, failed = tried + more, failed + wrong
    print(f"{tried} answers of another type, {failed} of them told as an error")


@pytest.mark.parametrize("verb", ["plan", "export"])
def test_a_project_without_a_name_is_a_bad_answer_and_not_one_that_is_not_there(
    verb: str, siege: Siege
) -> None:
    siege.world.fresh()
    call = "GET /api/projects"
    honest = listening(siege, call, "pipeline")
    tried = 0
    for new in (*(each for each in VALUES if not each or not isinstance(each, str)), DROPPED):
        data = json.dumps(replaced(honest, ("items", 0, "name"), new)).encode()
        ended = siege.run(verb, "pipeline", attack=Attack(call, body(lambda _, data=data: data)))
        report = judged(ended, siege.secrets)
        assert (ended.code, errors(report)) == (Exit.UNREACHABLE, ["bad-answer"]), (new, ended.text)
        tried += 1
    print(f"{tried} names that are none")
