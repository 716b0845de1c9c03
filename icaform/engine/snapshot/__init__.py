"""What plans ask of ICA and of the journal, in a file without any secret: for plans that have no access.

A snapshot is taken where there is access (on the main branch), and planned against where there is none (a
pull request from a fork). Kinds hold their usual conversations; the answers come from the file.
"""

from __future__ import annotations

from icaform.engine.snapshot.file import Snapshot, load, to_text
from icaform.engine.snapshot.offline import plan
from icaform.engine.snapshot.take import take

__all__ = ["Snapshot", "load", "plan", "take", "to_text"]
