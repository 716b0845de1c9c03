"""Following a list to its end, by cursor or, where it is sorted, by offset.

``pageSize``, ``pageToken`` and ``pageOffset`` are strings; ``nextPageToken`` empty, null or absent is the
end; without a sort the cursor is the default, with one the offset. A cursor guarantees complete and unique
rows. An offset reaches 200,000 of them, and shows some twice, or not at all, where the list changes meanwhile
(ICA, descriptions of the paging parameters; API beginner guide, "Cursor- versus Offset-based Pagination").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from icaform.operation import Answer, Call, Json
from icaform.wire.problem import BadAnswer

MOST_PAGES = 2_000
"""Pages of one list: with a thousand items on each, more than can be held."""
MOST_EMPTY = 20
"""Pages in a row that bring nothing new."""
LONGEST_CURSOR = 4096
"""Characters of a cursor; a longer one fits no URL."""
MOST_OFFSET = 200_000
"""Rows that an offset reaches."""
MOST_BEGUN = 5
"""How often a sorted list that changes while it is read is read from its beginning."""

Send = Callable[[Call], Answer]


def collect(call: Call, send: Send, page_size: int) -> Answer:
    """One answer with the items of all pages, each id once, or the first answer that was refused.

    Raises BadAnswer where a page has no list of items, or not all of them can be had.
    """
    asked = tuple((name, value) for name, value in call.query if name not in ("pageToken", "pageOffset"))
    if not any(name == "pageSize" for name, _ in asked):
        asked = (*asked, ("pageSize", str(page_size)))
    call = replace(call, query=asked, paged=False)
    return _by_offset(call, send) if any(name == "sort" for name, _ in asked) else _by_cursor(call, send)


@dataclass(slots=True)
class _Items:
    """What pages have brought, each id once."""

    all: list[Json] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def add(self, page: list[Json]) -> bool:
        """Take the items of a page; whether there was a new one among them."""
        before = len(self.all)
        for item in page:
            name = _id(item)
            if name is None:
                self.all.append(item)
            elif name not in self.ids:
                self.ids.add(name)
                self.all.append(item)
        return len(self.all) > before


def _by_cursor(call: Call, send: Send) -> Answer:
    items, tokens = _Items(), set[str]()
    token = ""
    first: Answer | None = None
    empty = 0
    while True:
        query = (*call.query, ("pageToken", token)) if token else call.query
        answer = send(replace(call, query=query))
        if answer.problem:
            return replace(answer, pages=len(tokens) + 1)
        first = first or answer
        page = _page(call, answer)
        token = _token(call, answer)
        empty = 0 if items.add(page) else empty + 1
        if not token:
            return replace(first, body={"items": items.all}, pages=len(tokens) + 1)
        if token in tokens or len(tokens) >= MOST_PAGES or empty >= MOST_EMPTY:
            raise BadAnswer(call, "the list does not end: its cursor does not move on", status=answer.status)
        tokens.add(token)


def _by_offset(call: Call, send: Send) -> Answer:
    """Each page begins with the last row of the one before: without it rows have moved up, and some were
    not shown. Rows that moved down are shown again, and known by their ids.
    """
    size = max(int(dict(call.query)["pageSize"]), 2)
    asked = tuple((name, str(size) if name == "pageSize" else value) for name, value in call.query)
    pages = 0
    for _ in range(MOST_BEGUN):
        items, offset, total, last = _Items(), 0, MOST_OFFSET, ""
        while True:
            if offset + size > MOST_OFFSET or pages >= MOST_PAGES:
                raise BadAnswer(call, _TOO_LONG, remedy=_FILTER)
            answer = send(replace(call, query=(*asked, ("pageOffset", str(offset)))))
            pages += 1
            if answer.problem:
                return replace(answer, pages=pages)
            page = _page(call, answer)
            names = [_id(item) or "" for item in page]
            if not all(names):
                raise BadAnswer(call, "rows of a sorted list have no id", status=answer.status)
            told = _total(answer)
            if told is not None and told > MOST_OFFSET:
                raise BadAnswer(call, _TOO_LONG, remedy=_FILTER, status=answer.status)
            total = min(total, told or 0)
            if offset and last not in names and (page or last):
                break
            items.add(page)
            if len(page) <= bool(last):
                if len(items.all) < total:
                    break
                return replace(answer, body={"items": items.all}, pages=pages)
            last = names[-1] if len(page) > 1 else ""
            offset += len(page) - bool(last)
    raise BadAnswer(call, "the list changes whenever it is read", remedy=_AGAIN)


_TOO_LONG = f"the list has more rows than the {MOST_OFFSET:,} that ICA shows of a sorted one"
_FILTER = "Narrow it with a filter, or ask for it without a sort."
_AGAIN = "Try again when less is going on, or ask for it without a sort."


def _page(call: Call, answer: Answer) -> list[Json]:
    body = answer.body
    if not isinstance(body, dict) or "items" not in body:
        raise BadAnswer(call, "the answer is no list of items", status=answer.status)
    items: list[Json] = body["items"]
    return items


def _token(call: Call, answer: Answer) -> str:
    token = answer.body.get("nextPageToken")
    if token is not None and not (isinstance(token, str) and len(token) <= LONGEST_CURSOR):
        raise BadAnswer(call, "the cursor of the list is no short text", status=answer.status)
    return token or ""


def _total(answer: Answer) -> int | None:
    """How many rows there are, where ICA tells it."""
    total = answer.body.get("totalItemCount")
    return total if isinstance(total, int) else None


def _id(item: Json) -> str | None:
    """The id of a row, or of the data that it wraps (ICA, ProjectData)."""
    if not isinstance(item, dict):
        return None
    wrapped = item.get("data")
    name = wrapped.get("id") if isinstance(wrapped, dict) else item.get("id")
    return name if isinstance(name, str) else None
