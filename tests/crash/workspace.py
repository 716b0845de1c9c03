"""The workspace of the matrix: all three kinds, every mutating call, and how it may have changed since."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

SETTING = "workspace: lab\nproject: wgs-prod\n"

OLD = {"KEPT_ID": "AKIAKEPT0000000000001", "KEPT_SECRET": "the-old-secret-of-kept"}
ENVIRON = {
    "ARCHIVE_ID": "AKIAARCHIVE0000000001",
    "ARCHIVE_SECRET": "the-secret-of-archive",
    "KEPT_ID": "AKIAKEPT0000000000002",
    "KEPT_SECRET": "the-new-secret-of-kept",
}
ROTATED = {**ENVIRON, "ARCHIVE_SECRET": "another-secret-of-archive"}
MANIFESTS = ("unchanged", "grown", "changed")

KEPT = """
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab-kept}
spec:
  type: AWS_USER
  secret: {accessKeyId: {env: KEPT_ID}, secretAccessKey: {env: KEPT_SECRET}}
"""
NEW = """
---
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab-archive}
spec:
  type: AWS_USER
  shared: true
  secret: {accessKeyId: {env: ARCHIVE_ID}, secretAccessKey: {env: ARCHIVE_SECRET}}
"""
ROLE = """
---
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab-role}
spec: {type: AWS_ROLE}
"""
PIPELINES = """
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: germline-4-2}
spec: {select: {code: DRAGEN Germline 4-2-7}, status: Deprecated, message: MESSAGE}
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: germline-4-0}
spec: {select: {code: DRAGEN Germline 4-0-3}, status: Archived}
---
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: sarek}
spec: {project: wgs-dev, select: {code: nf-core sarek 3-5}, status: Released}
"""
BATCH = """
---
apiVersion: icaform/v1
kind: AnalysisBatch
metadata: {name: cohort}
spec:
  chunkSize: 3
  retry: {attempts: 2}
  defaults: {pipeline: {code: nf-core rnaseq 3-14}}
  items:
"""
ITEM = (
    "    - {name: NAME, userReference: cohort/NAME, analysisInput: {"
    "parameters: [{code: genome, value: VALUE}], "
    "inputs: [{parameterCode: reads, externalData: [{url: 's3://b/NAME.fq', type: s3, "
    "s3Details: {storageCredentialsId: {ref: StorageCredential/lab-archive}}}]}]}}\n"
)
ALONE = "    - {name: A000, userReference: cohort/A000, analysisInput: {customInput: 'genome: GRCh38'}}\n"
"""An item that no batch of ICA carries: it is started by a call of its own."""
CALLS = {
    "create with a secret": ("/api/storageCredentials", 1),
    "create without": ("/api/storageCredentials", 2),
    "share": ("*:share", 1),
    "rotate": ("*:updateSecrets", 1),
    "deprecate": ("*:deprecate", 1),
    "archive": ("*:archive", 1),
    "release": ("*:release", 1),
    "first chunk": ("*/analysisCreationBatch", 1),
    "last chunk": ("*/analysisCreationBatch", 2),
    "alone": ("*/analysis:nextflowWithCustomInput", 1),
}
"""Every mutating call of the first run: how its path ends, and which of those that end so it is."""
IRREVERSIBLE = 4
CREDENTIALS = {"lab-archive": True, "lab-kept": False, "lab-role": False}
"""By name, whether it shall be shared."""


@dataclass(frozen=True)
class Wanted:
    """A manifest as text and environment, and what the server must hold when it came true.

    ``items`` must have one analysis each. Those in ``gone`` are not declared any more and may have been
    started before, once. Those in ``altered`` run with another input, unless they were started with the old
    one: then they must not run again, and icaform must say so.
    """

    text: str
    environ: dict[str, str] = field(repr=False)
    items: frozenset[str]
    message: str
    gone: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()

    @property
    def secrets(self) -> dict[str, str]:
        """By name of the credential, the digest of the secret that it must have."""
        pairs = (("lab-archive", "ARCHIVE_SECRET"), ("lab-kept", "KEPT_SECRET"))
        return {name: sha256(self.environ[of].encode()).hexdigest() for name, of in pairs}

    @property
    def pipelines(self) -> dict[str, tuple[str, str, str | None]]:
        """By name in the manifest: code, status, and message where one is written."""
        return {
            "germline-4-2": ("DRAGEN Germline 4-2-7", "Deprecated", self.message),
            "germline-4-0": ("DRAGEN Germline 4-0-3", "Archived", None),
            "sarek": ("nf-core sarek 3-5", "Released", None),
        }


def chain() -> Wanted:
    """A part of it in which each call needs the one before: create, share, submit."""
    items = "".join(ITEM.replace("NAME", name).replace("VALUE", "GRCh38") for name in ("S000", "S001"))
    return Wanted(NEW + BATCH + items, ENVIRON, frozenset({"S000", "S001"}), "")


def wanted(manifest: str) -> Wanted:
    """The workspace as it was first applied, with one item more, or with something of everything changed."""
    names = ["S000", "S001", "S002", "S003", "S004"]
    values = dict.fromkeys(names, "GRCh38")
    match manifest:
        case "grown":
            values["S005"] = "GRCh38"
        case "changed":
            # One item got another name, one another input; a message and a secret are new.
            values = {"R001" if name == "S001" else name: value for name, value in values.items()}
            values["S003"] = "T2T"
    message = "Use 4-4-1." if manifest == "changed" else "Use 4-4-0."
    items = "".join(ITEM.replace("NAME", name).replace("VALUE", value) for name, value in values.items())
    return Wanted(
        KEPT + NEW + ROLE + PIPELINES.replace("MESSAGE", message) + BATCH + items + ALONE,
        ROTATED if manifest == "changed" else ENVIRON,
        frozenset(values) | {"A000"},
        message,
        gone=frozenset(names) - values.keys(),
        altered=frozenset({"S003"}) if manifest == "changed" else frozenset(),
    )
