"""Pipeline: which pipelines are released, deprecated or archived, and what their users are told.

ICA has calls to release, deprecate and archive a pipeline and none that leads back (ICA API beginner guide,
"Pipeline Deprecation and Archival"). The message can be written again at any time and is in no answer, so it
is remembered in the journal.
"""

from __future__ import annotations

from collections.abc import Sequence

from icaform.diagnostic import Diagnostic
from icaform.kind import Kind, Manifest, simple
from icaform.kinds.pipeline.change import compare, operate, proves, recall
from icaform.kinds.pipeline.export import EXPORT
from icaform.kinds.pipeline.observe import observe
from icaform.kinds.pipeline.spec import NAME, PipelineSpec
from icaform.state import Desired


def desire(manifest: Manifest) -> tuple[Sequence[Desired], Sequence[Diagnostic]]:
    """One manifest, one pipeline."""
    return (simple(manifest, NAME),), ()


KIND = Kind(
    NAME,
    PipelineSpec,
    "a pipeline's status, and what its users are told",
    desire,
    observe,
    compare,
    operate,
    recall,
    proves,
    ignorable=("status", "message"),
    export=EXPORT,
)

__all__ = ["KIND"]
