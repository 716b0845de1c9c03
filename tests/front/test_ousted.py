"""A run that slept for longer than its lease: another has the workspace, and it changes nothing more."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

import pytest

from icaform.journal import Lease, open_store
from tests.front import everything

CREDENTIAL = """
apiVersion: icaform/v1
kind: StorageCredential
metadata: {name: lab-archive}
spec:
  type: AWS_USER
  secret: {accessKeyId: {env: LAB_KEY_ID}, secretAccessKey: {env: LAB_SECRET}}
"""
ASLEEP = 400
"""Seconds, more than a lease lasts."""
WAYS = {
    "a credential": (CREDENTIAL, "*/storageCredentials", 60),
    "a batch": (everything.cohort(2), "*/analysisCreationBatch", 60),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_lost_its_lease_while_it_waited_for_its_turn_sends_nothing(lab: Any, way: str) -> None:
    manifest, path, pause = WAYS[way]
    lab.environ.update(everything.SECRETS)
    lab.write("a.yaml", manifest)
    fault = {"match": {"method": "POST", "path": path}, "do": "status", "status": 429, "retry_after": pause}
    lab.control("PUT", "/faults", [fault])
    sleep, other = lab.clock.sleep, []

    def slept(seconds: float) -> None:
        # A machine that is suspended just here, and another one that takes over.
        if not other and lab.requests("POST", path[1:]):
            other.append(None)
            sleep(ASLEEP)
            other.append(lab.run("apply", str(lab.folder), "--yes"))
        sleep(seconds)

    lab.clock.sleep = slept
    late = lab.run("apply", str(lab.folder), "--yes", "--first-run", "--output", "json")
    assert other[1].code == 0, other[1].text
    assert len([each for each in lab.requests("POST", path[1:]) if each["effect"]]) == 1
    assert late.code == 13, late.text
    assert {each["reason"]["code"] for each in late.json["outcomes"]} == {"locked"}
    assert lab.plan().json["resource_changes"] == []
    assert lab.run("journal", "list", str(lab.folder), "--output", "json").json["pending"] == 0


def test_a_run_whose_lease_is_taken_by_a_machine_with_another_clock_begins_nothing_more(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "_exit", sys.exit)
    lab.write("a.yaml", everything.cohort(2))
    sleep, taken = lab.clock.sleep, []

    def slept(seconds: float) -> None:
        # While it waits, with no journal, for what an earlier run may have left behind.
        if not taken:
            store = open_store(str(lab.folder / ".icaform/journal.sqlite"), "lab", lab.clock.now)
            taken.append(store.acquire("elsewhere", "", lab.clock.now() + ASLEEP, 300))
            store.close()
        sleep(seconds)

    lab.clock.sleep = slept
    with pytest.raises(SystemExit, match="13"):
        lab.run("apply", str(lab.folder), "--yes")
    assert isinstance(taken[0], Lease)
    assert lab.writes() == []


def test_a_run_on_a_machine_of_the_same_name_does_not_take_a_lease_that_lives(lab: Any) -> None:
    lab.write("a.yaml", everything.cohort(2))
    assert lab.plan().code == 0
    name = f"{socket.gethostname()}/pid:[4026531836]:4194000"
    store = open_store(str(lab.folder / ".icaform/journal.sqlite"), "lab", lab.clock.now)
    assert isinstance(store.acquire(name, "", lab.clock.now(), 300), Lease)
    store.close()
    assert lab.run("apply", str(lab.folder), "--yes").code == 13
    assert lab.writes() == []


def test_a_lease_that_a_clock_far_ahead_has_left_behind_stops_nobody_for_long(lab: Any) -> None:
    lab.write("a.yaml", everything.cohort(2))
    assert lab.plan().code == 0
    store = open_store(str(lab.folder / ".icaform/journal.sqlite"), "lab", lab.clock.now)
    assert isinstance(store.acquire("elsewhere", "", lab.clock.now() + 864_000, 300), Lease)
    store.close()
    assert lab.run("apply", str(lab.folder), "--yes").code == 0
    assert sum(everything.analyses(lab).values()) == 2
    lab.write("b.yaml", everything.cohort(2, name="another"))
    assert lab.run("apply", str(lab.folder), "--yes").code == 0
