"""Lists are whole, whichever way they are paged and whatever changes meanwhile, or they are an error.

The list is that of a project's data in the embedded ICA, over real HTTP; where a server must lie, it is the
rogue's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import pytest
import requests

from icaform.emulator import Embedded, Settings
from icaform.operation import Call
from icaform.wire import BadAnswer, Credential, Event, Means, Session, SystemClock
from icaform.wire.paging import MOST_BEGUN, MOST_OFFSET

V3 = "application/vnd.illumina.v3+json"
SORTS = ("path", "path desc")


@dataclass
class Shelf:
    """A project's files, what happens to them between the pages, and how many pages were asked for."""

    ica: Embedded
    project: str = ""
    pages: int = 0
    between: dict[int, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        credential = Credential(Means.API_KEY, self.ica.api_key)
        self.http = requests.Session()
        self.session = Session(self.ica.base_url, credential, clock=SystemClock(), on_event=self._heard)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, self.ica.control_url + path, json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def put(self, there: Iterable[str], gone: Iterable[str] = ()) -> None:
        """Files that are to be seen, and files that are not."""
        statuses = {**dict.fromkeys(there, "AVAILABLE"), **dict.fromkeys(gone, "DELETING")}
        files = [{"path": f"/{name}", "project": "wgs-dev", "status": statuses[name]} for name in statuses]
        self.control("POST", "/seed", {"data": files})

    def read(self, sort: str = "", size: int = 1000) -> list[str]:
        """The names of a project's files, read with pages of this size."""
        self.pages = 0
        query = (("status", "AVAILABLE"), ("type", "FILE"), ("pageSize", str(size)))
        query = (*query, ("sort", sort)) if sort else query
        answer = self.session.send(
            Call("GET", f"/api/projects/{self.project}/data", V3, query=query, paged=True)
        )
        assert answer.problem is None
        assert answer.pages == self.pages
        return [row["data"]["details"]["name"] for row in answer.body["items"]]

    def _heard(self, event: Event) -> None:
        if event.kind == "call" and "/data" in event.call:
            self.pages += 1
            self.between.pop(self.pages, lambda: None)()


@pytest.fixture(scope="module")
def ica() -> Iterator[Embedded]:
    with Embedded(settings=Settings(clock="manual")) as opened:
        yield opened


@pytest.fixture
def shelf(ica: Embedded) -> Iterator[Shelf]:
    made = Shelf(ica)
    world = {
        "tenants": [{"name": "lab"}],
        "users": [{"name": "ada", "tenant": "lab", "api_key": ica.api_key}],
        "projects": [{"name": "wgs-dev", "owner": "ada"}],
    }
    made.control("POST", "/reset", {"demo": False, "seed": world})
    made.project = made.control("GET", "/state")["objects"]["Project"][0]["id"]
    yield made
    made.session.close()


def names(count: int) -> list[str]:
    return [f"{number:02d}" for number in range(10, 10 + count)]


def test_every_row_is_read_once_by_cursor_and_by_offset_whatever_the_page_size(shelf: Shelf) -> None:
    tried = 0
    for count in (0, 1, 2, 3, 7):
        there = names(count)
        shelf.put(there)
        for size in range(1, count + 3):
            assert sorted(shelf.read(size=size)) == there
            assert shelf.pages == max(1, ceil(count / size))
            for sort in SORTS:
                assert shelf.read(sort, size) == sorted(there, reverse=sort.endswith("desc"))
                # Each page begins with the last row of the one before, and the last brings no other.
                assert shelf.pages == (1 + max(1, ceil((count - 1) / (max(size, 2) - 1))) if count else 1)
            tried += 1 + len(SORTS)
    print(f"{tried} lists")


CHANGES = {
    "one more before all": ((), ("00",)),
    "one more after all": ((), ("99",)),
    "one more in the middle": ((), ("13b",)),
    "many more before all": ((), tuple(f"0{number}" for number in range(9))),
    "the first gone": (("10",), ()),
    "the last gone": (("17",), ()),
    "one in the middle gone": (("13",), ()),
    "most gone": (tuple(names(6)), ()),
    "all gone": (tuple(names(8)), ()),
    "the first gone, and one more before all": (("10",), ("00",)),
}
"""What may happen to eight rows from 10 to 17 while they are read: rows that go, rows that come."""


def test_no_row_that_was_there_all_the_time_is_missed_while_others_come_and_go(shelf: Shelf) -> None:
    tried = met = 0
    before = set(names(8))
    shelf.put(names(8))
    for sort in ("", "path"):
        for size in (2, 3, 8):
            for page in (1, 2):
                for what, (gone, more) in CHANGES.items():
                    shelf.between = {page: lambda gone=gone, more=more: shelf.put(more, gone)}
                    seen = shelf.read(sort, size)
                    case = (sort, size, page, what, seen)
                    assert len(seen) == len(set(seen)), case
                    assert before - {*gone} <= set(seen) <= before | {*more}, case
                    tried += 1
                    if not shelf.between:
                        met += 1
                        shelf.put(gone, more)
    print(f"{tried} lists, {met} of them changed before they were read to the end")


def test_a_sorted_list_that_never_keeps_still_is_an_error(shelf: Shelf) -> None:
    there = names(20)
    shelf.put(there)

    def lose() -> None:
        shelf.put((), [there.pop(0)])

    shelf.between = dict.fromkeys(range(1, 20), lose)
    with pytest.raises(BadAnswer, match="changes whenever it is read"):
        shelf.read("path", 2)
    assert shelf.pages == 2 * MOST_BEGUN


def test_a_sorted_list_that_only_grows_at_its_beginning_is_read_once_to_its_end(shelf: Shelf) -> None:
    shelf.put(names(8))
    more = iter(range(99))
    shelf.between = dict.fromkeys(range(1, 4), lambda: shelf.put([f"0{9 - next(more)}"]))
    seen = shelf.read("path", 4)
    assert [each for each in seen if each >= "10"] == names(8)
    assert len(seen) == len(set(seen))
    assert shelf.pages <= 6


SORTED = Call("GET", "/api/projects/p/data", V3, query=(("sort", "path"),), paged=True)


def page(first: int, last: int, **more: Any) -> dict[str, Any]:
    rows = [{"data": {"id": f"fil.{number}"}, "projectId": "p"} for number in range(first, last)]
    return {"items": rows, "nextPageToken": "", **more}


def test_a_sorted_list_is_read_by_what_comes_and_not_by_what_is_said_of_it(rogue, http, open_session) -> None:
    session = open_session()
    for total in (None, 0, 1, 3, "many", True):
        rogue.script[:] = [
            http.says(200, page(*each, totalItemCount=total)) for each in ((0, 2), (1, 3), (2, 3))
        ]
        answer = session.send(SORTED)
        assert [row["data"]["id"] for row in answer.body["items"]] == ["fil.0", "fil.1", "fil.2"]
    offsets = [each.target.partition("pageOffset=")[2] for each in rogue.calls[:3]]
    assert offsets == ["0", "1", "2"]


def test_a_sorted_list_that_is_shorter_than_its_own_count_is_an_error(rogue, http, open_session) -> None:
    for pages in (((0, 1),), ((0, 2), (1, 2))):
        shown = [http.says(200, page(*each, totalItemCount=3)) for each in pages]
        rogue.script[:] = shown * 2 * MOST_BEGUN
        with pytest.raises(BadAnswer, match="changes whenever it is read"):
            open_session().send(SORTED)


@pytest.mark.parametrize("total", [MOST_OFFSET + 1, 10**30])
def test_a_sorted_list_beyond_the_reach_of_an_offset_is_an_error_at_its_first_page(
    rogue, http, open_session, total: int
) -> None:
    rogue.habit = http.says(200, page(0, 2, totalItemCount=total))
    with pytest.raises(BadAnswer, match="more rows than the 200,000") as caught:
        open_session().send(SORTED)
    assert "Narrow it with a filter" in caught.value.remedy
    assert len(rogue.calls) == 1


def test_a_sorted_list_that_reaches_the_limit_untold_is_an_error(
    rogue, http, open_session, monkeypatch
) -> None:
    monkeypatch.setattr("icaform.wire.paging.MOST_OFFSET", 20)
    session = open_session(limits={"page_size": 5})
    rogue.script[:] = [http.says(200, page(first, first + 5)) for first in range(0, 40, 4)]
    with pytest.raises(BadAnswer, match="more rows than"):
        session.send(SORTED)
    assert [each.target.rpartition("=")[2] for each in rogue.calls] == ["0", "4", "8", "12"]


def test_rows_of_a_sorted_list_that_cannot_be_told_apart_are_an_error(rogue, http, open_session) -> None:
    for rows in ([{}], [{"id": 1}], [{"data": {"name": "x"}}]):
        rogue.script[:] = [http.says(200, {"items": rows})]
        with pytest.raises(BadAnswer, match="have no id"):
            open_session().send(SORTED)


def test_a_refusal_in_the_middle_of_a_sorted_list_is_the_answer(rogue, http, open_session) -> None:
    rogue.script[:] = [http.says(200, page(0, 2)), http.says(403, {"title": "ICA_SEC", "detail": "no"})]
    answer = open_session().send(SORTED)
    assert answer.problem is not None
    assert (answer.status, answer.pages) == (403, 2)
