"""What is given for the journal and is no address beyond doubt is refused, and nothing of it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.front import everything
from tests.front.conftest import Lab

CANARY = "Canary"
ADDRESSES = (
    "postgresql://icaform:s3cr/etCanaryPass@127.0.0.1/journals",
    "postgresql://icaform:3/etCanaryPass@127.0.0.1/journals",
    "postgresql://icaform:s3@CanaryTail@127.0.0.1/journals",
    "postgresql://icaform:Canary/Tail@Canary@127.0.0.1/journals",
    "postgresql://icaform:CanaryPw",
    "postgresql://icaform:Canary?x/y@127.0.0.1/journals",
    "postgresql://127.0.0.1/Canary:x",
    "postgresql://127.0.0.1/Canary/x",
    "host=127.0.0.1 user=x password=CanaryKV dbname=j",
    "password = 'Canary KV' host=127.0.0.1",
    "Host=127.0.0.1;Username=x;Password=CanaryKV;Database=j",
    "'user=x password=CanaryKV'",
    "127.0.0.1/journals?user=x&password=CanaryKV",
    "postgresql:icaform:CanaryPw@127.0.0.1/x",
    "postgresql:/icaform:CanaryPw@127.0.0.1/x",
    "postgresql//icaform:CanaryPw@127.0.0.1/x",
    "//icaform:Canary/Pw@127.0.0.1/x",
    "icaform:CanaryPw@127.0.0.1/x",
    "ica_form:CanaryPw@127.0.0.1/x",
    "sqlite://icaform:CanaryPw@127.0.0.1/x",
    "host=h password=Canary://x",
    "Canary://x",
    "file:Canary?mode=memory",
    "Canary.db?mode=memory",
    "~/Canary",
    "~Canary/x",
)
PLAN = ("text", "json", "markdown", "html")
DRIFT = ("sarif", "junit", "github", "gitlab", "prometheus")
VERBS = (
    *(["plan", "--output", each] for each in PLAN),
    *(["drift", "--output", each] for each in DRIFT),
    ["apply", "--yes", "--output", "json"],
    ["apply", "--yes", "--output", "markdown"],
    ["journal", "list"],
    ["journal", "audit", "--output", "json"],
    ["journal", "settle"],
)


@pytest.fixture
def workspace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """All three kinds, on a machine from which no byte leaves for a database."""

    def no_connection(*_: Any, **__: Any) -> None:
        raise AssertionError("a byte would have left")

    monkeypatch.setattr(psycopg.Connection, "connect", no_connection)
    monkeypatch.chdir(lab.folder)
    everything.write(lab)
    return lab


def traces(folder: Path, *, but: str = "") -> list[str]:
    """Files below a folder, save one, that hold the canary or are named by it."""
    found = [each for each in folder.rglob("*") if each.name != but]
    named = [str(each) for each in found if CANARY in str(each.relative_to(folder))]
    return named + [str(each) for each in found if each.is_file() and CANARY.encode() in each.read_bytes()]


def test_no_byte_of_a_doubtful_address_is_told_in_any_dialect_or_becomes_a_file(workspace: Lab) -> None:
    tried = 0
    told = {name: str(workspace.folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    reports = [f"--report=markdown={workspace.folder}/told.md", f"--report=json={workspace.folder}/told.json"]
    for address in ADDRESSES:
        for way, verb in enumerate(VERBS):
            by_flag = ["--journal", address] if way % 2 else []
            environ = told if by_flag else {**told, "ICAFORM_JOURNAL": address}
            more = reports if verb[0] == "plan" else []
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environ.items():
                    patch.setenv(name, value)
                ran = workspace.run(*verb, ".", *by_flag, *more, environ=environ)
            assert ran.code == 78, (address, verb, ran.text)
            assert CANARY not in ran.text, (address, verb, ran.text)
            tried += 1
        assert traces(workspace.folder) == [], address
    assert not (workspace.folder / ".icaform" / "journal.sqlite").exists()
    assert workspace.writes() == []
    print(f"{len(ADDRESSES)} addresses, {tried} commands")


def test_icaform_yaml_may_hold_none_of_them_either(workspace: Lab) -> None:
    for address in ADDRESSES:
        text = address.replace("'", "''")
        workspace.write("icaform.yaml", f"workspace: lab\nproject: wgs-prod\njournal: '{text}'\n")
        for verb in (["plan"], ["apply", "--yes"], ["journal", "list"], ["validate"]):
            ran = workspace.run(*verb, ".", "--output", "json")
            assert (ran.code, [each["code"] for each in ran.json["diagnostics"]]) == (78, ["bad-setting"])
            assert all(each["remedy"] for each in ran.json["diagnostics"]), address
            assert CANARY not in ran.text, (address, verb, ran.text)
        assert traces(workspace.folder, but="icaform.yaml") == [], address
    print(f"{len(ADDRESSES)} addresses")


def test_a_refused_address_is_a_journal_diagnostic_that_says_how_to_write_it(workspace: Lab) -> None:
    for address in ADDRESSES:
        ran = workspace.run("plan", ".", "--output", "json", "--journal", address)
        (found,) = ran.json["diagnostics"]
        assert found["code"] == "journal", address
        assert found["remedy"], address
        wanted = "./" if address.startswith("~") else "percent-encode"
        assert wanted in found["remedy"], (address, found)


def test_a_path_that_can_only_be_a_path_stays_one(workspace: Lab) -> None:
    paths = (
        "runs.db",
        "runs/2026-11-22 12:30/a@b.db",
        "./host=a/x.db",
        "./~x.db",
        "../" + workspace.folder.name + "/up.db",
        str(workspace.folder / "user=me password=x?y=z.db"),
        str(workspace.folder / "c:d@e" / "f.db"),
        "date=2026-11-22/x.db",
        "me@lab/x.db",
        f"sqlite://{workspace.folder}/url.db",
    )
    for path in paths:
        assert workspace.run("plan", ".", "--journal", path).code == 0, path
    for path in (paths[1], paths[5], paths[7]):
        assert workspace.apply("--journal", path).code == 0, path
        assert Path(path).exists()
    print(f"{len(paths)} paths")
