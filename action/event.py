"""Where the action runs, as the runner's own variables and the event's file tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PullRequest:
    """A pull request: its number, and the last commit of its own branch (not of the merge that is tried)."""

    number: int
    head: str


@dataclass(frozen=True)
class Event:
    """``repository`` is owner/name. ``pull_request`` is None where the event is none of a pull request."""

    repository: str
    sha: str
    run_url: str
    api: str
    graphql: str
    pull_request: PullRequest | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Event:
        """As the runner says; an event's file that cannot be read is as none."""
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        repository = environ.get("GITHUB_REPOSITORY", "")
        return cls(
            repository,
            environ.get("GITHUB_SHA", ""),
            f"{server}/{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}",
            environ.get("GITHUB_API_URL", "https://api.github.com"),
            environ.get("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
            _pull_request(environ.get("GITHUB_EVENT_PATH", "")),
        )


def _pull_request(file: str) -> PullRequest | None:
    try:
        told: Any = json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
        said = told["pull_request"]
        return PullRequest(int(said["number"]), str(said["head"]["sha"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
