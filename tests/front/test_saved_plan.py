"""``plan --out`` and ``apply --plan``: what was reviewed is what runs, and what differs is told."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from icaform.plan import FORMAT
from tests.front import everything
from tests.front.test_plan import EDITS

TOLD = {
    "a status": "Pipeline/",
    "a message": "Use 4-4-1.",
    "a selection": "Pipeline/",
    "sharing": "StorageCredential/lab-archive",
    "the source of a secret": "StorageCredential/lab-archive: its call says something else",
    "an input": "AnalysisBatch/cohort",
    "an item": "S005",
    "a generation": "AnalysisBatch/cohort",
    "the workspace": "workspace: lap, was lab",
}
"""What the refusal says of each edit."""


@pytest.fixture
def planned(lab: Any) -> Any:
    everything.write(lab)
    assert lab.plan("--out", str(saved(lab))).code == 0
    return lab


def saved(lab: Any) -> Path:
    return Path(lab.folder, "plan.icaform")


def apply(lab: Any, *more: str) -> Any:
    return lab.run("apply", str(lab.folder), "--plan", str(saved(lab)), *more)


def test_a_saved_plan_is_an_approval(planned: Any) -> None:
    assert apply(planned).code == 0
    assert everything.wrong(planned) == []
    assert planned.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize("name", EDITS)
def test_another_plan_does_not_run_and_the_refusal_says_what_differs(planned: Any, name: str) -> None:
    file, before, after = EDITS[name]
    planned.write(file, (planned.folder / file).read_text().replace(before, after))
    planned.forget_requests()
    ran = apply(planned)
    assert ran.code == 10, ran.text
    assert "what differs" in ran.err
    assert TOLD[name] in ran.err, ran.err
    assert planned.writes() == []


def test_what_changed_on_the_server_is_told_too(planned: Any) -> None:
    planned.control("POST", "/seed", {"credentials": [{"name": "lab-archive", "owner": "ada"}]})
    ran = apply(planned)
    assert ran.code == 10
    assert "StorageCredential/lab-archive: share and rotate" in ran.err, ran.err


def test_a_refused_digest_says_what_would_be_done_now(planned: Any) -> None:
    ran = planned.run("apply", str(planned.folder), "--approve", "sha256:" + "0" * 64)
    assert ran.code == 10
    assert "what would be done now" in ran.err
    assert "StorageCredential/lab-archive: create and share" in ran.err


def test_a_refused_digest_begins_with_whose_plan_it_is_now(planned: Any) -> None:
    line = ("apply", str(planned.folder), "--output", "json", "--approve")
    digest = planned.plan().json["plan_digest"]
    ada = json.loads(saved(planned).read_text())["plan"]
    server = planned.environ["ICAV2_BASE_URL"].replace("127.0.0.1", "localhost")
    others = {
        "user": {"ICAV2_X_API_KEY": "second-demo-api-key-not-a-secret"},
        "server": {"ICAV2_BASE_URL": server},
        "workspace": {},
    }
    for name, environ in others.items():
        if name == "workspace":
            planned.write("icaform.yaml", "workspace: lap\nproject: wgs-prod\n")
        ran = planned.run(*line, digest, environ=environ)
        assert ran.code == 10, (name, ran.text)
        heading, *told = ran.json["diagnostics"][0]["detail"].splitlines()[:6]
        assert (heading, told.pop()) == ("whose plan it is now:", "what would be done now:"), name
        changed = [each for each in told if each.partition(": ")[2] != ada[each.partition(": ")[0]]]
        assert [each.partition(": ")[0] for each in changed] == [name], (name, told)
        assert len(told) == 4, name
    print(f"{len(others)} plans of others")


def test_a_file_that_is_not_as_it_was_written_is_no_permission(planned: Any) -> None:
    text = saved(planned).read_text()
    document = json.loads(text)
    planned.forget_requests()
    broken = {
        "cut short": text[: len(text) // 2],
        "empty": "",
        "a list": "[]",
        "no text": "\udcff",
        "deep": "[" * 100_000,
        "another digest": json.dumps(document | {"plan_digest": "sha256:" + "0" * 64}),
        "no digest": json.dumps(document | {"plan_digest": None}),
        "another version": json.dumps(document | {"plan": document["plan"] | {"format": FORMAT + 1}}),
        "no plan": json.dumps({"plan_digest": document["plan_digest"]}),
    }
    for part, value in document["plan"].items():
        if part != "format":
            broken[f"{part} removed"] = json.dumps(
                document | {"plan": {k: v for k, v in document["plan"].items() if k != part}}
            )
            broken[f"{part} changed"] = json.dumps(
                document
                | {"plan": document["plan"] | {part: {} if isinstance(value, dict) and value else []}}
            )
    for name, wrong in broken.items():
        saved(planned).write_bytes(wrong.encode(errors="surrogateescape"))
        ran = apply(planned)
        assert ran.code == 10, (name, ran.text)
        assert "Traceback" not in ran.err
    print(f"{len(broken)} broken files tried")
    assert planned.writes() == []


def test_a_file_of_another_major_version_is_not_run_and_one_of_a_later_minor_is(planned: Any) -> None:
    document = json.loads(saved(planned).read_text())
    ends = {"9.0": 10, "2": 10, "0.9": 10, "": 10, None: 10, 1.0: 0, "1.7": 0}
    for version, code in ends.items():
        planned.forget_requests()
        saved(planned).write_text(json.dumps(document | {"format_version": version}))
        ran = apply(planned)
        assert ran.code == code, (version, ran.text)
        assert ("was saved by another version of icaform" in ran.err) == bool(code), version
        assert bool(planned.writes()) == (version == 1.0), version
        if version == 1.0:
            assert planned.plan("--out", str(saved(planned))).code == 0
            document = json.loads(saved(planned).read_text())
    print(f"{len(ends)} versions")


def test_a_file_that_is_not_there_is_no_permission(planned: Any) -> None:
    for name, code in (("missing.icaform", 10), ("", 64)):
        ran = planned.run(
            "apply", str(planned.folder), "--yes", "--plan", name and str(planned.folder / name)
        )
        assert ran.code in (code, 10), (name, ran.text)
    assert (
        planned.run("apply", str(planned.folder), "--plan", "x", "--approve", "sha256:" + "0" * 64).code == 64
    )
    assert planned.writes() == []


def test_a_saved_plan_holds_no_secret_and_is_for_its_owner_alone(lab: Any) -> None:
    everything.write(lab)
    umask = os.umask(0)
    try:
        lab.plan("--out", str(saved(lab)))
    finally:
        os.umask(umask)
    text = saved(lab).read_text()
    secrets = [lab.environ[name] for name in ("LAB_KEY_ID", "LAB_SECRET")]
    assert not [each for each in secrets if each in text]
    assert stat.S_IMODE(saved(lab).stat().st_mode) == 0o600
    assert [each for each in lab.folder.iterdir() if each.name.startswith(".plan")] == []


def test_a_plan_that_cannot_be_saved_is_an_error(lab: Any) -> None:
    everything.write(lab)
    ran = lab.plan("--out", str(lab.folder / "nowhere" / "plan.icaform"))
    assert ran.code == 78
    assert "cannot be written" in ran.text


@pytest.mark.parametrize("bound", ["BYTES", "HELD"])
def test_a_plan_that_no_apply_would_read_is_not_saved(
    planned: Any, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    before = saved(planned).read_text()
    monkeypatch.setattr(f"icaform.engine.saved.{bound}", 1000)
    ran = planned.plan("--out", str(saved(planned)))
    assert (ran.code, saved(planned).read_text()) == (78, before)
    (found,) = ran.json["diagnostics"]
    assert "the plan is too large for a file" in found["summary"]
    assert "--approve" in found["remedy"]
    ran = apply(planned)
    assert (ran.code, "is too large for a saved plan" in " ".join(ran.err.split())) == (10, True)
    assert planned.writes() == []


def test_the_order_of_a_manifest_does_not_show_in_a_saved_plan(planned: Any) -> None:
    first = saved(planned).read_text()
    parts = (planned.folder / "pipelines.yaml").read_text().split("---\n")
    planned.write("pipelines.yaml", "---\n".join(reversed(parts)))
    planned.plan("--out", str(saved(planned)))
    assert saved(planned).read_text() == first
