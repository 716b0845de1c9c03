"""The journal: which calls were begun, how they ended, and what the server cannot tell us again.

It is a memory, not the truth. ``entry`` is pure and says what is written and what follows from it; ``store``
says what every store obeys; ``ledger`` keeps entries in any SQL database; ``sqlite`` is the default one, and
``postgres`` that of teams.
"""

from __future__ import annotations

from icaform.journal.entry import Adopted, Begun, Ended, Entry, Forgotten, Memory, replay
from icaform.journal.store import Intent, Lease, LeaseHeld, Store, open_store

__all__ = [
    "Adopted",
    "Begun",
    "Ended",
    "Entry",
    "Forgotten",
    "Intent",
    "Lease",
    "LeaseHeld",
    "Memory",
    "Store",
    "open_store",
    "replay",
]
