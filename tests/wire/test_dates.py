"""By how much this machine's clock is off: a server's Date tells it, in whole seconds and some time ago."""

from __future__ import annotations

from email.utils import formatdate
from itertools import product
from random import Random

import pytest

from icaform.operation import Call
from icaform.wire.dates import SLACK, ahead_of

V3 = "application/vnd.illumina.v3+json"
START = 1_800_000_000.0
OFF = (0.0, 0.4, -0.4, 1.9, -1.9, 4.0, -4.0, 60.0, -60.0, 1200.0, -7200.0, 864_000.0, -1e8)
TAKES = (0.0, 0.2, 3.0, 60.0)


def test_a_clock_that_may_be_right_is_and_another_comes_ever_closer_to_what_it_is() -> None:
    answers = 0
    for off, takes, seed in product(OFF, TAKES, range(20)):
        random, known, server = Random(seed), None, START
        for _ in range(20):
            server += random.uniform(0.0, 30.0)
            told = server + random.uniform(0.0, takes)
            before = known
            known = ahead_of(before, float(int(told)), server + off, server + takes + off)
            assert known is not None
            if abs(off) <= SLACK:
                assert known == 0.0
            elif known:
                assert -takes - 1e-6 <= off - known <= 1.0 + takes + 1e-6
            else:
                assert abs(off) <= SLACK + takes + 1.0
            assert before is None or abs(off - known) <= abs(off - before) + 1e-6
            answers += 1
            server += takes
    print(f"{answers} answers")


def test_a_clock_that_is_set_meanwhile_proves_nothing_and_is_followed_afterwards() -> None:
    assert ahead_of(None, START, START + 60, START) is None
    assert ahead_of(7.0, START, START + 60, START) == 7.0
    set_back = ahead_of(ahead_of(None, START, START + 3600, START + 3600), START + 9, START + 9, START + 9)
    assert set_back == pytest.approx(0.0, abs=1.0)


def test_a_session_knows_it_from_any_answer_that_tells_a_date(rogue, open_session, http, clock):
    session = open_session()
    assert session.dates.skew is None
    session.send(Call("GET", "/api/x", V3))
    assert session.dates.skew is None
    for off in (0.0, 1200.0, -7200.0):
        date = {"Date": formatdate(clock.now() - off, usegmt=True)}
        for status in (200, 404):
            rogue.script = [http.says(status, {}, headers=date), http.says(200, {})]
            for _ in range(2):
                session.send(Call("GET", "/api/x", V3))
                assert session.dates.skew == pytest.approx(off, abs=1.0)
    rogue.script = [http.says(200, {}, headers={"Date": "yesterday"})]
    session.send(Call("GET", "/api/x", V3))
    assert session.dates.skew == pytest.approx(-7200.0, abs=1.0)
