"""Every misbehaviour on every call that a plan makes: a code, a reason with a remedy, and nothing written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, QUICK, SLOW, Siege
from tests.hostile.impostor import Attack
from tests.hostile.misbehaviour import ALL, Misbehaviour
from tests.hostile.verdict import errors, judged

SHARE = 3
"""Of how many cases a quick run tries one."""


@dataclass(frozen=True)
class Place:
    """A call that is made to read, and the command line that makes it."""

    call: str
    verb: str
    folder: str
    old: bool = False


PLACES = {
    "tokens": Place("POST /api/tokens", "whoami", "credential"),
    "tokens of a plan": Place("POST /api/tokens", "plan", "credential"),
    "projects": Place("GET /api/projects", "plan", "pipeline"),
    "credentials": Place("GET /api/storageCredentials", "plan", "credential"),
    "pipelines": Place("GET /api/projects/[^/]+/pipelines", "drift", "pipeline"),
    "links": Place("POST /api/projects/[^/]+/pipelines:search", "plan", "pipeline"),
    "analyses": Place("POST /api/projects/[^/]+/analysis:search", "plan", "batch"),
    "storages": Place("GET /api/analysisStorages", "plan", "batch"),
    "one pipeline": Place("GET /api/projects/[^/]+/pipelines/[^/]+", "plan", "pipeline", old=True),
}
WRONG = {"bad-answer", "unreachable", "server-fault"}


def attacked(siege: Siege, place: Place, bad: Misbehaviour, where: str) -> Any:
    seconds = SLOW if bad.slow else QUICK
    ended = siege.run(place.verb, place.folder, "--timeout", seconds, attack=Attack(place.call, bad.act))
    assert siege.impostor.hits, where
    report = judged(ended, siege.secrets)
    assert ended.code in bad.ends, (where, ended.code, ended.text[-800:])
    if ended.code == Exit.UNREACHABLE:
        (code,) = errors(report)
        assert code in WRONG, where
        (told,) = [each["summary"] for each in report["diagnostics"] if each["severity"] == "error"]
        assert " /api/" in told, "the call is named"
    return ended


@pytest.mark.parametrize("name", PLACES)
def test_whatever_is_answered_to_a_read_it_ends_with_its_code_and_writes_nothing(
    name: str, siege: Siege, old_siege: Siege
) -> None:
    place = PLACES[name]
    here = old_siege if place.old else siege
    here.world.fresh()
    turn = count(list(PLACES).index(name))
    ends: Counter[int] = Counter()
    peak = longest = 0.0
    for title, bad in ALL.items():
        if EVERYTHING or next(turn) % SHARE == 0:
            ended = attacked(here, place, bad, f"{title} at {name}")
            ends[ended.code] += 1
            peak, longest = max(peak, ended.peak), max(longest, ended.seconds)
    assert not here.world.writes()
    assert not list(here.folders[place.folder].glob(".icaform"))
    print(f"{ends.total()} misbehaviours, {dict(ends)}; at most {peak:.0f} MB, {longest:.1f} s")
