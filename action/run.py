"""One step of a workflow, from its inputs to its outputs."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from action import approval, comment, issue, program
from action.clock import Clock
from action.event import Event
from action.github import Failed, GitHub
from action.inputs import COMMENT, Inputs, Unusable
from action.report import Report

NOT_APPROVED, USAGE = 10, 64
"""icaform's own exit codes for these."""


def main() -> int:
    """The exit code: icaform's own, or the one that it has for what kept it from running."""
    return step(os.environ, Clock())


def step(environ: Mapping[str, str], clock: Clock) -> int:
    """Do what the inputs ask for. Only icaform, and a missing approval, make the step fail."""
    try:
        inputs = Inputs.of(environ)
    except Unusable as error:
        _say("error", str(error))
        return _ended(environ, {"exit_code": str(USAGE)}, USAGE)
    event = Event.of(environ)
    github = GitHub(event.api, event.graphql, inputs.token, clock)
    digest = inputs.approve
    if digest == COMMENT:
        try:
            digest = approval.approved(github, event.repository, event.sha, inputs.name, clock)
        except (approval.NotApproved, Failed) as error:
            _say(
                "error",
                f"not approved: {error}. Nothing was done. Plan anew, and approve that plan's digest.",
            )
            return _ended(environ, {"exit_code": str(NOT_APPROVED)}, NOT_APPROVED)
    with program.Relay() as relay:
        report = _quietly(inputs, digest, environ, relay)
        print(report.annotations, end="", flush=True)
        posted = _posted(github, event, inputs, report, clock)
        _append(environ.get("GITHUB_STEP_SUMMARY"), report.text + "\n")
        return _ended(environ, {**report.outputs(), **posted}, report.exit_code)


def _quietly(inputs: Inputs, digest: str, environ: Mapping[str, str], relay: program.Relay) -> Report:
    """icaform's report, while no line that it prints is a command to the runner."""
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", flush=True)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return program.run(inputs, digest, environ, Path(scratch), relay)
    finally:
        print(f"::{word}::", flush=True)


def _posted(github: GitHub, event: Event, inputs: Inputs, report: Report, clock: Clock) -> dict[str, str]:
    """The outputs that a comment or an issue gives. Where GitHub does not take it, the summary has to do."""
    try:
        if inputs.command == "plan" and inputs.comment and event.pull_request:
            pull = event.pull_request
            made = comment.show(github, event, pull, inputs.name, report.approval, report.text, clock)
            return {"comment_id": str(made)}
        if inputs.command == "drift" and inputs.issue:
            number = _drift(github, event, inputs, report, clock)
            return {"issue_number": str(number)} if number else {}
    except Failed as error:
        _say("warning", f"what icaform found is in the summary of this run alone: {error}")
    return {}


def _drift(github: GitHub, event: Event, inputs: Inputs, report: Report, clock: Clock) -> int | None:
    if report.drifted:
        return issue.tell(github, event, inputs.name, report.verdict, report.text, clock)
    # Whether drift is gone is known only where everything could be told.
    return issue.close(github, event, inputs.name) if report.exit_code == 0 and report.told else None


def _ended(environ: Mapping[str, str], outputs: Mapping[str, str], code: int) -> int:
    _append(environ.get("GITHUB_OUTPUT"), "".join(f"{name}={value}\n" for name, value in outputs.items()))
    return code


def _append(file: str | None, text: str) -> None:
    if file:
        with open(file, "a", encoding="utf-8") as opened:
            opened.write(text)


def _say(level: str, sentence: str) -> None:
    """One annotation on the run. GitHub's own escapes, so that no text ends it or begins another."""
    safe = sentence.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{level} title=icaform::{safe}", file=sys.stdout, flush=True)
