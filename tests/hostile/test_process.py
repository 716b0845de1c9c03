"""The worst of it against ``python -m icaform`` itself, with its own waits: its memory, time and traces."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.impostor import Attack, Honest
from tests.hostile.misbehaviour import ALL, GZIP, MEGA, bomb
from tests.hostile.process import icaform
from tests.hostile.site import HEAD, MANIFESTS, workspace
from tests.hostile.test_answers import PLACES
from tests.hostile.verdict import errors, judged

WORST = {
    "endless body without length": "credentials",
    "a chunk of -1 bytes": "tokens",
    "a body, a byte at a time": "projects",
    "silence": "pipelines",
    "a gzip bomb": "analyses",
    "objects nested deeply": "storages",
    "10 MB of small objects": "links",
    "half a body": "tokens of a plan",
    "a pair behind 40 MB": "credentials",
    "half a pair and a pair behind 40 MB": "pipelines",
    "a pair and half a pair behind 40 MB": "analyses",
}
"""What is tried, and at which call."""
SECONDS = 2.0
"""The deadline of each question. A run may make several, and a busy machine be slow to start Python."""
LONGEST = 30.0


@pytest.mark.parametrize("title", [*WORST, *(ALL if EVERYTHING else ())])
def test_a_real_run_ends_in_time_and_leaves_nothing(title: str, siege: Siege, tmp_path: Path) -> None:
    siege.world.fresh()
    place = PLACES[WORST.get(title, "credentials")]
    folder = workspace(tmp_path / "w", {"a.yaml": MANIFESTS[place.folder]})
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    siege.impostor.spoil(Attack(place.call, ALL[title].act))
    environ = siege.environ | {"ICAFORM_TIMEOUT": str(SECONDS), "HOME": str(tmp_path)}
    ended = icaform(place.verb, ".", "-o", "json", environ=environ, folder=folder)
    report = judged(ended, siege.secrets)
    assert siege.impostor.hits
    assert ended.code in ALL[title].ends
    if ended.code == Exit.UNREACHABLE:
        assert len(errors(report)) == 1
    assert ended.seconds < LONGEST
    assert not siege.world.writes()
    assert {each: each.stat().st_mtime_ns for each in folder.rglob("*")} == before
    print(f"{title} at {place.call}: {ended.peak:.0f} MB, {ended.seconds:.1f} s")


AT_ONCE = 8
"""Reads that icaform has in flight together."""
TOGETHER: dict[str, Callable[[], bytes]] = {
    "60 MB of zero bytes": lambda: bomb(60),
    "60 MB of blanks": lambda: gzip.compress(b" " * (60 * MEGA)),
    "an object of 60 MB": lambda: gzip.compress(b'{"a": "' + b"x" * (60 * MEGA) + b'"}'),
    "an object of 60 MB, cut": lambda: gzip.compress(b'{"a": "' + b"x" * (60 * MEGA)),
    "60 MB of zero bytes, cut": lambda: bomb(60)[:-9],
}
SOON = 5.0
"""The deadline of each question there, until which an answer that is cut is asked for again."""


@pytest.mark.parametrize("title", TOGETHER if EVERYTHING else ["60 MB of blanks", "60 MB of zero bytes, cut"])
def test_answers_that_are_small_and_mean_much_together_end_in_a_limit(
    title: str, old_siege: Siege, tmp_path: Path
) -> None:
    one = HEAD + "{{tenant: true, select: {{id: 00000000-0000-4000-8000-{id:012}}}, status: Released}}\n"
    pipelines = [one.format(kind="Pipeline", name=f"p{n}", id=n) for n in range(2 * AT_ONCE)]
    folder = workspace(tmp_path / "w", {"a.yaml": "---\n".join(pipelines)})
    data, all_asked = TOGETHER[title](), threading.Barrier(AT_ONCE)

    def act(connection: socket.socket, honest: Honest) -> None:
        if old_siege.impostor.hits <= AT_ONCE:
            all_asked.wait(10)
        connection.sendall(honest.head(status=200, length=len(data), more=GZIP) + data)

    old_siege.impostor.spoil(Attack("GET /api/pipelines/[^/]+", act, effect=False))
    environ = old_siege.environ | {"ICAFORM_TIMEOUT": str(SOON)}
    ended = icaform("plan", ".", "-o", "json", environ=environ, folder=folder)
    report = judged(ended, old_siege.secrets)
    assert (ended.code, len(errors(report))) == (Exit.UNREACHABLE, 1), ended.text[-800:]
    assert old_siege.impostor.hits >= AT_ONCE
    print(f"{AT_ONCE} times {title}, in {len(data):,} bytes: {ended.peak:.0f} MB, {ended.seconds:.1f} s")
