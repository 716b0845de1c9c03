"""What several rooms of the tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.postgres import Postgres, running

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in what a shell starts in the background; the processes that tests interrupt would ignore it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One real PostgreSQL for the whole session."""
    with running() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: Postgres) -> Postgres:
    """The same, running and without any journal."""
    postgres_server.start()
    postgres_server.forget()
    return postgres_server
