"""One comment a workspace under a pull request, which nobody else can pass off as ours."""

from __future__ import annotations

import pytest

from action.comment import LIMIT, show
from action.github import Lost, Refused
from action.mark import Mark
from tests.action.conftest import DIGEST, HEAD, TOKEN, Job
from tests.action.fake_github import BOT

OURS = Mark("plan", "ica", HEAD, DIGEST)


def shown(job: Job, text: str = "the plan", name: str = "ica") -> int:
    pull = job.event().pull_request
    assert pull is not None
    return show(job.github, job.event(), pull, name, DIGEST, text, job.time.clock)


def test_the_first_plan_writes_a_comment_with_its_mark_and_its_commit(job: Job) -> None:
    made = shown(job)
    body = job.hub.comments[made]["body"]
    assert Mark.of(body) == OURS
    assert "the plan" in body
    assert HEAD in body.splitlines()[-1]
    assert made > 2**31
    assert job.hub.tokens == {f"Bearer {TOKEN}"}


def test_the_next_plan_updates_it_in_place(job: Job) -> None:
    first = shown(job, "the first")
    assert shown(job, "the second") == first
    assert len(job.hub.comments) == 1
    assert "the second" in job.hub.comments[first]["body"]
    assert "the first" not in job.hub.comments[first]["body"]


def test_several_workspaces_have_a_comment_each(job: Job) -> None:
    names = ("ica/a", "ica/b", "ica -->", "ica--b", "ica b", "ica\nb", "größe")
    first = [shown(job, name, name) for name in names]
    second = [shown(job, f"{name} again", name) for name in names]
    assert first == second
    assert len(set(first)) == len(names)
    for made, name in zip(first, names, strict=True):
        line = job.hub.comments[made]["body"].splitlines()[0]
        assert line.count("--") == 2, "a mark is one HTML comment"
        assert f"{name} again".splitlines()[0] in job.hub.comments[made]["body"]


@pytest.mark.parametrize("author", [("User", "mallory"), ("Bot", "renovate"), ("User", "github-actions")])
def test_a_comment_of_another_account_is_never_touched(job: Job, author: tuple[str, str]) -> None:
    theirs = job.hub.comment(str(OURS), author)
    made = shown(job)
    assert made != theirs
    assert job.hub.comments[theirs]["body"] == str(OURS)
    assert job.hub.count("PATCH") == 0


def test_a_comment_of_a_vanished_account_is_passed_over(job: Job) -> None:
    theirs = job.hub.comment(str(OURS))
    job.hub.comments[theirs]["author"] = None
    assert shown(job) != theirs


def test_our_comment_is_ours_whatever_token_is_used(job: Job) -> None:
    for viewer in (BOT, ("Bot", "lab-deployer"), ("User", "anna")):
        job.hub.viewer = viewer
        assert shown(job) == shown(job)
    assert len(job.hub.comments) == 3


def test_a_mark_counts_in_the_first_line_alone(job: Job) -> None:
    quoted = job.hub.comment(f"A plan says:\n{OURS}\n")
    inside = job.hub.comment(f"see {OURS}")
    assert shown(job) not in (quoted, inside)


def test_ours_is_found_on_any_page(job: Job) -> None:
    job.hub.page = 3
    tried = 0
    for place in range(8):
        job.hub.comments.clear()
        for each in range(8):
            job.hub.comment("chatter", ("User", "anna")) if each != place else job.hub.comment(str(OURS))
        before = len(job.hub.comments)
        shown(job)
        assert len(job.hub.comments) == before
        tried += 1
    print(f"{tried} places over {-(-8 // 3)} pages")


def test_comments_of_other_pull_requests_are_others(job: Job) -> None:
    theirs = job.hub.comment(str(OURS), pull=8)
    assert shown(job) != theirs


@pytest.mark.parametrize("status", [0, 500, 502, 503])
@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_makes_no_second_comment(job: Job, status: int, after: bool) -> None:
    job.hub.fail("POST", "/issues/7/comments", status, after=after)
    made = shown(job)
    assert list(job.hub.comments) == [made]


def test_answers_that_stay_lost_are_said_so_and_leave_at_most_one(job: Job) -> None:
    job.hub.fail("POST", "/issues/7/comments", 502, times=99)
    with pytest.raises(Lost, match="502"):
        shown(job)
    assert job.hub.count("POST", "/issues/7/comments") == 3
    assert not job.hub.comments


@pytest.mark.parametrize("path", ["/graphql", "/issues/comments/"])
@pytest.mark.parametrize("status", [0, 500, 503])
def test_reads_and_updates_are_simply_repeated(job: Job, path: str, status: int) -> None:
    first = shown(job)
    method = "POST" if path == "/graphql" else "PATCH"
    job.hub.fail(method, path, status, times=2)
    assert shown(job, "again") == first
    assert "again" in job.hub.comments[first]["body"]
    assert job.time.slept == [2.0, 4.0]


def test_a_comment_deleted_meanwhile_is_written_anew(job: Job) -> None:
    first = shown(job)
    job.hub.fail("PATCH", "/issues/comments/", 404, meanwhile=job.hub.comments.clear)
    second = shown(job, "anew")
    assert second != first
    assert "anew" in job.hub.comments[second]["body"]


def test_comments_that_two_runs_wrote_at_once_become_one(job: Job) -> None:
    first, second, other = (job.hub.comment(str(mark)) for mark in (OURS, OURS, Mark("plan", "other")))
    assert shown(job) == first
    assert set(job.hub.comments) == {first, other}, second


@pytest.mark.parametrize(("status", "word"), [(403, "fault"), (404, "fault"), (401, "fault"), (422, "fault")])
def test_a_refusal_is_said_with_githubs_words_and_not_repeated(job: Job, status: int, word: str) -> None:
    job.hub.fail("POST", "/issues/7/comments", status, times=9)
    with pytest.raises(Refused, match=word) as raised:
        shown(job)
    assert raised.value.status == status
    assert job.hub.count("POST", "/issues/7/comments") == 1
    assert job.time.slept == []


def test_an_unknown_pull_request_is_a_refusal(job: Job) -> None:
    for told in (
        {"data": {"viewer": {"login": "a"}, "repository": None}},
        {"data": {"viewer": {"login": "a"}, "repository": {"place": None}}},
        {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "message": "Could not resolve"}]},
    ):
        job.hub.fail("POST", "/graphql", 200, body=told)
        with pytest.raises(Refused) as raised:
            shown(job)
        assert raised.value.status == 404


def test_a_huge_report_is_cut_between_lines_and_says_so(job: Job) -> None:
    for length in (LIMIT - 500, LIMIT - 200, LIMIT, LIMIT * 3):
        text = ("x" * 99 + "\n") * (length // 100)
        body = job.hub.comments[shown(job, text)]["body"]
        assert len(body) <= LIMIT
        whole = len(text) <= LIMIT - 400
        assert Mark.of(body) == (OURS if whole else Mark("plan", "ica", HEAD)), "what is cut approves nothing"
        assert HEAD in body.splitlines()[-1]
        assert {len(line) for line in body.splitlines() if line.startswith("x")} == {99}
        assert ("the whole is in the summary" in body) == (not whole), length
