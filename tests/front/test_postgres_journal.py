"""A journal in PostgreSQL, through the front door: many machines, one memory, nothing twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from icaform.emulator import Embedded, Settings
from icaform.journal import open_store
from icaform.journal import postgres as store_room
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.everything import killed
from tests.front.test_apply import CALLS, fault
from tests.front.test_kill import ROOT, hung
from tests.postgres import PASSWORD, Postgres

MADE = "SELECT to_regnamespace('icaform') IS NOT NULL"


@pytest.fixture
def team(lab: Lab, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose journal is in PostgreSQL, on TCP and with a password, as ICAFORM_JOURNAL says."""
    monkeypatch.setenv("ICAFORM_JOURNAL", postgres.tcp())
    everything.write(lab)
    return lab


def elsewhere(lab: Lab, folder: Path) -> Lab:
    """The same manifests on another machine, which has nothing but these."""
    shutil.copytree(lab.folder, folder, ignore=shutil.ignore_patterns(".icaform", "elsewhere"))
    other = Lab(folder, lab.ica)
    other.environ.update(everything.SECRETS)
    return other


def test_what_one_machine_wrote_every_other_knows(team: Lab, tmp_path: Path) -> None:
    assert team.apply().code == 0
    other = elsewhere(team, tmp_path / "elsewhere")
    assert other.plan().json["resource_changes"] == []
    assert other.run("drift", str(other.folder)).code == 0
    assert not (team.folder / ".icaform").exists()
    listed = other.run("journal", "list", str(other.folder), "--output", "json").json
    assert listed["total"] > 10
    assert PASSWORD not in listed["journal"]
    assert other.run("journal", "audit", str(other.folder)).code == 0


def test_planning_and_looking_write_nothing_in_the_database(team: Lab, postgres: Postgres) -> None:
    for verb in (["plan"], ["drift"], ["journal", "list"], ["journal", "audit"], ["journal", "settle"]):
        ran = team.run(*verb, str(team.folder))
        assert ran.code == (78 if verb[0] == "journal" else 0), verb
        assert ("there is no journal at postgresql://" in ran.err) is (verb[0] == "journal"), verb
        assert postgres.sql(MADE) == [(False,)], verb
    assert team.apply().code == 0
    assert postgres.sql(MADE) == [(True,)]


def test_another_holds_the_lease_wherever_it_runs(team: Lab, tmp_path: Path, postgres: Postgres) -> None:
    store = open_store(postgres.url(), "lab", lambda: 0.0)
    store.acquire("runner-7:4711", "https://ci/run/1", team.clock.now(), 300.0)
    other = elsewhere(team, tmp_path / "elsewhere")
    ran = other.apply()
    assert ran.code == 13
    assert "runner-7:4711 (https://ci/run/1)" in ran.text
    assert other.writes() == []
    # Another workspace in the same database is nobody's hindrance.
    other.write("icaform.yaml", "workspace: other\nproject: wgs-prod\n")
    (other.folder / "cohort.yaml").unlink()
    assert other.apply().code == 0
    store.close()


def test_whoever_dies_anywhere_is_continued_from_anywhere_else(team: Lab, tmp_path: Path) -> None:
    fault(team, CALLS[6], {"do": "drop_answer"})
    killed(team)
    team.control("DELETE", "/faults")
    other = elsewhere(team, tmp_path / "elsewhere")
    pending = other.run("journal", "list", str(other.folder), "--output", "json").json["entries"]
    assert [each["verb"] for each in pending] == ["submit"]
    assert other.apply().code == 0
    assert everything.wrong(other) == []
    assert other.run("journal", "list", str(other.folder), "--output", "json").json["pending"] == 0
    assert other.run("journal", "audit", str(other.folder)).code == 0


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose clock stands still, so that a delayed call hangs until the process is dead."""
    with Embedded(settings=Settings(clock="manual")) as ica:
        yield Lab(tmp_path, ica)


@pytest.mark.parametrize(("call", "when"), [(CALLS[0], "after"), (CALLS[6], "before"), (CALLS[6], "after")])
def test_a_process_killed_on_one_machine_leaves_nothing_twice_on_another(
    standing: Lab, tmp_path: Path, postgres: Postgres, monkeypatch: Any, call: tuple[str, int], when: str
) -> None:
    lab = standing
    monkeypatch.setenv("ICAFORM_JOURNAL", postgres.tcp())
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    everything.write(lab)
    fault(lab, call, {"delay": 60 if "Batch" in call[0] else 1e9, "when": when})
    words = ["apply", str(lab.folder), "--yes", "--allow-irreversible", "4", "--first-run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "icaform", *words],
        cwd=ROOT,
        env={**os.environ, **lab.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while lab.control("GET", "/faults")["items"][0]["seen"] < call[1]:
            assert process.poll() is None, "it ended before the call"
            time.sleep(0.005)
        hung(lab, call[0])
    finally:
        process.kill()
        process.wait()
    other = elsewhere(lab, tmp_path / "elsewhere")
    # On another machine nobody can tell that the holder is dead: its lease must end by itself.
    monkeypatch.setattr("icaform.engine.lease._place", lambda: "another machine")
    ran = other.apply()
    assert ran.code == 13, ran.text
    lease = other.run("journal", "list", str(other.folder), "--output", "json").json["lease"]
    assert lease["seconds_left"] > 0
    for _ in range(8):
        other.clock.sleep(400)
        ran = other.apply()
        if ran.code == 0:
            break
    assert ran.code == 0, ran.text
    other.clock.sleep(2000)
    assert everything.wrong(other) == []
    assert other.plan().json["resource_changes"] == []
    assert other.run("journal", "audit", str(other.folder)).code == 0


def test_a_database_that_is_restarted_in_the_middle_of_an_apply_is_waited_for(
    team: Lab, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_room, "PAUSE_SECONDS", 0.01)
    assert team.plan().code == 0
    execute, seen = psycopg.Connection.execute, 0

    def restart(self: Any, query: Any, *more: Any, **options: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen in (30, 60):
            postgres.stop()
            threading.Thread(target=postgres.start).start()
        return execute(self, query, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", restart)
        assert team.apply().code == 0
    assert seen > 60
    assert everything.wrong(team) == []
    assert team.run("journal", "audit", str(team.folder)).code == 0


def test_a_database_that_goes_away_for_good_stops_the_apply_and_the_next_one_goes_on(
    team: Lab, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_room, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(store_room, "PAUSE_SECONDS", 0.01)
    assert team.plan().code == 0
    execute, seen, codes = psycopg.Connection.execute, 0, []
    for stop_at in (30, 45, 60, 75):

        def gone(self: Any, query: Any, *more: Any, at: int = stop_at, **options: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == at:
                postgres.stop()
            return execute(self, query, *more, **options)

        seen = 0
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", gone)
            ran = team.run(
                "apply", str(team.folder), "--yes", "--allow-irreversible", "4", "--output", "json"
            )
        codes.append(ran.code)
        assert PASSWORD not in ran.text
        postgres.start()
        team.clock.sleep(400)
    assert codes[0] != 0
    for _ in range(5):
        if team.apply().code == 0:
            break
        team.clock.sleep(2000)
    assert everything.wrong(team) == []
    assert team.run("journal", "audit", str(team.folder)).code == 0


def test_icaform_yaml_names_a_database_here_or_where_the_environment_says(
    lab: Lab, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything.write(lab)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    ways = {
        f"postgresql://postgres@127.0.0.1:{postgres.port}/journals": {},
        f"postgres://postgres@localhost:{postgres.port}/journals": {},
        "postgresql:///journals": {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "postgres"},
        "postgresql:///": {
            "PGHOST": str(postgres.folder),
            "PGPORT": str(postgres.port),
            "PGUSER": "postgres",
            "PGDATABASE": "journals",
        },
    }
    for url, environ in ways.items():
        lab.write("icaform.yaml", f"workspace: lab\nproject: wgs-prod\njournal: {url}\n")
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            ran = lab.run("journal", "list", str(lab.folder), environ=environ)
            assert (ran.code, "there is no journal at postgresql" in ran.err) == (78, True), (url, ran.text)
    assert lab.apply().code == 78  # the last one, without its environment
    lab.write("icaform.yaml", f"workspace: lab\nproject: wgs-prod\njournal: {next(iter(ways))}\n")
    assert lab.apply().code == 0
    assert postgres.sql("SELECT count(*) > 10 FROM icaform.entry") == [(True,)]
    print(f"{len(ways)} ways")


STRANGERS = {
    "postgresql://db.example.org/d": "untrusted-server",
    "postgres://u@10.0.0.1:5432/d": "untrusted-server",
    "postgresql://127.0.0.1.example.org/d": "untrusted-server",
    "postgresql://[2001:db8::1]/d": "untrusted-server",
    "postgresql://localhost,db.example.org/d": "bad-setting",
    "postgresql://u@localhost@db.example.org/d": "bad-setting",
    "postgresql://localhost/d?host=db.example.org": "bad-setting",
    "postgresql://localhost/d?hostaddr=10.0.0.1": "bad-setting",
    "postgresql://localhost/d?service=theirs": "bad-setting",
    "postgresql://localhost/d?sslmode=disable": "bad-setting",
    "postgresql://localhost/d?passfile=/etc/passwd": "bad-setting",
    "postgresql://local%68ost/d": "bad-setting",
    "postgresql://u:canary-pw@localhost/d": "bad-setting",
    "postgresql://u:@localhost/d": "bad-setting",
    "postgresql://localhost/d#x": "bad-setting",
    "mysql://localhost/d": "bad-setting",
    "sqlite:///tmp/x": "bad-setting",
}


def test_icaform_yaml_cannot_send_a_password_to_a_stranger(
    lab: Lab, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_connection(*_: Any, **__: Any) -> None:
        raise AssertionError("a byte would have left")

    everything.write(lab)
    monkeypatch.setattr(psycopg.Connection, "connect", no_connection)
    for url, wanted in STRANGERS.items():
        lab.write("icaform.yaml", f"workspace: lab\nproject: wgs-prod\njournal: '{url}'\n")
        for verb in (["plan"], ["drift"], ["apply", "--yes"], ["journal", "list"]):
            ran = lab.run(*verb, str(lab.folder), "--output", "json")
            found = [each["code"] for each in ran.json["diagnostics"]]
            assert (ran.code, found) == (78, [wanted]), (url, ran.text)
            assert "canary" not in ran.text
            assert ("holds a password" in ran.text) == ("u:" in url)
    assert lab.writes() == []
    print(f"{len(STRANGERS)} databases")


def test_a_host_that_the_environment_names_is_trusted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(**given: Any) -> None:
        asked.append(given["host"])
        raise psycopg.OperationalError("refused")

    monkeypatch.setattr(psycopg.Connection, "connect", refuse)
    lab.write("icaform.yaml", "workspace: lab\njournal: postgresql://db.example.org/d\n")
    assert lab.run("journal", "list", str(lab.folder), environ={"PGHOST": "db.example.org"}).code == 78
    assert lab.run("journal", "list", str(lab.folder), environ={"PGHOST": "a,db.example.org"}).code == 78
    assert asked == ["db.example.org"] * 2
    assert lab.run("journal", "list", str(lab.folder), environ={"PGHOST": "db.example.com"}).code == 78
    assert asked == ["db.example.org"] * 2


def test_a_role_that_may_not_write_plans_and_applies_nothing(team: Lab, postgres: Postgres) -> None:
    postgres.sql("CREATE ROLE reader LOGIN")
    try:
        reader = ["--journal", postgres.url(user="reader")]
        assert team.run("plan", str(team.folder), *reader).code == 0
        ran = team.run(
            "apply", str(team.folder), "--yes", "--allow-irreversible", "4", "--output", "json", *reader
        )
        assert (ran.code, [each["code"] for each in ran.json["diagnostics"]]) == (78, ["journal"])
        assert team.writes() == []
    finally:
        postgres.sql("DROP ROLE reader")


def test_whatever_is_wrong_with_the_database_no_password_is_told(team: Lab, postgres: Postgres) -> None:
    for url in (
        postgres.tcp(password="canary-wrong"),
        postgres.tcp(database="nix"),
        "postgresql://u:canary-pw@127.0.0.1:1/d",
        "postgresql://u:canary-pw@[::1/d",
    ):
        for verb in (["plan"], ["apply", "--yes"], ["journal", "list"], ["journal", "audit"]):
            ran = team.run(*verb, str(team.folder), "--output", "json", "--journal", url)
            assert (ran.code, [each["code"] for each in ran.json["diagnostics"]]) == (78, ["journal"])
            assert "canary" not in ran.text
            assert PASSWORD not in ran.text
            assert all(each["remedy"] for each in ran.json["diagnostics"])
    assert team.writes() == []
