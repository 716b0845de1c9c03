"""Workspaces that ask for one thing each, so that a run under attack makes few calls but the spoilt one."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icaform.emulator import Embedded
from tests.front import everything

KEY_ID, SECRET = everything.KEY_ID, everything.SECRET
HEAD = "apiVersion: icaform/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: "
CREDENTIAL = HEAD.format(kind="StorageCredential", name="lab") + (
    "{type: AWS_USER, shared: true, "
    "secret: {accessKeyId: {env: LAB_KEY_ID}, secretAccessKey: {env: LAB_SECRET}}}\n"
)
PIPELINE = HEAD.format(kind="Pipeline", name="germline") + (
    "{select: {code: DRAGEN Germline 4-2-7}, status: Deprecated, message: Use 4-4-0.}\n"
)
BATCH = HEAD.format(kind="AnalysisBatch", name="cohort") + (
    "{defaults: {pipeline: {code: nf-core rnaseq 3-14}, analysisStorage: Small, analysisInput: {},\n"
    "    outputParentFolderId: 'icav2://wgs-prod/runs/'},\n"
    "  items: [{name: S1, userReference: cohort/S1}, {name: S2, userReference: cohort/S2}]}\n"
)
MANIFESTS = {"credential": CREDENTIAL, "pipeline": PIPELINE, "batch": BATCH}
STEPS = {"credential": 1, "pipeline": 1, "batch": 0}
"""How many irreversible steps the first apply of each has."""


def workspaces(folder: Path) -> dict[str, Path]:
    """One folder for each of the manifests."""
    made = {}
    for name, text in MANIFESTS.items():
        made[name] = workspace(folder / name, {f"{name}.yaml": text})
    return made


def workspace(folder: Path, files: dict[str, str]) -> Path:
    """A workspace with these files, which waits for no read lag."""
    folder.mkdir(parents=True)
    (folder / "icaform.yaml").write_text("workspace: lab\nproject: wgs-prod\nreadLag: 0\n", encoding="utf-8")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class World:
    """The ICA behind an impostor, seen through its control door."""

    ica: Embedded

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control door."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.ica.control_url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def fresh(self) -> None:
        """As on its first day, with nothing asked."""
        self.control("POST", "/reset", {})
        self.control("DELETE", "/requests")

    def writes(self) -> list[str]:
        """The calls that may have changed something."""
        return [
            f"{each['method']} {each['path']}"
            for each in self.control("GET", "/requests")["items"]
            if each["method"] != "GET" and not each["path"].endswith((":search", "/tokens"))
        ]

    def twice(self) -> list[str]:
        """What was made more often than once: credentials by name, analyses by reference."""
        objects = self.control("GET", "/state")["objects"]
        names = Counter(
            [f"credential {each['name']}" for each in objects["Credential"]]
            + [f"analysis {each['user_reference']}" for each in objects["Analysis"]]
        )
        return [name for name, count in names.items() if count > 1]
