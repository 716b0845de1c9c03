"""Files that other machines run: each fits its published schema, and zizmor finds nothing in the workflows.

All offline: the schemas are carried by check-jsonschema and kubernetes-validate. The rules that no linter has
are below: least rights, actions pinned by commit, no text of others in a shell, nothing that is `latest`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/github/*.yml")])
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "examples/gitlab/.gitlab-ci.yml"
CLUSTER = sorted(ROOT.glob("examples/kubernetes/*.yaml"))
KUBERNETES = ("1.31", "1.37")
SCHEMAS = {
    "vendor.github-actions": [ACTION],
    "vendor.github-workflows": WORKFLOWS,
    "github-workflows-require-timeout": WORKFLOWS,
    "vendor.dependabot": [ROOT / ".github/dependabot.yml"],
    "vendor.gitlab-ci": [GITLAB],
}
OTHERS = {*CLUSTER, ROOT / ".pre-commit-hooks.yaml", ROOT / ".github/zizmor.yml"}
FULL = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
PLACEHOLDER = "OWNER/icaform@" + "0" * 40
WRITES = {
    ".github/workflows/release.yml publish": {"id-token"},
    "examples/github/ica.yml plan": {"pull-requests"},
    "examples/github/ica-drift.yml drift": {"issues"},
}
"""The only rights to write that any job has."""


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.relative_to(ROOT)} {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for where, job in jobs():
        for step in job.get("steps", []):
            yield where, step
    for step in read(ACTION)["runs"]["steps"]:
        yield "action.yml", step


def ran(*words: str) -> None:
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_such_file_is_looked_at() -> None:
    found = {
        path
        for pattern in (
            ".github/**/*.y*ml",
            "*.y*ml",
            ".*.y*ml",
            "examples/g*/**/*.y*ml",
            "examples/g*/.*.yml",
        )
        for path in ROOT.glob(pattern)
    }
    found |= set(ROOT.glob("examples/kubernetes/**/*.y*ml"))
    assert found == OTHERS.union(*SCHEMAS.values())
    print(f"{len(found)} files")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_their_published_schema(schema: str) -> None:
    transform = ["--data-transform", "gitlab-ci"] if schema == "vendor.gitlab-ci" else []
    ran("check-jsonschema", "--builtin-schema", schema, *transform, *map(str, SCHEMAS[schema]))


def test_zizmor_finds_nothing() -> None:
    ran("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic", "--strict-collection",
        ".github", "action.yml", *map(str, sorted(ROOT.glob("examples/github/*.yml"))))  # fmt: skip


def test_the_hooks_fit_pre_commit() -> None:
    ran("pre-commit", "validate-manifest", ".pre-commit-hooks.yaml")


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_manifests_fit_kubernetes(version: str) -> None:
    ran("kubernetes-validate", "--strict", "-k", version, *map(str, CLUSTER))


def test_no_workflow_has_rights_by_default_and_few_jobs_may_write() -> None:
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {}, path
    found = {}
    for where, job in jobs():
        rights = job["permissions"]
        assert set(rights.values()) <= {"read", "write"}, where
        if writes := {name for name, right in rights.items() if right == "write"}:
            found[where] = writes
    assert found == WRITES


def test_every_action_is_pinned_by_its_full_commit_and_tells_its_version() -> None:
    used = 0
    for path in [*WORKFLOWS, ACTION]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if (found := re.search(r"uses: (\S+)(.*)", line)) and not found[1].startswith("./"):
                used += 1
                assert FULL.fullmatch(found[1]), line
                told = (
                    r" # put the release's commit here" if found[1] == PLACEHOLDER else r" # v\d+\.\d+\.\d+"
                )
                assert re.fullmatch(told, found[2]), line
    assert used > 10
    print(f"{used} uses")


def test_one_version_of_an_action_is_used_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for _, step in steps():
        if "@" in step.get("uses", ""):
            name, _, commit = step["uses"].partition("@")
            pins.setdefault("/".join(name.split("/")[:2]), set()).add(commit)
    assert all(len(commits) == 1 for commits in pins.values()), pins


def test_no_checkout_leaves_its_token_behind() -> None:
    for where, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, where


def test_no_expression_stands_in_a_shell() -> None:
    looked = 0
    for where, step in steps():
        if "run" in step:
            looked += 1
            assert "${{" not in step["run"], where
    assert looked > 5


def test_every_input_reaches_the_action_and_every_output_leaves_it() -> None:
    from action.report import Report

    told = read(ACTION)
    env = {name: value for step in told["runs"]["steps"] for name, value in step["env"].items()}
    for name in told["inputs"]:
        variable = "ICAFORM_PYTHON" if name == "python" else "INPUT_" + name.upper().replace("-", "_")
        assert env.pop(variable) == f"${{{{ inputs.{name} }}}}"
    assert not env
    assert set(told["outputs"]) == {*Report("plan", 0).outputs(), "comment_id", "issue_number"}
    for name, output in told["outputs"].items():
        assert output["value"] == f"${{{{ steps.icaform.outputs.{name} }}}}"


def test_inputs_of_the_examples_are_inputs_of_the_action() -> None:
    known, looked = read(ACTION)["inputs"], 0
    for where, step in steps():
        if step.get("uses") in (PLACEHOLDER, "./"):
            looked += 1
            assert set(step["with"]) <= set(known), where
    assert looked >= 5


def test_runners_and_images_are_never_the_latest() -> None:
    for path in [*WORKFLOWS, GITLAB, *CLUSTER, ROOT / "examples/kubernetes/Dockerfile"]:
        assert "latest" not in path.read_text(encoding="utf-8"), path


def test_the_cronjob_has_no_more_rights_than_it_needs() -> None:
    for path in CLUSTER:
        pod = read(path)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert re.search(r":\d+\.\d+\.\d+$", container["image"])
            assert {"limits", "requests"} <= set(container["resources"])
            for each in container["env"]:
                secret = re.search(r"KEY|PASSWORD|TOKEN|JOURNAL", each["name"])
                assert ("valueFrom" in each) == bool(secret), each["name"]
