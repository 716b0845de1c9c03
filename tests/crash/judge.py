"""What came of it, by the server's own account and never by icaform's words, beyond what these promise.

A duplicate is an analysis that was started again, or a second credential of a name and an owner. Missing is
what icaform said to be done, by ending with 0 or by not naming it among what is left, and is not there, or
not as wanted. What it had no right to touch is counted with the duplicates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.crash.rig import OWNERS, Ran
from tests.crash.workspace import CREDENTIALS, Wanted


@dataclass(frozen=True)
class Verdict:
    """What is there too often, and what is not there; in words."""

    duplicates: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What a verdict rests on beside the server: the manifest, who ran it, and what stood there before.

    ``specs`` are the marks of items that were started from another manifest. ``rivals`` are credentials, by
    name, that somebody else made under the user's name.
    """

    wanted: Wanted
    user: str
    before: Any
    specs: Mapping[str, str]
    rivals: Mapping[str, int]


def left(ran: Ran) -> frozenset[str]:
    """The addresses that a run names as not done, for whatever reason."""
    report = ran.report
    undone = [each for each in report.get("outcomes", ()) if each["outcome"] not in ("done", "already")]
    held = [each for each in report.get("resource_changes", ()) if each["state"] == "held"]
    return frozenset(each["address"] for each in (*undone, *held))


def judge(state: Any, given: Given, open_: frozenset[str]) -> Verdict:
    """``open_`` are the addresses that icaform itself says are not as wanted."""
    duplicates, missing = [], []
    for duplicate, text in (*_analyses(state, given, open_), *_credentials(state, given, open_)):
        (duplicates if duplicate else missing).append(text)
    missing += _pipelines(state, given, open_)
    return Verdict((*duplicates, *_touched(state, given)), tuple(missing))


Finding = tuple[bool, str]


def _analyses(state: Any, given: Given, open_: frozenset[str]) -> list[Finding]:
    wanted = given.wanted
    found = []
    marks = [_marks(each) for each in state["objects"]["Analysis"]]
    started = Counter(each["item"] for each in marks)
    for item, count in started.items():
        if count > 1:
            found.append((True, f"item {item} has {count} analyses"))
        if item not in wanted.items | wanted.gone:
            found.append((True, f"item {item} was never wanted"))
    for item in sorted(wanted.items):
        address = f"AnalysisBatch/cohort[{item}]"
        if address in open_:
            continue
        if not started[item]:
            found.append((False, f"item {item} has no analysis"))
        elif item in wanted.altered and given.specs[item] in {
            each["spec"] for each in marks if each["item"] == item
        }:
            found.append((False, f"item {item} ran with its old input"))
    return found


def _marks(analysis: Any) -> dict[str, str]:
    tags = [tag.split("=", 1) for tag in analysis["tags"]["technicalTags"]]
    return {name.removeprefix("icaform."): value for name, value in tags}


def _credentials(state: Any, given: Given, open_: frozenset[str]) -> list[Finding]:
    owners = {each["id"]: each["name"] for each in state["objects"]["User"]}
    found = []
    there: dict[tuple[str, str], list[Any]] = {}
    for each in state["objects"]["Credential"]:
        there.setdefault((each["name"], owners[each["owner_id"]]), []).append(each)
    for (name, owner), each in there.items():
        if len(each) > 1 + given.rivals.get(name, 0):
            found.append((True, f"{owner} has {len(each)} credentials {name}"))
    for name, shared in CREDENTIALS.items():
        mine = there.get((name, OWNERS[given.user]), [])
        if f"StorageCredential/{name}" in open_:
            continue
        if not mine:
            found.append((False, f"{OWNERS[given.user]} has no credential {name}"))
            continue
        secret = given.wanted.secrets.get(name)
        if secret not in {each["secret_digest"] for each in mine}:
            found.append((False, f"credential {name} has another secret"))
        if shared and not any(each["shared"] for each in mine):
            found.append((False, f"credential {name} is not shared"))
    return found


def _pipelines(state: Any, given: Given, open_: frozenset[str]) -> list[str]:
    there = {each["code"]: each for each in state["objects"]["Pipeline"]}
    found = []
    for name, (code, status, message) in given.wanted.pipelines.items():
        if f"Pipeline/{name}" in open_:
            continue
        pipeline = there[code]
        if pipeline["status"] != status or message not in (None, pipeline["message"]):
            found.append(f"pipeline {name} is {pipeline['status']}, {pipeline['message']!r}")
    return found


def _touched(state: Any, given: Given) -> list[str]:
    """Whatever is there and no manifest declares."""
    declared = {code for code, _, _ in given.wanted.pipelines.values()}
    found = []
    for kind, ours in (("Credential", set(CREDENTIALS)), ("Pipeline", declared)):
        old = {each["id"]: each for each in given.before["objects"][kind]}
        for each in state["objects"][kind]:
            if each.get("code", each["name"]) not in ours and each != old.get(each["id"]):
                found.append(f"{kind} {each['name']} is not ours and was touched")
    return found
