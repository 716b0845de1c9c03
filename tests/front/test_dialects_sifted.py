"""Whatever a dialect escapes, joins or puts into code: its last filter finds each secret in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import product

import pytest

from icaform.address import Address
from icaform.change import Edit
from icaform.cli.sieve import sifted
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.engine.disguise import SHORT
from icaform.operation import Done, Refused
from icaform.render import Report, dialect, dialects, of_apply, of_findings, of_plan
from icaform.state import Live
from tests.front.test_sieve import secrets
from tests.render.conftest import Maker, Result

SIGNS = "%:,<>&\"'\\|*_`[]=+/#@~!$()-{};?^ \n\té日\u200b"
"""Signs that some dialect, or a reader of it, takes for more than themselves."""
SHAPES: tuple[Callable[[str], str], ...] = (
    lambda sign: f"caN4ry{sign}0x7q{sign}9zWk",
    lambda sign: f"caN4{sign * 2}ry0x7q9zWk",
    lambda sign: f"caN4ry%41{sign}0x7q9&amp;zWk",
    lambda sign: f"caN4ry\\u0041{sign}0x7q9zWk",
)
VALUES = [*(shape(sign) for sign in SIGNS for shape in SHAPES), f"caN4ry{SIGNS}0x7q9zWk"]
TEXTS: tuple[Callable[[str], str], ...] = (
    lambda value: f"ICA said: {value}, and no more",
    lambda value: json.dumps({"secretAccessKey": value}),
)


def reports(text: str) -> Iterable[Report]:
    """Reports of each sort in which a text is a message, a value, a note and a reason."""
    make = Maker()
    address = Address("Pipeline", "p")
    reason = Diagnostic(Code.REFUSED, text, text, text, address=address)
    placed = Diagnostic(Code.REFUSED, text, text, text, origin=make.wish(address).origin, address=address)
    edit = Edit("message", text, {"said": [text]})
    plan = make.plan(
        [
            make.held(address, reason, edit),
            make.update(Address("Pipeline", "q"), edit, irreversible=True, notes=(text,)),
            make.create(Address("AnalysisBatch", "b", "i"), edit, notes=(text,)),
        ],
        diagnostics=(reason, Diagnostic(Code.REFUSED, text, severity=Severity.WARNING)),
        unmanaged=(Live(address, text, {}),),
    )
    ends = [Refused(reason), Done(text)]
    outcomes = [(each, each.addresses[0], end) for each, end in zip(plan.operations, ends, strict=False)]
    yield of_plan(plan, exit_code=1)
    yield of_apply(Result(plan, outcomes), exit_code=1)
    yield of_findings([reason, placed], command="validate", exit_code=1)


@pytest.mark.parametrize("name", dialects())
def test_no_dialect_lets_a_secret_through(name: str) -> None:
    tried = held = 0
    wrong: list[str] = []
    for value, text in product(VALUES, TEXTS):
        known = secrets(value)
        for report, colour in product(reports(text(value)), (False, True) if name == "text" else (False,)):
            said = dialect(name)(report, colour=colour, width=WIDTH, limit=LIMIT)
            lines = [line + "\n" for line in said]
            out = list(sifted(lines, known))
            tried += 1
            held += out != lines
            wrong += [f"{value!r}: {line[:300]}" for line in out if any(end in line for end in ENDS)]
    print(f"{name}: {tried} reports, in {held} of them something was withheld")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:20])
    assert held == (0 if name in SILENT else tried), "what was to be found was not there"


ENDS = ("caN4", "9zWk")
SILENT = ("gitlab-terraform", "prometheus")
"""They tell numbers, and of the texts of others at most the workspace's name."""
WIDTH, LIMIT = 1_000, 60_000
"""Room enough that no value is cut."""
LONG = "caN4ry+0x7q9zWk/5TqB2mYv8LpRd"
PARTS = {LONG[place : place + SHORT] for place in range(len(LONG) - SHORT + 1)}


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_a_report_that_cuts_a_text_lets_no_part_of_a_secret_through(name: str) -> None:
    known, tried, parted = secrets(LONG), 0, 0
    wrong: list[str] = []
    for before, width in product(range(130), (60, 100)):
        for report in reports("-" * before + LONG + "-" * 300):
            lines = [line + "\n" for line in dialect(name)(report, colour=False, width=width, limit=LIMIT)]
            out = list(sifted(lines, known))
            tried += 1
            parted += any(part in line for line in lines for part in PARTS if LONG not in line)
            wrong += [f"{before}: {line[:300]}" for line in out if any(part in line for part in PARTS)]
    print(f"{name}: {tried} reports, in {parted} of them a part of a secret stood beside a cut")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:20])
    assert parted, "what was to be found was not there"
