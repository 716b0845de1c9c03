"""AnalysisBatch: a set of analyses that shall have run, each exactly once a generation.

Every item is a resource of its own, ``AnalysisBatch/cohort[NA12878]``. Only what is missing is sent, in
chunks through ICA's analysisCreationBatch. An analysis that exists is never started again: an item that
changed since is held until the manifest's ``generation`` is raised.
"""

from __future__ import annotations

from icaform.kind import Kind
from icaform.kinds.analysis_batch.compare import compare, recall
from icaform.kinds.analysis_batch.desire import NAME, desire
from icaform.kinds.analysis_batch.export import EXPORT
from icaform.kinds.analysis_batch.observe import observe
from icaform.kinds.analysis_batch.pursue import PURSUIT
from icaform.kinds.analysis_batch.spec import AnalysisBatchSpec
from icaform.kinds.analysis_batch.submit import ANALYSIS, follow, operate, proves

KIND = Kind(
    NAME,
    AnalysisBatchSpec,
    "analyses that shall have run, each once",
    desire,
    observe,
    compare,
    operate,
    recall,
    proves,
    follow,
    id_fact=ANALYSIS,
    export=EXPORT,
    pursuit=PURSUIT,
)

__all__ = ["KIND"]
