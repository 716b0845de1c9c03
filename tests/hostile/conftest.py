"""An ICA, an impostor in front of it, and icaform as a process against the two."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from icaform.emulator import Embedded, Settings
from tests.hostile.impostor import Attack, Impostor
from tests.hostile.process import Cell, Ended
from tests.hostile.site import KEY_ID, SECRET, World, workspaces

EVERYTHING = os.environ.get("ICAFORM_HOSTILE") == "all"
"""``ICAFORM_HOSTILE=all pytest tests/hostile`` tries every case at every place, which takes many minutes.
Without it each case is tried somewhere, and each place is tried with many of them."""
QUICK, SLOW = "20", "0.5"
"""--timeout, for attacks that fail by themselves, and for those that only a deadline ends."""


@dataclass
class Siege:
    """Everything that a test of a hostile server needs."""

    world: World
    impostor: Impostor
    cell: Cell
    folders: dict[str, Path]
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> list[str]:
        """What must never be said."""
        return [self.world.ica.api_key, KEY_ID, SECRET, *self.impostor.tokens]

    def run(self, verb: str, folder: str | Path, *more: str, attack: Attack | None = None) -> Ended:
        """One command line against the impostor, its report in JSON."""
        self.impostor.spoil(attack)
        where = self.folders[folder] if isinstance(folder, str) else folder
        return self.cell.run(verb, str(where), "--output", "json", *more, environ=self.environ)


def _siege(api: str, folder: Path) -> Iterator[Siege]:
    settings = Settings(clock="manual", api=api, batch_initialized=0, batch_running=0)
    with Embedded(settings=settings) as ica, Impostor(ica.base_url) as impostor:
        cell = Cell(ica.control_url)
        environ = {
            "ICAV2_BASE_URL": impostor.url,
            "ICAV2_X_API_KEY": ica.api_key,
            "LAB_KEY_ID": KEY_ID,
            "LAB_SECRET": SECRET,
        }
        yield Siege(World(ica), impostor, cell, workspaces(folder), environ)
        cell.close()


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """Against the newer API."""
    yield from _siege("2026-10", tmp_path_factory.mktemp("siege"))


@pytest.fixture(scope="module")
def old_siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """Against the older API, which reads pipelines one by one."""
    yield from _siege("2026-04", tmp_path_factory.mktemp("old-siege"))
