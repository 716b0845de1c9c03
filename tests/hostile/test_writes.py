"""Every misbehaviour on every call that an apply makes to write, or to follow what it wrote: nothing twice.

ICA has the effect, or has not; the answer is spoilt either way. The next apply, against a server that is
itself again, comes to the end.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.impostor import Attack
from tests.hostile.misbehaviour import ALL
from tests.hostile.site import MANIFESTS, STEPS, workspace
from tests.hostile.verdict import judged

SHARE = 25
"""Of how many cases a quick run tries one; with and without an effect, and at so many calls, each has one."""
SECONDS = "3"

WRITES = {
    "create": ("POST /api/storageCredentials", "credential"),
    "share": ("POST /api/storageCredentials/[^/]+:share", "credential"),
    "deprecate": ("POST /api/projects/[^/]+/pipelines/[^/]+:deprecate", "pipeline"),
    "submit": ("POST /api/projects/[^/]+/analysisCreationBatch", "batch"),
    "batch": ("GET /api/projects/[^/]+/analysisCreationBatch/[^/]+", "batch"),
    "items": ("GET /api/projects/[^/]+/analysisCreationBatch/[^/]+/items", "batch"),
}
ENDS = {Exit.DONE, Exit.FAILED, Exit.PARTLY, Exit.UNKNOWN, Exit.UNREACHABLE, Exit.RATE_LIMITED}


def apply(siege: Siege, folder: Path, name: str, attack: Attack | None) -> Exit:
    """One apply, with as many irreversible steps allowed as are left."""
    report = judged(siege.run("plan", folder), siege.secrets)
    steps = len([each for each in report["resource_changes"] if each["irreversible"]])
    arguments = ("--yes", "--first-run", "--timeout", SECONDS, "--allow-irreversible", str(steps))
    ended = siege.run("apply", folder, *arguments, attack=attack)
    judged(ended, siege.secrets)
    return Exit(ended.code)


@pytest.mark.parametrize("effect", [True, False], ids=["with-effect", "without-effect"])
@pytest.mark.parametrize("name", WRITES)
def test_whatever_is_answered_to_a_write_nothing_is_made_twice_and_the_next_apply_goes_on(
    name: str, effect: bool, siege: Siege, tmp_path: Path
) -> None:
    call, kind = WRITES[name]
    turn = count(2 * list(WRITES).index(name) + effect)
    ends: Counter[str] = Counter()
    for number, (title, bad) in enumerate(ALL.items()):
        if not EVERYTHING and next(turn) % SHARE:
            continue
        where = f"{title} at {name}, {effect=}"
        siege.world.fresh()
        folder = workspace(tmp_path / str(number), {"a.yaml": MANIFESTS[kind]})
        code = apply(siege, folder, kind, Attack(call, bad.act, effect))
        assert siege.impostor.hits, where
        assert code in ENDS, where
        ends[code.name] += 1
        assert not siege.world.twice(), where
        tries = 0
        while (code := apply(siege, folder, kind, None)) is not Exit.DONE:
            tries += 1
            assert tries < 4, (where, code)
        assert not siege.world.twice(), where
        plan = judged(siege.run("plan", folder), siege.secrets)
        assert plan["resource_changes"] == [], where
        journal = b"".join(each.read_bytes() for each in folder.glob(".icaform/journal*"))
        assert not [secret for secret in siege.secrets if secret.encode() in journal], where
    print(f"{ends.total()} misbehaviours, first applies ended as {dict(ends)}")


def test_the_workspaces_need_the_steps_that_are_said(siege: Siege) -> None:
    siege.world.fresh()
    for name, steps in STEPS.items():
        report = judged(siege.run("plan", name), siege.secrets)
        assert len([each for each in report["resource_changes"] if each["irreversible"]]) == steps
