"""Which of ICA's calls starts an item: the one whose body the item is.

The batch endpoint carries four forms of input. The others go alone, each through the endpoint of its name. A
manifest says no endpoint: a CWL input with ``objectType`` is that of the batch and one without is that of
``analysis:cwlWith...Input``, which ICA takes past the pipeline's input form; ``customInput`` is that of
``analysis:nextflowWithCustomInput``. Where two bodies are alike the pipeline's language tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from icaform.diagnostic import Code, Diagnostic
from icaform.operation import Json

CWL, NEXTFLOW = "CWL", "NEXTFLOW"
"""ICA, PipelineV4.language."""


@dataclass(frozen=True, slots=True)
class Starter:
    """One way to start an analysis.

    ``name`` is that of the list in the batch's body or, where an item goes ``alone``, that of the endpoint.
    ``code`` is whether its body has an activationCodeDetailId (ICA, the Create...Analysis schemas).
    """

    name: str
    language: str
    alone: bool = False
    code: bool = False


CWL_ITEM = Starter("cwlItems", CWL, code=True)
NEXTFLOW_ITEM = Starter("nextflowItems", NEXTFLOW, code=True)
NEXTFLOW_FORM = Starter("nextflowJsonItems", NEXTFLOW)
CWL_FORM = Starter("cwlJson", CWL, alone=True)
CWL_JSON = Starter("cwlWithJsonInput", CWL, alone=True)
CWL_STRUCTURED = Starter("cwlWithStructuredInput", CWL, alone=True)
NEXTFLOW_CUSTOM = Starter("nextflowWithCustomInput", NEXTFLOW, alone=True)


def starters(said: Mapping[str, Json]) -> tuple[Starter, ...]:
    """Those that take an item as it is written: one, or one for each language."""
    if said.get("inputFormValues") is not None:
        return NEXTFLOW_FORM, CWL_FORM
    given = said["analysisInput"]
    if given.get("customInput") is not None:
        return (NEXTFLOW_CUSTOM,)
    if given.get("objectType") is not None:
        return (CWL_ITEM,)
    return (CWL_JSON,) if given.get("inputJson") is not None else (NEXTFLOW_ITEM, CWL_STRUCTURED)


def starter(said: Mapping[str, Json], language: str | None) -> Starter:
    """The one for a pipeline of this language; the first where ICA does not tell it, or tells another."""
    fitting = starters(said)
    return next((each for each in fitting if each.language == language), fitting[0])


def misfit(said: Mapping[str, Json], pipeline: Json) -> Diagnostic | None:
    """Why a pipeline cannot be started like that: ICA would fail the item, or pass over what it says."""
    language, code = pipeline.get("language"), pipeline.get("code")
    fitting = starters(said)
    if language in (CWL, NEXTFLOW) and language not in [each.language for each in fitting]:
        wants = "takes no `customInput`" if language == CWL else "takes no `objectType` and no `inputJson`"
        return Diagnostic(
            Code.BAD_VALUE,
            f"pipeline {code!r} is {language}, so its analysisInput {wants}",
            "correct the item's analysisInput, or its pipeline",
        )
    return uncoded(said, [starter(said, language)])


def uncoded(said: Mapping[str, Json], fitting: Sequence[Starter]) -> Diagnostic | None:
    """What is wrong where no starter that fits takes the item's activation code: it would be passed over."""
    if said.get("activationCodeDetailId") is None or any(each.code for each in fitting):
        return None
    return Diagnostic(
        Code.BAD_VALUE,
        f"ICA's `{fitting[0].name}` takes no `activationCodeDetailId`",
        "leave it out: ICA finds the best matching code; or give a structured input"
        + (" with `objectType: STRUCTURED`" if fitting[0].language == CWL else ""),
    )
