"""The state of the emulator: every record in memory, every write in SQLite before its answer leaves.

A record is kept with the moment from which it is true. That one idea serves three needs: reads may lag behind
writes (they look at an earlier moment), an analysis of a batch exists from its own moment on and not before,
and a restart (also after kill -9) finds all of it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from .record import KINDS, Record
from .settings import HORIZON

R = TypeVar("R", bound=Record)
Version = tuple[float, Record]
Image = dict[str, list[Any]]
"""The rows of every table."""

NAMESPACE = uuid.UUID("6f1c7c52-6c0e-5d0c-9d53-1ca000000000")
TABLES = """
CREATE TABLE IF NOT EXISTS version (kind TEXT, id TEXT, at REAL, place INTEGER, record TEXT,
    PRIMARY KEY (kind, id, at));
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS answer (endpoint TEXT, key TEXT, user TEXT, digest TEXT, status INTEGER,
    headers TEXT, body BLOB, at REAL, PRIMARY KEY (endpoint, key, user));
CREATE TABLE IF NOT EXISTS request (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT);
"""
STORED = ("version", "fact", "answer", "request", "sqlite_sequence")

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def stable_id(*words: str) -> str:
    """The UUID of version 5 of these words: the same in every run. Spelled out, for seeds make thousands."""
    digits = hashlib.sha1(NAMESPACE.bytes + "/".join(words).encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


class World:
    def __init__(self, path: Path | None = None) -> None:
        self.writes = 0
        self.rendered: dict[Any, tuple[Any, Any]] = {}
        if path:
            # SQLite would make it readable for everybody.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.db = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        # NORMAL loses nothing when the process is killed, only when the machine loses power.
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.executescript(TABLES)
        self._load()

    def _load(self) -> None:
        self._versions: dict[str, dict[str, list[Version]]] = {kind: {} for kind in KINDS}
        self._latest: dict[str, float] = dict.fromkeys(KINDS, 0.0)
        self._revision: dict[str, int] = dict.fromkeys(KINDS, 0)
        self._places: dict[tuple[str, str], int] = {}
        self.rendered.clear()
        self._facts = {n: json.loads(v) for n, v in self.db.execute("SELECT name, value FROM fact")}
        rows = self.db.execute("SELECT kind, id, at, place, record FROM version ORDER BY place, at")
        for kind, identity, at, place, text in rows:
            fields: dict[str, Any] = json.loads(text)
            make = cast("Callable[..., Record]", KINDS[kind])
            record = make(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
            self._places[kind, identity] = place
            self._versions[kind].setdefault(identity, []).append((at, record))
            self._latest[kind] = max(self._latest[kind], at)

    # -- records

    @property
    def fresh(self) -> bool:
        return not self._versions["Tenant"]

    def put(self, record: Record, now: float, at: float | None = None) -> None:
        """Make `record` true from `at` (default: now) on."""
        self.put_many([(now if at is None else at, record)], now)

    def put_many(self, records: Iterable[tuple[float, Record]], now: float) -> None:
        """Write records with their moments; versions that no reader can see any more are dropped.

        One that is true from before the earliest moment that can be read was never otherwise.
        """
        self.begin()
        rows, gone = [], []
        for moment, record in records:
            kind = type(record).__name__
            place = self._places.setdefault((kind, record.id), len(self._places))
            versions = self._versions[kind].setdefault(record.id, [])
            if moment <= now - HORIZON:
                gone += [(kind, record.id, at) for at, _ in versions if at != moment]
                versions.clear()
            if versions and versions[-1][0] >= moment:
                moment = versions.pop()[0]
            versions.append((moment, record))
            while len(versions) > 1 and versions[1][0] <= now - HORIZON:
                gone.append((kind, record.id, versions.pop(0)[0]))
            self._latest[kind] = max(self._latest[kind], moment)
            self._revision[kind] += 1
            rows.append((kind, record.id, moment, place, encode(vars(record))))
        self.db.executemany("INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?)", rows)
        self.db.executemany("DELETE FROM version WHERE kind = ? AND id = ? AND at = ?", gone)
        self.writes += len(rows)

    def get(self, kind: type[R], identity: str, when: float) -> R | None:
        return cast("R | None", _true_at(self._versions[kind.__name__].get(identity, ()), when))

    def all(self, kind: type[R], when: float) -> Iterator[R]:
        """Every record of a kind that is true at `when`, in the order of creation."""
        for versions in self._versions[kind.__name__].values():
            record = _true_at(versions, when)
            if record is not None:
                yield cast("R", record)

    def stamp(self, when: float, *kinds: type[Record]) -> tuple[int, ...] | None:
        """Equal stamps mean equal records of these kinds; None while a write is still to come into sight."""
        names = [kind.__name__ for kind in kinds]
        if any(self._latest[name] > when for name in names):
            return None
        return tuple(self._revision[name] for name in names)

    # -- facts, ids and transactions

    def fact(self, name: str) -> Any:
        return self._facts.get(name)

    def set_fact(self, name: str, value: Any) -> None:
        self.begin()
        self._facts[name] = value
        self.db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, encode(value)))

    def next_ids(self, kind: str, count: int) -> list[str]:
        """Ids of what is created count up, so that a run can be repeated exactly."""
        used = int(self.fact("ids") or 0)
        self.set_fact("ids", used + count)
        return [stable_id("created", kind, str(number)) for number in range(used + 1, used + count + 1)]

    def begin(self) -> None:
        if not self.db.in_transaction:
            self.db.execute("BEGIN")

    def commit(self) -> None:
        if self.db.in_transaction:
            self.db.execute("COMMIT")

    def clear(self) -> None:
        """Forget every record, answer and request; the clock and the signing key stay."""
        self.begin()
        for table in ("version", "answer", "request"):
            self.db.execute(f"DELETE FROM {table}")
        self.db.execute(
            "DELETE FROM fact WHERE name NOT IN ('clock', 'clock_start', 'clock_offset', 'signing_key')"
        )
        self.db.execute("DELETE FROM sqlite_sequence")
        self.commit()
        self._load()

    def image(self) -> Image:
        """All that is known, to `become` again."""
        self.commit()
        return {table: self.db.execute(f"SELECT * FROM {table}").fetchall() for table in STORED}

    def become(self, image: Image) -> None:
        """Be as at the moment of the image, and know nothing else."""
        self.begin()
        for table, rows in image.items():
            self.db.execute(f"DELETE FROM {table}")
            if rows:
                places = ", ".join("?" * len(rows[0]))
                self.db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        self.commit()
        self._load()

    def close(self) -> None:
        self.commit()
        self.db.close()


def _true_at(versions: Iterable[Version], when: float) -> Record | None:
    found = None
    for at, record in versions:
        if at > when:
            break
        found = record
    return found
