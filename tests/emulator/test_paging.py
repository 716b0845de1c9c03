"""Both ways of paging, and their limits."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.emulator import Embedded

from .conftest import V3, Caller

ROWS = 53


@pytest.fixture(scope="module")
def paged(_october: Embedded) -> tuple[Caller, str, list[str]]:
    """A batch with its references in order; it has run to its end."""
    ada = Caller(_october)
    ada.control("POST", "/reset", {})
    references = [f"sample {number:02d}" for number in range(ROWS)]
    items = [ada.item(reference) for reference in references]
    path = f"/api/projects/{ada.project()}/analysisCreationBatch"
    batch = ada("POST", path, json={"nextflowItems": items}).json()["id"]
    ada.advance(100)
    return ada, f"{path}/{batch}/items", references


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, ROWS + 5))
def test_a_cursor_returns_each_row_once_whatever_the_page_size(
    paged: tuple[Caller, str, list[str]], size: int
) -> None:
    ada, path, references = paged
    seen: list[str] = []
    token = ""
    while True:
        page = ada("GET", f"{path}?pageSize={size}&pageToken={token}").json()
        seen += [item["request"]["userReference"] for item in page["items"]]
        assert page["remainingRecords"] == ROWS - len(seen)
        token = page["nextPageToken"]
        if not token:
            break
        assert len(page["items"]) == size
    assert seen == references


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, ROWS + 5))
def test_offsets_return_each_row_once_when_nothing_changes(
    paged: tuple[Caller, str, list[str]], size: int
) -> None:
    ada, path, references = paged
    seen: list[str] = []
    for offset in range(0, ROWS, size):
        page = ada("GET", f"{path}?pageSize={size}&pageOffset={offset}").json()
        assert (page["totalItemCount"], page["nextPageToken"]) == (ROWS, "")
        seen += [item["request"]["userReference"] for item in page["items"]]
    assert seen == references


def test_a_sort_means_offsets_and_is_obeyed(paged: tuple[Caller, str, list[str]]) -> None:
    ada, path, references = paged
    search = path.split("/analysisCreationBatch")[0] + "/analysis:search"
    page = ada("POST", f"{search}?sort=status, userReference desc&pageSize=5", json={}).json()
    assert [a["userReference"] for a in page["items"]] == references[:-6:-1]
    assert (page["totalItemCount"], page["nextPageToken"]) == (ROWS, "")


def test_a_cursor_neither_skips_nor_repeats_while_rows_are_added(ada: Caller) -> None:
    project = ada.project()
    search = f"/api/projects/{project}/analysis:search"

    def add(reference: str) -> None:
        path = f"/api/projects/{project}/analysis:nextflow"
        assert ada("POST", path, json=ada.item(reference)).status_code == 201
        ada.advance(1)

    for number in range(4):
        add(f"before {number}")
    first = ada("POST", f"{search}?pageSize=3", json={}).json()
    add("meanwhile")
    rest = ada("POST", f"{search}?pageSize=3&pageToken={first['nextPageToken']}", json={}).json()
    seen = [a["userReference"] for a in first["items"] + rest["items"]]
    assert seen == ["before 0", "before 1", "before 2", "before 3", "meanwhile"]


@pytest.mark.parametrize(
    "query",
    [
        "pageSize=0",
        "pageSize=1001",
        "pageSize=ten",
        "pageSize=-1",
        "pageOffset=-1",
        "pageOffset=199990&pageSize=11",
        "pageOffset=1&pageToken=WzFd",
        "pageToken=not-a-token",
        "pageToken=WyJ4Il0",
        "sort=nothing",
        "sort=name sideways",
    ],
)
def test_what_cannot_be_paged_is_a_400_that_names_the_parameter(ada: Caller, query: str) -> None:
    answer = ada("GET", f"/api/projects?{query}", V3)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()["parameters"]) & {"pageSize", "pageOffset", "pageToken", "sort"}


def test_offsets_reach_two_hundred_thousand_rows(ada: Caller) -> None:
    assert ada("GET", "/api/projects?pageOffset=199990&pageSize=10").status_code == 200
