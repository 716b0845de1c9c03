"""The pipelines of some projects as manifests, and what manifests may ask about pipelines."""

from __future__ import annotations

from collections.abc import Sequence

from icaform.kinds.pipeline.spec import ORDER
from icaform.operation import Call, Json, RefusedByServer, Steps, ask
from icaform.portrait import Export, Portrait, Scope
from icaform.reference import READS, V3, Catalogue, pipeline_call, pipelines, unwrap
from icaform.state import Remembered, View

MOST_READ = 1_000
"""Pipelines of one project that a survey reads one by one, where the list does not tell their status."""
LONGEST_CODE = 296
"""ICA, PipelineV4.code."""


def portraits(scope: Scope, view: View) -> Steps[Sequence[Portrait]]:
    """Each pipeline once: from the project that it is at home in, where that is one of these."""
    known = {facts["id"]: facts for facts in view.remembered.values() if facts.get("id")}
    found: dict[str, Portrait] = {}
    at_home: set[str] = set()
    for project_id, text in scope.projects.items():
        listed = yield from pipelines(project_id, f"project {text or project_id!r}")
        rows = list(listed.rows.values())
        if not listed.detailed:
            rows = yield from _read(project_id, [row["id"] for row in rows])
        for row in rows:
            if row["id"] in found and (row["id"] in at_home or row.get("projectId") != project_id):
                continue
            at_home.update([row["id"]] if row.get("projectId") == project_id else [])
            found[row["id"]] = _portrait(row, text, listed, known.get(row["id"], {}))
    return list(found.values())


def _read(project_id: str, ids: Sequence[str]) -> Steps[list[Json]]:
    calls = tuple(pipeline_call(project_id, each) for each in ids)
    answers = (yield calls) if calls else ()
    rows = []
    for call, answer in zip(calls, answers, strict=True):
        if answer.problem and answer.status != 404:
            raise RefusedByServer(call, answer.problem)
        if not answer.problem:
            rows.append(unwrap(answer.body))
    return rows


def _portrait(row: Json, project: str, listed: Catalogue, last: Remembered) -> Portrait:
    code, status = row.get("code") or "", row.get("statusAsString")
    alone = len(listed.by_code.get(code, ())) == 1 and len(code) <= LONGEST_CODE
    left_out = ""
    if status == ORDER[0]:
        left_out = "it is a draft, which no manifest can want"
    elif status not in ORDER:
        left_out = f"ICA reports the status {status!r}, which no manifest can want"
    # ICA shows no message: what we wrote last holds as long as the status does that it came with.
    message = last.get("message") if status == last.get("status") != "Released" else None
    return Portrait(
        row["id"],
        code or row["id"],
        {
            **({"project": project} if project else {}),
            "select": {"code": code} if code and alone else {"id": row["id"]},
        },
        {"status": status, **({} if message is None else {"message": message})},
        ("message",) if status == "Released" else (),
        left_out=left_out,
    )


def survey(scope: Scope, view: View) -> Steps[None]:
    """Every list, and where a list does not tell the status, each pipeline of the projects in question.

    A pipeline is one object wherever it is linked, so what is read of it in one project holds in the others.
    """
    yield from ask(Call("GET", "/api/pipelines", V3), missing=True)
    for project_id in (*scope.projects, *scope.others):
        try:
            listed = yield from pipelines(project_id, "")
            if project_id in scope.projects and not listed.detailed and len(listed.rows) <= MOST_READ:
                yield from _read(project_id, list(listed.rows))
        except RefusedByServer:
            # Whoever asks this again is refused again, and told so then.
            continue


EXPORT = Export(
    portraits,
    survey,
    READS | frozenset(("statusAsString", "owner", "ownerId", "tenant", "tenantId")),
)
