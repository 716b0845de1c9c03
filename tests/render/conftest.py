"""Scenes: plans, results, drifts and findings made by hand from the core's own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from icaform.address import Address, Origin
from icaform.change import NOT_KNOWN, Change, Create, Edit, Held, Keep, Standing, Update
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import (
    Call,
    Done,
    Made,
    Operation,
    Outcome,
    Refused,
    Repeat,
    Skipped,
    Unknown,
)
from icaform.plan import Plan, keyed
from icaform.render import Report, of_apply, of_drift, of_findings, of_plan
from icaform.state import Desired, Identity, Live

LONG = "Use germline-4-4, which is validated for the same panels; ask the bioinformatics desk before moving."


@dataclass(frozen=True)
class Result:
    """As the engine's, which this room does not know."""

    plan: Plan
    outcomes: Sequence[tuple[Operation, Address, Outcome]]


@dataclass(frozen=True)
class Drift:
    """As the engine's, which this room does not know."""

    plan: Plan
    changes: Mapping[Standing, Sequence[Change]]
    unmanaged: Sequence[Live] = ()
    unknown: Sequence[Diagnostic] = ()


@dataclass
class Maker:
    """Makes changes and plans. ``asked`` counts how often a place in a manifest was looked up."""

    asked: list[Address] = field(default_factory=list, repr=False)

    def wish(self, address: Address, line: int = 1) -> Desired:
        def place(path: Sequence[str | int] = ()) -> Origin:
            self.asked.append(address)
            return Origin("manifests/lab.yaml", line, 1)

        return Desired(address, None, place)

    def create(self, address: Address, *edits: Edit, line: int = 1, **more: object) -> Create:
        return Create(self.wish(address, line), edits, **{"verbs": ("create",), **more})  # type: ignore[arg-type]

    def update(self, address: Address, *edits: Edit, line: int = 1, **more: object) -> Update:
        live = Live(address, f"id-{address.name}", {})
        return Update(self.wish(address, line), live, edits, **{"verbs": ("message",), **more})  # type: ignore[arg-type]

    def held(self, address: Address, reason: Diagnostic, *edits: Edit, line: int = 1) -> Held:
        return Held(self.wish(address, line), Live(address, "id", {}), reason, edits)

    def keep(self, address: Address, state: str = "", *notes: str, busy: bool = False) -> Keep:
        return Keep(self.wish(address), Live(address, "id", {}), state, notes, busy)

    def plan(self, changes: Sequence[Change], **more: object) -> Plan:
        moves = tuple(each for each in changes if not isinstance(each, Keep))
        made = {"operations": operations_for(moves), "reads": 5, **more}
        return Plan(
            "wgs",
            "https://ica.illumina.com/ica/rest",
            Identity("tenant-1", "user-1"),
            tuple(changes),
            moves=moves,
            **made,  # type: ignore[arg-type]
        )


def operations_for(moves: Sequence[Change]) -> tuple[Operation, ...]:
    """One operation for each verb of each change; one for all the items of a batch."""
    found: list[Operation] = []
    batches: dict[Address, list[Address]] = {}
    for change in moves:
        if isinstance(change, Create | Update):
            if change.address.item:
                batches.setdefault(change.address.parent, []).append(change.address)
                continue
            for verb in change.verbs:
                found.append(operation(verb, change.address, irreversible=change.irreversible))
    found += [operation("submit", *each, starts=len(each)) for each in batches.values()]
    return tuple(found)


def operation(verb: str, *addresses: Address, irreversible: bool = False, starts: int = 0) -> Operation:
    call = Call("POST", f"/api/{addresses[0].name}:{verb}", "v3", body={}, repeat=Repeat.KEYED)
    final = irreversible or verb == "share"
    return keyed("tenant-1", Operation(verb, addresses, call, irreversible=final, starts=starts))


def a_plan(make: Maker) -> Plan:
    pipeline = [Address("Pipeline", f"germline-4-{number}") for number in range(9)]
    items = [Address("AnalysisBatch", "cohort", f"NA{12878 + number}") for number in range(20)]
    credential = Address("StorageCredential", "lab-archive")
    deprecated = (
        Edit("status", "Released", "Deprecated"),
        Edit("message", NOT_KNOWN, LONG),
    )
    backward = Diagnostic(
        Code.BACKWARD,
        "the pipeline is Archived, the manifest wants Released",
        "ICA has no call that leads back; write status: Archived, or release another version",
        origin=Origin("manifests/lab.yaml", 31, 11),
        address=pipeline[3],
    )
    final = {"verbs": ("deprecate",), "irreversible": True}
    bundle = "it comes with bundle DRAGEN 4.2, and changes for all who use that"
    return make.plan(
        [
            make.create(
                credential,
                Edit("type", None, "AWS_USER"),
                Edit("secret", None, "fingerprint 0badcafe", private=True),
                line=3,
            ),
            make.update(pipeline[0], *deprecated, line=12, notes=(bundle,), **final),
            make.update(pipeline[1], *deprecated, line=20, notes=(bundle,), **final),
            make.update(pipeline[2], Edit("message", "Old.", "New."), line=25),
            make.held(pipeline[3], backward, Edit("status", "Archived", "Released"), line=30),
            make.update(
                pipeline[4],
                Edit("message", "Mended by hand.", "As in git.", Standing.DRIFTED),
                line=40,
                standing=Standing.DRIFTED,
            ),
            *(
                make.create(
                    each, Edit("analysis", None, f"cohort/{each.item}"), line=50 + row, verbs=("submit",)
                )
                for row, each in enumerate(items)
            ),
            *(make.keep(Address("AnalysisBatch", "old", f"S{row}"), "succeeded") for row in range(490)),
            *(
                make.keep(Address("AnalysisBatch", "old", f"T{row}"), "in progress", busy=True)
                for row in range(5)
            ),
            *(
                make.keep(
                    Address("AnalysisBatch", "old", f"U{row}"), "failed", f"analysis {row} ended as failed"
                )
                for row in range(2)
            ),
        ],
        diagnostics=(
            Diagnostic(
                Code.NOT_FOUND,
                "ICA has no pipeline with the code 'DRAGEN Germline 9'",
                "check the code; it has: DRAGEN Germline 4-2-7, DRAGEN Germline 4-4-0",
                origin=Origin("manifests/lab.yaml", 44, 12),
                address=pipeline[8],
            ),
            Diagnostic(
                Code.SECRET_UNSET,
                "$LAB_KEY is not set",
                "set it before apply",
                origin=Origin("manifests/lab.yaml", 7, 20),
                address=credential,
                severity=Severity.WARNING,
            ),
        ),
        unmanaged=tuple(
            Live(Address("StorageCredential", f"older-{row}"), f"c{row}", {}) for row in range(12)
        ),
        undeclared=(Address("Pipeline", "somatic-3"),),
    )


def an_apply(make: Maker) -> Result:
    plan = a_plan(make)
    ended: list[tuple[Operation, Address, Outcome]] = []
    for each in plan.operations:
        for row, address in enumerate(each.addresses):
            ended.append((each, address, _outcome(address, row)))
    return Result(plan, ended)


def _outcome(address: Address, row: int) -> Outcome:
    if address.item and row < 2:
        return Refused(
            Diagnostic(
                Code.REFUSED,
                "ICA could not create the analysis: ICA_API_004: Input 'fastqs' has no files",
                "mend the cause and apply again, as often as `retry.attempts` allows",
                address=address,
            )
        )
    if address.item and row < 4:
        return Skipped(Diagnostic(Code.STILL_RUNNING, "the run was stopped before this", "run apply again"))
    if address.name == "germline-4-1":
        return Unknown(
            Diagnostic(
                Code.OUTCOME_UNKNOWN,
                "whether the call to deprecate had its effect is not known: no answer in 60 s",
                "look in ICA, then run apply again; it looks before it sends",
                address=address,
            )
        )
    return Done("id", already=address.name == "germline-4-2", observed=True)


def a_drift(make: Maker) -> Drift:
    gone = make.create(
        Address("StorageCredential", "lab"), Edit("type", None, "AWS_USER"), standing=Standing.DRIFTED
    )
    moved = make.update(
        Address("Pipeline", "germline"),
        Edit("status", "Released", "Deprecated", Standing.DRIFTED),
        Edit("message", "Mine.", "Ours.", Standing.PENDING),
        line=9,
        standing=Standing.BOTH,
        irreversible=True,
    )
    pending = make.update(Address("Pipeline", "somatic"), Edit("message", "a", "b"))
    unclear = Diagnostic(
        Code.AMBIGUOUS, "two pipelines are named 'x'", "use id", address=Address("Pipeline", "x")
    )
    plan = make.plan([gone, moved, pending, make.keep(Address("Pipeline", "still"))], diagnostics=(unclear,))
    return Drift(
        plan,
        {Standing.DRIFTED: (gone,), Standing.BOTH: (moved,), Standing.PENDING: (pending,)},
        (Live(Address("StorageCredential", "stray"), "c9", {}),),
        (unclear,),
    )


def findings() -> tuple[Diagnostic, ...]:
    return (
        Diagnostic(
            Code.UNKNOWN_FIELD,
            "`mesage` is no field of a Pipeline's spec",
            "did you mean `message`?",
            origin=Origin("manifests/pipelines.yaml", 8, 3),
        ),
        Diagnostic(
            Code.NOT_FOUND,
            "ICA has nothing that fits",
            "pick one of these",
            "it has:\nDRAGEN Germline 4-2-7\nDRAGEN Germline 4-4-0",
            address=Address("Pipeline", "germline"),
        ),
        Diagnostic(
            Code.SECRET_UNSET,
            "$LAB_KEY is not set",
            origin=Origin("manifests/credentials.yaml", 7, 20),
            severity=Severity.WARNING,
        ),
    )


def hostile(make: Maker) -> Plan:
    """Text of a server that would like to command the terminal and the CI runner."""
    evil = "\x1b[31mred\x1b[0m\r\n::error::gotcha\n##[set-env]x ##vso[task]y \u202eback\u2066 \ud800 \x9b2J"
    address = Address("Pipeline", evil)
    reason = Diagnostic(Code.REFUSED, f"::warning::{evil}", evil, evil, address=address)
    return make.plan(
        [
            make.held(address, reason, Edit(evil, evil, [evil, {"k": evil}])),
            make.update(
                Address("Pipeline", "b"),
                Edit("f", evil, Made(Address("Pipeline", "c"))),
                irreversible=True,
                notes=(evil,),
            ),
            make.keep(Address("Pipeline", "d"), evil, evil),
        ],
        diagnostics=(reason, replace(reason, severity=Severity.WARNING)),
        unmanaged=(Live(address, evil, {}),),
        undeclared=(address,),
    )


SCENES: Mapping[str, Callable[[Maker], Report]] = {
    "plan": lambda make: of_plan(a_plan(make), exit_code=2, rate=10.0),
    "plan-empty": lambda make: of_plan(make.plan([make.keep(Address("Pipeline", "a"))])),
    "apply": lambda make: of_apply(an_apply(make), exit_code=14),
    "drift": lambda make: of_drift(a_drift(make), exit_code=2),
    "findings": lambda make: of_findings(findings(), command="validate", resources=12, exit_code=65),
    "findings-none": lambda make: of_findings((), command="validate", resources=12),
    "hostile": lambda make: of_plan(hostile(make)),
}


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each scene by its name, as a report."""
    return request.param, SCENES[request.param](Maker())


@pytest.fixture
def scenes() -> Mapping[str, Report]:
    return {name: build(Maker()) for name, build in SCENES.items()}


@pytest.fixture
def drifted() -> type[Drift]:
    return Drift


@pytest.fixture
def applied() -> type[Result]:
    return Result
