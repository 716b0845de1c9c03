"""A plan as a file: what an approval of it covers, so that an apply can tell whether it is still the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.operation import Json
from icaform.plan import FORMAT, MODIFIED, Plan, digest_of

FORMAT_VERSION = "1.0"
"""Version of the file's frame: another major is not read. What it carries has that of ``plan.FORMAT``."""
WHOSE = ("workspace", "server", "tenant", "user")
"""What a plan covers beside its changes: where it goes to, and as whom."""
LONGEST = 500
"""Characters of one difference that are told: whoever made the file may have written millions."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan that was kept for approval: all that its digest covers, and the digest."""

    covered: Mapping[str, Json]
    digest: str


def to_text(plan: Plan) -> str:
    """The file's text. It holds no secret: a plan knows a fingerprint of it, and keeps not even that."""
    document = {"format_version": FORMAT_VERSION, "plan_digest": plan.digest, "plan": plan.covered}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def from_text(text: str, name: str) -> Saved:
    """Read the text of the file ``name``; Rejected unless it is whole and just as it was written.

    Whoever may write the file may write any plan into it: it is the digest that a person approves.
    """
    try:
        document = json.loads(text)
        del text  # nobody else has it, and it may be large
        major = str(document["format_version"]).partition(".")[0]
        digest, covered = document["plan_digest"], document["plan"]
        form = covered["format"]
        parts = [covered[each] for each in ("changes", "operations", "referred")]
        parts.append(covered.get("commands", {}))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _not_usable(f"{name} is no plan that icaform saved") from None
    if major != FORMAT_VERSION.partition(".")[0] or form != FORMAT:
        raise _not_usable(f"{name} was saved by another version of icaform")
    if digest_of(covered) != digest:
        raise _not_usable(f"{name} is damaged: its digest is not that of what it holds")
    if not all(isinstance(each, dict) for each in parts):
        raise _not_usable(f"{name} is no plan that icaform saved")
    changes, operations, *_ = parts
    if not (all(map(_is_change, changes.values())) and all(map(_is_call, operations.values()))):
        raise _not_usable(f"{name} is no plan that icaform saved")
    return Saved(covered, digest)


def _is_change(said: Json) -> bool:
    edits = said.get("edits") if isinstance(said, dict) else None
    return isinstance(edits, list) and all(
        isinstance(each, list) and (len(each) in (1, 3) or each[1:] == [MODIFIED]) for each in edits
    )


def _is_call(said: Json) -> bool:
    """Whether it is a verb and the resources that it is for."""
    return isinstance(said, list) and len(said) > 1 and all(isinstance(each, str) for each in said)


def _not_usable(why: str) -> Rejected:
    return Rejected([Diagnostic(Code.NOT_APPROVED, why, "save a new one with icaform plan --out")])


def differences(saved: Saved, plan: Plan) -> Iterator[str]:
    """What is otherwise than in a saved plan, a line each: where it goes to, then resources by name."""
    for line in _differences(saved, plan):
        yield line if len(line) <= LONGEST else f"{line[:LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def _differences(saved: Saved, plan: Plan) -> Iterator[str]:
    before, now = saved.covered, plan.covered
    for name in WHOSE:
        if before.get(name) != now[name]:
            yield f"{name}: {now[name]}, was {before.get(name)}"
    changes = sorted({*before["changes"], *now["changes"]})
    for address in changes:
        old, new = before["changes"].get(address), now["changes"].get(address)
        if old != new:
            yield f"{address}: {meaning(new)}, was {meaning(old)}"
    mine, theirs = (each.get("commands") or {} for each in (now, before))
    for address in sorted({*mine, *theirs}):
        if mine.get(address) != theirs.get(address):
            yield f"{address}: another command gives its secret"
    for address in sorted({*before["referred"], *now["referred"]}):
        old, new = before["referred"].get(address), now["referred"].get(address)
        if old != new:
            yield f"{address}, which is referred to: {new}, was {old}"
    same = {address for address in changes if before["changes"].get(address) == now["changes"].get(address)}
    calls = {
        address
        for key in before["operations"].keys() ^ now["operations"].keys()
        for address in (before["operations"].get(key) or now["operations"][key])[1:]
    }
    yield from (f"{address}: its call says something else" for address in sorted(calls & same))


def meaning(change: Json) -> str:
    """One change of a plan, in a few words."""
    if not isinstance(change, Mapping):
        return "nothing to do"
    means = change.get("means")
    verbs = " and ".join(map(str, means)) if isinstance(means, list) else str(means or change.get("change"))
    fields = ", ".join(_edited(each) for each in change.get("edits") or ())
    return f"{verbs} ({fields})" if fields else verbs


def _edited(edit: Json) -> str:
    """A field that changes; of one that holds a secret no more than whether the server's side moved it."""
    name, *said = edit
    if len(said) < 2:
        return " ".join(map(str, edit))
    return f"{name}: {json.dumps(said[0])} -> {json.dumps(said[1])}"
