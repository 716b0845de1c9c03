"""Workspaces of many pipelines, like a real team's, and the world of the emulator that they describe."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAMESPACE = uuid.UUID("0f0c86f4-0b0e-5f0a-9a55-5ca1ab1e0000")
_TEAMS = ("wgs", "exome", "rna", "methylation", "somatic")
_WORK = ("germline calls", "quality reports", "fusion calls", "expression tables", "joint genotypes")

MANIFEST = """\
# {work} of the {team} team; number {number} of {count}. Reviewed twice a year,
# see the team's handbook for who may release and who must be asked before an archival.
apiVersion: icaform/v1
kind: Pipeline
metadata:
  name: {project}-{number:05d}
  labels:
    team: {team}
    stage: production
    cost-centre: "{centre}"
spec:
  project: {project}
  select:
    code: {project} {number:05d} 1-0-0
  # Released, Deprecated, Archived: ICA knows no way back.
  status: {status}
"""
_EQUAL = """\
  # message: no message while it is released; once it is deprecated, say what to use
  #          instead, and until when results of the old version are accepted.
"""
_CHANGED = """\
  # The message stands in ICA's own list, beside the pipeline.
  message: Use version 2-0-0 of {project} {number:05d}; results of this one are accepted.
"""


@dataclass(frozen=True)
class Workspace:
    """``count`` pipelines of one project, in one file; all as they are on the server, or all otherwise."""

    folder: Path
    count: int
    changed: bool

    @property
    def project(self) -> str:
        """The name of its project."""
        return project(self.count)

    @property
    def project_id(self) -> str:
        """The id of its project."""
        return project_id(self.count)

    @property
    def manifests(self) -> Path:
        """The one file of all manifests."""
        return self.folder / "pipelines.yaml"

    @property
    def differing(self) -> int:
        """How many resources a plan must find to differ."""
        return self.count if self.changed else 0

    def write(self) -> Workspace:
        """Make the folder and its files, a document at a time, so that whoever measures stays small."""
        self.folder.mkdir(parents=True)
        (self.folder / "icaform.yaml").write_text("workspace: bench\n", encoding="utf-8")
        with self.manifests.open("w", encoding="utf-8") as file:
            for number in range(1, self.count + 1):
                file.write("---\n" if number > 1 else "")
                file.write(self._manifest(number))
        return self

    def _manifest(self, number: int) -> str:
        text = MANIFEST + (_CHANGED if self.changed else _EQUAL)
        return text.format(
            number=number,
            count=self.count,
            project=self.project,
            team=_TEAMS[number % len(_TEAMS)],
            work=_WORK[number % len(_WORK)].capitalize(),
            centre=f"{4000 + number % 37:06d}",
            status="Deprecated" if self.changed else "Released",
        )


def project(count: int) -> str:
    """The project that holds so many pipelines."""
    return f"bench-{count}"


def project_id(count: int) -> str:
    """Its id."""
    return str(uuid.uuid5(_NAMESPACE, project(count)))


def seed(count: int) -> dict[str, Any]:
    """What the emulator is told: a project with so many pipelines, all released; rows of about 1.1 kB."""
    description = (
        "Calls, annotates and reports. The inputs are read pairs and a sample sheet, the outputs one folder "
        "a sample with its report, and a table over all samples for the laboratory's own records."
    )
    return {
        "projects": [{"name": project(count), "id": project_id(count), "owner": "ada"}],
        "pipelines": [
            {"count": count, "name": project(count), "project": project(count), "description": description}
        ],
    }
