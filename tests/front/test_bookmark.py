"""A journal that knows the workspace and not its last run: restored, out of a cache, or another checkout's.

It is told from the last one by a bookmark outside the workspace, and costs a wait and no analysis.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from icaform.emulator import Embedded, Settings
from icaform.emulator.demo import SECOND_API_KEY
from icaform.journal import open_store
from tests.front.conftest import Lab, Ran, _fresh
from tests.front.everything import Killed, analyses
from tests.postgres import Postgres

PATHS = ("/analysisCreationBatch", "/analysis:nextflowWithCustomInput")
WAIT = 105
"""Seconds: icaform.yaml's readLag, and the longest that ICA is at work on a call."""
NO_BOOKMARK = "no bookmark on this machine tells that the journal is the last one"
ANOTHER = "the journal lacks what this machine wrote last"
INPUTS = {
    "one batch": "{{inputs: [], parameters: [{{code: x, value: '{}'}}]}}",
    "one by one": '{{customInput: "a: {}"}}',
}


@pytest.fixture(scope="module")
def lagging() -> Iterator[Embedded]:
    with Embedded(settings=Settings(clock="manual", read_lag=30)) as ica:
        yield ica


@pytest.fixture
def lab(tmp_path: Path, lagging: Embedded) -> Lab:
    """A workspace of which a run is remembered, an hour ago, by the journal and by the bookmark."""
    return known(tmp_path / "w", lagging)


def known(folder: Path, ica: Embedded) -> Lab:
    folder.mkdir()
    lab = _fresh(folder, ica)
    lab.write("warm.yaml", batch("warm", ["W"]))
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(3600)
    lab.clock.slept = 0
    lab.forget_requests()
    return lab


def batch(name: str, items: list[str], how: str = "one batch", value: str = "1") -> str:
    rows = "".join(
        f"    - {{name: {each}, userReference: {name}/{each}, analysisInput: {INPUTS[how].format(value)}}}\n"
        for each in items
    )
    return (
        f"apiVersion: icaform/v1\nkind: AnalysisBatch\nmetadata: {{name: {name}}}\nspec:\n"
        f"  defaults: {{pipeline: {{code: nf-core rnaseq 3-14}}, analysisStorage: Small}}\n  items:\n{rows}"
    )


def dies(lab: Lab, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply that is killed with its answer before it, or while it waits to look for its call."""
    for path in PATHS if how == "answer lost" else ():
        lab.control("POST", "/faults", {"match": {"method": "POST", "path": f"*{path}"}, "do": "drop_answer"})
    send, sleep = HTTPAdapter.send, lab.clock.sleep

    def to_the_answer(self: Any, request: Any, **more: Any) -> Any:
        answer = send(self, request, **more)
        if makes(request.method, request.url):
            raise Killed
        return answer

    def to_the_wait(seconds: float) -> None:
        if seconds >= 30:
            raise Killed
        sleep(seconds)

    with monkeypatch.context() as patch:
        if how == "answer lost":
            patch.setattr(lab.clock, "sleep", to_the_wait)
        else:
            patch.setattr(HTTPAdapter, "send", to_the_answer)
        with pytest.raises(Killed):
            lab.run("apply", str(lab.folder), "--yes")
    assert lab.clock.slept < WAIT


def makes(method: str, path: str) -> bool:
    return method == "POST" and path.endswith(PATHS)


def applied(lab: Lab) -> Ran:
    """An apply, and whether it was as patient as with no journal at all."""
    lab.clock.slept = 0
    return lab.run("apply", str(lab.folder), "--yes")


def twice(lab: Lab) -> dict[str, int]:
    """Every analysis that was started more than once, in the end."""
    lab.clock.sleep(4000)
    lab.run("apply", str(lab.folder), "--yes")
    lab.clock.sleep(4000)
    return {name: count for name, count in analyses(lab).items() if count > 1}


BEFORE = ["S1", "S2", "S3"]
NOW = {
    "the same": (BEFORE, "1"),
    "grown": ([*BEFORE, "S4"], "1"),
    "changed": (BEFORE, "2"),
}


@pytest.mark.parametrize("how", ["killed", "answer lost"])
@pytest.mark.parametrize("sent", INPUTS)
def test_a_journal_from_before_the_last_run_starts_nothing_twice(
    tmp_path: Path, lagging: Embedded, monkeypatch: pytest.MonkeyPatch, sent: str, how: str
) -> None:
    cases, wrong = list(product(NOW, ("same user", "other user"))), []
    for number, (manifest, user) in enumerate(cases):
        lab = known(tmp_path / str(number), lagging)
        shutil.copytree(lab.folder / ".icaform", lab.folder / "backup")
        lab.write("cohort.yaml", batch("cohort", BEFORE, sent))
        dies(lab, how, monkeypatch)
        shutil.rmtree(lab.folder / ".icaform")
        shutil.move(lab.folder / "backup", lab.folder / ".icaform")
        items, value = NOW[manifest]
        lab.write("cohort.yaml", batch("cohort", items, sent, value))
        if user == "other user":
            lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
        ran = applied(lab)
        if lab.clock.slept < WAIT or ANOTHER not in ran.err:
            wrong.append(f"{manifest}, {user}: did not wait")
        more = twice(lab)
        wrong += [f"{manifest}, {user}: {more}"] if more else []
        there = {f"cohort/{each}" for each in items} - set(analyses(lab))
        wrong += [f"{manifest}, {user}: {there} missing"] if there else []
    print(f"{len(cases)} restored journals, {sent}, {how}")
    assert wrong == []


def test_a_second_checkout_starts_nothing_that_the_first_one_did(
    tmp_path: Path, lab: Lab, lagging: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Lab(tmp_path / "other", lagging, {"ICAFORM_STATE_DIR": lab.environ["ICAFORM_STATE_DIR"]})
    shutil.copytree(lab.folder, other.folder, ignore=lambda *_: [".icaform"])
    other.write("extra.yaml", batch("extra", ["X"]))
    assert applied(other).code == 0
    lab.clock = other.clock
    lab.clock.sleep(3600)
    for number, (here, there) in enumerate([(lab, other), (other, lab)]):
        name = f"cohort-{number}"
        here.write(f"{name}.yaml", batch(name, ["S1", "S2"]))
        assert (ANOTHER in applied(here).err) is (here is lab)
        here.write(f"{name}.yaml", batch(name, ["S1", "S2", "S3"]))
        lab.clock.slept = 0
        dies(here, "killed", monkeypatch)
        there.write(f"{name}.yaml", batch(name, ["S1", "S2", "S3", "S4"]))
        there.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
        assert ANOTHER in applied(there).err
        there.environ["ICAV2_X_API_KEY"] = lagging.api_key
        assert twice(there) == {}


def test_a_journal_that_is_proven_to_be_the_last_costs_no_wait_and_no_call(
    tmp_path: Path, lagging: Embedded
) -> None:
    calls = []
    for name, more in (("proven", []), ("told", ["--first-run"])):
        lab = known(tmp_path / name, lagging)
        lab.write("cohort.yaml", batch("cohort", BEFORE))
        ran = lab.run("apply", str(lab.folder), "--yes", *more)
        assert (ran.code, "waiting 105 s" in ran.err) == (0, False), ran.err
        calls.append([(each["method"], each["path"].split("/")[-1].split("?")[0]) for each in lab.requests()])
    assert [len(each) for each in calls] == [len(calls[0])] * 2
    assert lab.clock.slept < WAIT


def test_a_journal_without_a_bookmark_waits_once(lab: Lab) -> None:
    shutil.rmtree(lab.folder / ".state")
    for number, waits in enumerate((True, False, False)):
        lab.write(f"more-{number}.yaml", batch(f"more-{number}", ["A"]))
        ran = applied(lab)
        assert (ran.code, NO_BOOKMARK in ran.err, lab.clock.slept >= WAIT) == (0, waits, waits), ran.err


def test_a_plan_neither_waits_nor_writes_a_bookmark(lab: Lab) -> None:
    shutil.rmtree(lab.folder / ".state")
    lab.write("cohort.yaml", batch("cohort", BEFORE))
    for verb in ("plan", "drift", "status"):
        assert lab.run(verb, str(lab.folder)).code in (0, 12), verb
    assert (lab.clock.slept, (lab.folder / ".state").exists()) == (0, False)


def test_what_makes_nothing_waits_for_nothing_and_leaves_no_bookmark(lab: Lab) -> None:
    shutil.rmtree(lab.folder / ".state")
    lab.write(
        "p.yaml",
        "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: p}\n"
        "spec: {select: {code: DRAGEN Germline 4-2-7}, status: Deprecated, message: Gone.}\n",
    )
    ran = lab.run("apply", str(lab.folder), "--yes", "--allow-irreversible", "1")
    assert (ran.code, "waiting 105 s" in ran.err, (lab.folder / ".state").exists()) == (0, False, False)


def test_where_no_bookmark_is_to_be_kept_each_run_waits_and_none_is_written(lab: Lab) -> None:
    lab.environ["ICAFORM_STATE_DIR"] = ""
    shutil.rmtree(lab.folder / ".state")
    before = set(lab.folder.rglob("*"))
    for number in range(2):
        lab.write(f"more-{number}.yaml", batch(f"more-{number}", ["A"]))
        ran = applied(lab)
        assert (ran.code, NO_BOOKMARK in ran.err, lab.clock.slept >= WAIT) == (0, True, True)
    assert {each.name for each in set(lab.folder.rglob("*")) - before} == {"more-0.yaml", "more-1.yaml"}


def bookmark_of(lab: Lab) -> Path:
    (found,) = Path(lab.environ["ICAFORM_STATE_DIR"]).glob("*.bookmark")
    return found


def test_a_bookmark_is_its_owner_s_alone_and_there_before_the_call_leaves(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, seen = HTTPAdapter.send, []

    def look(self: Any, request: Any, **more: Any) -> Any:
        if makes(request.method, request.url):
            file = bookmark_of(lab)
            number, found = file.read_text().split()
            store = open_store(
                str(lab.folder / ".icaform/journal.sqlite"), "lab", lab.clock.now, read_only=True
            )
            seen.append((stat.S_IMODE(file.stat().st_mode), max(store.memory().pending), store.last()))
            assert seen[-1] == (0o600, int(number), (int(number), found))
            store.close()
        return send(self, request, **more)

    monkeypatch.setattr("icaform.engine.apply.WORKERS", 1)
    monkeypatch.setattr(HTTPAdapter, "send", look)
    lab.write("cohort.yaml", batch("cohort", BEFORE, "one by one"))
    assert applied(lab).code == 0
    assert len(seen) == 3
    print(f"{len(seen)} calls that make something")


def _link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


def _text(text: str, mode: int = 0o600) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text)
        path.chmod(mode)

    return write


BROKEN: dict[str, Callable[[Path], object]] = {
    "nothing in it": _text(""),
    "no words of ours": _text("\0\1\2 what?"),
    "no number": _text("x " + "0" * 64 + "\n"),
    "a number that no store takes": _text("9" * 30 + " " + "0" * 64 + "\n"),
    "half a line": _text("1 " + "0" * 20),
    "a great deal": _text("1 " + "0" * 100_000),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": _link("/nonexistent/x"),
    "a link to a file": _link("kept"),
    "a link to a device": _link("/dev/zero"),
    "a pipe": lambda path: os.mkfifo(path, 0o600),
    "a folder": lambda path: path.mkdir(),
    "a file that others may write": lambda path: (
        shutil.copy(path.with_name("kept"), path),
        path.chmod(0o666),
    ),
}


def test_a_broken_bookmark_costs_a_wait_and_fails_nothing(lab: Lab) -> None:
    file = bookmark_of(lab)
    kept = file.with_name("kept")
    for number, (name, spoil) in enumerate(BROKEN.items()):
        shutil.copy(file, kept)
        file.unlink()
        spoil(file)
        lab.write(f"more-{number}.yaml", batch(f"more-{number}", ["A"]))
        ran = applied(lab)
        assert (ran.code, NO_BOOKMARK in ran.err, lab.clock.slept >= WAIT) == (0, True, True), (name, ran.err)
        told = f"{file} cannot be written" in ran.err
        assert told is (name == "a folder"), (name, ran.err)
        if file.is_dir():
            file.rmdir()
            shutil.copy(kept, file)
            lab.write(f"again-{number}.yaml", batch(f"again-{number}", ["A"]))
            applied(lab)
        assert stat.S_ISREG(file.lstat().st_mode), name
        lab.write(f"then-{number}.yaml", batch(f"then-{number}", ["A"]))
        assert (applied(lab).code, lab.clock.slept < WAIT) == (0, True), name
    print(f"{len(BROKEN)} broken bookmarks")


def _nowhere(lab: Lab) -> str:
    return "/proc/nobody/here"


def _in_a_file(lab: Lab) -> str:
    return str(lab.write("file", "") / "state")


def _dangling(lab: Lab) -> str:
    (lab.folder / "link").symlink_to("nowhere/at/all")
    return str(lab.folder / "link")


def _too_long(lab: Lab) -> str:
    return str(lab.folder / ("x" * 300))


@pytest.mark.parametrize("where", [_nowhere, _in_a_file, _dangling, _too_long])
def test_a_place_where_no_bookmark_can_be_costs_a_wait_and_is_told(
    lab: Lab, where: Callable[[Lab], str]
) -> None:
    lab.environ["ICAFORM_STATE_DIR"] = where(lab)
    for number in range(2):
        lab.write(f"more-{number}.yaml", batch(f"more-{number}", ["A"]))
        ran = applied(lab)
        assert (ran.code, NO_BOOKMARK in ran.err, lab.clock.slept >= WAIT) == (0, True, True)
        assert ".bookmark cannot be written (" in ran.err
        assert "the next apply will wait before it makes anything" in ran.err


@pytest.mark.parametrize("lasting", [False, True], ids=["a full disk", "a folder that cannot be written"])
def test_what_an_earlier_run_left_proves_nothing_once_it_cannot_be_replaced(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    shutil.copytree(lab.folder / ".icaform", lab.folder / "backup")
    lab.write("cohort.yaml", batch("cohort", BEFORE))
    replace, unlink, access = os.replace, Path.unlink, os.access
    with monkeypatch.context() as patch:

        def full(source: Any, place: Any, **more: Any) -> None:
            if str(place).endswith(".bookmark"):
                raise OSError(28, "No space left on device")
            replace(source, place, **more)

        def never(self: Path, *more: Any) -> None:
            if self.suffix == ".bookmark":
                raise OSError(30, "Read-only file system")
            unlink(self, *more)

        patch.setattr(os, "replace", full)
        if lasting:
            patch.setattr(Path, "unlink", never)
            patch.setattr(os, "access", lambda path, mode: access(path, mode) and ".state" not in str(path))
        if not lasting:
            dies(lab, "killed", monkeypatch)
        else:
            # Nothing proves the journal here either.
            assert NO_BOOKMARK in applied(lab).err
        shutil.rmtree(lab.folder / ".icaform")
        shutil.move(lab.folder / "backup", lab.folder / ".icaform")
        lab.write("cohort.yaml", batch("cohort", [*BEFORE, "S4"]))
        ran = applied(lab)
        assert (NO_BOOKMARK in ran.err, lab.clock.slept >= WAIT) == (True, True)
        assert twice(lab) == {}


@pytest.fixture
def other(tmp_path: Path, lab: Lab, lagging: Embedded) -> Lab:
    """Another checkout of the same workspace on this machine, with a journal of its own."""
    made = Lab(tmp_path / "other", lagging, {"ICAFORM_STATE_DIR": lab.environ["ICAFORM_STATE_DIR"]})
    shutil.copytree(lab.folder, made.folder, ignore=lambda *_: [".icaform"])
    for each in (lab, made):
        each.write("cohort.yaml", batch("cohort", BEFORE))
    return made


def test_a_run_of_another_checkout_during_the_wait_is_waited_for_too(
    lab: Lab, other: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep, waits = other.clock.sleep, []

    def meanwhile(seconds: float) -> None:
        sleep(seconds)
        if seconds >= WAIT:
            waits.append(seconds)
            if len(waits) == 1:
                lab.clock.slept = 0
                lab.clock.sleep(0)  # it is the same time for both
                dies(lab, "killed", monkeypatch)

    other.clock.sleep = meanwhile  # type: ignore[method-assign]
    other.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    ran = applied(other)
    assert (ran.code, waits) == (0, [WAIT, WAIT]), ran.err
    assert twice(other) == {}


def test_a_run_that_another_checkout_has_overtaken_begins_nothing_more(
    lab: Lab, other: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from icaform.engine import apply as applying

    run_plan, done = applying.run_plan, []

    def overtaken(*given: Any) -> Any:
        if not done:
            done.append(True)
            assert other.run("apply", str(other.folder), "--yes").code == 0
            lab.clock.sleep(0)  # it is the same time for both
        return run_plan(*given)

    monkeypatch.setattr(applying, "run_plan", overtaken)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit, match="13"):
        applied(lab)
    assert [each["status"] for each in lab.requests("POST", "analysisCreationBatch")] == [201]
    assert twice(lab) == {}


def test_a_journal_in_postgresql_needs_no_bookmark(
    lab: Lab, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICAFORM_JOURNAL", postgres.tcp())
    assert lab.run("apply", str(lab.folder), "--yes", "--first-run").code == 0
    for state in ("", "/proc/nobody/here", str(lab.folder / "another"), str(lab.folder / "another")):
        lab.environ["ICAFORM_STATE_DIR"] = state
        lab.write("more.yaml", batch(f"more-{len(state)}", ["A"]))
        ran = applied(lab)
        assert (ran.code, "waiting 105 s" in ran.err, "bookmark" in ran.err) == (0, False, False), ran.err
