"""Plans kept for approval: into a file, and out of one that anybody may have made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from icaform import planfile
from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.disk import private
from icaform.engine.intake import Unreadable, regular
from icaform.operation import Json
from icaform.plan import Plan
from icaform.wire.limits import MIB
from icaform.wire.memory import weight

BYTES = 32 * MIB
"""A larger file is none: a plan of 50,000 changes has some 14 million, one of 100,000 some 28."""
HELD = 192 * MIB
"""What a file may take of the machine's memory, as ``wire.memory`` reckons it: such plans take 80 and 160."""


def save(plan: Plan, file: str, leaks: Callable[[str], bool]) -> None:
    """Keep a plan for approval; Rejected where it has no room in a file, or that cannot be written.

    Rejected, too, where what it says of a resource ``leaks`` a secret: a saved plan holds none.
    """
    text = planfile.to_text(plan)
    wrong = list(_leaking(plan, leaks)) if leaks(text) else []
    if wrong:
        raise Rejected(wrong)
    if _too_large(text.encode("ascii")):
        why = f"--out {file}: the plan is too large for a file"
        how = "approve it by its digest with apply --approve, or plan a part of it with -l or --only"
        raise Rejected([Diagnostic(Code.BAD_SETTING, why, how)])
    try:
        private.write(file, [text])
    except OSError as error:
        why = f"--out {file} cannot be written: {error.strerror}"
        raise Rejected([Diagnostic(Code.BAD_SETTING, why, "check the path, and the disk")]) from None


def _leaking(plan: Plan, leaks: Callable[[str], bool]) -> Iterator[Diagnostic]:
    """An error for each part of a plan that leaks; words of our own are none of what it says of anything."""
    said = plan.covered
    parts: dict[Address | None, Json] = {
        None: [said[name] for name in ("workspace", "server", "tenant", "user")]
    }
    parts |= {address: [str(address), live_id] for address, live_id in plan.referred.items()}
    parts.update(plan.commands.items())
    for change in plan.moves:
        told = said["changes"][str(change.address)]
        values = [told["id"], [edit[1:] for edit in told["edits"]], plan.commands.get(change.address)]
        parts[change.address] = [str(change.address), *values]
    how = "take it out of the manifest, or of ICA, and let the secret have another value"
    for where, values in parts.items():
        if leaks(json.dumps(values)):
            what = f"what it says of {where or 'the workspace'} holds the value of a secret"
            origin = next((change.desired.origin for change in plan.moves if change.address == where), None)
            yield Diagnostic(
                Code.INLINE_SECRET, f"the plan cannot be saved: {what}", how, origin=origin, address=where
            )


def load(file: str) -> planfile.Saved:
    """The plan in a file; Rejected where it cannot be read, or is not as it was written."""
    return planfile.from_text(_text(file), file)


def _text(file: str) -> str:
    try:
        with regular(file) as (stream, _):
            data = stream.read(BYTES + 1)
    except Unreadable as error:
        raise _unread(file, str(error), "check the path") from None
    if _too_large(data):
        raise _unread(file, "is too large for a saved plan", "save a new one with icaform plan --out")
    return data.decode("ascii", "replace")


def _too_large(data: bytes) -> bool:
    return len(data) > BYTES or weight(data) > HELD


def _unread(file: str, why: str, how: str) -> Rejected:
    return Rejected([Diagnostic(Code.NOT_APPROVED, f"--plan {file} {why}", how)])
