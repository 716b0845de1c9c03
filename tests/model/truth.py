"""What is on the server, by the emulator's own account: nothing here is read as icaform reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from icaform.emulator.progress import analysis_status
from icaform.emulator.record import Analysis
from icaform.emulator.settings import Settings
from tests.model.wishes import PIPELINES, PROJECT


@dataclass(frozen=True)
class Sent:
    """One item that was accepted, in a batch or ``alone``: its analysis, or why it became none."""

    project: str
    batch: str
    item: str
    generation: int
    spec: str
    attempt: int
    alone: bool
    analysis: str | None
    created: float
    row: Analysis | None = field(default=None, compare=False)

    @property
    def address(self) -> str:
        return f"AnalysisBatch/{self.batch}[{self.item}]"

    @property
    def run(self) -> tuple[str, str, int]:
        """What it is an attempt at: an item of a generation of a batch, in a project."""
        return self.project, self.address, self.generation


class Truth:
    """One look at everything. Rows are the emulator's records."""

    def __init__(self, objects: dict[str, Any], settings: Settings, now: float) -> None:
        self.now, self.settings = now, settings
        self.users = {row["name"]: row["id"] for row in objects["User"]}
        (self.project,) = (row["id"] for row in objects["Project"] if row["name"] == PROJECT)
        self.credentials: list[dict[str, Any]] = objects["Credential"]
        codes = {row["code"]: row for row in objects["Pipeline"]}
        self.pipelines: list[dict[str, Any]] = [codes[each.code] for each in PIPELINES]
        self.analyses: list[dict[str, Any]] = objects["Analysis"]
        self.sent = sorted(_sent(objects), key=lambda each: each.created)
        self._objects = objects

    def credential(self, name: str, user: str) -> list[dict[str, Any]]:
        """The credentials of one name and one owner; more than one is somebody's mistake."""
        return [row for row in self.credentials if (row["name"], row["owner_id"]) == (name, self.users[user])]

    def attempts(self) -> Counter[tuple[tuple[str, str, int], int]]:
        """How many analyses there are of each attempt at an item."""
        return Counter((each.run, each.attempt) for each in self.sent if each.analysis)

    def started(self, address: str, generation: int) -> list[Sent]:
        """The analyses of an item, those of later attempts last."""
        found = [each for each in self.sent if each.run == (self.project, address, generation)]
        return sorted((each for each in found if each.analysis), key=lambda each: each.attempt)

    def status(self, sent: Sent, when: float) -> str:
        """How its analysis stood at a moment: nothing before it was there."""
        if sent.row is None or when < sent.row.created:
            return ""
        return analysis_status(sent.row, self.settings, when)[0]

    def things(self) -> dict[str, dict[str, Any]]:
        """Every object by id, without what time alone changes."""
        found = {}
        for kind, rows in self._objects.items():
            for row in rows:
                fixed = {name: value for name, value in row.items() if kind == "Pipeline" or name != "status"}
                if kind == "Batch":
                    fixed["items"] = [{**each, "status": None} for each in row["items"]]
                found[f"{kind} {row['id']}"] = fixed
        return found


def _sent(objects: dict[str, Any]) -> list[Sent]:
    known = {each.name for each in fields(Analysis)}
    rows = {
        row["id"]: Analysis(**{name: value for name, value in row.items() if name in known})
        for row in objects["Analysis"]
    }
    found, alone = [], dict(rows)
    for batch in objects["Batch"]:
        for item in batch["items"]:
            made = alone.pop(item["analysis"], None)
            found.append(_one(batch["project_id"], item["tags"], item["analysis"], batch["created"], made))
    found += [_one(row.project_id, row.tags, key, row.created, row, True) for key, row in alone.items()]
    return [each for each in found if each]


def _one(
    project: str,
    tags: dict[str, Any],
    analysis: str | None,
    created: float,
    row: Analysis | None,
    alone: bool = False,
) -> Sent | None:
    """None where it bears not all of our marks, and so is somebody else's."""
    said = dict(
        tag.removeprefix("icaform.").partition("=")[::2]
        for tag in tags["technicalTags"]
        if tag.startswith("icaform.")
    )
    if "batch" not in said:
        return None
    workspace, _, batch = said["batch"].partition("/")
    assert workspace == "lab"
    generation, attempt = int(said["generation"]), int(said["attempt"])
    return Sent(
        project, batch, said["item"], generation, said["spec"], attempt, alone, analysis, created, row
    )
