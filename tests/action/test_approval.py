"""A digest is read only from our own comment, of the very commit that was merged."""

from __future__ import annotations

from typing import Any

import pytest

from action.approval import LOOKS, NotApproved, approved
from action.comment import show
from action.github import Lost, Refused
from action.mark import Mark
from tests.action.conftest import DIGEST, HEAD, MERGE, Job
from tests.action.fake_github import BOT

GOOD = Mark("plan", "ica", HEAD, DIGEST)
OTHER = "c" * 40


def asked(job: Job) -> str:
    return approved(job.github, "lab/manifests", MERGE, "ica", job.time.clock)


def test_what_the_plan_wrote_is_what_the_apply_reads(job: Job) -> None:
    pull = job.event().pull_request
    assert pull is not None
    show(job.github, job.event(), pull, "ica", DIGEST, "the plan", job.time.clock)
    show(job.github, job.event(), pull, "ica", DIGEST, "the plan, again", job.time.clock)
    job.hub.merged(MERGE, HEAD)
    assert asked(job) == DIGEST


@pytest.mark.parametrize(
    ("comments", "said"),
    [
        ([], "no comment of this account"),
        ([(str(GOOD), ("User", "mallory"), None)], "no comment of this account"),
        ([(str(GOOD), ("Bot", "mallory"), None)], "no comment of this account"),
        ([(str(GOOD), ("User", "github-actions"), None)], "no comment of this account"),
        ([(str(GOOD), ("User", "mallory"), BOT)], "no comment of this account"),
        ([(str(GOOD), None, None)], "no comment of this account"),
        ([(str(Mark("plan", "other", HEAD, DIGEST)), BOT, None)], "no comment of this account"),
        ([(str(Mark("drift", "ica", HEAD, DIGEST)), BOT, None)], "no comment of this account"),
        ([(f"\n{GOOD}", BOT, None)], "no comment of this account"),
        ([(f"x{GOOD}", BOT, None)], "no comment of this account"),
        ([(f"{GOOD} <!-- x -->", BOT, None)], "no comment of this account"),
        ([(str(GOOD), BOT, None), (str(GOOD), BOT, None)], "2 comments"),
        ([(str(GOOD), BOT, ("User", "maintainer"))], "edited by maintainer"),
        ([(str(GOOD), BOT, ("Bot", "renovate"))], "edited by renovate"),
        ([(str(GOOD), BOT, ("User", "github-actions"))], "edited by github-actions"),
        ([(str(Mark("plan", "ica", OTHER, DIGEST)), BOT, None)], "is of commit cccccccccccc"),
        ([(str(Mark("plan", "ica", "", DIGEST)), BOT, None)], "is of commit"),
        ([(str(Mark("plan", "ica", HEAD, "")), BOT, None)], "no digest"),
        ([(str(GOOD).replace(DIGEST, DIGEST[:-1]), BOT, None)], "no comment of this account"),
        ([(str(GOOD).replace(DIGEST, DIGEST.upper()), BOT, None)], "no comment of this account"),
    ],
)
def test_any_other_comment_approves_nothing(job: Job, comments: list[Any], said: str) -> None:
    job.hub.merged(MERGE, HEAD)
    for body, author, editor in comments:
        made = job.hub.comment(body, author, editor)
        job.hub.comments[made]["author"] = author
    with pytest.raises(NotApproved, match=said):
        asked(job)


def test_our_own_update_is_no_foreign_edit(job: Job) -> None:
    job.hub.merged(MERGE, HEAD)
    job.hub.comment(str(GOOD), BOT, BOT)
    job.hub.comment(str(Mark("plan", "ica", HEAD, "sha256:" + "2" * 64)), ("User", "mallory"))
    assert asked(job) == DIGEST


@pytest.mark.parametrize(
    ("pulls", "said"),
    [
        ([], "the merge of no pull request"),
        ([{"merged_at": None}], "the merge of no pull request"),
        ([{"merge_commit_sha": OTHER}], "the merge of no pull request"),
        ([{"base": {"repo": {"full_name": "mallory/manifests"}}}], "the merge of no pull request"),
        ([{}, {"number": 8}], "several pull requests: 7, 8"),
    ],
)
def test_only_the_merge_of_one_pull_request_has_a_plan(job: Job, pulls: list[Any], said: str) -> None:
    job.hub.comment(str(GOOD))
    for other in pulls:
        job.hub.merged(MERGE, HEAD, **other)
    with pytest.raises(NotApproved, match=said):
        asked(job)


def test_the_pull_request_is_found_on_any_page(job: Job) -> None:
    job.hub.comment(str(GOOD))
    for number in range(100, 305):
        job.hub.merged(MERGE, HEAD, number, merged_at=None)
    job.hub.merged(MERGE, HEAD)
    assert asked(job) == DIGEST
    assert job.hub.count("GET", "page=3") == 1


def test_a_merge_that_github_tells_of_late_is_waited_for(job: Job) -> None:
    job.hub.comment(str(GOOD))
    job.hub.merged(MERGE, HEAD)
    job.hub.fail("GET", "/pulls", 200, body=[], times=LOOKS - 1)
    assert asked(job) == DIGEST
    assert len(job.time.slept) == LOOKS - 1


@pytest.mark.parametrize("path", ["/pulls", "/graphql"])
def test_what_github_does_not_tell_approves_nothing(job: Job, path: str) -> None:
    job.hub.comment(str(GOOD))
    job.hub.merged(MERGE, HEAD)
    method = "GET" if path == "/pulls" else "POST"
    for status, expected in ((403, Refused), (404, Refused), (422, Refused), (500, Lost), (0, Lost)):
        job.hub.faults.clear()
        job.hub.fail(method, path, status, times=99)
        with pytest.raises(expected):
            asked(job)
