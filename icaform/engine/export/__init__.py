"""From a live ICA to manifests that validate, and of which a plan is then empty.

Kinds draw what they find; each drawing is written down, read back, and compared with the server just as a
plan would do it. What does not come through that is left out, with the reason.
"""

from __future__ import annotations

from icaform.engine.export.draw import Drawing, Drawn, LeftOut, drawn
from icaform.engine.export.files import Written, declared_in, into, text_of
from icaform.engine.export.scope import scope_of

__all__ = ["Drawing", "Drawn", "LeftOut", "Written", "declared_in", "drawn", "into", "scope_of", "text_of"]
