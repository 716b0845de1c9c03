"""Manifests from a live ICA: they validate, a plan of them is empty, and what is left out is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.emulator import Embedded
from icaform.manifest import read
from tests.front import everything
from tests.front.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
EMPTY = 0
"""What a plan that has nothing to do exits with, with --detailed-exitcode."""
ODD = [
    "no", "Null", "~", "1.10", "0123", "2026-11-21", "12:30", "<<", "=", "- a", "a: b", "a #b", "{a",
    "[b", "*c", "&d", "!e", "%f", "|", ">", "'", '"', "\\", "---", "...", "${var.x}", "$${var.x}",
    "${ var.y", "é", "日本", "😀", "a\nb", "\t", "\x1b[31m", "::error::x", "\u202e", "\u2028", "\x7f",
    " lead", "trail ", "a" * 120, "ﬁ", "___", "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    "AKIAIOSFODNN7EXAMPLE", "x,y", "a/b", "@", "`", "é" * 40,
]  # fmt: skip
texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
WORLDS = 5
"""For each generation of the API; what fails once in hundreds was looked for by hand with more of them."""
STATUSES = ["Draft", "Released", "Deprecated", "Archived"]


def identity(sort: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{sort} {number}"))


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """A seed for the emulator: odd names, some of them twice, and everything that a list may show."""
    projects = [
        {"id": identity("project", number), "name": name, "owner": "ada"}
        for number, name in enumerate(draw(st.lists(texts, min_size=2, max_size=4)))
    ]
    ids = [each["id"] for each in projects]
    pipelines = [
        {
            "id": identity("pipeline", number),
            "name": f"p{number}",
            "code": draw(texts),
            "owner": draw(st.sampled_from(["ada", "linus"])),
            "status": draw(st.sampled_from(STATUSES)),
            "projects": draw(st.lists(st.sampled_from(ids), unique=True, max_size=len(ids))),
        }
        for number in range(draw(st.integers(6, 9)))
    ]
    names = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True) | st.sampled_from(
        ["no", "-", "_", "1", "x" * 150, "aws", "null", "a-b", "a_b", "AKIAIOSFODNN7EXAMPLE"]
    )
    credentials = [
        {
            "id": identity("credential", number),
            "name": draw(names),
            "owner": draw(st.sampled_from(["ada", "ada", "grace"])),
            "type": draw(st.sampled_from(["AWS_USER", "AWS_ROLE"])),
            "shared": draw(st.booleans()),
        }
        for number in range(draw(st.integers(4, 6)))
    ]
    return {"projects": projects, "pipelines": pipelines, "credentials": credentials}


PEOPLE = {
    "tenants": [{"name": "demo-lab"}, {"name": "neighbour-lab"}],
    "users": [
        {"name": "ada", "tenant": "demo-lab", "api_key": "demo-api-key-not-a-secret"},
        {"name": "grace", "tenant": "demo-lab", "api_key": "second-demo-api-key-not-a-secret"},
        {"name": "linus", "tenant": "neighbour-lab", "api_key": "neighbour-demo-api-key-not-a-secret"},
    ],
    "analysisStorages": [{"name": "Small"}],
}


def seeded(folder: Path, ica: Embedded, world: dict[str, Any]) -> Lab:
    lab = Lab(folder, ica)
    lab.control("POST", "/reset", {"demo": False, "seed": PEOPLE | world})
    lab.write("icaform.yaml", "workspace: lab\n")
    return lab


def converges(lab: Lab, *more: str) -> None:
    """What was exported into the workspace validates, and a plan of it is empty."""
    valid = lab.run("validate", str(lab.folder))
    assert valid.code == 0, valid.text
    plan = lab.run("plan", str(lab.folder), "--detailed-exitcode", "-o", "json", *more)
    assert plan.code == EMPTY, plan.text
    assert not plan.json["resource_changes"]


@pytest.fixture(params=["october", "april"])
def ica(request: pytest.FixtureRequest) -> Embedded:
    found: Embedded = request.getfixturevalue(request.param)
    return found


def test_whatever_is_in_ica_its_export_validates_and_a_plan_of_it_is_empty(
    ica: Embedded, tmp_path: Path
) -> None:
    tried = {"worlds": 0, "manifests": 0, "left out": 0}

    @settings(max_examples=WORLDS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(worlds())
    def prove(world: dict[str, Any]) -> None:
        folder = tmp_path / f"w{tried['worlds']}"
        folder.mkdir()
        lab = seeded(folder, ica, world)
        ran = lab.run("export", str(folder), "--project", "*", "-o", "json", "--out", str(folder))
        assert ran.code == 0, ran.text
        new, left_out = sum(each["new"] for each in ran.json["files"]), ran.json["left_out"]
        linked = [each for each in world["pipelines"] if each["projects"]]
        older = lab.control("GET", "/state")["api"] == "2026-04"
        mine = [each for each in world["credentials"] if each["owner"] == "ada"]
        mine = [each for each in mine if not (older and each["type"] == "AWS_ROLE")]
        assert new + len(left_out) == len(linked) + len(mine), ran.text
        assert all(each["reason"] for each in left_out)
        drafts = {each["id"] for each in linked if each["status"] == "Draft"}
        assert drafts <= {each["id"] for each in left_out}
        if new:
            converges(lab)
            again = lab.run("export", str(folder), "--project", "*", "-o", "json", "--out", str(folder))
            assert (again.code, again.json["files"], again.json["unchanged"]) == (0, [], new), again.text
            everything_ = lab.run("export", str(folder), "--project", "*")
            piped = lab.run("plan", "--detailed-exitcode", "-", stdin=everything_.out.encode())
            assert (everything_.code, piped.code) == (0, EMPTY), piped.text
        tried["worlds"] += 1
        tried["manifests"] += new
        tried["left out"] += len(left_out)

    prove()
    print(tried)
    assert tried["manifests"] > 2 * tried["worlds"]
    assert tried["left out"]


def whole(lab: Lab) -> None:
    """All three kinds, applied, and then nothing left of the manifests but the journal."""
    everything.write(lab)
    assert lab.apply().code == 0
    for name in ("credentials", "pipelines", "cohort"):
        (lab.folder / f"{name}.yaml").unlink()
    for name in everything.SECRETS:
        del lab.environ[name]


def test_what_an_apply_made_is_exported_as_it_was_declared(lab: Lab) -> None:
    whole(lab)
    ran = lab.run("export", "--project", "*", "--out", str(lab.folder), str(lab.folder))
    assert ran.code == 0, ran.text
    converges(lab)
    batch = (lab.folder / "analysis-batches.yaml").read_text()
    assert "defaults:\n    pipeline: {code: nf-core rnaseq 3-14}" in batch
    assert batch.count("{ref: StorageCredential/lab-archive}") == 5
    assert batch.count("parameters:") == 1, "what all items say is said once"
    pipelines = (lab.folder / "pipelines.yaml").read_text()
    # The journal knows their names, and the message that ICA does not show.
    assert "metadata: {name: germline-4-2}" in pipelines
    assert "message: Use 4-4-0." in pipelines
    credentials = (lab.folder / "storage-credentials.yaml").read_text()
    assert "shared: true" in credentials
    assert "accessKeyId: {env: ICA_LAB_ARCHIVE_ACCESS_KEY_ID}" in credentials
    assert everything.SECRET not in credentials
    # The unset secrets are warned of, and once they are set an apply writes them.
    assert "secret-unset" in lab.run("plan", str(lab.folder)).text
    lab.environ |= {
        f"ICA_LAB_ARCHIVE_{half}": everything.KEY_ID for half in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    }
    assert [each["verbs"] for each in lab.plan().json["resource_changes"]] == [["rotate"]]


def test_without_the_journal_a_batch_is_left_out_and_the_rest_still_plans_empty(lab: Lab) -> None:
    whole(lab)
    shutil.rmtree(lab.folder / ".icaform")
    ran = lab.run("export", "--out", str(lab.folder), str(lab.folder), "-o", "json")
    (batch,) = ran.json["left_out"]
    assert (batch["kind"], batch["name"]) == ("AnalysisBatch", "cohort")
    assert "the journal does not tell" in batch["reason"]
    assert "message" not in (lab.folder / "pipelines.yaml").read_text()
    converges(lab)


def test_items_that_another_journal_knows_are_named_and_left_out(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.write("cohort.yaml", everything.cohort(3))
    assert lab.apply().code == 0
    lab.write("cohort.yaml", everything.cohort(5))
    assert lab.apply("--journal", str(lab.folder / "other.sqlite")).code == 0
    (lab.folder / "cohort.yaml").unlink()
    ran = lab.run("export", str(lab.folder), "--kind", "AnalysisBatch")
    assert [*re.findall(r"name: (S\d+)", ran.out)] == ["S000", "S001", "S002"]
    assert "left out, for the journal does not tell what they were started with: S003, S004" in ran.out
    monkeypatch.chdir(lab.folder)
    piped = lab.run("plan", "-", "--detailed-exitcode", stdin=ran.out.encode())
    assert piped.code == EMPTY, piped.text


def test_a_batch_is_exported_in_its_newest_generation(lab: Lab) -> None:
    lab.write("cohort.yaml", everything.cohort(3))
    assert lab.apply("--first-run").code == 0
    lab.write("cohort.yaml", everything.cohort(2, more="  generation: 2\n"))
    assert lab.apply().code == 0
    (lab.folder / "cohort.yaml").unlink()
    ran = lab.run(
        "export", "--out", str(lab.folder / "cohort.yaml"), str(lab.folder), "--kind", "AnalysisBatch"
    )
    assert ran.code == 0, ran.text
    text = (lab.folder / "cohort.yaml").read_text()
    assert "generation: 2" in text
    assert [*re.findall(r"name: (S\d+)", text)] == ["S000", "S001"]
    assert "1 items ran in an earlier generation alone" in text
    converges(lab)


def test_a_draft_is_left_out_on_stderr_and_in_a_comment_that_it_cannot_leave(lab: Lab) -> None:
    code = "x\nkind: Evil\n::error::\x1b[31m"
    seed = {"pipelines": [{"name": "d", "code": code, "status": "Draft", "projects": ["wgs-prod"]}]}
    lab.control("POST", "/seed", {"pipelines": [{**seed["pipelines"][0], "owner": "ada"}]})
    ran = lab.run("export", str(lab.folder))
    assert ran.code == 0
    said = [line for line in ran.out.splitlines() if "it is a draft" in line]
    assert len(said) == 1
    assert said[0].startswith("# - Pipeline 'x\\nkind: Evil\\n::error::\\x1b[31m'")
    assert "left out: Pipeline" in ran.err
    assert "\x1b" not in ran.text
    assert not any(line.startswith("::") for line in ran.text.splitlines())
    assert lab.run("validate", "-", stdin=ran.out.encode()).code == 0


COMMANDS = ["##vso[task.setvariable variable=X]y", "a ##[group]b", "::add-mask::x", "a\n::error::x", "###[e]"]


@pytest.mark.parametrize("dialect", ["text", "json"])
def test_no_line_of_an_export_is_a_command_to_a_ci_runner(dialect: str, lab: Lab) -> None:
    projects = [{"name": each, "owner": "ada"} for each in COMMANDS]
    pipelines = [
        {
            "id": identity(status, number),
            "name": f"{status}{number}",
            "code": each,
            "status": status,
            "owner": "ada",
            "projects": [each],
        }
        for number, each in enumerate(COMMANDS)
        for status in ("Released", "Draft")
    ]
    for each in pipelines[1::2]:
        each["code"] += " draft"
    lab.control("POST", "/seed", {"projects": projects, "pipelines": pipelines})
    ran = lab.run("export", str(lab.folder), "--project", "*", "-o", dialect)
    assert ran.code == 0, ran.text
    assert not re.findall(r"(?m)^\s*::|##\w*\[", ran.text)
    if dialect == "json":
        manifests = ran.json["manifests"]
        assert {each["name"] for each in ran.json["left_out"]} >= {f"{each} draft" for each in COMMANDS}
    else:
        documents, wrong = read(ran.out.encode(), "")
        assert not wrong
        manifests = [each.value for each in documents]
    specs = [each["spec"] for each in manifests if each["kind"] == "Pipeline"]
    assert {each["select"]["code"] for each in specs if "code" in each["select"]} >= set(COMMANDS)
    assert {each.get("project") for each in specs} >= set(COMMANDS)
    valid = lab.run("validate", "-", stdin=b"\n---\n".join(json.dumps(each).encode() for each in manifests))
    assert valid.code == 0, valid.text


HAND_WRITTEN = """\
# yaml-language-server: $schema=../schemas/manifest.schema.json

# The germline pipelines. Ask Ada before you touch them.
apiVersion: icaform/v1
kind: Pipeline
metadata:
    name: "old"     # it was 4-0
    labels: {team:   wgs}
spec:
    # by code, for now
    select: {code: 'DRAGEN Germline 4-0-3'}
    status: Deprecated       # forward only

    message: >-
        Use 4-4-0, as
        announced.      # no comment: it is folded text
---   # another
kind: Pipeline
apiVersion: icaform/v1
spec:   {status: 'Released', select: {code: DRAGEN Germline 4-2-7}}   # out of order
metadata: {name: middle}
# between
---

apiVersion: icaform/v1
kind: Pipeline
metadata: {name: new}
spec:
  select: {code: DRAGEN Germline 4-4-0}
  status: Deprecated
  message: soon      # goes
  # stays
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_file_that_is_updated_keeps_its_comments_its_order_and_every_other_line(lab: Lab, end: str) -> None:
    file = lab.folder / "ica" / "pipelines.yaml"
    file.parent.mkdir()
    file.write_bytes(HAND_WRITTEN.replace("\n", end).encode())
    for code, verb in (("DRAGEN Germline 4-0-3", "archive"), ("DRAGEN Germline 4-2-7", "deprecate")):
        [found] = [each for each in everything.objects(lab, "Pipeline") if each["code"] == code]
        lab.api("POST", f"/api/pipelines/{found['id']}:{verb}")
    ran = lab.run("export", str(lab.folder), "--out", str(file.parent), "-o", "json", "--only", "Pipeline/*")
    assert ran.code == 0, ran.text
    assert ran.json["files"] == [{"file": str(file), "new": 2, "updated": 3}], ran.text
    # ICA does not show a message, so one that was not written by us is a wish that stands.
    (kept,) = ran.json["not_updated"]
    assert "Pipeline/old" in kept
    assert "message" in kept
    text = file.read_bytes().decode()
    assert text.count("\r\n") == (text.count("\n") if end == "\r\n" else 0)
    before, after = HAND_WRITTEN.splitlines(), text.replace("\r\n", "\n").splitlines()
    changed = [
        ("    status: Deprecated       # forward only", "    status: Archived         # forward only"),
        ("spec:   {status: 'Released', select: {code: DRAGEN Germline 4-2-7}}   # out of order",
         "spec:   {status: 'Deprecated', select: {code: DRAGEN Germline 4-2-7}}   # out of order"),
        ("  status: Deprecated", "  status: Released"),
        ("  message: soon      # goes", None),
    ]  # fmt: skip
    for old, new in changed:
        place = max(number for number, line in enumerate(before) if line == old)
        before[place : place + 1] = [new] if new else []
    assert after[: len(before)] == before
    assert [line for line in after[len(before) :] if line.startswith("metadata")] == [
        "metadata: {name: dragen-somatic-4-3-6}",
        "metadata: {name: nf-core-rnaseq-3-14}",
    ]
    assert lab.run("validate", str(lab.folder)).code == 0
    again = lab.run("export", str(lab.folder), "--out", str(file.parent), "-o", "json")
    assert again.json["files"] == []
    assert file.read_bytes().decode() == text


def test_what_an_update_cannot_say_it_leaves_and_tells(lab: Lab) -> None:
    text = """\
    apiVersion: icaform/v1
    kind: Pipeline
    metadata: {name: a}
    spec: {select: {code: DRAGEN Germline 4-2-7}, status: "${var.status}"}
    ---
    apiVersion: icaform/v1
    kind: Pipeline
    metadata: {name: b, ignore: {status: the lab does that by hand}}
    spec: {select: {code: DRAGEN Germline 4-4-0}, status: Deprecated}
    ---
    apiVersion: icaform/v1
    kind: Pipeline
    metadata: {name: draft}
    spec: {project: wgs-dev, select: {code: nf-core sarek 3-5}, status: Released}
    """
    file = lab.write("a.yaml", text)
    before = file.read_text()
    words = ["--project", "*", "--var", "status=Deprecated", "--kind", "Pipeline", "-o", "json"]
    ran = lab.run("export", str(lab.folder), "--out", str(lab.folder / "b.yaml"), *words)
    assert ran.json["elsewhere"] == 3
    assert ran.json["not_updated"] == []
    ran = lab.run("export", str(lab.folder), "--out", str(file), *words)
    assert [each.partition(": Pipeline/")[2] for each in ran.json["not_updated"]] == [
        "a: `status` has its value from a variable; change status by hand",
        "draft: it is a draft, which no manifest can want",
    ]
    assert ran.json["unchanged"] == 1
    assert file.read_text() == before


def test_only_what_is_asked_for_is_exported_and_labelled(lab: Lab) -> None:
    lab.write("mine.yaml", PIPELINE.format("mine", "DRAGEN Germline 4-2-7", "Deprecated"))
    labelled = PIPELINE.format("theirs", "DRAGEN Germline 4-4-0", "Deprecated")
    lab.write("theirs.yaml", labelled.replace("name: theirs", "name: theirs, labels: {team: wgs}"))
    words = ["--out", str(lab.folder), "-l", "team=wgs", "--exclude", "*somatic*", "-o", "json"]
    ran = lab.run("export", str(lab.folder), *words)
    assert {Path(each["file"]).name: (each["new"], each["updated"]) for each in ran.json["files"]} == {
        "theirs.yaml": (2, 1)
    }
    text = (lab.folder / "theirs.yaml").read_text()
    assert text.count("labels: {team: wgs}") == 3
    assert "somatic" not in text
    assert "status: Deprecated" in (lab.folder / "mine.yaml").read_text()
    valid = lab.run("validate", str(lab.folder), "-l", "team=wgs", "-o", "json")
    assert valid.json["counts"]["resources"] == 3
    only = lab.run("export", str(lab.folder), "--kind", "StorageCredential")
    assert (only.code, only.out) == (0, "")
    assert "nothing was found that a manifest could state" in only.err


PIPELINE = """\
apiVersion: icaform/v1
kind: Pipeline
metadata: {{name: {}}}
spec: {{select: {{code: {}}}, status: {}}}
"""


def test_things_of_one_name_are_told_apart_and_a_pipeline_is_exported_once(lab: Lab) -> None:
    twins = [
        {"id": identity("twin", number), "name": f"t{number}", "code": "twin", "owner": "ada"}
        for number in (1, 2)
    ]
    credentials = [
        {"id": identity("credential", number), "name": name, "owner": "ada"}
        for number, name in enumerate(["a-b", "a_b", "same", "same", "aws"])
    ]
    lab.control(
        "POST",
        "/seed",
        {
            "pipelines": [{**each, "projects": ["wgs-prod", "wgs-dev"]} for each in twins],
            "credentials": credentials,
        },
    )
    ran = lab.run("export", str(lab.folder), "--project", "*", "-o", "json")
    manifests = ran.json["manifests"]
    found = [each for each in manifests if each["metadata"]["name"].startswith("twin")]
    assert sorted(each["spec"]["select"]["id"] for each in found) == sorted(each["id"] for each in twins)
    assert {each["metadata"]["name"] for each in found} == {f"twin-{each['id'][:8]}" for each in twins}
    assert not any("project" in each["spec"] for each in found), "the workspace's own project comes first"
    variables = [source["env"] for each in manifests for source in each["spec"].get("secret", {}).values()]
    assert len(variables) == len(set(variables)) == 6
    assert all(each.startswith("ICA_") for each in variables), "none may be the runner's own AWS key"
    left_out = [each for each in ran.json["left_out"] if each["kind"] == "StorageCredential"]
    assert [each["name"] for each in left_out] == ["same", "same"]
    assert any("2 storage credentials of yours" in each["reason"] for each in left_out)


def test_export_writes_nothing_in_ica_and_refuses_what_it_cannot_do(lab: Lab) -> None:
    file = lab.folder / "file"
    file.write_text("")
    cases = [
        (["--kind", "Pipelin"], 64, "did you mean `Pipeline`?"),
        (["--project", "wgs-prd"], 65, "did you mean `wgs-prod`?"),
        (["--out", str(file / "x.yaml")], 78, "cannot be written: Not a directory"),
        (["--snapshot", "x", "--out", "y"], 64, "it goes without --out"),
        (["--snapshot", "x", "--kind", "Pipeline"], 64, "it goes without --kind"),
        (["-l", "team"], 64, "--label wants NAME=VALUE"),
    ]
    for more, code, reason in cases:
        ran = lab.run("export", str(lab.folder), *more)
        assert (ran.code, ran.out) == (code, ""), (more, ran.text)
        assert reason in " ".join(ran.err.split()), (more, ran.err)
    lab.write("wrong.yaml", "kind: Pipeline\n")
    ran = lab.run("export", str(lab.folder), "--out", str(lab.folder))
    assert ran.code == 65
    assert "wrong.yaml:1:1" in ran.err
    assert not lab.writes()
    assert sorted(each.name for each in lab.folder.iterdir()) == ["file", "icaform.yaml", "wrong.yaml"]
    print(f"{len(cases)} command lines")


def test_files_are_for_their_owner_alone_and_an_old_one_keeps_its_mode(lab: Lab) -> None:
    before = os.umask(0)
    try:
        lab.run("export", str(lab.folder), "--out", str(lab.folder / "new"))
        made = lab.folder / "new" / "pipelines.yaml"
        assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        made.write_text("# all of it\n")
        made.chmod(0o644)
        ran = lab.run("export", str(lab.folder), "--out", str(made))
        assert ran.code == 0, ran.text
        assert made.stat().st_mode & 0o777 == 0o644
        assert made.read_text().startswith("# all of it\napiVersion")
    finally:
        os.umask(before)


def test_planning_never_loads_what_only_an_export_needs() -> None:
    program = (
        "import sys, icaform.cli.plan, icaform.cli.session, icaform.engine.verbs; "
        "late = {'icaform.manifest.amendment', 'icaform.engine.export', 'icaform.engine.snapshot'}; "
        "assert not late & set(sys.modules), late & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_json_carries_the_manifests_as_they_are(lab: Lab) -> None:
    ran = lab.run("export", str(lab.folder), "-o", "json")
    assert ran.json["format_version"] == "1.0"
    text = "\n---\n".join(json.dumps(each) for each in ran.json["manifests"])
    piped = lab.run("plan", "-", "--detailed-exitcode", "--project-id", "wgs-prod", stdin=text.encode())
    assert piped.code == EMPTY, piped.text


EXAMPLES = sorted(each.parent for each in (ROOT / "examples").rglob("icaform.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_what_an_example_made_is_exported_and_planned_from_a_snapshot(example: Path, lab: Lab) -> None:
    shutil.copytree(example, lab.folder, dirs_exist_ok=True, ignore=lambda *_: [".icaform", "run"])
    assert lab.apply().code == 0
    snapshot = lab.folder / ".live.json"
    assert lab.run("export", str(lab.folder), "--snapshot", str(snapshot)).code == 0
    asked, offline = (
        lab.run("plan", str(lab.folder), "-o", "json", *more).json
        for more in ((), ("--from-snapshot", str(snapshot)))
    )
    assert offline["plan_digest"] == asked["plan_digest"]
    assert offline["resource_changes"] == asked["resource_changes"] == []
    declared = lab.run("validate", str(lab.folder), "-o", "json").json["counts"]["resources"]
    for file in lab.folder.rglob("*.yaml"):
        if file.name != "icaform.yaml":
            file.unlink()
    ran = lab.run("export", str(lab.folder), "--project", "*", "--out", str(lab.folder))
    assert ran.code == 0, ran.text
    converges(lab)
    assert lab.run("validate", str(lab.folder), "-o", "json").json["counts"]["resources"] >= declared


def test_a_reader_that_has_enough_is_no_defect(lab: Lab) -> None:
    lab.control("POST", "/seed", {"pipelines": [{"count": 1500, "name": "many", "project": "wgs-prod"}]})
    line = [sys.executable, "-m", "icaform", "export", str(lab.folder)]
    environ = {**os.environ, **lab.environ}
    with subprocess.Popen(
        line, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "apiVersion: icaform/v1\n"
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, "internal" in said) == (0, False), said


def test_the_example_of_adopting_runs_as_it_says() -> None:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", str(ROOT / "examples/adopt/run")], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n$ icaform ") == 6
    assert "Nothing to do; 5 unchanged" in done.stdout
    assert "planned offline: live.json is less than a minute old" in " ".join(done.stdout.split())


def test_what_the_journal_remembers_of_another_run_is_not_taken_for_this_one(lab: Lab) -> None:
    lab.write("cohort.yaml", everything.cohort(2))
    assert lab.apply().code == 0
    lab.write("cohort.yaml", everything.cohort(2, more="  generation: 2\n").replace("GRCh38", "T2T"))
    assert lab.apply("--journal", str(lab.folder / "other.sqlite")).code == 0
    (lab.folder / "cohort.yaml").unlink()
    ran = lab.run("export", str(lab.folder), "--kind", "AnalysisBatch", "-o", "json")
    (batch,) = ran.json["left_out"]
    assert "the journal does not tell what its analyses were started with" in batch["reason"]


def test_a_message_that_came_with_another_status_is_not_told(lab: Lab) -> None:
    whole(lab)
    [found] = [
        each for each in everything.objects(lab, "Pipeline") if each["code"] == "DRAGEN Germline 4-2-7"
    ]
    lab.api("POST", f"/api/pipelines/{found['id']}:archive", {"message": "by hand"})
    ran = lab.run("export", str(lab.folder), "--only", "Pipeline/germline-4-2")
    assert "status: Archived" in ran.out
    assert "message" not in ran.out


def test_a_name_that_is_taken_is_not_given_to_something_else(lab: Lab) -> None:
    whole(lab)
    # The journal knows germline-4-2 for the pipeline that was deprecated; the name is given to another one.
    mine = PIPELINE.format("germline-4-2", "DRAGEN Germline 4-4-0", "Released")
    lab.write(
        "mine.yaml",
        f"{mine}---\n{PIPELINE.format('dragen-somatic-4-3-6', 'nf-core rnaseq 3-14', 'Released')}",
    )
    ran = lab.run("export", str(lab.folder), "--out", str(lab.folder / "more.yaml"), "--kind", "Pipeline")
    assert ran.code == 0, ran.text
    converges(lab)
    text = (lab.folder / "more.yaml").read_text()
    assert "name: germline-4-2}" not in text
    assert "name: dragen-somatic-4-3-6-" in text
    assert "select: {code: DRAGEN Germline 4-2-7}" in text


def test_projects_are_named_so_that_no_other_is_meant(lab: Lab) -> None:
    odd = ["twin", "twin", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "plain"]
    projects = [
        {"id": identity("p", number), "name": name, "owner": "ada"} for number, name in enumerate(odd)
    ]
    pipelines = [
        {"name": f"x{number}", "owner": "ada", "projects": [each["id"]]}
        for number, each in enumerate(projects)
    ]
    lab.control(
        "POST", "/reset", {"demo": False, "seed": PEOPLE | {"projects": projects, "pipelines": pipelines}}
    )
    lab.write("icaform.yaml", f"workspace: lab\nproject: {identity('p', 1)}\n")
    ran = lab.run(
        "export", str(lab.folder), "--project", "*", "--out", str(lab.folder / "all.yaml"), "-o", "json"
    )
    assert ran.code == 0, ran.text
    converges(lab)
    named = [
        each["spec"].get("project")
        for each in lab.run("export", str(lab.folder), "--project", "*", "-o", "json").json["manifests"]
    ]
    assert named == [identity("p", 0), None, identity("p", 2), "plain"]


def test_the_workspace_s_own_project_comes_first(lab: Lab) -> None:
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-dev\n")
    ran = lab.run("export", str(lab.folder), "--project", "*", "--only", "Pipeline/*4-2-7", "-o", "json")
    assert ran.json["manifests"][0]["spec"] == {
        "select": {"code": "DRAGEN Germline 4-2-7"},
        "status": "Released",
    }


def test_what_items_say_half_alike_is_not_torn_apart(lab: Lab) -> None:
    items = "".join(
        f"    - {{name: S{number}, userReference: c/{number},"
        f" pipeline: {{name: DRAGEN Germline, version: {version}}}}}\n"
        for number, version in enumerate(["4-2-7", "4-4-0"])
    )
    head = HEAD + "  defaults: {analysisInput: {objectType: STRUCTURED}}\n  items:\n"
    lab.write("b.yaml", head + items)
    assert lab.apply("--first-run").code == 0
    (lab.folder / "b.yaml").unlink()
    ran = lab.run("export", str(lab.folder), "--out", str(lab.folder), "--kind", "AnalysisBatch")
    assert ran.code == 0, ran.text
    converges(lab)
    text = (lab.folder / "analysis-batches.yaml").read_text()
    assert "defaults: {analysisInput: {objectType: STRUCTURED}}" in " ".join(text.split())
    assert text.count("{name: DRAGEN Germline, version:") == 2


HEAD = "apiVersion: icaform/v1\nkind: AnalysisBatch\nmetadata: {name: b}\nspec:\n"


def test_secrets_that_are_set_already_do_not_keep_a_credential_out(lab: Lab) -> None:
    lab.control("POST", "/seed", {"credentials": [{"name": "lab", "owner": "ada"}]})
    lab.environ |= {f"ICA_LAB_{half}": everything.KEY_ID for half in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    ran = lab.run("export", str(lab.folder), "--kind", "StorageCredential", "-o", "json")
    assert (len(ran.json["manifests"]), ran.json["left_out"]) == (1, [])
