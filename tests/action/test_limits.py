"""GitHub's limits are waited out, for as long as a job's minutes are worth it."""

from __future__ import annotations

from typing import Any

import pytest

from action.comment import show
from action.github import LIMITED_PAUSE, PATIENCE, Refused
from tests.action.conftest import DIGEST, NOW, Job

SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait."}
SPENT = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 90)}
LIMITS: list[tuple[int, dict[str, str], Any, float]] = [
    (429, {"Retry-After": "17"}, None, 17),
    (403, {"Retry-After": "17"}, None, 17),
    (403, SPENT, None, 90),
    (429, SPENT, None, 90),
    (403, {}, SECONDARY, LIMITED_PAUSE),
    (429, {}, None, LIMITED_PAUSE),
    (429, {"Retry-After": "soon"}, None, LIMITED_PAUSE),
    (200, {}, {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}, LIMITED_PAUSE),
]


def shown(job: Job) -> int:
    pull = job.event().pull_request
    assert pull is not None
    return show(job.github, job.event(), pull, "ica", DIGEST, "the plan", job.time.clock)


CASES = [("/graphql", *limit) for limit in LIMITS] + [
    ("/issues/7/comments", *limit)
    for limit in LIMITS
    if limit[0] != 200  # only GraphQL says it with 200
]


@pytest.mark.parametrize(("path", "status", "headers", "body", "pause"), CASES)
def test_each_limit_is_waited_out_as_long_as_it_says(
    job: Job, path: str, status: int, headers: dict[str, str], body: Any, pause: float
) -> None:
    job.hub.fail("POST", path, status, headers=headers, body=body, times=2)
    made = shown(job)
    assert list(job.hub.comments) == [made]
    # A time that is named counts from now, so the second wait for it is short.
    assert job.time.slept == [pause, 1.0 if headers is SPENT else pause]


def test_a_limit_that_outlasts_a_jobs_worth_is_a_refusal(job: Job) -> None:
    job.hub.fail("POST", "/issues/7/comments", 403, headers={"Retry-After": "3600"})
    with pytest.raises(Refused, match="rate limit"):
        shown(job)
    assert job.time.slept == []
    assert not job.hub.comments


def test_patience_is_bounded_however_often_github_says_wait(job: Job) -> None:
    job.hub.fail("POST", "/issues/7/comments", 429, times=999, headers={"Retry-After": "100"})
    with pytest.raises(Refused):
        shown(job)
    assert sum(job.time.slept) <= PATIENCE


def test_a_plain_403_is_no_limit(job: Job) -> None:
    job.hub.fail(
        "POST", "/issues/7/comments", 403, body={"message": "Resource not accessible by integration"}
    )
    with pytest.raises(Refused, match="Resource not accessible by integration"):
        shown(job)
    assert job.time.slept == []
