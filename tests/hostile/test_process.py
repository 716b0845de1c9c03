"""The worst of it against ``python -m icaform`` itself, with its own waits: its memory, time and traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.impostor import Attack
from tests.hostile.misbehaviour import ALL
from tests.hostile.process import icaform
from tests.hostile.site import MANIFESTS, workspace
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
