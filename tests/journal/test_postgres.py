"""The server that a journal is kept in: who may use it, what is said of its faults, what is never said."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from icaform.address import Address
from icaform.diagnostic import Code, Rejected
from icaform.journal import Lease, open_store, postgres
from icaform.journal.postgres import bounds, sqlstate
from tests.postgres import PASSWORD, Postgres

ONE = Address("AnalysisBatch", "cohort", "one")


def opened(url: str, *, read_only: bool = False):
    return open_store(url, "cohort", lambda: 0.0, read_only=read_only)


@pytest.fixture
def role(postgres: Postgres) -> Iterator[str]:
    """A user of the server who may do nothing yet, and gets in on the socket."""
    postgres.sql("CREATE ROLE lab LOGIN PASSWORD 'canary-lab'")
    yield postgres.url(user="lab")
    postgres.forget()
    postgres.sql("DROP OWNED BY lab")
    postgres.sql("DROP ROLE lab")


def wrong_addresses(server: Postgres) -> dict[str, str]:
    """Addresses under which no journal can be had, each with a password, and part of what is said of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    return {
        server.tcp(password="canary-wrong"): "refuses the password",
        server.tcp(user="canary-nobody"): "refuses the password",
        server.tcp(database="canary-nix"): "no such database",
        server.tcp(more="?sslmode=require"): "TLS",
        server.tcp(more="?sslmode=verify-full"): "TLS",
        server.tcp(more="?sslmode=canary-mode"): "can read",
        server.tcp(more="?service=canary-service"): "service",
        server.url(user="canary-nobody"): "no such role",
        f"postgresql://u:{PASSWORD_IN_URL}@127.0.0.1:{closed}/d": "cannot be reached",
        f"postgresql://u:{PASSWORD_IN_URL}@no-such-host.invalid/d": "no address",
        f"postgresql://u:{PASSWORD_IN_URL}@/d?host=/nonexistent": "cannot be reached",
        f"postgresql://u:{PASSWORD_IN_URL}@[::1/d": "can read",
        f"postgresql://u:{PASSWORD_IN_URL}@h:x/d": "",
        f"postgresql://u:{PASSWORD_IN_URL}@h/d?canary=1": "can read",
        "postgresql://u:canary%zz@h/d": "can read",
        "postgres://u:canary\x00@h/d": "",
    }


PASSWORD_IN_URL = "canary-Pa55%2Fof%20it"


def test_whatever_is_wrong_with_an_address_is_said_without_its_password(postgres, monkeypatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    monkeypatch.setenv("PGPASSWORD", "canary-env")
    cases = wrong_addresses(postgres)
    secrets = ("canary-Pa55", "canary-wrong", "canary-env", "canary%zz", "canary\x00", PASSWORD)
    for url, wanted in cases.items():
        for read_only in (True, False):
            with pytest.raises(Rejected) as refusal:
                opened(url, read_only=read_only)
            (diagnostic,) = refusal.value.diagnostics
            said = f"{diagnostic!r}{refusal.value}{refusal.value.__cause__}"
            assert diagnostic.code is Code.JOURNAL
            assert diagnostic.remedy
            assert wanted in diagnostic.summary, (url, diagnostic)
            assert not [each for each in secrets if each in said], url
    print(f"{len(cases)} wrong addresses")


def test_a_server_that_repeats_a_password_is_not_quoted(monkeypatch) -> None:
    """It asks for the password in clear, and answers with it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def echo() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                client.recv(1000)
                client.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
                word = client.recv(1000)[5:-1]
                text = b"SFATAL\x00C28P01\x00Mwhat is " + word + b"?\x00\x00"
                client.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
                client.close()

        threading.Thread(target=echo, daemon=True).start()
        port = listener.getsockname()[1]
        monkeypatch.setenv("PGPASSWORD", "canary-env")
        for word in (":canary-url", ""):
            with pytest.raises(Rejected) as refusal:
                opened(f"postgresql://u{word}@127.0.0.1:{port}/d?sslmode=disable")
            assert "canary" not in f"{refusal.value.diagnostics}"
        listener.close()


def test_a_password_is_found_where_postgresql_keeps_it(postgres, monkeypatch, tmp_path) -> None:
    url = postgres.tcp(password=None)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with pytest.raises(Rejected):
        opened(url)
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:*:*:*:{escaped}\n")
    (tmp_path / "pgpass").chmod(0o600)
    opened(url).close()
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    opened(url).close()
    (tmp_path / "services").write_text(f"[lab]\nhost=127.0.0.1\nport={postgres.port}\nuser=postgres\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    store = opened("postgresql:///journals?service=lab")
    assert store.name == "postgresql:///journals (service lab)"
    store.close()
    opened(postgres.tcp()).close()


def test_a_name_has_neither_user_nor_password_nor_options(postgres) -> None:
    store = opened(postgres.tcp(more="?connect_timeout=7"))
    assert store.name == f"postgresql://127.0.0.1:{postgres.port}/journals"
    assert store.name in repr(store)
    assert "canary" not in repr(store)
    store.close()


def test_without_the_driver_it_says_what_to_install(monkeypatch, refusal_of) -> None:
    for name in [each for each in sys.modules if each.startswith("icaform.journal.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Rejected) as refusal:
        opened("postgres://u:canary@h/d")
    (diagnostic,) = refusal.value.diagnostics
    assert diagnostic.remedy == "pip install 'icaform[postgres]'"
    assert "canary" not in str(diagnostic)


def test_a_role_that_may_only_read_plans_and_does_not_apply(postgres, role, intent, refusal_of) -> None:
    assert "may not be read or written" in refusal_of(lambda: opened(role))
    assert opened(role, read_only=True).memory().pending == {}
    store = opened(postgres.url())
    store.begin(intent())
    store.close()
    assert "may not be read or written" in refusal_of(lambda: opened(role, read_only=True))
    postgres.sql("GRANT USAGE ON SCHEMA icaform TO lab")
    postgres.sql("GRANT SELECT ON ALL TABLES IN SCHEMA icaform TO lab")
    reading = opened(role, read_only=True)
    assert list(reading.memory().pending) == [1]
    assert reading.audit() == []
    reading.close()
    writing = opened(role)
    for write in (
        lambda: writing.acquire("us", "", 0.0, 9.0),
        lambda: writing.begin(intent()),
        lambda: writing.end(1, "done"),
        lambda: writing.adopt({ONE: {"a": 1}}, 1.0),
    ):
        assert "may not be read or written" in refusal_of(write)
    writing.close()


def test_a_schema_made_beforehand_is_enough_for_a_role_that_may_make_none(postgres, role, intent) -> None:
    postgres.sql("CREATE SCHEMA icaform AUTHORIZATION lab")
    store = opened(role)
    assert store.begin(intent()) == 1
    assert store.audit() == []
    store.close()


def test_a_role_that_only_reads_unless_told_otherwise_is_told(postgres, role, intent) -> None:
    postgres.sql("CREATE SCHEMA icaform AUTHORIZATION lab")
    opened(role).close()
    postgres.sql("ALTER ROLE lab SET default_transaction_read_only = on")
    opened(role, read_only=True).close()
    store = opened(role)
    assert store.begin(intent()) == 1
    store.close()


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE icaform.theirs (a int)", "CREATE TABLE icaform.setting (name text, value text)"],
)
def test_anothers_schema_is_refused_and_left_as_it_is(postgres, refusal_of, statement: str) -> None:
    postgres.sql("CREATE SCHEMA icaform")
    postgres.sql(statement)
    tables = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('icaform')"
    before = postgres.sql(tables)
    for read_only in (False, True):
        url = postgres.url()
        summary = refusal_of(lambda read_only=read_only, url=url: opened(url, read_only=read_only))
        assert "no icaform has made" in summary
    assert postgres.sql(tables) == before


def test_the_journal_of_a_newer_icaform_is_refused(postgres_home, refusal_of) -> None:
    postgres_home.open().close()
    postgres_home.sql("UPDATE setting SET value = '2' WHERE name = 'format'")
    for read_only in (False, True):
        summary = refusal_of(lambda read_only=read_only: postgres_home.open(read_only=read_only))
        assert "newer icaform (format 2, this one reads 1)" in summary


@pytest.mark.parametrize("table", ["entry", "head", "memory", "pending", "setting"])
def test_a_journal_that_lost_a_table_says_so(postgres_home, intent, refusal_of, table: str) -> None:
    store = postgres_home.open()
    store.begin(intent())
    postgres_home.sql(f"DROP TABLE {table}")
    assert store.audit()
    if table != "setting":  # of which nobody but the audit needs to know again
        assert "lost a table" in refusal_of(lambda: store.end(1, "done", {ONE: {}}))


def test_every_commit_waits_for_the_disk_whatever_the_server_would_rather_do(postgres, role) -> None:
    postgres.sql("CREATE SCHEMA icaform AUTHORIZATION lab")
    kept = {"off": "on", "local": "on", **{each: each for each in ("on", "remote_write", "remote_apply")}}
    for wished, wanted in kept.items():
        postgres.sql(f"ALTER ROLE lab SET synchronous_commit = {wished}")
        store = opened(role)
        found = store._database.write(lambda each: each.rows("SHOW synchronous_commit"))
        assert found == [(wanted,)], wished
        store.close()
    print(f"{len(kept)} levels")


def test_a_journal_is_looked_for_in_its_own_schema_whatever_the_search_path(postgres, role, intent) -> None:
    postgres.sql("CREATE SCHEMA icaform AUTHORIZATION lab")
    postgres.sql("CREATE SCHEMA lab AUTHORIZATION lab")
    postgres.sql("CREATE TABLE lab.entry (a int)")
    postgres.sql("ALTER ROLE lab SET search_path = lab")
    try:
        store = opened(role)
        assert store.begin(intent()) == 1
        assert postgres.sql("SELECT count(*) FROM lab.entry") == [(0,)]
        assert postgres.sql("SELECT count(*) FROM icaform.entry") == [(1,)]
        store.close()
    finally:
        postgres.sql("DROP SCHEMA lab CASCADE")


def codes() -> list[str]:
    """Every code that has words of its own, one of each class, and some that have none."""
    return [*sqlstate._BY_CODE, *(each + "000" for each in sqlstate._BY_CLASS), "P0001", "23505"]


def test_whatever_the_server_fails_with_is_told_with_its_code_and_loses_nothing(
    postgres_home, intent, refusal_of, monkeypatch
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE_SECONDS", 0.0)
    store = postgres_home.open()
    store.begin(intent())
    postgres_home.sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'canary' USING ERRCODE = (SELECT value FROM icaform.setting WHERE name = 'fail'); "
        "END $$"
    )
    postgres_home.sql("CREATE TRIGGER fail BEFORE INSERT ON entry EXECUTE FUNCTION fail()")
    summaries = set()
    for code in codes():
        postgres_home.sql("DELETE FROM setting WHERE name = 'fail'")
        postgres_home.sql("INSERT INTO setting VALUES ('fail', ?)", (code,))
        summary = refusal_of(lambda: store.begin(intent("two")))
        assert f"({code})" in summary
        assert "canary" not in summary
        summaries.add(summary.replace(f"({code})", ""))
    assert any("disk is full" in each for each in summaries)
    postgres_home.sql("DROP TRIGGER fail ON entry")
    assert store.begin(intent("two")) == 2
    assert list(store.memory().pending) == [1, 2]
    assert store.audit() == []
    print(f"{len(codes())} codes, {len(summaries)} summaries")


def test_a_passing_conflict_is_overcome(postgres_home, intent) -> None:
    """A trigger that fails once, as a deadlock does; a sequence is not rolled back."""
    store = postgres_home.open()
    postgres_home.sql("CREATE SEQUENCE tries")
    postgres_home.sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('icaform.tries') < 3 THEN RAISE EXCEPTION '' USING ERRCODE = '40P01'; END IF; "
        "RETURN NEW; END $$"
    )
    postgres_home.sql("CREATE TRIGGER fail BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION fail()")
    assert store.begin(intent()) == 1
    assert postgres_home.sql("SELECT last_value FROM tries") == [(3,)]
    assert store.audit() == []


def test_a_workspace_that_another_keeps_locked_is_refused_after_a_while_and_others_go_on(
    postgres_home, intent, monkeypatch, refusal_of
) -> None:
    monkeypatch.setattr(bounds, "BUSY_SECONDS", 0.05)
    store, other = postgres_home.open(), postgres_home.open("other")
    postgres_home.sql("BEGIN")
    postgres_home.sql(f"SELECT pg_advisory_xact_lock({bounds._number('cohort')})")
    assert "another run" in refusal_of(lambda: store.begin(intent()))
    assert store.memory().pending == {}
    assert other.begin(intent()) == 1
    assert isinstance(other.acquire("us", "", 0.0, 9.0), Lease)
    postgres_home.sql("COMMIT")
    assert store.begin(intent()) == 1


def test_a_statement_that_takes_too_long_is_given_up(postgres_home, intent, monkeypatch, refusal_of) -> None:
    monkeypatch.setattr(bounds, "STATEMENT_SECONDS", 0.05)
    store = postgres_home.open()
    assert "did not answer within" in refusal_of(
        lambda: store._database.read(lambda each: each.rows("SELECT pg_sleep(20)"))
    )
    assert store.memory().pending == {}


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch, refusal_of) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")  # the least that libpq knows
        begun = time.monotonic()
        url = f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d"
        assert "did not answer" in refusal_of(lambda: opened(url))
        assert time.monotonic() - begun < 10


def test_a_pooler_finds_nothing_left_in_a_session(postgres_home, intent) -> None:
    """What a session keeps would be met by whoever gets the connection next."""
    store = postgres_home.open()
    store.begin(intent())
    store.memory()
    connection = store._database._connection
    before = {
        name: value
        for name, value, source in connection.execute(
            "SELECT name, setting, source FROM pg_settings WHERE source IN ('session', 'client')"
        ).fetchall()
        if not re.fullmatch(r"application_name|client_encoding|DateStyle|TimeZone|extra_float_digits", name)
    }
    locks = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchall()
    prepared = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchall()
    assert (before, locks, prepared) == ({}, [(0,)], [(0,)])
