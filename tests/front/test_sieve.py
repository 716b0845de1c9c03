"""No secret goes out, however a report is broken into lines; and a long report is not held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.cli import sieve
from icaform.cli.sieve import sifted
from icaform.engine.disguise import forms
from icaform.engine.secrets import WITHHELD, Secrets
from tests.front.test_canaries import DISGUISES

SECRET = "canary/+one e&two\nthree-four-five"
CUTS = [SECRET, *sorted(forms(SECRET) - {SECRET}), *(way(SECRET) for way in DISGUISES.values())]


def secrets(*values: str) -> Secrets:
    made = Secrets({}, [], Path())
    for value in values:
        made.guard(value)
    return made


def leaks(text: str) -> list[str]:
    """Every form of the secret in a text, also with other space in between."""
    bare = "".join(text.split())
    return [form for form in CUTS if "".join(form.split()) in bare]


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(CUTS),
    st.lists(st.integers(1, 20), max_size=8),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(1, 300),
)
def test_a_value_is_found_wherever_it_is_broken_and_wherever_a_block_ends(
    monkeypatch: pytest.MonkeyPatch, form: str, cuts: list[int], before: int, after: int, block: int
) -> None:
    monkeypatch.setattr(sieve, "BLOCK", block)
    pieces, rest = [], form
    for cut in cuts:
        pieces += [rest[:cut] + "\n", *(" " * 9 + "\n" for _ in range(cut))]
        rest = rest[cut:]
    lines = [*("x\n" for _ in range(before)), *pieces, rest + "\n", *("yy\n" for _ in range(after))]
    out = "".join(sifted(lines, secrets(SECRET)))
    assert not leaks(out)
    assert WITHHELD in out


@given(st.lists(st.text("ab \n", max_size=12), max_size=40), st.integers(1, 60))
def test_what_holds_no_secret_goes_through_to_the_letter(lines: list[str], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve, "BLOCK", block)
        assert list(sifted(lines, secrets(SECRET))) == lines
        assert list(sifted(lines, secrets())) == lines
        assert list(sifted(lines, None)) == lines


def test_only_the_line_that_holds_it_is_withheld() -> None:
    lines = ["a\n", f"see {CUTS[0].splitlines()[0]}\n", "key=abcdef-7\n", "z\n"]
    assert list(sifted(lines, secrets("abcdef-7"))) == [*lines[:2], WITHHELD + "\n", lines[3]]


def test_a_value_that_is_a_word_withholds_the_lines_that_hold_it_and_no_other() -> None:
    words = ("create", "Deprecated", "status", "lab-archive")
    lines = [
        "3 to do: 100% of what is wanted, in C:\\labs &amp; elsewhere\n",
        *(f"  + {word} it\n" for word in words),
        "creative, deprecated, a lab archive, a state (%20, \\u0041, &lt;, 63:72:65:61:74)\n",
    ]
    kept = [each if "  + " not in each else WITHHELD + "\n" for each in lines]
    assert list(sifted(lines, secrets(*words))) == kept
    assert list(sifted(lines[:1], secrets(*words))) == lines[:1]


def test_a_long_report_is_let_through_while_it_is_made() -> None:
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for _ in range(100_000):
            taken += 1
            yield "a line of some sixty characters, such as a report has of them\n"

    through = sifted(lines(), secrets(SECRET))
    ahead = []
    for count, _ in enumerate(through, 1):
        if count % 10_000 == 0:
            ahead.append(taken - count)
    assert max(ahead) * 62 < 2 * sieve.BLOCK
