"""Servers for all examples, and the two ways of searching (``profiles``)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model import profiles as profiles
from tests.model.site import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    running = Servers()
    yield running
    running.close()
