"""The whole emulator at one moment, to go back to: its records, kept answers and requests, its clock, its
faults with what they have counted, and its settings. Kept in memory, so a restart forgets all snapshots.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .schedule import Mishap
from .settings import Settings
from .world import Image

if TYPE_CHECKING:
    from .application import Emulator


@dataclass(frozen=True)
class Snapshot:
    image: Image
    offset: float
    settings: Settings
    faults: tuple[Mishap, ...]


def take(emulator: Emulator) -> Snapshot:
    """Requests that hang in a delay are no part of it: what they have not done yet is not in it."""
    return Snapshot(
        emulator.world.image(), emulator.clock.offset, emulator.settings, deepcopy(tuple(emulator.faults))
    )


def restore(emulator: Emulator, snapshot: Snapshot) -> None:
    """Requests that hang in a delay are cut off, and do nothing any more: their world is gone."""
    emulator.clock.set_back(snapshot.offset)
    emulator.world.become(snapshot.image)
    emulator.settings = snapshot.settings
    emulator.faults[:] = deepcopy(snapshot.faults)
    emulator.keys.release_all()
