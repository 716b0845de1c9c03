"""The digest that a pull request's reviewers saw: read from the comment that this action wrote under it.

It is taken only if all of this holds: the commit is the merge of exactly one pull request of this repository;
under that stands exactly one comment of the token's own account with this workspace's mark; nobody else has
edited it last; and the commit in its mark is the last of what was merged. It does not hold against whoever
may push a branch: a workflow in it can write as the same account (examples/github/README.md).
"""

from __future__ import annotations

from typing import Any

from action.clock import Clock
from action.comment import KIND
from action.event import PullRequest
from action.github import GitHub, understood
from action.mark import Mark
from action.post import comments_of

LOOKS = 4
SETTLING = 5.0
"""Seconds between two looks for the pull request: a run may begin before GitHub tells of the merge."""


class NotApproved(Exception):  # noqa: N818 - a verdict, not a failure
    """There is no digest to go by; the text says why, and what to do."""


def approved(github: GitHub, repository: str, sha: str, name: str, clock: Clock) -> str:
    """The digest for a merged commit. NotApproved, or GitHub's Refused and Lost."""
    merged = _merged(github, repository, sha, clock)
    found = comments_of(github, repository, merged.number, Mark(KIND, name))
    where = f"pull request {merged.number}"
    if not found:
        raise NotApproved(f"{where} has no comment of this account with a plan of `{name}`")
    if len(found) > 1:
        raise NotApproved(f"{where} has {len(found)} comments with a plan of `{name}`; which one was meant?")
    [comment] = found
    if comment.editor not in (None, comment.author):
        by = comment.editor.login if comment.editor else "nobody"
        raise NotApproved(f"the plan under {where} was edited by {by}")
    assert comment.mark is not None  # it was found by it
    if comment.mark.head != merged.head:
        raise NotApproved(
            f"the plan under {where} is of commit {comment.mark.head[:12]}, and {merged.head[:12]} was merged"
        )
    if not comment.mark.digest:
        raise NotApproved(f"the plan under {where} has no digest: it failed, or was not shown whole")
    return comment.mark.digest


def _merged(github: GitHub, repository: str, sha: str, clock: Clock) -> PullRequest:
    """The pull request whose merge made the commit."""
    found: list[PullRequest] = []
    for look in range(LOOKS):
        if look:
            clock.sleep(SETTLING)
        if found := _found(github, repository, sha):
            break
    if not found:
        raise NotApproved(f"commit {sha[:12]} is the merge of no pull request of {repository}")
    if len(found) > 1:
        numbers = ", ".join(str(each.number) for each in found)
        raise NotApproved(f"commit {sha[:12]} is the merge of several pull requests: {numbers}")
    return found[0]


@understood()
def _found(github: GitHub, repository: str, sha: str) -> list[PullRequest]:
    """The pull requests whose merge is the commit, as far as GitHub tells by now."""
    return [
        PullRequest(int(each["number"]), str(each["head"]["sha"]))
        for each in github.read_all(f"/repos/{repository}/commits/{sha}/pulls")
        if _is_merge(each, repository, sha)
    ]


def _is_merge(told: Any, repository: str, sha: str) -> bool:
    return bool(
        told.get("merged_at")
        and told.get("merge_commit_sha") == sha
        and told["base"]["repo"]["full_name"].lower() == repository.lower()
    )
