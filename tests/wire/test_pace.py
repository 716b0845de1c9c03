"""One pace for all threads, and the arithmetic of waiting."""

from __future__ import annotations

import threading
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icaform.wire.rate import FASTEST, SLOWEST, Pace, Stopped
from icaform.wire.retry import LONGEST_BACKOFF, LONGEST_RETRY_AFTER, backoff, retry_after

CALM = settings(deadline=None, database=None)
FOREVER = float("inf")


def test_nothing_waits_before_the_first_refusal(clock):
    pace = Pace(clock)
    for _ in range(1000):
        assert pace.turn(0, FOREVER) == 0
    assert clock.slept == 0
    assert pace.calls_per_second is None


def test_after_a_refusal_all_threads_wait_for_the_same_moment(clock):
    pace = Pace(clock)
    pace.turn(0, FOREVER)
    pace.refused(clock.monotonic(), 30)
    waits = []
    threads = [threading.Thread(target=lambda: waits.append(pace.turn(0, FOREVER))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 6
    assert clock.monotonic() >= 30


def test_a_burst_of_refusals_halves_once_and_each_later_one_again(clock):
    pace = Pace(clock)
    for _ in range(21):
        pace.turn(0, FOREVER)
        clock.sleep(0.05)
    for _ in range(8):
        pace.refused(0.5, 1)
    assert pace.calls_per_second == pytest.approx(10, rel=0.1)
    clock.sleep(5)
    pace.refused(clock.monotonic(), 1)
    assert pace.calls_per_second == pytest.approx(5, rel=0.1)


def test_granted_calls_earn_about_one_call_per_second_each_second(clock):
    pace = Pace(clock)
    pace.turn(0, FOREVER)
    pace.refused(clock.monotonic(), 0)
    begun, first = clock.monotonic(), pace.calls_per_second
    while clock.monotonic() < begun + 10:
        pace.turn(0, FOREVER)
        pace.granted()
    assert pace.calls_per_second == pytest.approx(first + 10, abs=2)


@CALM
@given(st.lists(st.sampled_from(["granted", "refused", "turn"]), max_size=200))
def test_the_pace_never_leaves_its_bounds_and_never_stands_still(steps):
    clock = _Still()
    pace = Pace(clock)
    for step in steps:
        if step == "turn":
            assert pace.turn(0, FOREVER) is not None
        elif step == "granted":
            pace.granted()
        else:
            pace.refused(clock.monotonic(), 1.0)
            clock.time += 0.01
        rate = pace.calls_per_second
        assert rate is None or SLOWEST <= rate <= FASTEST
    assert clock.time < 2.5 * (len(steps) + 1)


class _Still:
    time = 0.0

    def now(self):
        return self.time

    def monotonic(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


def test_a_wait_beyond_the_deadline_is_not_begun(clock):
    pace = Pace(clock)
    pace.refused(0, 100)
    assert pace.turn(0, 50) is None
    assert clock.slept == 0


def test_one_calls_own_backoff_does_not_hold_up_the_others(clock):
    pace = Pace(clock)

    def stuck():
        with pytest.raises(Stopped):
            pace.turn(1e9, FOREVER)

    thread = threading.Thread(target=stuck, daemon=True)
    thread.start()
    for _ in range(10):
        assert pace.turn(0, FOREVER) is not None
    pace.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_a_stop_ends_every_wait(clock):
    pace = Pace(clock)
    pace.refused(0, 100)
    pace.stop()
    with pytest.raises(Stopped):
        pace.turn(0, FOREVER)


@CALM
@given(st.integers(1, 10_000), st.integers())
def test_backoff_is_jittered_and_bounded(attempt, seed):
    assert 0 <= backoff(attempt, Random(seed)) <= min(LONGEST_BACKOFF, 2.0 ** min(attempt - 1, 20))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("120", 120),
        ("99999999999", 120),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Fri, 15 Jan 2027 08:00:05 GMT", 5),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("Sun, 15 Jan 2034 08:00:00 GMT", 120),
        ("Fri, 99 Jan 2027 08:00:05 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_two_minutes(value, seconds, http):
    assert retry_after(value, http.START) == seconds


@CALM
@given(st.text(max_size=80))
def test_no_retry_after_breaks_anything(value):
    seconds = retry_after(value, 1.8e9)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER
