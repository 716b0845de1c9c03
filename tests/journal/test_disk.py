"""A disk that fails, is full or may not be written: the journal says so, and loses nothing."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icaform.address import Address
from icaform.diagnostic import Code, Rejected
from icaform.journal import Store, open_store

ONE = Address("AnalysisBatch", "cohort", "one")


def opened(path: Path, *, read_only: bool = False) -> Store:
    return open_store(str(path), "cohort", lambda: 0.0, read_only=read_only)


def damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The file cut and garbled in every way that is tried."""
    noise = random.Random(1)
    for length in range(1, len(content), 512):
        yield f"cut at {length}", content[:length]
    for start in range(0, len(content), 4096):
        yield f"noise from {start}", content[:start] + noise.randbytes(4096) + content[start + 4096 :]
        yield f"zeros from {start}", content[:start] + bytes(4096) + content[start + 4096 :]
    written = [place for place, byte in enumerate(content) if byte]
    for place in [*range(100), *written[::9]]:
        yield f"byte {place}", content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def test_a_damaged_file_is_refused_or_found_by_the_audit_or_harmless(tmp_path, intent) -> None:
    path = tmp_path / "journal.db"
    store = opened(path)
    store.begin(intent("one"))
    store.begin(intent("two"))
    store.end(1, "done", {ONE: {"id": "x"}}, "", 1.0)
    truth, key = store.memory(), store.fingerprint_key()
    store.close()
    content = path.read_bytes()
    seen = {"refused": 0, "found": 0, "harmless": 0}
    for name, other in damaged(content):
        for read_only in (False, True):
            path.write_bytes(other)
            try:
                store = opened(path, read_only=read_only)
            except Rejected as refusal:
                seen["refused"] += refusal.diagnostics[0].code is Code.JOURNAL
                assert path.read_bytes() == other, name
                continue
            if store.audit():
                seen["found"] += 1
            else:
                assert (store.memory(), store.fingerprint_key()) == (truth, key), name
                seen["harmless"] += 1
            store.close()
    print(f"damaged files: {seen}")
    assert all(seen.values())


def fill(store: Store, intent: Callable, say: Callable[[str], None]) -> None:
    """Begin call after call until there is no room."""
    for _ in range(100):
        say(str(store.begin(intent(body="x" * 1500))))


def test_on_a_full_disk_a_call_is_not_begun_and_nothing_is_lost(
    tmp_path, intent, in_child, refusal_of
) -> None:
    """The kernel refuses to let any file grow past a limit, at many limits; then there is room again."""
    tried = 0
    for room in range(0, 40_000, 1_000):
        path = tmp_path / f"{room}.db"

        def work(say: Callable[[str], None], path: Path = path, room: int = room) -> None:
            store = opened(path)
            say(str(store.begin(intent())))
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            grown = path.with_name(path.name + "-wal").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (grown + room, hard))
            say(refusal_of(lambda: fill(store, intent, say)))
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            say(str(store.begin(intent())))
            store.close()

        status, said = in_child(work)
        assert status == 0, said
        assert "disk" in said.pop(-2)
        store = opened(path)
        assert list(store.memory().pending) == [int(line) for line in said]
        assert store.audit() == []
        store.close()
        tried += 1
    print(f"disk full at {tried} sizes")


def test_a_database_that_may_not_grow_refuses_and_keeps_what_it_has(
    tmp_path, intent, monkeypatch, refusal_of
) -> None:
    path = tmp_path / "journal.db"
    opened(path).close()
    connect = sqlite3.connect

    def small(*given, **more) -> sqlite3.Connection:
        connection = connect(*given, **more)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    store = opened(path)
    begun: list[str] = []
    assert "the disk is full" in refusal_of(lambda: fill(store, intent, begun.append))
    assert begun
    assert [str(number) for number in store.memory().pending] == begun
    assert store.audit() == []
    store.close()


@pytest.fixture
def strange_folder() -> Iterator[Path]:
    """A folder of someone else's that a user without rights can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody() -> None:
    """Root may write anywhere; whoever runs the tests as root becomes nobody first."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def test_in_a_read_only_folder_a_journal_can_be_read_and_is_not_written(
    strange_folder, in_child, refusal_of
) -> None:
    path = strange_folder / "journal.db"
    store = opened(path)
    store.adopt({ONE: {"a": 1}}, 0.0)
    store.close()
    path.chmod(0o444)
    strange_folder.chmod(0o555)

    def work(say: Callable[[str], None]) -> None:
        as_nobody()
        reading = opened(path, read_only=True)
        say(str(reading.memory().remembered == {ONE: {"a": 1}} and reading.audit() == []))
        reading.close()
        say(str(os.listdir(strange_folder)))
        say(refusal_of(lambda: opened(path)))
        say(refusal_of(lambda: opened(strange_folder / "new.db")))
        say(refusal_of(lambda: opened(strange_folder / "new" / "new.db")))

    status, said = in_child(work)
    assert status == 0, said
    assert said[:2] == ["True", "['journal.db']"]
    assert all("cannot be" in line for line in said[2:])
    assert len(said) == 5


def test_a_journal_that_may_not_be_read_is_refused(strange_folder, in_child, refusal_of) -> None:
    path = strange_folder / "journal.db"
    opened(path).close()
    path.chmod(0o000)

    def work(say: Callable[[str], None]) -> None:
        as_nobody()
        say(refusal_of(lambda: opened(path, read_only=True)))
        say(refusal_of(lambda: opened(path)))

    status, said = in_child(work)
    assert status == 0, said
    assert all("cannot be opened" in line for line in said)
    assert len(said) == 2


def test_what_a_writer_left_in_its_log_is_not_overlooked_in_a_read_only_folder(
    strange_folder, in_child, refusal_of
) -> None:
    path = strange_folder / "journal.db"
    store = opened(path)
    store.adopt({ONE: {"a": 1}}, 0.0)
    copy = strange_folder / "copy.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        Path(f"{copy}{suffix}").chmod(0o444)
    store.close()
    strange_folder.chmod(0o555)

    def work(say: Callable[[str], None]) -> None:
        as_nobody()
        say(refusal_of(lambda: opened(copy, read_only=True)))

    status, said = in_child(work)
    assert status == 0, said
    assert "cannot be" in said[0]
