"""What others do while nobody applies, and what goes wrong while somebody does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.model.reference import ORDER, VERBS, Reference
from tests.model.site import KEYS, READ_LAG, Site
from tests.model.wishes import BATCHES, CREDENTIALS, ITEMS, MESSAGES, PIPELINES, reference

OTHER_KEYS = {"accessKeyId": "AKIA-somebody-else", "secretAccessKey": "another/secret"}


@dataclass(frozen=True)
class Makes:
    """A credential of a name that a manifest may want; ``anyway`` although its owner has one already."""

    name: str
    owner: str = "ada"
    anyway: bool = False

    def happen(self, site: Site, reference: Reference) -> None:
        if self.anyway or not site.truth().credential(self.name, self.owner):
            body = {"name": self.name, "type": "AWS_USER", "awsCredentials": OTHER_KEYS}
            site.lab.api("POST", "/api/storageCredentials", body, key=KEYS[self.owner])


@dataclass(frozen=True)
class Touches:
    """A credential's owner gives it another secret, or shares it."""

    name: str
    owner: str = "ada"
    shares: bool = False

    def happen(self, site: Site, reference: Reference) -> None:
        for row in site.truth().credential(self.name, self.owner):
            path = f"/api/storageCredentials/{row['id']}"
            if self.shares:
                site.lab.api("POST", f"{path}:share", key=KEYS[self.owner])
            else:
                site.lab.api(
                    "POST", f"{path}:updateSecrets", {"awsCredentials": OTHER_KEYS}, key=KEYS[self.owner]
                )
                reference.tampered.add(row["id"])


@dataclass(frozen=True)
class Moves:
    """Somebody moves a pipeline onwards, or leaves another message."""

    which: int
    status: str
    message: str = "Said by somebody else."

    def happen(self, site: Site, reference: Reference) -> None:
        truth = site.truth()
        row = truth.pipelines[self.which]
        if row["owner_id"] != truth.users["ada"] or ORDER.index(self.status) < ORDER.index(row["status"]):
            return
        body = None if self.status == "Released" else {"message": self.message}
        path = f"/api/projects/{truth.project}/pipelines/{row['id']}"
        site.lab.api("POST", f"{path}:{VERBS[self.status]}", body)
        reference.tampered.add(row["id"])


@dataclass(frozen=True)
class Starts:
    """An analysis that bears the userReference of an item and is none of ours."""

    batch: str
    item: str

    def happen(self, site: Site, known: Reference) -> None:
        truth = site.truth()
        pipeline = truth.pipelines[0]
        if pipeline["status"] == "Archived" or reference(self.batch, self.item) in known.doomed:
            return
        body = {
            "userReference": reference(self.batch, self.item),
            "pipelineId": pipeline["id"],
            "tags": {"technicalTags": ["icaform.item=not-ours"], "userTags": [], "referenceTags": []},
            "analysisInput": {"inputs": []},
        }
        site.lab.api("POST", f"/api/projects/{truth.project}/analysis:nextflow", body)


@dataclass(frozen=True)
class Handles:
    """Somebody aborts one of the analyses, or gives it a tag more."""

    number: int
    aborts: bool = False

    def happen(self, site: Site, reference: Reference) -> None:
        rows = site.truth().analyses
        if not rows:
            return
        row = rows[self.number % len(rows)]
        path = f"/api/projects/{row['project_id']}/analyses/{row['id']}"
        if not self.aborts:
            tags = {**row["tags"], "userTags": [*row["tags"]["userTags"], "seen"]}
            site.clock.sleep(READ_LAG)
            site.lab.api("PUT", path, {**site.lab.api("GET", path), "tags": tags})
        elif row["status"] not in ("SUCCEEDED", "FAILED", "FAILED_FINAL", "ABORTED"):
            site.lab.api("POST", f"{path}:abort")


@dataclass(frozen=True)
class Decides:
    """From now on ICA creates no analyses of these items; or they are ``created`` and fail."""

    items: frozenset[str]
    created: bool = False

    def happen(self, site: Site, known: Reference) -> None:
        users = {reference(batch, item) for batch in BATCHES for item in self.items}
        known.doomed = set() if self.created else users
        fate = {"analysis": "FAILED"} if self.created else {"reason": "no quota"}
        site.lab.control("PUT", "/outcomes", [{"userReference": each, **fate} for each in sorted(users)])


Event: TypeAlias = Makes | Touches | Moves | Starts | Handles | Decides

# Those that have two names are met by either.
names = st.sampled_from([name for name in CREDENTIALS if "." not in name] + [f"{CREDENTIALS[0]}_in-ICA"])
owners = st.sampled_from(["ada", "ada", "grace"])
decides = st.builds(Decides, st.frozensets(st.sampled_from(ITEMS), max_size=2), created=st.booleans())
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Makes, names, owners, anyway=st.sampled_from([False] * 7 + [True])),
    st.builds(Touches, names, owners, shares=st.booleans()),
    st.builds(
        Moves,
        st.integers(0, len(PIPELINES) - 1),
        st.sampled_from(ORDER[1:]),
        message=st.sampled_from(MESSAGES),
    ),
    st.builds(Starts, st.sampled_from(BATCHES), st.sampled_from(ITEMS)),
    st.builds(Handles, st.integers(0, 9), aborts=st.booleans()),
    decides,
)

PLACES = {
    "batch": ("POST", "*/analysisCreationBatch"),
    "alone": ("POST", "*/analysis:[nc]*"),
    "create": ("POST", "/api/storageCredentials"),
    "share": ("POST", "*:share"),
    "rotate": ("POST", "*:updateSecrets"),
    "pipeline": ("POST", "*/pipelines/*:*"),
    "search": ("POST", "*/analysis:search"),
    "jobs": ("GET", "/api/jobs"),
    "job": ("GET", "*/analysisCreationBatch/*"),
    "items": ("GET", "*/items"),
    "credentials": ("GET", "/api/storageCredentials"),
    "pipelines": ("GET", "*/pipelines*"),
    "projects": ("GET", "/api/projects"),
    "token": ("POST", "/api/tokens"),
    "read": ("GET", "*"),
    "anything": ("*", "*"),
}
LATE, LATER = 60.5, 600.0
"""Seconds: just longer than icaform waits for an answer, and long after it has looked what became of a call.
Only a call whose key ICA honours may have its effect so late: of any other nobody could tell that it will."""
DEEDS: dict[str, dict[str, Any]] = {
    "loses the answer": {"do": "drop_answer"},
    "loses the request": {"do": "drop_request"},
    "cuts the answer": {"do": "cut_answer"},
    "truncates the answer": {"do": "truncate", "length": "right"},
    "truncates the answer, and it shows": {"do": "truncate", "length": "wrong"},
    "answers late": {"delay": 20.0, "when": "after"},
    "answers too late": {"delay": LATE, "when": "after"},
    "does it too late": {"delay": LATE, "when": "before"},
    "does it much later": {"delay": LATER, "when": "before"},
    "500 after": {"do": "status", "status": 500, "when": "after"},
    "500 after, kept": {"do": "status", "status": 500, "when": "after", "stored": True},
    "500 before, HTML": {"do": "status", "status": 500, "when": "before", "body": "html"},
    "502 after, empty": {"do": "status", "status": 502, "when": "after", "body": "empty"},
    "503 after": {"do": "status", "status": 503, "when": "after", "retry_after": 7},
    "503 before": {"do": "status", "status": 503, "when": "before"},
    "504 after, HTML": {"do": "status", "status": 504, "when": "after", "body": "html"},
    "403": {"do": "status", "status": 403, "when": "before"},
    "429": {"do": "status", "status": 429, "when": "before"},
    "429, wait 60 s": {"do": "status", "status": 429, "when": "before", "retry_after": 60},
    "wants a new token": {"do": "stale_token"},
    "reads late": {"do": "lag", "seconds": 29.0},
    "has its twin under way": {"do": "twin", "delay": 20.0},
    "fails some items": {"do": "fail_items", "fits": "*/[02]*"},
    "stops half-way": {"do": "stop_batch"},
    "moves the pipeline first": {"do": "move_pipeline", "to": "Deprecated", "message": "Meddled."},
    "makes a rival": {"do": "rival_credential"},
}


@dataclass(frozen=True)
class Fault:
    """What the server does at the ``nth`` call of a sort and at the next ``times`` - 1."""

    at: str
    does: str
    nth: int = 1
    times: int = 1

    @property
    def is_owed(self) -> bool:
        """Whether the server acts on the call only after the run has ended."""
        return DEEDS[self.does].get("delay") == LATER

    @property
    def document(self) -> dict[str, Any]:
        method, path = PLACES[self.at]
        match = {"method": method, "path": path, "nth": self.nth}
        return {"match": match, "times": self.times, **DEEDS[self.does]}


OWN = {
    "batch": ["does it much later", "fails some items", "stops half-way"],
    "alone": ["does it much later"],
    "pipeline": ["moves the pipeline first"],
    "create": ["makes a rival"],
}
READS = ("jobs", "job", "items", "credentials", "pipelines", "projects", "search", "read")
EVERYWHERE = [each for each in DEEDS if each != "reads late" and not any(each in own for own in OWN.values())]


def _deeds(at: str) -> list[str]:
    """What may go wrong at a sort of calls; what is its own comes twice."""
    return EVERYWHERE + 2 * OWN.get(at, []) + (["reads late"] if at in READS else [])


faults = st.sampled_from([*PLACES, "batch", "batch", "alone", "create", "pipeline"]).flatmap(
    lambda at: st.builds(
        Fault,
        st.just(at),
        st.sampled_from(_deeds(at)),
        nth=st.sampled_from([1, 1, 1, 2, 3]),
        times=st.sampled_from([1, 1, 2, 3, 100]),
    )
)
