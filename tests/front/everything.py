"""A workspace with all three kinds in it, and how to ask the emulator whether it came true, and only once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from icaform.emulator.demo import SECOND_API_KEY

KEY_ID = "AKIAFRONTCANARY00001"
SECRET = 'canary/+"\\s e&cret?0001'
SECRETS = {"LAB_KEY_ID": KEY_ID, "LAB_SECRET": SECRET}

CREDENTIALS = """
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab-archive, labels: {team: wgs}}
spec:
  type: AWS_USER
  shared: true
  secret: {accessKeyId: {env: LAB_KEY_ID}, secretAccessKey: {env: LAB_SECRET}}
---
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab-role}
spec: {type: AWS_ROLE}
"""

PIPELINES = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: germline-4-2}
spec:
  select: {code: DRAGEN Germline 4-2-7}
  status: Deprecated
  message: Use 4-4-0.
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: germline-4-0}
spec:
  select: {code: DRAGEN Germline 4-0-3}
  status: Archived
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: sarek}
spec:
  project: wgs-dev
  select: {code: nf-core sarek 3-5}
  status: Released
"""

STATUSES = {
    "DRAGEN Germline 4-2-7": ("Deprecated", "Use 4-4-0."),
    "DRAGEN Germline 4-0-3": ("Archived", "Use 4-4-0."),
    "nf-core sarek 3-5": ("Released", None),
}


def item(name: str, credential: str = "") -> str:
    """One Nextflow item; with a credential it reads a file from a bucket that this opens."""
    line = f"    - {{name: {name}, userReference: cohort/{name}"
    if credential:
        opens = f"{{storageCredentialsId: {{ref: StorageCredential/{credential}}}}}"
        file = f"{{url: 's3://b/{name}.fq', type: s3, s3Details: {opens}}}"
        line += f", analysisInput: {{inputs: [{{parameterCode: reads, externalData: [{file}]}}]}}"
    return line + "}\n"


def cohort(
    count: int, *, credential: str = "", chunk: int = 3, more: str = "", name: str = "cohort", extra: str = ""
) -> str:
    """A batch of so many items."""
    items = "".join(item(f"S{number:03d}", credential) for number in range(count))
    return (
        "apiVersion: icaform/v1\nkind: AnalysisBatch\n"
        f"metadata: {{name: {name}}}\nspec:\n  chunkSize: {chunk}\n{more}"
        "  defaults:\n    pipeline: {code: nf-core rnaseq 3-14}\n"
        "    analysisInput: {parameters: [{code: genome, value: GRCh38}]}\n"
        f"  items:\n{items}{extra}"
    )


USERS = {"same user": "", "another user": SECOND_API_KEY}
"""Who comes next, by the key; nothing: whoever it was."""


def become(lab: Any, user: str) -> None:
    lab.environ["ICAV2_X_API_KEY"] = USERS[user] or lab.environ["ICAV2_X_API_KEY"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


def killed(lab: Any, least: float = 30, *more: str, sent: str = "") -> None:
    """A first apply that dies where it waits so long; half a minute is to look what became of a call.

    Where ``sent`` is a part of a path, not before a call to it has left.
    """
    sleep = lab.clock.sleep

    def die(seconds: float) -> None:
        if seconds >= least and (not sent or any(sent in each["path"] for each in lab.writes())):
            raise Killed
        sleep(seconds)

    lab.clock.sleep = die
    try:
        with pytest.raises(Killed):
            lab.apply("--first-run", *more)
    finally:
        lab.clock.sleep = sleep


def write(lab: Any, count: int = 5) -> None:
    """All three kinds; the analyses need the credential."""
    lab.environ.update(SECRETS)
    lab.write("credentials.yaml", CREDENTIALS)
    lab.write("pipelines.yaml", PIPELINES)
    lab.write("cohort.yaml", cohort(count, credential="lab-archive"))


def objects(lab: Any, kind: str) -> list[dict[str, Any]]:
    """The emulator's own account of everything of one kind."""
    found: list[dict[str, Any]] = lab.control("GET", "/state")["objects"][kind]
    return found


def analyses(lab: Any) -> Counter[str]:
    """How often each analysis was started, by userReference."""
    return Counter(each["user_reference"] for each in objects(lab, "Analysis"))


def wrong(lab: Any, count: int = 5) -> list[str]:
    """What is not as the workspace wants it, or is there more than once."""
    found = []
    wanted = Counter(f"cohort/S{number:03d}" for number in range(count))
    there = analyses(lab)
    if there != wanted:
        found.append(f"analyses: missing {dict(wanted - there)}, too many {dict(there - wanted)}")
    credentials = Counter(each["name"] for each in objects(lab, "Credential"))
    if credentials != Counter(["lab-archive", "lab-role"]):
        found.append(f"credentials: {dict(credentials)}")
    found += [
        f"not shared: {each['id']}"
        for each in objects(lab, "Credential")
        if each["name"] == "lab-archive" and not each["shared"]
    ]
    pipelines = {each["code"]: (each["status"], each["message"]) for each in objects(lab, "Pipeline")}
    found += [f"{code}: {pipelines[code]}" for code, sought in STATUSES.items() if pipelines[code] != sought]
    return found
