"""The CI runner that may run us: its source tree, its page, and the files in which it takes results."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

from icaform.render import Report
from icaform.render.report import Topic

ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where GitHub and GitLab say that the source tree is."""
SUMMARY, OUTPUT = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
"""Where GitHub says which file takes a step's Markdown, and which its outputs."""
CHANGES = {
    Topic.PLAN: ("create", "update"),
    Topic.DRIFT: ("pending", "drifted", "both"),
    Topic.APPLY: ("done",),
}
"""The counts of what would be changed, or was."""
DRIFT = {Topic.PLAN: ("drifted",), Topic.DRIFT: ("drifted", "both")}
"""The counts of what the server's side has moved."""


def root(environ: Mapping[str, str]) -> str:
    """The root of the source tree, absolute; where no runner tells, the folder that we stand in."""
    return os.path.realpath(next((environ[name] for name in ROOTS if environ.get(name)), os.curdir))


def page(environ: Mapping[str, str]) -> str:
    """The address of the CI job, or nothing."""
    if "CI_JOB_URL" in environ:
        return environ["CI_JOB_URL"]
    parts = [environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def outputs(report: Report, exit_code: int) -> dict[str, str]:
    """What later steps can ask for, by name; empty where this report cannot tell."""
    counts = report.counts
    return {
        "has_changes": _any(report, CHANGES),
        "has_drift": _any(report, DRIFT),
        "irreversible": str(counts.get("irreversible", "")),
        "creates": str(counts.get("create", "")),
        "updates": str(counts.get("update", "")),
        "plan_digest": report.digest,
        "exit_code": str(int(exit_code)),
    }


def assignment(name: str, value: str) -> str:
    """A line of the file of outputs; several lines of a value stand between delimiters that are not in it."""
    if not any(each in value for each in "\r\n"):
        return f"{name}={value}\n"
    # Nobody can write a text that holds its own digest.
    end = f"END_{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _any(report: Report, names: Mapping[Topic, Sequence[str]]) -> str:
    if report.topic not in names:
        return ""
    return "true" if any(report.counts[name] for name in names[report.topic]) else "false"
