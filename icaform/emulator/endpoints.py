"""Every endpoint that there is, with what each generation offers: paths, representations, bodies and who may
call.

`accepts` and `contents` are short names of media.TYPES, in the order of ICA's description. An endpoint that
answers 204 lists no type of its own there; clients in the field send v3, and anything else is refused (libica
issue #139).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from . import (
    analyses,
    batches,
    body,
    credentials,
    data,
    jobs,
    lifecycle,
    pipeline_search,
    pipelines,
    projects,
    tokens,
)
from .call import Answer, Call

Bodies = Mapping[str, type[body.Body]]
APRIL, OCTOBER = "2026-04", "2026-10"
V3, V4, BOTH = ("v3",), ("v4",), ("v4", "v3")


@dataclass(frozen=True)
class Endpoint:
    method: str
    template: str
    run: Callable[[Call], Answer]
    accepts: tuple[str, ...] | Mapping[str, tuple[str, ...]]
    contents: Bodies | Mapping[str, Bodies] = field(default_factory=dict)
    body_required: bool = True
    idempotent: bool = False
    auth: str = "session"
    since: str = APRIL

    def offers(self, api: str) -> tuple[str, ...]:
        return self.accepts[api] if isinstance(self.accepts, Mapping) else self.accepts

    def bodies(self, api: str) -> Bodies:
        """By name of the representation; the generations differ where `contents` is keyed by them."""
        return cast("Bodies", self.contents.get(api, self.contents))

    @property
    def pattern(self) -> re.Pattern[str]:
        # An urn holds colons, and the path in it slashes.
        urn = re.sub(r"\{(\w+Urn)\}", r"(?P<\1>.+)", self.template)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", urn))


def _as(model: type[body.Body], *names: str) -> Bodies:
    return dict.fromkeys(names, model)


MESSAGE = _as(body.PipelineMessage, "v3", "form", "json")
NEW_CREDENTIAL_V3 = _as(body.CreateCredentialV3, "v3", "json")
ONE_PIPELINE = "/api/pipelines/{pipelineId}"
PROJECT = "/api/projects/{projectId}"
PROJECT_PIPELINE = PROJECT + "/pipelines/{pipelineId}"
CREDENTIAL = "/api/storageCredentials/{storageCredentialId}"
BATCH = PROJECT + "/analysisCreationBatch/{batchId}"
ANALYSIS = PROJECT + "/analyses/{analysisId}"
GROWN = {APRIL: V3, OCTOBER: BOTH}


def _moves(template: str) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint("POST", f"{template}:{verb}", run, V3, MESSAGE, body_required=False)
        for verb, run in (("deprecate", lifecycle.deprecate), ("archive", lifecycle.archive))
    )


def _starts(verb: str, language: str, accepts: tuple[str, ...], contents: Bodies) -> Endpoint:
    run = analyses.starter(language)
    return Endpoint("POST", f"{PROJECT}/analysis:{verb}", run, accepts, contents, idempotent=True)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/api/tokens", tokens.create_token, V3, auth="newcomer"),
    Endpoint("POST", "/api/tokens:refresh", tokens.refresh_token, V3, auth="jwt"),
    Endpoint("GET", "/api/projects", projects.list_projects, V3),
    Endpoint("GET", PROJECT, projects.get_project, V3),
    Endpoint("GET", "/api/storageCredentials", credentials.list_credentials, GROWN),
    Endpoint(
        "POST",
        "/api/storageCredentials",
        credentials.create_credential,
        GROWN,
        {
            APRIL: NEW_CREDENTIAL_V3,
            OCTOBER: {**_as(body.CreateCredentialV4, "v4"), **NEW_CREDENTIAL_V3},
        },
    ),
    Endpoint("GET", CREDENTIAL, credentials.get_credential, GROWN),
    Endpoint("POST", f"{CREDENTIAL}:share", credentials.share_credential, V3),
    Endpoint(
        "POST",
        f"{CREDENTIAL}:updateSecrets",
        credentials.update_secrets,
        V3,
        _as(body.UpdateSecrets, "v3", "json"),
    ),
    Endpoint("GET", "/api/pipelines", pipelines.list_pipelines, V3),
    Endpoint("GET", ONE_PIPELINE, pipelines.get_pipeline, BOTH),
    *_moves(ONE_PIPELINE),
    Endpoint("GET", f"{PROJECT}/pipelines", pipelines.list_project_pipelines, GROWN),
    Endpoint("GET", PROJECT_PIPELINE, pipelines.get_project_pipeline, BOTH),
    Endpoint("POST", PROJECT_PIPELINE, pipelines.link_pipeline, V3),
    Endpoint("DELETE", PROJECT_PIPELINE, pipelines.unlink_pipeline, V3),
    *_moves(PROJECT_PIPELINE),
    Endpoint("POST", f"{PROJECT_PIPELINE}:release", lifecycle.release, V3),
    Endpoint(
        "POST",
        f"{PROJECT}/pipelines:search",
        pipeline_search.search_pipelines,
        V3,
        _as(body.PipelineQuery, "v3", "json"),
        body_required=False,
        since=OCTOBER,
    ),
    Endpoint("GET", f"{PROJECT}/data", data.list_data, V3),
    Endpoint("GET", f"{PROJECT}/data/{{dataId}}", data.get_project_data, V3),
    Endpoint("GET", "/api/data/{dataUrn}", data.get_data, V3),
    Endpoint("GET", "/api/analysisStorages", pipelines.list_storages, V3),
    Endpoint("GET", f"{PROJECT}/analysisStorages", pipelines.list_storages, V4),
    Endpoint(
        "POST",
        f"{PROJECT}/analysisCreationBatch",
        batches.create_batch,
        V3,
        _as(body.CreateBatch, "v3"),
        idempotent=True,
    ),
    Endpoint("GET", BATCH, batches.get_batch, V3),
    Endpoint("GET", f"{BATCH}/items", batches.list_items, BOTH),
    Endpoint("GET", f"{BATCH}/items/{{itemId}}", batches.get_item, BOTH),
    Endpoint("GET", "/api/jobs", jobs.list_jobs, V3),
    Endpoint("GET", "/api/jobs/{jobId}", jobs.get_job, V3),
    _starts("cwl", "CWL", BOTH, _as(body.CreateCwl, "v4", "v3", "json")),
    _starts("cwlJson", "CWL", V4, _as(body.CreateFromForm, "v4")),
    _starts("cwlWithJsonInput", "CWL", V4, _as(body.CreateCwlWithJson, "v4")),
    _starts("cwlWithStructuredInput", "CWL", V4, _as(body.CreateCwlWithStructured, "v4")),
    _starts("nextflow", "NEXTFLOW", BOTH, _as(body.CreateNextflow, "v4", "v3")),
    _starts("nextflowJson", "NEXTFLOW", V4, _as(body.CreateFromForm, "v4")),
    _starts("nextflowWithCustomInput", "NEXTFLOW", V4, _as(body.CreateNextflowWithCustom, "v4")),
    Endpoint("GET", f"{PROJECT}/analyses", analyses.list_analyses, V3),
    Endpoint("GET", ANALYSIS, analyses.get_analysis, BOTH),
    Endpoint(
        "PUT",
        ANALYSIS,
        analyses.update_analysis,
        BOTH,
        {**_as(body.UpdateAnalysisV4, "v4"), **_as(body.UpdateAnalysisV3, "v3", "json")},
    ),
    Endpoint("POST", f"{ANALYSIS}:abort", analyses.abort_analysis, V3),
    Endpoint("GET", f"{ANALYSIS}/outputs", analyses.get_outputs, V3),
    Endpoint(
        "POST",
        f"{PROJECT}/analysis:search",
        analyses.search_analyses,
        V3,
        {
            APRIL: _as(body.AnalysisQuery, "v3", "json"),
            OCTOBER: _as(body.AnalysisQueryWithPipelines, "v3", "json"),
        },
        body_required=False,
    ),
)


class Directory:
    """The endpoints of one generation, found by method and path."""

    def __init__(self, api: str) -> None:
        self.endpoints = tuple(e for e in ENDPOINTS if e.since <= api)
        self._patterns = [(endpoint, endpoint.pattern) for endpoint in self.endpoints]

    def find(self, method: str, path: str) -> tuple[Endpoint | None, dict[str, str], bool]:
        """The endpoint, its path parameters, and whether the path is known at all."""
        known = False
        for endpoint, pattern in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                known = True
                if endpoint.method == method:
                    return endpoint, match.groupdict(), True
        return None, {}, known
