"""Following a cursor to its end.

``pageSize`` and ``pageToken`` are strings; ``nextPageToken`` empty, null or absent is the end; without a
sort the cursor is the default (ICA, descriptions of the paging parameters).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from icaform.operation import Answer, Call, Json
from icaform.wire.problem import BadAnswer

MOST_PAGES = 2_000
"""Pages of one list: with a thousand items on each, more than can be held."""
MOST_EMPTY = 20
"""Pages in a row that bring nothing new."""
LONGEST_CURSOR = 4096
"""Characters of a cursor; a longer one fits no URL."""


def collect(call: Call, send: Callable[[Call], Answer], page_size: int) -> Answer:
    """One answer with the items of all pages, each id once, or the first answer that was refused.

    Raises BadAnswer where a page has no list of items, or the cursor does not move on.
    """
    asked = tuple((name, value) for name, value in call.query if name != "pageToken")
    if not any(name == "pageSize" for name, _ in asked):
        asked = (*asked, ("pageSize", str(page_size)))
    items: list[Json] = []
    ids: set[str] = set()
    tokens: set[str] = set()
    token = ""
    first: Answer | None = None
    empty = 0
    while True:
        query = (*asked, ("pageToken", token)) if token else asked
        answer = send(replace(call, query=query, paged=False))
        if answer.problem:
            return replace(answer, pages=len(tokens) + 1)
        first = first or answer
        page, token = _page(call, answer)
        before = len(items)
        for item in page:
            name = item.get("id") if isinstance(item, dict) else None
            if isinstance(name, str):
                if name in ids:
                    continue
                ids.add(name)
            items.append(item)
        if not token:
            return replace(first, body={"items": items}, pages=len(tokens) + 1)
        empty = 0 if len(items) > before else empty + 1
        if token in tokens or len(tokens) >= MOST_PAGES or empty >= MOST_EMPTY:
            raise BadAnswer(call, "the list does not end: its cursor does not move on", status=answer.status)
        tokens.add(token)


def _page(call: Call, answer: Answer) -> tuple[list[Json], str]:
    body = answer.body
    if not isinstance(body, dict) or "items" not in body:
        raise BadAnswer(call, "the answer is no list of items", status=answer.status)
    token = body.get("nextPageToken")
    if token is not None and not (isinstance(token, str) and len(token) <= LONGEST_CURSOR):
        raise BadAnswer(call, "the cursor of the list is no short text", status=answer.status)
    return body["items"], token or ""
