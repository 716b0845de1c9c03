"""Pages of a list, by cursor or by offset, as ICA documents them.

Without a sort the cursor is the default; a sort or a pageOffset means offset paging, which reaches 200,000
rows. A cursor names the last row that was shown, so rows added or removed meanwhile neither skip nor repeat
others. ICA gives neither the default nor the largest page size: here they are 100 and 1000. Whether a page
may have fewer rows than were asked for it does not say either; `page_size` makes that so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.datastructures import QueryParams

from .call import Call
from .problem import Problem
from .world import encode

T = TypeVar("T")
DEFAULT_SIZE = 100
LARGEST_SIZE = 1000
OFFSET_LIMIT = 200_000


def page(
    call: Call,
    rows: Sequence[T],
    place: Callable[[T], tuple[Any, ...]],
    render: Callable[[T], Any],
    sorts: Mapping[str, Callable[[T], Any]] | None = None,
    offset_only: bool = False,
) -> dict[str, Any]:
    """`rows` must come sorted by `place`, which is unique and never changes for a row."""
    query = call.query
    size = min(_number(query, "pageSize", DEFAULT_SIZE, 1, LARGEST_SIZE), call.settings.page_size)
    sort, token = query.get("sort") or "", query.get("pageToken") or ""
    if sort or offset_only or query.get("pageOffset"):
        if token:
            raise _refused("pageToken", "cannot be combined with pageOffset or sort")
        offset = _number(query, "pageOffset", 0, 0, OFFSET_LIMIT)
        if offset + size > OFFSET_LIMIT:
            raise _refused("pageOffset", f"offset-based paging is limited to {OFFSET_LIMIT} rows")
        shown = ordered(rows, sort, sorts or {})[offset : offset + size]
        items = [render(row) for row in shown]
        return {"items": items, "nextPageToken": "", "remainingRecords": None, "totalItemCount": len(rows)}
    start = _after(rows, _decoded(token), place) if token else 0
    shown = rows[start : start + size]
    remaining = len(rows) - start - len(shown)
    following = _encoded(place(shown[-1])) if remaining else ""
    return {
        "items": [render(row) for row in shown],
        "nextPageToken": following,
        "remainingRecords": remaining,
        "totalItemCount": None,
    }


def ordered(rows: Sequence[T], sort: str, sorts: Mapping[str, Callable[[T], Any]]) -> Sequence[T]:
    """Sort by ICA's notation: "name, status desc"; the last word weighs least, rows without a value come
    first.
    """
    for term in reversed([term.split() for term in sort.split(",") if term.strip()]):
        field, direction = term[0], term[1].lower() if len(term) > 1 else "asc"
        if field not in sorts or direction not in ("asc", "desc") or len(term) > 2:
            raise _refused("sort", f"supported attributes are {', '.join(sorts) or 'none'}")
        key = sorts[field]
        rows = sorted(rows, key=lambda row: _nulls_first(key(row)), reverse=direction == "desc")
    return rows


def _nulls_first(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def _after(rows: Sequence[T], last: tuple[Any, ...], place: Callable[[T], tuple[Any, ...]]) -> int:
    low, high = 0, len(rows)
    try:
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if place(rows[middle]) <= last else (low, middle)
    except TypeError:
        raise _refused("pageToken", "is not a token of this list") from None
    return low


def _encoded(place: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(encode(place).encode()).decode().rstrip("=")


def _decoded(token: str) -> tuple[Any, ...]:
    try:
        return tuple(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    except (ValueError, TypeError):
        raise _refused("pageToken", "is not a token of this list") from None


def _number(query: QueryParams, name: str, default: int, least: int, most: int) -> int:
    text = query.get(name) or ""
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise _refused(name, f"must be a number from {least} to {most}")
    return int(text)


def _refused(name: str, why: str) -> Problem:
    return Problem(400, f"{name}: {why}", None, {name: why})
