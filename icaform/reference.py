"""How a manifest points at what ICA knows by an id: projects and pipelines.

Every conversation here yields the same call for the same question, so that whoever answers can answer it once
for all kinds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import quote

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from icaform.diagnostic import Code, Diagnostic, Rejected, did_you_mean
from icaform.operation import Answer, Call, Json, RefusedByServer, Steps, ask
from icaform.state import Spec

V3 = "application/vnd.illumina.v3+json"
V4 = "application/vnd.illumina.v4+json"
WRONG_ACCEPT = "ICA_API_004"
"""ICA's code for a media type that an endpoint does not offer."""
READS = frozenset(
    ("items", "id", "name", "region", "code", "version", "language", "pipeline", "projectId", "bundleLinks")
)
"""The fields of projects and pipelines that are read here, and of a pipeline that is to run."""
SHOWN = 8
"""How many candidates an error lists before it counts the rest."""
LONGEST_NAME = 300
GUESSED = 20
"""For how many selections of one list the nearest name is looked for: to compare all names takes a while."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URN = re.compile(r"urn:ilmn:ica:(?P<type>[a-z-]+):(?P<id>[0-9a-fA-F-]{36})(?:#.*)?")


def promised(value: Json) -> str:
    """A text that ICA's contract promises, and without which a thing that is there would be made again.

    TypeError, which the engine tells as a bad answer, where it is none.
    """
    if not isinstance(value, str) or not value:
        raise TypeError("an id, a name or an owner is no text")
    return value


def moment(told: Json) -> float | None:
    """A date-time of ICA's in seconds since the epoch, UTC where it names no zone; None where it is none."""
    try:
        date = datetime.fromisoformat(str(told))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def whole(answer: Answer) -> list[Json]:
    """The rows of a list that ICA's contract does not page.

    TypeError, which the engine tells as a bad answer, where the list goes on: its rest would be missed.
    """
    if answer.body.get("nextPageToken"):
        raise TypeError("a list that comes whole goes on")
    rows: list[Json] = answer.body["items"]
    return rows


def id_in(text: str) -> str | None:
    """The id in a text that is a UUID or an urn of ICA, as ICA writes it, or None for a name."""
    if _UUID.fullmatch(text):
        return text.lower()
    found = _URN.fullmatch(text)
    return found["id"].lower() if found else None


def project(text: str) -> Steps[str]:
    """The id of a project given by id, urn or name. A name costs one call, an id none.

    Rejected where no project, or more than one, has that name: names are unique within a region only.
    """
    known = id_in(text)
    if known:
        return known
    # The search parameter's way of matching is not documented: it narrows, and equality decides.
    answer = yield from ask(Call("GET", "/api/projects", V3, query=(("search", text),), paged=True))
    rows = [row for row in answer.body["items"] if promised(row["name"]) == text]
    if len(rows) == 1:
        return promised(rows[0]["id"])
    if rows:
        found = ", ".join(
            f"{brief(row['id'])} ({brief((row.get('region') or {}).get('code', '?'))})"
            for row in rows[:SHOWN]
        )
        raise Rejected(
            [
                Diagnostic(
                    Code.AMBIGUOUS,
                    f"{len(rows)} projects are named {text!r}: {found}",
                    "write the id of the one that is meant",
                )
            ]
        )
    answer = yield from ask(Call("GET", "/api/projects", V3, paged=True))
    names = sorted(brief(promised(row["name"])) for row in answer.body["items"])
    shown = several(names, len(names))
    raise Rejected(
        [
            Diagnostic(
                Code.NOT_FOUND,
                f"no project that you may see is named {text!r}; you see {shown or 'none'}",
                did_you_mean(text, names) or "write its id, its urn, or its exact name as ICA shows it",
            )
        ]
    )


class PipelineSelect(Spec):
    """Which pipeline is meant. Exactly one of id, urn, code, or name together with version."""

    id: str | None = Field(default=None, pattern=f"^{_UUID.pattern}$", description="The pipeline's UUID")
    urn: str | None = Field(
        default=None, pattern=r"^urn:ilmn:ica:pipeline:[0-9a-fA-F-]{36}(#.*)?$", description="Its urn"
    )
    code: str | None = Field(
        default=None, min_length=1, max_length=296, description="Its code, as ICA shows it"
    )
    name: str | None = Field(default=None, min_length=1, max_length=255, description="Its name, with version")
    version: str | None = Field(
        default=None, min_length=1, max_length=40, description="Its version, with name"
    )

    @model_validator(mode="after")
    def _one(self) -> PipelineSelect:
        unsaid = (self.id, self.urn, self.code, self.name).count(None)
        if unsaid != 3 or (self.name is None) != (self.version is None):
            raise PydanticCustomError(
                "bad-value",
                "a pipeline is selected in exactly one way\nwrite one of id, urn, code, or name with version",
            )
        return self

    def __str__(self) -> str:
        if self.name is not None:
            return f"name {self.name!r} version {self.version!r}"
        way, value = next((way, v) for way in ("id", "urn", "code") if (v := getattr(self, way)) is not None)
        return f"{way} {value!r}"

    @property
    def known_id(self) -> str | None:
        """The id where the selection itself holds it."""
        return id_in(self.id or self.urn or "")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The pipelines that one project, or one tenant, shows. ``detailed`` where each row tells its status."""

    place: str
    rows: Mapping[str, Json]
    detailed: bool
    by_code: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guessed: list[PipelineSelect] = field(default_factory=list, repr=False, compare=False)

    def find(self, select: PipelineSelect) -> list[Json]:
        """All rows that fit a selection."""
        known = select.known_id
        if known is not None:
            row = self.rows.get(known)
            return [row] if row else []
        if select.code is not None:
            return [self.rows[each] for each in self.by_code.get(select.code, ())]
        return [
            row
            for row in self.rows.values()
            if row.get("name") == select.name and row.get("version") == select.version
        ]

    def _coded(self, select: PipelineSelect) -> list[Json]:
        """Where rows tell no names: those whose code is made of the name and the version."""
        if select.name is None or self.named:
            return []
        codes = (f"{select.name}{between}{select.version}" for between in " -_")
        return [self.rows[each] for code in codes for each in self.by_code.get(code, ())]

    @property
    def named(self) -> bool:
        """Whether rows tell name and version: only v4 of the newer API does."""
        return any("name" in row for row in self.rows.values())

    def only(self, select: PipelineSelect, *, coded: bool = False) -> Json:
        """The one row that fits; Rejected with what was found where none or several do.

        Where rows tell no names, ``coded`` takes a row by its code for whoever reads it and its name then.
        """
        rows = self.find(select) or (self._coded(select) if coded else [])
        if len(rows) == 1:
            return rows[0]
        if rows:
            summary = f"{len(rows)} pipelines in {self.place} have {select}: {_listed(rows)}"
            raise Rejected([Diagnostic(Code.AMBIGUOUS, summary, "select by id")])
        if select.name is not None and self.rows and not self.named and not coded:
            raise Rejected([no_names(select)])
        listed = f"it has {_listed(self.rows.values())}" if self.rows else "it has no pipeline"
        raise Rejected(
            [
                Diagnostic(
                    Code.NOT_FOUND,
                    f"no pipeline in {self.place} has {select}; {listed}",
                    self._near(select)
                    or "check the selection, and that the pipeline is linked to the project",
                )
            ]
        )

    def _near(self, select: PipelineSelect) -> str:
        """The nearest thing to a selection. Of versions all are named and none is proposed."""
        if len(self.guessed) >= GUESSED:
            return ""
        self.guessed.append(select)
        rows = self.rows.values()
        if select.name is None:
            return did_you_mean(select.code or "", [brief(row.get("code")) for row in rows])
        versions = sorted(brief(row.get("version")) for row in rows if row.get("name") == select.name)
        if versions:
            return f"{select.name!r} has the versions {', '.join(versions[:SHOWN])}"
        return did_you_mean(select.name, sorted({brief(row["name"]) for row in rows if "name" in row}))


def no_names(select: PipelineSelect) -> Diagnostic:
    """The server tells no names and versions, so a selection by them cannot be verified."""
    return Diagnostic(
        Code.NOT_FOUND,
        f"this server's older API tells no names and versions of pipelines, so {select} cannot be found",
        "select by code, id or urn",
    )


def pipelines(project_id: str, place: str, spoken: str = V4) -> Steps[Catalogue]:
    """All pipelines of a project in one call, or of the tenant where no project is given.

    The newer API lists them with their status (v4). The older one answers ICA_API_004 to that and is asked
    again in v3; so does the tenant's list, which has v3 only in both generations.
    """
    path = f"/api/projects/{quote(project_id, safe='')}/pipelines" if project_id else "/api/pipelines"
    answer: Answer
    detailed = bool(project_id) and spoken == V4
    if detailed:
        call = Call("GET", path, V4)
        (answer,) = yield (call,)
        if answer.problem and answer.status == 400 and answer.problem.code == WRONG_ACCEPT:
            detailed = False
        elif answer.problem:
            raise RefusedByServer(call, answer.problem)
    if not detailed:
        answer = yield from ask(Call("GET", path, V3))
    return catalogue(whole(answer), place, detailed)


def pipeline_call(project_id: str, pipeline_id: str) -> Call:
    """The read of one pipeline with its status: v4, which both generations offer on single reads."""
    form = f"/api/projects/{quote(project_id, safe='')}" if project_id else "/api"
    return Call("GET", f"{form}/pipelines/{quote(pipeline_id, safe='')}", V4)


def catalogue(items: Iterable[Json], place: str, detailed: bool) -> Catalogue:
    """Index the rows of a list; a project's rows wrap the pipeline and say how it got there."""
    rows: dict[str, Json] = {}
    codes: dict[str, list[str]] = {}
    for item in items:
        row = unwrap(item)
        rows[row["id"]] = row
        codes.setdefault(row.get("code", ""), []).append(row["id"])
    return Catalogue(place, rows, detailed, {code: tuple(ids) for code, ids in codes.items()})


def unwrap(item: Json) -> Json:
    """The pipeline of a list's row; what the project's wrapper says of links is kept beside its fields.

    TypeError where what is said of it is not of the type that ICA's contract promises.
    """
    row = item.get("pipeline", item)
    promised(row["id"])
    bundles = (item.get("bundleLinks") or {}).get("items") if row is not item else None
    objects = [row.get("owner"), row.get("tenant"), *(bundles or ())]
    if not all(each is None or isinstance(each, dict) for each in objects):
        raise TypeError("an owner, a tenant or a bundle is no object")
    if bundles:
        row["bundleLinks"] = bundles
    if row is not item and item.get("projectId"):
        row["projectId"] = promised(item["projectId"])
    return row


def _listed(rows: Collection[Json]) -> str:
    return several(
        [f"{brief(row.get('code'))!r} ({brief(row['id'])})" for row in islice(rows, SHOWN)], len(rows)
    )


def several(shown: Sequence[str], count: int) -> str:
    """The first few of so many, and how many more there are."""
    return ", ".join(shown[:SHOWN]) + (f" and {count - SHOWN} more" if count > SHOWN else "")


def brief(name: Json) -> str:
    """What ICA calls a thing, in a sentence; ICA's own names have at most 255 characters, or 296."""
    text = str(name)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
