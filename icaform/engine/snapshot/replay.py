"""Answers for ICA from a snapshot: what was asked then, and what follows from the lists that it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.listen import question
from icaform.engine.snapshot.file import Question
from icaform.operation import Answer, Call, Json, Problem, canonical
from icaform.reference import V3, V4

PROJECTS = "/api/projects"
_PIPELINES = re.compile(r"/api/projects/(?P<project>[^/:]+)/pipelines")
_PIPELINE = re.compile(r"/api(?:/projects/(?P<project>[^/:]+))?/pipelines/(?P<id>[^/:]+)")
_AMONG = re.compile(r"/api/projects/(?P<project>[^/:]+)/pipelines:search")
_ANALYSES = re.compile(r"/api/projects/(?P<project>[^/:]+)/analysis:search")

NOT_THERE = Answer(404, problem=Problem(404, "", "the snapshot's list does not have it"))


class Replay:
    """A transport that opens no connection. Rejected where the snapshot does not tell."""

    def __init__(self, answers: Iterable[tuple[Question, Answer]]) -> None:
        self._answers = {canonical(list(asked)): answer for asked, answer in answers}
        self._objects: dict[str, Json] | None = None
        self.assumed: list[Call] = []
        """Questions that only the newness of what they are about answers."""

    def send(self, call: Call, body: bytes | None = None) -> Answer:
        """The answer to one call."""
        found = self._answers.get(question(call))
        found = self._inferred(call) if found is None else found
        if found is None:
            raise Rejected([_missing(call)])
        return found

    def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers to some calls, in their order."""
        return [self.send(call) for call in calls]

    def close(self) -> None:
        """Nothing is open."""

    def _inferred(self, call: Call) -> Answer | None:
        """What ICA would answer, going by wider lists that it was asked for; None if they do not tell."""
        rules: tuple[tuple[str, re.Pattern[str], Callable[[Call, Mapping[str, str]], Answer | None]], ...] = (
            ("GET", re.compile(PROJECTS), self._projects),
            ("GET", _PIPELINE, self._pipeline),
            ("POST", _AMONG, self._among),
            ("POST", _ANALYSES, self._analyses),
        )
        for method, path, rule in rules:
            if call.method == method and (found := path.fullmatch(call.path)):
                return rule(call, found.groupdict())
        return None

    def _projects(self, call: Call, parts: Mapping[str, str]) -> Answer | None:
        """A search by name narrows the list of all."""
        listed = self._answers.get(question(replace(call, query=())))
        query = dict(call.query)
        if listed is None or listed.problem or query.keys() != {"search"}:
            return None
        rows = [row for row in listed.body["items"] if row.get("name") == query["search"]]
        return Answer(200, {"items": rows})

    def _pipeline(self, call: Call, parts: Mapping[str, str]) -> Answer | None:
        """One pipeline is as in any list that tells its status; it is in a project if its list has it."""
        known = self._known().get(parts["id"])
        if call.accept != V4:
            return None
        if not parts["project"]:
            return Answer(200, known) if known else None
        listed = self._listed(parts["project"])
        if listed is None:
            return None
        row = next((row for row in listed if _object(row)["id"] == parts["id"]), None)
        if row is None:
            return NOT_THERE
        return Answer(200, {**row, "pipeline": known} if "pipeline" in row else known) if known else None

    def _among(self, call: Call, parts: Mapping[str, str]) -> Answer | None:
        """Which of some pipelines a project has."""
        listed = self._listed(parts["project"])
        if listed is None or not isinstance(call.body, dict) or call.body.keys() != {"ids"}:
            return None
        rows = [_object(row) for row in listed]
        return Answer(200, {"items": [row for row in rows if row["id"] in call.body["ids"]]})

    def _analyses(self, call: Call, parts: Mapping[str, str]) -> Answer | None:
        """Analyses with tags that nobody asked for then: of a batch that is taken to be new."""
        listed = self._answers.get(question(Call("GET", PROJECTS, V3, paged=True)))
        if (
            listed is None
            or listed.problem
            or not isinstance(call.body, dict)
            or "technicalTags" not in call.body
        ):
            return None
        if not any(quote(row["id"], safe="") == parts["project"] for row in listed.body["items"]):
            return None
        self.assumed.append(call)
        return Answer(200, {"items": []})

    def _listed(self, project: str) -> list[Any] | None:
        """The pipelines of a project, None where that was not asked for or not answered."""
        for accept in (V4, V3):
            found = self._answers.get(question(Call("GET", f"{PROJECTS}/{project}/pipelines", accept)))
            if found and not found.problem:
                rows: list[Any] = found.body["items"]
                return rows
        return None

    def _known(self) -> Mapping[str, Json]:
        """Every pipeline that some answer tells the status of."""
        if self._objects is None:
            self._objects = {row["id"]: row for row in self._detailed()}
        return self._objects

    def _detailed(self) -> Iterator[Json]:
        for answer in self._answers.values():
            body = answer.body
            for row in body.get("items", [body]) if isinstance(body, dict) else ():
                found = _object(row)
                if "statusAsString" in found:
                    yield found


def _object(row: Any) -> Any:
    """The pipeline in a row, which a project's list wraps."""
    return row.get("pipeline", row)


def _missing(call: Call) -> Diagnostic:
    found = _PIPELINES.match(call.path)
    more = f" --project {found['project']}" if found else ""
    return Diagnostic(
        Code.SNAPSHOT,
        f"the snapshot does not tell what ICA answers to {call}",
        f"take one that does, where ICA can be asked: icaform export --snapshot FILE{more}",
    )
