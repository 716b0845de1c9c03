"""An answer that is not as GitHub documents it ends no step in a traceback, and approves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from action import issue
from action.approval import NotApproved, approved
from action.comment import show
from action.github import Failed
from action.mark import Mark
from tests.action.conftest import DIGEST, HEAD, MERGE, Job

VIEWER = {"login": "github-actions[bot]"}
POSTS = {"nodes": [{"id": "x", "body": None, "author": {"login": "a"}, "editor": {}}], "pageInfo": {}}
STRANGE: tuple[Any, ...] = (
    *({}, [], "x", 5, None, [5], [{"number": "x"}], {"errors": "no"}, {"errors": ["no"]}, {"errors": []}),
    *({"data": None}, {"data": []}, {"data": {"viewer": None, "repository": {"place": None}}}),
    *({"data": {"viewer": VIEWER, "repository": {"place": {"posts": each}}}} for each in ({}, POSTS)),
    [{"merged_at": 1, "merge_commit_sha": MERGE, "base": None}],
)


def strangely(job: Job, method: str, path: str, act: Callable[[], Any]) -> Iterator[str]:
    """What comes of an action whose calls to one place are answered with each of these."""
    for body in STRANGE:
        job.hub.faults.clear()
        job.hub.fail(method, path, 200, body=body, times=99)
        try:
            yield f"went: {act()}"
        except (Failed, NotApproved) as error:
            yield str(error)


def test_a_strange_answer_approves_nothing(job: Job) -> None:
    job.hub.merged(MERGE, HEAD)
    job.hub.comment(str(Mark("plan", "ica", HEAD, DIGEST)))
    for method, path in (("GET", "/pulls"), ("POST", "/graphql")):
        for said in strangely(
            job, method, path, lambda: approved(job.github, "lab/manifests", MERGE, "ica", job.time.clock)
        ):
            assert not said.startswith("went"), said


def test_a_strange_answer_ends_no_comment_and_no_issue_in_a_traceback(job: Job) -> None:
    pull, event = job.event().pull_request, job.event()
    assert pull
    said: list[str] = []
    for method, path in (("POST", "/graphql"), ("POST", "/issues"), ("PATCH", "/issues")):
        for act in (
            lambda: show(job.github, event, pull, "ica", DIGEST, "text", job.time.clock),
            lambda: issue.tell(job.github, event, "ica", "verdict", "text", job.time.clock),
            lambda: issue.close(job.github, event, "ica"),
        ):
            job.hub.comments.clear()
            job.hub.issues.clear()
            if method == "PATCH":
                job.hub.comment(str(Mark("plan", "ica")))
                job.hub.issue(str(Mark("drift", "ica")))
            said += strangely(job, method, path, act)
    failed = sum(not each.startswith("went") for each in said)
    print(f"{len(said)} calls answered strangely, of which {failed} failed")
    assert failed
