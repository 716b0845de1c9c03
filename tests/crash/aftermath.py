"""icaform comes again after a kill, as often as it has something more to do, and is judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tests.crash.case import Variant
from tests.crash.judge import Given, Verdict, judge, left
from tests.crash.rig import Ran, Rig
from tests.crash.workspace import CREDENTIALS, Wanted, wanted

LATER, SOON, ENDED = 1000.0, 60.0, 2000.0
"""Seconds between two reruns where the first said unknown, or not yet; until all batch jobs have ended."""
TRIES = 6
RIVAL = sha256(b"a rival's secret").hexdigest()
ORDER = ("Draft", "Released", "Deprecated", "Archived")


class Aftermath:
    """``before`` is the server's state before the run that was killed, ``specs`` the marks of that run's
    items.
    """

    def __init__(self, rig: Rig, before: Any, specs: Mapping[str, str]) -> None:
        self._rig = rig
        self._before = before
        self._specs = specs

    def follow(self, variant: Variant) -> tuple[tuple[int, ...], Verdict]:
        """The exit codes of all reruns, and what the server holds when everything has ended."""
        rig, now = self._rig, wanted(variant.manifest)
        state = rig.control("GET", "/state")
        rivals = {
            each["name"]: 1 for each in state["objects"]["Credential"] if each["secret_digest"] == RIVAL
        }
        may_be_left = tolerated(state, now, variant)
        allowed = steps(state, now, variant)
        codes: list[int] = []
        ended: tuple[str, ...] = ()
        while len(codes) < TRIES:
            ran, allowed = self._run(now, variant, allowed)
            codes.append(ran.code)
            open_ = left(ran)
            settled = ran.code in (1, 12, 77) and open_ and open_ <= may_be_left and not awaits(ran)
            if ran.code == 0 or settled:
                break
            if rivals and "ambiguous" in ran.out:
                # Two of one name: icaform refuses to guess, and a person must choose another name.
                open_ = everything(now)
                break
            rig.advance(LATER if ran.code in (13, 14) else SOON)
        else:
            ended = (f"no end, left {', '.join(sorted(open_ - may_be_left))}: {ran.out[-600:]}",)
        rig.advance(ENDED)
        given = Given(now, variant.user, self._before, self._specs, rivals)
        verdict = judge(rig.control("GET", "/state"), given, open_)
        return tuple(codes), Verdict(verdict.duplicates, (*verdict.missing, *ended))

    def _run(self, now: Wanted, variant: Variant, allowed: int) -> tuple[Ran, int]:
        """One rerun, with the count of irreversible steps that it asks for."""
        ran = self._rig.run(now, "--allow-irreversible", str(allowed), user=variant.user)
        said = re.search(r"--allow-irreversible (\d+)", ran.out)
        if ran.code != 11 or not said:
            return ran, allowed
        return self._rig.run(now, "--allow-irreversible", said[1], user=variant.user), int(said[1])


def awaits(ran: Ran) -> bool:
    """Whether icaform says that ICA has not made yet what was sent, so that it must come again."""
    return any(each["state"] == "being created" for each in ran.report.get("unchanged", ()))


def everything(now: Wanted) -> frozenset[str]:
    """Every address of a manifest."""
    return frozenset(
        [
            *(f"AnalysisBatch/cohort[{item}]" for item in now.items),
            *(f"StorageCredential/{name}" for name in CREDENTIALS),
            *(f"Pipeline/{name}" for name in now.pipelines),
        ]
    )


def stages(state: Any) -> dict[str, int]:
    """How far each pipeline has come, by its code."""
    return {each["code"]: ORDER.index(each["status"]) for each in state["objects"]["Pipeline"]}


def tolerated(state: Any, now: Wanted, variant: Variant) -> frozenset[str]:
    """What may be left undone, if icaform says so: ICA lets only its owner move a pipeline, and nobody move
    it back; and an item that was started with another input is not run again.
    """
    there = stages(state)
    pipelines = [
        f"Pipeline/{name}"
        for name, (code, status, _) in now.pipelines.items()
        if variant.user == "other" or there[code] > ORDER.index(status)
    ]
    return frozenset([*pipelines, *(f"AnalysisBatch/cohort[{item}]" for item in now.altered)])


def steps(state: Any, now: Wanted, variant: Variant) -> int:
    """How many irreversible steps are probably left; a wrong guess costs a run, no more."""
    there = stages(state)
    moves = sum(there[code] < ORDER.index(status) for code, status, _ in now.pipelines.values())
    shared = any(each["name"] == "lab-archive" and each["shared"] for each in state["objects"]["Credential"])
    return moves + (variant.journal != "kept" or variant.user == "other" or not shared)
