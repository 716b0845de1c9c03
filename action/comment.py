"""The one comment under a pull request that shows the plan of one workspace."""

from __future__ import annotations

from dataclasses import dataclass, replace

from action.clock import Clock
from action.event import Event, PullRequest
from action.github import GitHub, understood
from action.mark import Mark
from action.post import Post, comments_of
from action.sticky import put

KIND = "plan"
LIMIT = 65_536
"""Characters that GitHub takes in one comment, or one issue."""
CUT = "\n\nCut here; the whole is in the summary of the run."


@dataclass(frozen=True)
class Comments:
    """The comments of one pull request with one mark."""

    github: GitHub
    repository: str
    number: int
    mark: Mark

    def ours(self) -> list[Post]:
        """Those that the token's own account wrote; a stranger's with the same mark is none."""
        return comments_of(self.github, self.repository, self.number, self.mark)

    @understood()
    def create(self, body: str) -> int:
        """Write one; its id."""
        path = f"/repos/{self.repository}/issues/{self.number}/comments"
        return int(self.github.create(path, {"body": body})["id"])

    def update(self, post: Post, body: str) -> None:
        """Replace the text of one."""
        self.github.change(f"/repos/{self.repository}/issues/comments/{post.id}", {"body": body})

    def retire(self, post: Post) -> None:
        """Delete one that is there twice, so that none can be read that is out of date."""
        self.github.remove(f"/repos/{self.repository}/issues/comments/{post.id}")


def show(
    github: GitHub, event: Event, pull_request: PullRequest, name: str, digest: str, text: str, clock: Clock
) -> int:
    """Write or update the comment, which approves the plan with that digest, or none where it is empty; its
    id. Refused or Lost where GitHub does not do it.
    """
    mark = Mark(KIND, name, pull_request.head, digest)
    comments = Comments(github, event.repository, pull_request.number, mark)
    foot = f"<sub>Of commit {pull_request.head}, by [this run]({event.run_url}).</sub>"
    return put(comments, fitted(mark, text, foot), clock)


def fitted(mark: Mark, text: str, foot: str) -> str:
    """A body that GitHub takes. Reports are made to fit; one that does not is cut between two lines, and its
    mark then has no digest.
    """
    room = LIMIT - len(f"{mark}\n\n\n{foot}\n")
    if len(text) > room:
        text = text[: room - len(CUT)].rpartition("\n")[0] + CUT
        mark = replace(mark, digest="")
    return f"{mark}\n{text}\n\n{foot}\n"
