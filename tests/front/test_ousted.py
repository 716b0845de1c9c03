"""A run that slept for longer than its lease: another has the workspace, and it changes nothing more."""

from __future__ import annotations

from typing import Any

import pytest

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
