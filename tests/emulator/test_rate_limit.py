"""A limit on calls: how many get through, and what the others are told. Time is handed in."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from icaform.emulator import Settings
from icaform.emulator.limiter import Limiter

from .conftest import Caller

OFF = {"rate": 0, "burst": 10, "window": 0, "retry_after": "none"}


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    for burst in (1, 10, 50):
        limiter = Limiter(Settings(rate=10, burst=burst))
        assert [limiter.pause(0.0) for _ in range(burst)] == [None] * burst
        assert limiter.pause(0.0) == pytest.approx(0.1)
        taken = sum(limiter.pause(step / 100) is None for step in range(1, 1001))
        assert taken == pytest.approx(100, abs=1)


def test_a_window_gives_its_share_and_then_nothing_until_the_next() -> None:
    limiter = Limiter(Settings(rate=10, window=2))
    for begun in (0.0, 2.0, 8.0):
        assert [limiter.pause(begun + 0.5) for _ in range(20)] == [None] * 20
        assert limiter.pause(begun + 0.5) == pytest.approx(1.5)


def test_all_calls_count_and_a_refused_one_has_no_effect(ada: Caller) -> None:
    for form in ("none", "seconds", "date"):
        ada.control("PUT", "/settings", {"rate": 0.5, "burst": 2, "retry_after": form})
        ada.control("DELETE", "/requests")
        assert ada("POST", "/api/tokens").status_code == 200
        assert ada("GET", "/api/projects").status_code == 200
        refused = ada("POST", "/api/tokens")
        assert (refused.status_code, refused.json()["title"]) == (429, "ICA_API_429")
        told = refused.headers.get("Retry-After")
        if form == "date":
            date, now = parsedate_to_datetime(told), parsedate_to_datetime(refused.headers["Date"])
            assert 1 <= (date - now).total_seconds() <= 3
        else:
            assert told == ("2" if form == "seconds" else None)
        log = ada.control("GET", "/requests")["items"]
        assert [each["status"] for each in log] == [200, 200, 429]
        ada.advance(2)
        assert ada("GET", "/api/projects").status_code == 200
    ada.control("PUT", "/settings", OFF)
    assert all(ada("GET", "/api/projects").status_code == 200 for _ in range(20))


def test_a_limit_that_cannot_be_is_refused(ada: Caller) -> None:
    for body in ({"rate": -1}, {"retry_after": "soon"}, {"token_lifetime": 0}, {"speed": 1}):
        answer = ada.session.put(ada.ica.control_url + "/settings", json=body, timeout=20)
        assert answer.status_code == 400, body
