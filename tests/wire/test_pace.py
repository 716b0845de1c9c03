"""One pace for all threads, and the arithmetic of waiting."""

from __future__ import annotations

import threading
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icaform.wire.rate import CLIMB, FASTEST, SLOWEST, Pace, Stopped
from icaform.wire.retry import LONGEST_BACKOFF, LONGEST_RETRY_AFTER, backoff, retry_after
from tests.wire.swarm import Case, Still, play

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


def fast(pace, clock, calls=20, seconds=0.01):
    """Many calls at once that are all granted."""
    for _ in range(calls):
        pace.turn(0, FOREVER)
        clock.sleep(seconds)
        pace.granted()


def test_calls_that_were_under_way_together_slow_down_once(clock):
    pace = Pace(clock)
    fast(pace, clock)
    sent = clock.monotonic()
    for _ in range(8):
        pace.refused(sent, 1)
    assert pace.calls_per_second == pytest.approx(10)
    pace.turn(0, FOREVER)
    pace.granted()
    clock.sleep(1)
    pace.refused(clock.monotonic(), 1)
    assert 5 <= pace.calls_per_second < 10


def test_a_second_wave_within_a_second_of_the_first_pauses_and_leaves_the_pace(clock):
    pace = Pace(clock)
    fast(pace, clock)
    pace.refused(clock.monotonic(), None)
    clock.sleep(0.1)
    pace.granted()
    assert pace.refused(clock.monotonic(), None) > 0
    assert pace.calls_per_second == pytest.approx(10)


def test_a_wave_in_which_nothing_was_granted_lengthens_the_pause_and_leaves_the_pace(clock):
    pace = Pace(clock, Random(1))
    fast(pace, clock)
    pauses = []
    for _ in range(12):
        pauses.append(pace.refused(clock.monotonic(), None))
        clock.sleep(pauses[-1] + 0.01)
    assert pace.calls_per_second == pytest.approx(10)
    assert all(0 <= pause <= min(LONGEST_BACKOFF, 2.0**wave) for wave, pause in enumerate(pauses))
    assert max(pauses[6:]) > 5


def test_the_next_pace_lies_between_what_was_granted_and_what_was_refused(clock):
    pace = Pace(clock)
    fast(pace, clock)
    pace.refused(clock.monotonic(), 1)
    begun, first = clock.monotonic(), pace.calls_per_second
    granted = 0
    while pace.calls_per_second < 40:
        pace.turn(0, FOREVER)
        pace.granted()
        granted += 1
    given, refused = granted / (clock.monotonic() - begun), pace.calls_per_second
    pace.refused(clock.monotonic(), 1)
    assert first < given < pace.calls_per_second < refused
    assert pace.calls_per_second == pytest.approx(max((given * refused) ** 0.5, refused / 2))


def climbing(clock):
    """A pace after its second wave, and the pace that was too fast."""
    pace = Pace(clock)
    fast(pace, clock)
    pace.refused(clock.monotonic(), 0)
    while pace.calls_per_second < 40:
        pace.turn(0, FOREVER)
        pace.granted()
    refused = pace.calls_per_second
    pace.refused(clock.monotonic(), 0)
    return pace, refused


def test_it_climbs_to_what_was_refused_stays_near_it_and_goes_beyond(clock):
    pace, refused = climbing(clock)
    begun, seen = clock.monotonic(), []
    while clock.monotonic() < begun + 2.2 * CLIMB:
        pace.turn(0, FOREVER)
        pace.granted()
        seen.append(((clock.monotonic() - begun) / CLIMB, pace.calls_per_second / refused))
    assert [each for _, each in seen] == sorted(each for _, each in seen)
    assert all(0.9 < pace < 1.1 for way, pace in seen if 0.5 < way < 1.5)
    assert seen[-1][1] > 1.4


def test_time_in_which_nobody_waits_for_a_turn_makes_nothing_faster(clock):
    pace, _ = climbing(clock)
    before = pace.calls_per_second
    for _ in range(50):
        clock.sleep(60)
        assert pace.turn(0, FOREVER) == 0
        pace.granted()
    assert pace.calls_per_second == before


def test_a_pace_that_is_asked_for_is_never_exceeded(clock):
    pace = Pace(clock, most=4)
    begun = clock.monotonic()
    for _ in range(41):
        pace.turn(0, FOREVER)
        pace.granted()
    assert clock.monotonic() - begun == pytest.approx(10, abs=0.1)
    assert pace.limit == pace.calls_per_second == 4
    pace.refused(clock.monotonic(), 1)
    for _ in range(200):
        pace.turn(0, FOREVER)
        pace.granted()
        assert pace.calls_per_second <= 4


def test_what_is_known_of_a_limit_is_told_and_a_guess_is_not(clock):
    pace = Pace(clock)
    fast(pace, clock)
    assert pace.limit is None
    pace.refused(clock.monotonic(), 1)
    assert (pace.limit, pace.calls_per_second) == (None, pytest.approx(10))
    pace.turn(0, FOREVER)
    pace.granted()
    clock.sleep(1)
    pace.refused(clock.monotonic(), 1)
    assert pace.limit == pace.calls_per_second


def test_a_server_that_refuses_no_more_is_called_without_limit_again(clock):
    pace, _ = climbing(clock)
    calls = 0
    while pace.calls_per_second is not None:
        pace.turn(0, FOREVER)
        pace.granted()
        calls += 1
    assert clock.monotonic() < 10 * CLIMB
    pace.turn(0, FOREVER)
    for _ in range(1000):
        assert pace.turn(0, FOREVER) == 0


@CALM
@given(st.lists(st.sampled_from(["granted", "refused", "asked", "turn", "idle"]), max_size=200))
def test_the_pace_never_leaves_its_bounds_and_never_stands_still(steps):
    clock = Still()
    pace = Pace(clock, Random(3))
    for step in steps:
        if step == "turn":
            assert pace.turn(0, FOREVER) <= LONGEST_BACKOFF + 1 / SLOWEST
        elif step == "granted":
            pace.granted()
        elif step == "idle":
            clock.time += 3
        else:
            pace.refused(clock.monotonic(), 1.0 if step == "asked" else None)
            clock.time += 0.01
        rate = pace.calls_per_second
        assert rate is None or SLOWEST <= rate <= FASTEST


KINDS: tuple[dict[str, float], ...] = ({"burst": 1}, {"burst": 10}, {"burst": 50}, {"window": 1})
LATENCIES = (0.005, 0.05, 0.2, 0.5, 1.0)


def worst(cases):
    """Each case with how it went; the worst of them are printed."""
    went = [(play(case), case) for case in cases]
    for figure, form in (("ratio", ".3f"), ("refused", ".2%")):
        run, case = max(went, key=lambda each: getattr(each[0], figure))
        print(f"{len(went)} cases, worst {figure} {getattr(run, figure):{form}}: {case}")
    return went


def test_ten_calls_a_second_take_a_thousand_writes_in_hardly_more_than_their_time():
    for run, case in worst(
        Case(10, latency=latency, told=told, **kind)
        for kind in KINDS
        for latency in LATENCIES
        for told in (True, False)
    ):
        assert run.ratio <= 1.10, case
        assert run.refused < 0.02, case


def test_threads_and_a_network_that_are_late_now_and_then_cost_little_where_a_burst_is_borne():
    for run, case in worst(
        Case(10, latency=latency, told=told, jitter=jitter, **kind)
        for kind in ({"burst": 1}, {"burst": 3}, {"burst": 10}, {"window": 1})
        for latency in (0.005, 0.05, 0.5)
        for jitter in (0.001, 0.003)
        for told in (True, False)
    ):
        # Where not even two calls may come together, each that is early is refused, and costs a pause.
        assert run.ratio <= (1.10 if case.burst > 1 else 1.25), case
        assert run.refused < 0.02, case


def test_other_limits_delays_and_numbers_of_threads_are_found_too():
    for run, case in worst(
        Case(rate, latency=latency, workers=workers, told=workers != 4, calls=600, **kind)
        for rate in (2, 50, 100)
        for kind in KINDS
        for latency in (0.005, 1.0)
        for workers in (1, 4, 16)
    ):
        # Six hundred calls at a hundred a second are over before much can be learnt.
        assert run.ratio <= (1.15 if case.rate <= 10 else 3.0), case
        assert run.refused < (0.035 if case.workers < 16 else 0.12), case


def test_a_pace_of_ones_own_below_the_limit_is_never_refused():
    for run, case in worst(Case(10, most=9.5, **kind) for kind in KINDS[1:]):
        assert (run.refused, run.ratio < 1.06) == (0, True), case


def test_a_server_without_a_limit_is_not_slowed_down():
    run = play(Case(1e9, burst=1e9, latency=0.05))
    assert (run.refused, run.pace) == (0, None)
    assert run.seconds == pytest.approx(1000 * 0.05 / 8)


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
