"""When a call may be sent again, and after how long."""

from __future__ import annotations

import time
from itertools import product
from random import Random

import pytest

from icaform.operation import Call, Problem, Repeat
from icaform.wire.problem import BadAnswer, RateLimited, ServerFault, WireError
from icaform.wire.retry import backoff, harmless, may_repeat, refusal, retry_after
from tests.core.conftest import same

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


def call(repeat: Repeat) -> Call:
    return Call("POST", "/api/x", "v3", repeat=repeat)


def test_only_what_is_harmless_or_surely_did_nothing_is_sent_again() -> None:
    rows: list[tuple[object, object]] = [(repeat.value, harmless(call(repeat))) for repeat in Repeat]
    for repeat, passing, certain in product(Repeat, (False, True), (False, True)):
        error = WireError(call(repeat), "why", certain=certain, passing=passing)
        given = f"{repeat.value} passing={passing} certain={certain}"
        rows.append((given, may_repeat(call(repeat), error)))
    same("repeats", rows)


def test_what_a_status_stands_for() -> None:
    rows = []
    statuses = (200, 400, 401, 403, 404, 408, 409, 421, 422, 425, 428, 429, 499, 500, 502, 503, 504)
    for repeat, status, own, pause in product(Repeat, statuses, (True, False), (None, 7.0)):
        problem = Problem(status, "C", "d", own=own)
        found = refusal(call(repeat), status, problem, pause)
        told: object = None
        if found is not None:
            assert isinstance(found, BadAnswer | RateLimited | ServerFault)
            told = (type(found).__name__, str(found), found.certain, found.passing, found.retry_after)
            assert found.problem is problem
        rows.append(((repeat.value, status, own, pause), told))
    same("refusals", rows)


class Ceiling(Random):
    """Chance that always takes the most it may, and tells the least."""

    def uniform(self, a: float, b: float) -> float:
        assert a == 0.0
        return b


def test_the_pause_before_the_next_try_grows_to_half_a_minute() -> None:
    assert [backoff(attempt, Ceiling()) for attempt in (0, 1, 2, 3, 4, 5, 6, 7, 99, 5000)] == [
        0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0,
    ]  # fmt: skip


def test_a_pause_that_is_asked_for_is_a_number_or_a_date_and_never_long() -> None:
    words = (
        "", "0", "7", "119", "120", "121", "99999999999999999999", "-1", "1.5", "+3", " 5 ", "٣", "soon",
        "1\n2",
        "Fri, 15 Jan 2027 08:00:30 GMT", "Fri, 15 Jan 2027 08:00:30 -0000", "Fri, 15 Jan 2027 09:00:30 +0100",
        "Fri, 15 Jan 2027 07:59:00 GMT", "Fri, 15 Jan 2027 09:00:00 GMT", "Fri, 99 Jan 2027 08:00:30 GMT",
        "Fri, 15 Jan 99999 08:00:30 GMT", "5" * 70, "0" * 59 + "7", "0" * 60 + "7", "0" * 61,
        "Fri, 15 Jan 2027 08:00:30",
    )  # fmt: skip
    same("pauses", ((repr(word), retry_after(word, NOW)) for word in words))


def test_a_date_that_names_no_zone_is_in_utc_wherever_icaform_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert retry_after("Fri, 15 Jan 2027 08:00:30 -0000", NOW) == 30.0
        assert retry_after("Fri, 15 Jan 2027 09:00:30 +0100", NOW) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()
