"""What is said of a server that is a standby, of one that is busy, and of an option that is none."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterator

import pytest

from icaform.cli.exit import Exit, exit_for
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.journal import open_store
from icaform.journal import sqlite as files
from icaform.journal.postgres import bounds, connection, sqlstate
from tests import postgres as server_room
from tests.journal.conftest import Home, PostgresHome
from tests.postgres import Postgres


def refused(url: str, *, read_only: bool = False) -> Diagnostic:
    with pytest.raises(Rejected) as refusal:
        open_store(url, "cohort", lambda: 0.0, read_only=read_only).close()
    (diagnostic,) = refusal.value.diagnostics
    return diagnostic


@pytest.fixture
def standby(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """A server that was the primary of a journal and is now in recovery, as a standby is for ever."""
    monkeypatch.setitem(server_room.SETTINGS, "wal_level", "replica")
    with server_room.running() as server:
        store = open_store(server.url(), "cohort", lambda: 0.0)
        store.adopt({}, 0.0)
        store.close()
        server.stop(signal.SIGINT)
        data = server.folder / "data"
        mark = data / "standby.signal"
        mark.touch()
        os.chown(mark, data.stat().st_uid, data.stat().st_gid)
        server.start()
        assert server.sql("SELECT pg_is_in_recovery()") == [(True,)]
        yield server


def test_a_standby_may_be_read_and_says_that_the_primary_is_wanted(standby: Postgres) -> None:
    reading = open_store(standby.url(), "cohort", lambda: 0.0, read_only=True)
    assert reading.audit() == []
    reading.close()
    told = refused(standby.url())
    assert "read-only (0A000)" in told.summary
    assert "name the primary server and not a standby" in told.remedy
    assert sqlstate.words("0A000")[1] == sqlstate.words("25006")[1]


WRONG_OPTIONS = {
    "connect_timeout": "canary-x",
    "keepalives": "canary-x",
    "tcp_user_timeout": "canary-x",
    "sslmode": "canary-x",
    "target_session_attrs": "canary-x",
    "ssl_min_protocol_version": "canary-x",
    "channel_binding": "canary-x",
    "gssencmode": "canary-x",
}


def test_an_option_with_a_wrong_value_is_a_bad_address_and_is_named_without_it(postgres: Postgres) -> None:
    for name, value in WRONG_OPTIONS.items():
        told = refused(postgres.tcp(more=f"?{name}={value}"))
        assert sqlstate.MALFORMED[0] in told.summary, (name, told)
        assert name in told.detail, (name, told)
        assert "canary" not in f"{told!r}"
    print(f"{len(WRONG_OPTIONS)} options")


@pytest.mark.parametrize("secret", ["canary  of\ttwo", "c" * 40, "canary-plain"])
def test_what_a_library_says_is_cut_after_it_was_searched_for_what_was_sent(secret: str) -> None:
    """Wherever in its words the password stands, and however its blanks are folded."""
    for option in ("password", "sslpassword", "oauth_client_secret"):
        for before in range(connection.LONGEST - 60, connection.LONGEST + 1):
            error = sqlite3.Error("x" * before + f" {secret} and so on")
            said = connection._concealed(error, {option: secret})  # type: ignore[arg-type]
            assert said == "", (option, before)
    assert len(connection._concealed(sqlite3.Error("x" * 1000), {})) == connection.LONGEST  # type: ignore[arg-type]


@contextlib.contextmanager
def kept_busy(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another run writes in the workspace of the home, for longer than anyone waits."""
    monkeypatch.setattr(bounds, "BUSY_SECONDS", 0.05)
    if isinstance(home, PostgresHome):
        home.sql("BEGIN")
        home.sql(f"SELECT pg_advisory_xact_lock({bounds._number('cohort')})")
        yield
        home.sql("COMMIT")
    else:
        with contextlib.closing(sqlite3.connect(home.where, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("COMMIT")


def test_a_journal_that_another_run_is_writing_is_locked_and_no_matter_of_configuration(
    home: Home, intent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        files.SqliteDatabase.__init__, "__kwdefaults__", {"read_only": False, "busy_seconds": 0.05}
    )
    store = home.open()
    with kept_busy(home, monkeypatch), pytest.raises(Rejected) as refusal:
        store.begin(intent())
    (told,) = refusal.value.diagnostics
    assert told.code is Code.LOCKED
    assert "run again when the other run has ended" in told.remedy
    assert exit_for([told]) is Exit.LOCKED
    assert store.begin(intent()) == 1
    assert store.audit() == []


def test_every_other_fault_of_a_server_stays_one_of_the_journal() -> None:
    codes = [*sqlstate._BY_CODE, *(each + "000" for each in sqlstate._BY_CLASS), "P0001"]
    locked = [each for each in codes if sqlstate.code_of(each) is Code.LOCKED]
    assert locked == ["55P03"]
    print(f"{len(codes)} codes")
