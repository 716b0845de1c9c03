"""The one issue that tells of drift: opened when there is some, kept up to date, closed when it is gone."""

from __future__ import annotations

from dataclasses import dataclass

from action.clock import Clock
from action.comment import fitted
from action.event import Event
from action.github import GitHub, understood
from action.mark import Mark
from action.post import Post, issues_of
from action.sticky import put

KIND = "drift"
GONE = "**The drift is gone.**"


@dataclass(frozen=True)
class Issues:
    """The open issues of a repository with one mark."""

    github: GitHub
    repository: str
    mark: Mark
    title: str

    def ours(self) -> list[Post]:
        """Those that the token's own account opened."""
        return issues_of(self.github, self.repository, self.mark)

    @understood()
    def create(self, body: str) -> int:
        """Open one; its number."""
        path = f"/repos/{self.repository}/issues"
        return int(self.github.create(path, {"title": self.title, "body": body})["number"])

    def update(self, post: Post, body: str) -> None:
        """Replace the text of one."""
        self.github.change(self._path(post), {"title": self.title, "body": body})

    def retire(self, post: Post) -> None:
        """Close one that is there twice."""
        self.github.change(self._path(post), {"state": "closed", "state_reason": "not_planned"})

    def close(self, post: Post, body: str) -> None:
        """Close one whose drift is gone."""
        self.github.change(self._path(post), {"body": body, "state": "closed", "state_reason": "completed"})

    def _path(self, post: Post) -> str:
        return f"/repos/{self.repository}/issues/{post.id}"


def tell(github: GitHub, event: Event, name: str, verdict: str, text: str, clock: Clock) -> int:
    """Open the issue or bring it up to date; its number. Refused or Lost where GitHub does not do it."""
    issues = _issues(github, event, name, verdict)
    return put(issues, fitted(issues.mark, text, f"<sub>By [this run]({event.run_url}).</sub>"), clock)


def close(github: GitHub, event: Event, name: str) -> int | None:
    """Close the issue, which keeps what it said last; its number, or None where there was none."""
    issues = _issues(github, event, name, "")
    found = issues.ours()
    for post in found:
        said = post.body.partition("\n")[2].strip()
        foot = f"{GONE} <sub>By [this run]({event.run_url}).</sub>"
        issues.close(post, fitted(issues.mark, said, foot))
    return found[0].id if found else None


def _issues(github: GitHub, event: Event, name: str, verdict: str) -> Issues:
    return Issues(github, event.repository, Mark(KIND, name), f"icaform: drift in {name}: {verdict}"[:250])
