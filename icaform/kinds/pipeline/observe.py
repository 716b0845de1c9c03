"""The server's side of the pipelines that are meant, in as few calls as it can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.kinds.pipeline.links import elsewhere
from icaform.operation import Json, RefusedByServer, Steps
from icaform.reference import Catalogue, PipelineSelect, no_names, pipeline_call, pipelines, project, unwrap
from icaform.state import Desired, Live, Observed, View


def observe(wishes: Sequence[Desired], view: View) -> Steps[Observed]:
    """One list a project where it tells the status (v4); else that list and a read for each that is meant."""
    live: dict[Address, Live] = {}
    faults: list[Diagnostic] = []
    owners: dict[str, list[Address]] = {}
    for place, group in _by_project(wishes, view).items():
        try:
            project_id = (yield from project(place)) if place else ""
            chosen, detailed = yield from _choose(place, project_id, group, view, faults)
        except Rejected as rejected:
            faults.extend(_at(each, wish, "project") for wish in group for each in rejected.diagnostics)
            continue
        if not detailed:
            chosen = yield from _read_each(place, project_id, chosen, faults)
        if not view.ids:
            moving = [row["id"] for wish, row in chosen if row.get("statusAsString") != wish.spec.status]
            links = yield from elsewhere(project_id, moving, detailed)
            for _, row in chosen:
                if links.get(row["id"]):
                    row["linkedTo"] = links[row["id"]]
        for wish, row in chosen:
            live[wish.address] = Live(wish.address, row["id"], row, project_id)
            owners.setdefault(row["id"], []).append(wish.address)
    for addresses in owners.values():
        if len(addresses) > 1:
            named = {wish.address: wish for wish in wishes}
            faults.append(
                Diagnostic(
                    Code.DECLARED_TWICE,
                    f"{addresses[1]} and {addresses[0]} select the same pipeline ({live[addresses[0]].id})",
                    "keep one of the two manifests",
                    origin=named[addresses[1]].origin,
                    address=addresses[1],
                )
            )
    wanted = {wish.address: wish.spec.status for wish in wishes if wish.stated("status")}
    told = {
        address: {
            "language": each.facts.get("language"),
            "status": wanted.get(address) or each.facts.get("statusAsString"),
        }
        for address, each in live.items()
    }
    return Observed(live, tuple(faults), resolved=told)


def _by_project(wishes: Sequence[Desired], view: View) -> Mapping[str, list[Desired]]:
    groups: dict[str, list[Desired]] = {}
    for wish in wishes:
        place = "" if wish.spec.tenant else wish.spec.project or view.project
        groups.setdefault(place, []).append(wish)
    return groups


def _choose(
    place: str, project_id: str, group: Sequence[Desired], view: View, faults: list[Diagnostic]
) -> Steps[tuple[list[tuple[Desired, Json]], bool]]:
    ids = [(wish, view.ids.get(wish.address) or wish.spec.select.known_id) for wish in group]
    if (len(ids) <= FEW or not project_id) and all(known for _, known in ids):
        # Ids are known: single reads answer more cheaply than a list of everything.
        return [(wish, {"id": known}) for wish, known in ids], False
    found: Catalogue = yield from pipelines(project_id, _called(place))
    chosen = []
    for wish in group:
        try:
            chosen.append((wish, found.only(wish.spec.select, coded=True)))
        except Rejected as rejected:
            faults.extend(_at(each, wish, "select") for each in rejected.diagnostics)
    return chosen, found.detailed


FEW = 3
"""Up to so many single reads are preferred to one list."""


def _read_each(
    place: str, project_id: str, chosen: Sequence[tuple[Desired, Json]], faults: list[Diagnostic]
) -> Steps[list[tuple[Desired, Json]]]:
    calls = tuple(pipeline_call(project_id, row["id"]) for _, row in chosen)
    answers = yield calls
    read = []
    lost = []
    for (wish, _), call, answer in zip(chosen, calls, answers, strict=True):
        if answer.status == 404:
            lost.append(wish)
        elif answer.problem:
            raise RefusedByServer(call, answer.problem)
        else:
            row = unwrap(answer.body)
            wrong = _other(wish.spec.select, row)
            if wrong:
                faults.append(_at(wrong, wish, "select"))
            else:
                read.append((wish, row))
    if lost:
        found = yield from pipelines(project_id, _called(place))
        for wish in lost:
            try:
                read.append((wish, found.only(wish.spec.select)))
            except Rejected as rejected:
                faults.extend(_at(each, wish, "select") for each in rejected.diagnostics)
    return read


def _other(select: PipelineSelect, row: Json) -> Diagnostic | None:
    """What is wrong where a pipeline that was found by its code is not the one of that name and version."""
    if select.name is None or (row.get("name"), row.get("version")) == (select.name, select.version):
        return None
    if "name" not in row:
        return no_names(select)
    return Diagnostic(
        Code.NOT_FOUND,
        f"no pipeline has {select}; {row.get('code')!r} is {row['name']!r} version {row.get('version')!r}",
        "select by id",
    )


def _called(place: str) -> str:
    return f"project {place!r}" if place else "the tenant"


def _at(diagnostic: Diagnostic, wish: Desired, name: str) -> Diagnostic:
    return replace(diagnostic, origin=wish.place(("spec", name)), address=wish.address)
