"""A job: the runner's variables and files, a GitHub to talk to, and a clock that whoever waits moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from action.clock import Clock
from action.event import Event, PullRequest
from action.github import GitHub
from tests.action.fake_github import FakeGitHub, serving

HEAD = "a" * 40
MERGE = "b" * 40
DIGEST = "sha256:" + "1" * 64
TOKEN = "ghs_ofThisJobAlone"
NOW = 1_800_000_000.0


@dataclass
class FakeClock:
    """Whoever sleeps moves it; ``slept`` are the pauses in order."""

    at: float = NOW
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)


@dataclass
class Job:
    """One job of a workflow in ``lab/manifests``."""

    folder: Path
    hub: FakeGitHub
    time: FakeClock = field(default_factory=FakeClock)

    @property
    def github(self) -> GitHub:
        """The client under test."""
        return GitHub(self.hub.url, f"{self.hub.url}/graphql", TOKEN, self.time.clock)

    def event(self, number: int | None = 7) -> Event:
        """A run of pull request 7, or of none."""
        pull = PullRequest(number, HEAD) if number else None
        return Event("lab/manifests", MERGE, "https://github.com/lab/manifests/actions/runs/1", "", "", pull)

    def environ(self, *, pull: int | None = 7, **inputs: str) -> dict[str, str]:
        """The variables of one step, with its inputs in lower case."""
        event = self.folder / "event.json"
        told = (
            {"pull_request": {"number": pull, "head": {"sha": HEAD}}} if pull else {"ref": "refs/heads/main"}
        )
        event.write_text(json.dumps(told), encoding="utf-8")
        return {
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_GRAPHQL_URL": f"{self.hub.url}/graphql",
            "GITHUB_REPOSITORY": "lab/manifests",
            "GITHUB_SHA": MERGE,
            "GITHUB_RUN_ID": "1",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "INPUT_COMMAND": "plan",
            "INPUT_COMMENT": "true",
            "INPUT_TOKEN": TOKEN,
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        }

    def outputs(self) -> dict[str, str]:
        """What the next step gets; the file is emptied."""
        file = self.folder / "output"
        lines = file.read_text(encoding="utf-8").splitlines()
        file.unlink()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        """What the run's page shows."""
        return (self.folder / "summary").read_text(encoding="utf-8")


@pytest.fixture
def hub() -> Iterator[FakeGitHub]:
    with serving(FakeGitHub()) as github:
        yield github


@pytest.fixture
def job(tmp_path: Path, hub: FakeGitHub) -> Job:
    return Job(tmp_path, hub)
