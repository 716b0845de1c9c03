"""Drift has one issue: opened, kept up to date, closed when it is gone; never two."""

from __future__ import annotations

import pytest

from action.github import Lost, Refused
from action.issue import GONE, close, tell
from action.mark import Mark
from tests.action.conftest import Job

OURS = Mark("drift", "ica")


def told(job: Job, text: str = "what drifted", name: str = "ica") -> int:
    return tell(job.github, job.event(None), name, "2 drifted", text, job.time.clock)


def test_it_is_opened_updated_and_closed(job: Job) -> None:
    number = told(job)
    assert job.hub.issues[number]["title"] == "icaform: drift in ica: 2 drifted"
    assert told(job, "more of it") == number
    assert "more of it" in job.hub.issues[number]["body"]
    assert close(job.github, job.event(None), "ica") == number
    issue = job.hub.issues[number]
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert GONE in issue["body"]
    assert "more of it" in issue["body"], "it keeps what it said last"
    assert close(job.github, job.event(None), "ica") is None


def test_drift_that_comes_back_gets_an_issue_of_its_own(job: Job) -> None:
    first = told(job)
    close(job.github, job.event(None), "ica")
    assert told(job) != first


def test_each_workspace_has_its_own(job: Job) -> None:
    first, second = told(job, name="a"), told(job, name="b")
    assert first != second
    assert close(job.github, job.event(None), "a") == first
    assert job.hub.issues[second]["state"] == "open"


@pytest.mark.parametrize("author", [("User", "mallory"), ("Bot", "renovate"), ("User", "github-actions")])
def test_an_issue_of_another_account_is_never_touched(job: Job, author: tuple[str, str]) -> None:
    theirs = job.hub.issue(str(OURS), author)
    assert told(job) != theirs
    close(job.github, job.event(None), "ica")
    assert job.hub.issues[theirs] == {
        "body": str(OURS),
        "author": author,
        "editor": None,
        "state": "open",
        "title": "old",
    }


@pytest.mark.parametrize("status", [0, 500, 502])
@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_opens_no_second_issue(job: Job, status: int, after: bool) -> None:
    job.hub.fail("POST", "/issues$", status, after=after)
    number = told(job)
    assert list(job.hub.issues) == [number]


def test_two_that_were_opened_at_once_become_one(job: Job) -> None:
    first, second = job.hub.issue(str(OURS)), job.hub.issue(str(OURS))
    assert told(job) == first
    assert job.hub.issues[second]["state_reason"] == "not_planned"


def test_ours_is_found_on_any_page(job: Job) -> None:
    job.hub.page = 2
    for _ in range(5):
        job.hub.issue("other", ("User", "anna"))
    ours = job.hub.issue(str(OURS))
    assert told(job) == ours


def test_what_github_refuses_is_said(job: Job) -> None:
    job.hub.fail("POST", "/issues$", 410, body={"message": "Issues are disabled for this repo"})
    with pytest.raises(Refused, match="Issues are disabled"):
        told(job)
    job.hub.fail("POST", "/graphql", 503, times=99)
    with pytest.raises(Lost):
        close(job.github, job.event(None), "ica")
