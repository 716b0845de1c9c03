"""What is on the server, by the emulator's own account: nothing here is read as icaform reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.model.wishes import PIPELINES, PROJECT


@dataclass(frozen=True)
class Sent:
    """One item of one accepted batch: the analysis that it became, or why it became none."""

    project: str
    batch: str
    item: str
    generation: int
    spec: str
    attempt: int
    analysis: str | None
    created: float

    @property
    def address(self) -> str:
        return f"AnalysisBatch/{self.batch}[{self.item}]"


class Truth:
    """One look at everything. Rows are the emulator's records."""

    def __init__(self, objects: dict[str, Any], older: bool) -> None:
        self.users = {row["name"]: row["id"] for row in objects["User"]}
        (self.project,) = (row["id"] for row in objects["Project"] if row["name"] == PROJECT)
        self.credentials: list[dict[str, Any]] = objects["Credential"]
        codes = {row["code"]: row for row in objects["Pipeline"]}
        self.pipelines: list[dict[str, Any]] = [codes[each.code] for each in PIPELINES]
        self.analyses: list[dict[str, Any]] = objects["Analysis"]
        self.sent = [sent for batch in objects["Batch"] for sent in _sent(batch)]
        self._objects = objects

    def credential(self, name: str, user: str) -> list[dict[str, Any]]:
        """The credentials of one name and one owner; more than one is somebody's mistake."""
        return [row for row in self.credentials if (row["name"], row["owner_id"]) == (name, self.users[user])]

    def started(self) -> Counter[tuple[str, str, int]]:
        """How many analyses stand for each item of each generation of a batch, in a project."""
        return Counter((each.project, each.address, each.generation) for each in self.sent if each.analysis)

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


def _sent(batch: dict[str, Any]) -> list[Sent]:
    found = []
    for item in batch["items"]:
        said = dict(
            tag.removeprefix("icaform.").partition("=")[::2]
            for tag in item["tags"]["technicalTags"]
            if tag.startswith("icaform.")
        )
        workspace, _, name = said["batch"].partition("/")
        assert workspace == "lab"
        found.append(
            Sent(
                batch["project_id"],
                name,
                said["item"],
                int(said["generation"]),
                said["spec"],
                int(said["attempt"]),
                item["analysis"],
                batch["created"],
            )
        )
    return found
