"""What somebody may write in manifests: values that are right by construction, and the documents they become.

Small pools of names make rules meet each other; among them are the longest, and those that YAML would take
for something else than text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = Any
Document: TypeAlias = dict[str, Json]

MANIFESTS = ("p", "1_000.q")
CREDENTIALS = ("lab", "a.b", "null", "X" * 100)
BATCHES = ("cohort", "1e3")
ITEMS = ("S1", "no", "a.b-_", "0x1F", "L" * 100)
TEAMS = ("", "wgs", "yes: no")
VALUES = ("GRCh38", "naïve — 漢字 🧬: # {}", "0")
MESSAGES = (
    "Use another.",
    "",
    "null",
    "naïve — 漢字 🧬, 'quoted' \"twice\"",
    "::error::no\n## [x] \x1b[31m\t# no comment: {a: [b]} ${x}",
    "x" * 255,
)
WHEN = ((), ("FAILED",), ("CREATION", "FAILED"), ("ABORTED", "FAILED", "CREATION"))
PROJECT = "wgs-prod"


@dataclass(frozen=True)
class Seeded:
    """One of the pipelines that the world of every example begins with."""

    name: str
    version: str
    status: str = "Released"
    language: str = "NEXTFLOW"
    owner: str = "ada"

    @property
    def code(self) -> str:
        return f"{self.name} {self.version}"


PIPELINES = (
    Seeded("nf/one", "1-0-0"),
    Seeded("nf_two", "null", status="Draft"),
    Seeded("nf - three", "012", status="Deprecated"),
    Seeded("cwl", "1e3", language="CWL"),
    Seeded("theirs", "1", owner="linus"),
)


@dataclass(frozen=True)
class Credential:
    """``secret`` counts the rotations of its value; ``called`` is its name in ICA where that is another."""

    name: str
    role: bool = False
    shared: bool = False
    secret: int = 1
    from_file: bool = False
    called: str = ""
    team: str = ""

    kind = "StorageCredential"

    @property
    def ica_name(self) -> str:
        return self.called or self.name

    @property
    def type(self) -> str:
        return "AWS_ROLE" if self.role else "AWS_USER"

    @property
    def variable(self) -> str:
        return f"KEY_{CREDENTIALS.index(self.name)}"

    @property
    def value(self) -> str:
        return f"canary/{self.variable}+{self.secret}"

    def spec(self, declared: Declared) -> Document:
        source = {"file": f"secrets/{self.variable}"} if self.from_file else {"env": self.variable}
        return {
            "type": self.type,
            **({"shared": True} if self.shared else {}),
            **({"name": self.called} if self.called else {}),
            **(
                {} if self.role else {"secret": {"accessKeyId": {"env": "KEY_ID"}, "secretAccessKey": source}}
            ),
        }


@dataclass(frozen=True)
class Pipeline:
    """``which`` of the seeded pipelines, and what it shall be."""

    name: str
    which: int
    status: str = "Released"
    message: str | None = None
    way: str = "code"
    team: str = ""

    kind = "Pipeline"

    def spec(self, declared: Declared) -> Document:
        seeded = PIPELINES[self.which]
        select = (
            {"code": seeded.code} if self.way == "code" else {"name": seeded.name, "version": seeded.version}
        )
        message = {} if self.message is None else {"message": self.message}
        return {"select": select, "status": self.status, **message}


@dataclass(frozen=True)
class Item:
    """One analysis; another ``version`` is another input. ``bucket``: it reads with a declared credential.
    ``alone``: it is started by a call of its own.
    """

    name: str
    version: int = 0
    bucket: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Batch:
    """``by_ref``: its pipeline is named as the manifest that declares it, where there is one. ``when`` says
    which ends are tried again; nothing there leaves it to icaform.
    """

    name: str
    items: tuple[Item, ...]
    generation: int = 1
    attempts: int = 1
    when: tuple[str, ...] = ()
    chunk: int = 2
    which: int = 0
    by_ref: bool = False
    inline: bool = False
    placed: bool = False
    team: str = ""

    kind = "AnalysisBatch"

    @property
    def again(self) -> tuple[str, ...]:
        """The ends that are tried again, as often as there are attempts."""
        return self.when if self.when and self.attempts > 1 else ("CREATION",)

    def said(self, item: Item, declared: Declared) -> Document:
        """All that an item says of its analysis, the defaults merged in."""
        ref = self.by_ref and managed(self.which, declared)
        credentials = sorted(key for key in declared if key.startswith(Credential.kind))
        inputs = []
        if item.bucket and credentials:
            opens = {"storageCredentialsId": {"ref": credentials[0]}}
            file = {"url": f"s3://b/{item.name}", "type": "s3", "s3Details": opens}
            inputs = [{"parameterCode": "reads", "externalData": [file]}]
        given: Document = {
            **({"inputs": inputs} if inputs else {}),
            "parameters": [{"code": "genome", "value": VALUES[item.version]}],
        }
        if PIPELINES[self.which].language == "CWL":
            given |= {} if item.alone else {"objectType": "STRUCTURED"}
        elif item.alone:
            files = [{**file, "mountPath": item.name} for each in inputs for file in each["externalData"]]
            given = {"customInput": f"genome: '{VALUES[item.version]}'"}
            given |= {"externalData": files} if files else {}
        return {
            "pipeline": {"ref": ref} if ref else {"code": PIPELINES[self.which].code},
            "analysisStorage": "Small",
            "userReference": reference(self.name, item.name),
            "analysisInput": given,
            "tags": {"userTags": [f"batch {self.name}"]},
        }

    def spec(self, declared: Declared) -> Document:
        items = [{"name": item.name, **self.said(item, declared)} for item in self.items]
        shared = {} if self.inline else {name: items[0][name] for name in ("pipeline", "analysisStorage")}
        for each in items:
            for name in shared:
                del each[name]
        retry: Document = {"attempts": self.attempts}
        if self.when:
            retry["when"] = list(self.when)
        return {
            **({"project": PROJECT} if self.placed else {}),
            **({"generation": self.generation} if self.generation > 1 else {}),
            **({"retry": retry} if self.attempts > 1 else {}),
            "chunkSize": self.chunk,
            **({"defaults": shared} if shared else {}),
            "items": items,
        }


Wish: TypeAlias = Credential | Pipeline | Batch
Declared: TypeAlias = Mapping[str, Wish]
"""Everything that is declared, by address."""


def address(wish: Wish) -> str:
    return f"{wish.kind}/{wish.name}"


def managed(which: int, declared: Declared) -> str:
    """The address of the manifest of a pipeline, where there is one."""
    found = (key for key, wish in declared.items() if isinstance(wish, Pipeline) and wish.which == which)
    return next(found, "")


def reference(batch: str, item: str) -> str:
    """The userReference of an item; ICA takes fewer characters there than a name may have."""
    return f"{batch}/{ITEMS.index(item)} - item_"


def document(wish: Wish, declared: Declared) -> Document:
    """The manifest of one wish."""
    labels = {"labels": {"team": wish.team}} if wish.team else {}
    return {
        "apiVersion": "icaform/v1",
        "kind": wish.kind,
        "metadata": {"name": wish.name, **labels},
        "spec": wish.spec(declared),
    }


def _called(name: str) -> st.SearchStrategy[str]:
    other = f"{name.replace('.', '-')}_in-ICA"
    # ICA's names have no dots, so such a manifest must say another one.
    return st.just(other) if "." in name else st.sampled_from(["", "", other])


teams = st.sampled_from(TEAMS)
credentials = st.sampled_from(CREDENTIALS).flatmap(
    lambda name: st.builds(
        Credential,
        st.just(name),
        role=st.sampled_from([False, False, False, True]),
        shared=st.booleans(),
        secret=st.integers(1, 2),
        from_file=st.booleans(),
        called=_called(name),
        team=teams,
    )
)
whiches = st.integers(0, len(PIPELINES) - 1)
manifests = st.sampled_from(MANIFESTS)
released = st.builds(Pipeline, manifests, whiches, way=st.sampled_from(["code", "name"]), team=teams)
retired = st.builds(
    Pipeline,
    manifests,
    whiches,
    status=st.sampled_from(["Deprecated", "Archived"]),
    message=st.none() | st.sampled_from(MESSAGES),
    way=st.sampled_from(["code", "name"]),
    team=teams,
)
pipelines = released | retired
items = st.builds(
    Item,
    st.sampled_from(ITEMS),
    version=st.integers(0, len(VALUES) - 1),
    bucket=st.booleans(),
    alone=st.sampled_from([False, False, True]),
)
batches = st.builds(
    Batch,
    st.sampled_from(BATCHES),
    items=st.lists(items, min_size=1, max_size=5, unique_by=lambda each: each.name).map(tuple),
    generation=st.integers(1, 2),
    attempts=st.integers(1, 3),
    when=st.sampled_from(WHEN),
    chunk=st.integers(1, 4),
    which=st.sampled_from([0, 0, 0, 1, 2, 3, 4]),
    by_ref=st.booleans(),
    inline=st.booleans(),
    placed=st.booleans(),
    team=teams,
)
wishes = credentials | pipelines | batches
