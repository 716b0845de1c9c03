"""Lists that do not end, that lie about how long they are, or whose pages fill the machine."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, QUICK, SLOW, Siege
from tests.hostile.impostor import Act, Attack, Honest
from tests.hostile.verdict import errors, judged

PLACES = {
    "GET /api/projects": "pipeline",
    "POST /api/projects/[^/]+/pipelines:search": "pipeline",
    "POST /api/projects/[^/]+/analysis:search": "batch",
    "GET /api/jobs": "batch",
    "GET /api/projects/[^/]+/data": "batch",
}
Page = dict[str, Any]
FILLING, FILLED = "new cursors and rows that fill the machine", "POST /api/projects/[^/]+/analysis:search"
"""What takes seconds, and where a quick run tries it."""


def pages(make: Callable[[int, Page], Page]) -> Act:
    """ICA's first page, changed each time with the number of the page."""
    numbers = count()
    first: list[bytes] = []

    def act(connection: socket.socket, honest: Honest) -> None:
        first.append(honest.body)
        data = json.dumps(make(next(numbers), json.loads(first[0]))).encode()
        connection.sendall(honest.head(status=200, length=len(data)) + data)

    return act


def cursor(token: Callable[[int], Any], **more: Any) -> Callable[[int, Page], Page]:
    return lambda number, page: page | more | {"nextPageToken": token(number)}


def rows(number: int, size: int = 0, rows: int = 1) -> list[Page]:
    return [
        {"id": f"{number}-{row}", "name": "x" * size, "tags": {"technicalTags": []}, "subjectType": "none"}
        for row in range(rows)
    ]


ENDLESS: dict[str, Callable[[int, Page], Page]] = {
    "the same cursor": cursor(lambda _: "again"),
    "two cursors in turn": cursor(lambda number: f"turn {number % 2}"),
    "new cursors and the same page": cursor(str),
    "new cursors and empty pages": cursor(str, items=[]),
    "new cursors and new rows": lambda number, page: cursor(str)(number, {"items": rows(number)}),
    FILLING: lambda number, page: cursor(str)(number, {"items": rows(number, 5_000, 2_000)}),
    "a cursor of a megabyte": cursor(lambda number: f"{number}" + "x" * (1 << 20)),
    "a cursor that is a number": cursor(lambda number: number + 1),
    "a cursor that is a list": cursor(lambda number: ["x"]),
    "a cursor that is an object": cursor(lambda number: {}),
}
LIES: dict[str, Callable[[int, Page], Page]] = {
    f"{name} {value!r}": (lambda number, page, name=name, value=value: page | {name: value})
    for name in ("totalItemCount", "remainingRecords")
    for value in (0, -1, 10**30, "many", None, [])
} | {
    "an empty cursor": cursor(lambda _: ""),
    "a cursor of control characters, once": lambda number, page: (
        page | ({} if number else {"nextPageToken": "\x1b[31m\r\nX: y\u202e"})
    ),
}


@pytest.mark.parametrize("call", PLACES)
def test_a_list_without_an_end_is_an_error_and_a_lie_about_its_length_is_no_matter(
    call: str, siege: Siege
) -> None:
    siege.world.fresh()
    asked = 0
    for title, make in ENDLESS.items():
        if title == FILLING and call != FILLED and not EVERYTHING:
            continue
        # A page takes some milliseconds, so two thousand of them take longer than this deadline.
        seconds = SLOW if title == "new cursors and new rows" else QUICK
        ended = siege.run("plan", PLACES[call], "--timeout", seconds, attack=Attack(call, pages(make)))
        report = judged(ended, siege.secrets)
        assert ended.code == Exit.UNREACHABLE, title
        assert errors(report) in (["bad-answer"], ["unreachable"]), title
        asked = max(asked, siege.impostor.hits)
    for title, make in LIES.items():
        ended = siege.run("plan", PLACES[call], attack=Attack(call, pages(make)))
        judged(ended, siege.secrets)
        assert ended.code == Exit.DONE, title
    assert not siege.world.writes()
    print(f"{len(ENDLESS)} lists without an end, {len(LIES)} lies; at most {asked} pages were asked for")


WHOLE = {
    "GET /api/storageCredentials": "credential",
    "GET /api/projects/[^/]+/pipelines": "pipeline",
    "GET /api/analysisStorages": "batch",
}
"""Lists that ICA's contract does not page."""


def test_a_list_that_comes_whole_and_goes_on_all_the_same_is_an_error(siege: Siege) -> None:
    siege.world.fresh()
    for call, folder in WHOLE.items():
        ended = siege.run("plan", folder, attack=Attack(call, pages(cursor(lambda _: "more"))))
        assert errors(judged(ended, siege.secrets)) == ["bad-answer"], call
        ended = siege.run("plan", folder, attack=Attack(call, pages(cursor(lambda _: ""))))
        assert errors(judged(ended, siege.secrets)) == [], call
    print(f"{len(WHOLE)} lists")
