"""A terminal: a bar while a run goes on, a clean screen whenever anything else is shown; lines elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from icaform.cli.progress import bar, draws, lines
from icaform.cli.progress.bar import Bar
from icaform.cli.progress.lines import EVERY, Lines
from icaform.cli.progress.tally import Tally
from icaform.emulator import Embedded, Settings
from icaform.render.report import plain
from icaform.render.text.ink import flow, middle, prose
from icaform.render.text.width import cells
from tests.front.conftest import Lab
from tests.front.test_output import GOOD

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
ESCAPE = re.compile(r"\x1b\[(\d*(?:;\d+)*)([A-Za-z])")
NAMES = (
    "cohort",
    "全ゲノム解析パイプライン" * 3,
    "e\u0301" * 40,
    "\x1b[2Jevil\u202e\r\n::error::x",
    "x" * 200,
    "😀" * 30,
)
"""Of a batch, as a server or a manifest may have them."""


class Screen:
    """What a terminal shows that obeys what a bar and a report send, and nothing else."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows = [""]
        self.row = self.column = 0
        self.bars = 0
        """How often a bar was begun."""

    def feed(self, text: str) -> None:
        while text:
            if found := ESCAPE.match(text):
                self._obey(found[1], found[2])
                text = text[found.end() :]
                continue
            self._show(text[0])
            text = text[1:]

    def _obey(self, number: str, what: str) -> None:
        if what == "J":
            del self.rows[self.row + 1 :]
            self.rows[self.row] = self.rows[self.row][: self.column]
        elif what == "A":
            self.row -= int(number)
            assert self.row >= 0
        else:
            assert what == "m", f"a sequence that nobody expects: {number}{what}"

    def _show(self, character: str) -> None:
        assert character != "\x1b", "a sequence that nobody expects"
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        else:
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
            self.column += 1
            self.bars += self.rows[self.row].endswith(": reading")

    @property
    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows).strip("\n")


class Child:
    """icaform with a terminal of its own; stdout may go elsewhere."""

    def __init__(self, lab: Lab, *line: str, columns: int = 80, out: Any = None, **environ: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        kept = {each: said for each, said in os.environ.items() if each not in ("CI", "COLUMNS", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "icaform", *line, str(lab.folder)],
            cwd=ROOT,
            env={**kept, **lab.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environ},
            stdin=slave,
            stdout=out or slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.sent = b""

    def until(self, text: str) -> None:
        """Read until that was shown."""
        end = time.monotonic() + PATIENCE
        while text.encode() not in self.sent:
            assert time.monotonic() < end, self.sent.decode()[-2000:]
            assert self._read(), self.sent.decode()[-2000:]

    def end(self) -> int:
        """Read to the end."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(PATIENCE)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def _read(self) -> bool:
        try:
            got = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.sent += got
        return bool(got)

    def screen(self, columns: int = 80) -> Screen:
        shown = Screen(columns)
        shown.feed(self.sent.decode())
        return shown


@pytest.fixture(scope="module")
def real() -> Iterator[Embedded]:
    with Embedded(settings=Settings()) as ica:
        yield ica


def late(seconds: float, times: int = 1000) -> dict[str, Any]:
    """Reads that are answered late."""
    return {"match": {"method": "GET"}, "times": times, "delay": seconds, "when": "before"}


@pytest.fixture
def slow(tmp_path: Path, real: Embedded) -> Lab:
    """A workspace against a server that takes its time for each read, so that a bar is drawn."""
    made = Lab(tmp_path, real)
    made.control("POST", "/reset", {})
    made.control("PUT", "/faults", [late(0.4, times=2)])
    made.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    made.write("a.yaml", GOOD)
    return made


@pytest.mark.parametrize("columns", [80, 60])
def test_a_bar_is_drawn_and_only_the_report_stays_on_the_screen(slow: Lab, columns: int) -> None:
    child = Child(slow, "plan", columns=columns)
    assert child.end() == 0
    shown = child.screen(columns)
    slow.control("DELETE", "/faults")
    without = Child(slow, "plan", columns=columns, CI="true")
    assert without.end() == 0
    assert shown.bars
    assert not without.screen(columns).bars
    assert shown.text == without.screen(columns).text
    assert shown.text.startswith("1 to create, 1 to update")


def test_what_goes_to_a_file_goes_there_while_a_bar_is_drawn(slow: Lab, tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out:
        child = Child(slow, "plan", out=out)
        assert child.end() == 0
    assert (tmp_path / "out").read_text("utf-8").startswith("1 to create, 1 to update")
    assert child.screen().bars
    assert child.screen().text == ""


def test_a_question_stands_alone_and_the_bar_comes_back_afterwards(slow: Lab) -> None:
    slow.control("PUT", "/faults", [late(0.4)])
    child = Child(slow, "apply", "--first-run")
    child.until("anything else to stop: ")
    asked = child.screen().text
    assert "reading" not in asked
    assert asked.splitlines()[-1].startswith("1 step cannot be undone. Type 1 to apply")
    before = child.screen().bars
    child.type("1\r")
    assert child.end() == 0
    assert child.screen().bars > before > 0
    assert not [word for word in ("reading", "writing") if word in child.screen().text]
    assert "\n2 done" in child.screen().text


def test_an_interrupt_leaves_a_clean_screen(slow: Lab) -> None:
    slow.control("PUT", "/faults", [late(20)])
    child = Child(slow, "plan")
    child.until("plan: reading")
    child.type("\x03")
    assert child.end() == 130
    # The terminal itself may show ^C where the cursor is; the bar takes that away with it.
    assert child.screen().text.replace("^C", "") == "stopped"


STREAMS: list[tuple[dict[str, str], bool, bool]] = [
    ({"NO_COLOR": "1"}, True, False),
    ({"TERM": "dumb"}, False, False),
    ({"FORCE_COLOR": "1"}, True, True),
]


def test_a_bar_is_for_terminals_that_can_and_colour_for_those_who_want_it(slow: Lab, tmp_path: Path) -> None:
    for environ, drawn, coloured in STREAMS:
        slow.control("PUT", "/faults", [late(0.4, times=2)])
        with open(tmp_path / "out", "wb") as out:
            child = Child(slow, "plan", out=out, **environ)
            assert child.end() == 0
        assert (b"reading" in child.sent) == drawn, environ
        assert (b"\x1b[1m" in child.sent) == coloured, environ
        assert drawn or b"\x1b" not in child.sent, environ
    print(f"{len(STREAMS)} environments")


def test_a_run_without_a_terminal_imports_nothing_of_the_bar(lab: Lab) -> None:
    lab.write("a.yaml", GOOD)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "icaform", "plan", str(lab.folder)],
        cwd=ROOT,
        env={**os.environ, **lab.environ, "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {each.rpartition("|")[2].strip() for each in done.stderr.splitlines()}
    assert "icaform.cli.progress.lines" in imported
    assert not {"rich", "icaform.cli.progress.bar", "icaform.cli.progress.tally"} & imported
    assert "\x1b[" in done.stdout


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_plain_lines_come_seldom_and_each_wait_has_its_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, times, told = Hands(), [], 0
    monkeypatch.setattr(lines.threading, "Timer", Never)
    with Lines(clock) as progress:
        for step in range(600):
            clock.time += 0.1
            progress("call", "GET /api/pipelines")
            progress("read", "", step, 600)
            progress("wait", f"GET /api/pipelines/{step}: ICA answered 429; again in {step} s")
            progress("waited", "")
            progress("operation", "update x", step, 600)
            if err := capsys.readouterr().err:
                times.append(clock.time)
                told += err.count("\n")
                assert "again in" in err
    assert told == len(times) == 60 / EVERY
    assert all(later - sooner >= EVERY - 0.01 for sooner, later in pairwise(times))
    with Lines(clock) as progress:
        progress("operation", "", 1, 3)
        clock.time += EVERY
        progress("operation", "", 1200, 3000)
        progress("note", "another run has taken this workspace's lease")
    assert capsys.readouterr().err == (
        "icaform: 1,200 of 3,000 done\nicaform: another run has taken this workspace's lease\n"
    )


class Never:
    """A timer that does not end by itself."""

    made = 0
    ran: Any = None

    def __init__(self, seconds: float, call: Any) -> None:
        assert 0 < seconds <= EVERY
        Never.made, Never.ran = Never.made + 1, call

    def start(self) -> None:
        """It waits."""

    cancel = join = start


def test_a_wait_that_came_too_early_is_told_in_time_with_the_count_of_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Hands()
    monkeypatch.setattr(lines.threading, "Timer", Never)
    with Lines(clock) as progress:
        for name in "abbac":
            progress("wait", f"{name}: waits")
        assert capsys.readouterr().err == "icaform: a: waits\n"
        clock.time += EVERY
        Never.ran()
        assert capsys.readouterr().err == "icaform: b: waits (and 1 more)\n"


def test_what_others_wrote_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(Hands()) as progress:
        for name in NAMES:
            progress("note", f"{name}\x9b31m\u2066")
    err = capsys.readouterr().err
    assert err.count("\n") == len(NAMES)
    assert all(row.isprintable() and not row.startswith("::") for row in err.splitlines())


def test_no_line_of_a_bar_is_wider_than_the_terminal() -> None:
    tried = 0
    for width in range(12, 130):
        for name in NAMES:
            for done, of in ((0, 3), (1, 3), (3, 3), (123456, 1234567)):
                tally = Tally("apply", 0.0)
                tally.hear("operation", "", 0, of, now=1.0, who=0)
                tally.hear("operation", "", done, of, now=9.0, who=0)
                for who in range(5):
                    tally.hear("wait", f"Batch/{name}{who}: 3 being created", 0, 0, now=9.0, who=who)
                shown = tally.lines(width, 70.0)
                assert len(shown) == 5
                for row in shown:
                    text = "".join(span.text for span in row)
                    assert text.isprintable(), text
                    assert cells(text) <= width, (width, text)
                    tried += 1
    print(f"{tried} lines")


def test_wide_and_combining_names_are_broken_and_shortened_by_their_columns() -> None:
    tried = 0
    for width in range(10, 130):
        for name in NAMES:
            shortened = middle(plain(name), width)
            assert cells(shortened) <= width
            assert shortened == plain(name) or cells(shortened) >= width - 2
            rows = ["".join(span.text for span in row) for row in flow(prose(f"{name} {name}", width), width)]
            assert max(map(cells, rows)) <= width, (width, rows)
            assert "".join(rows).replace(" ", "") == plain(name.replace("\n", "")) * 2
            tried += 1 + len(rows)
    assert [cells(each) for each in ("abc", "全", "e\u0301", "")] == [3, 2, 1, 0]
    print(f"{tried} lines")


def told(tally: Tally, width: int, now: float) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in tally.lines(width, now)]


def test_a_bar_tells_counts_rate_time_and_estimate_and_waits_by_their_reason() -> None:
    tally = Tally("apply", 0.0)
    tally.hear("call", "", 0, 0, now=0.1, who=1)
    assert told(tally, 79, 1.0) == [" apply  1 call  0:01"]
    tally.hear("read", "", 0, 303, now=2.0, who=1)
    for _ in range(101):
        tally.hear("call", "", 0, 0, now=3.0, who=1)
    assert told(tally, 79, 12.0) == [
        " apply: reading  ━━━━━━━──────────────  101 of 303  10/s  0:12  about 0:20 left"
    ]
    tally.hear("read", "", 303, 303, now=32.0, who=1)
    tally.hear("operation", "", 0, 300, now=33.0, who=1)
    tally.hear("operation", "", 30, 300, now=43.0, who=1)
    for who in range(3):
        tally.hear("wait", "AnalysisBatch/a: 20 being created, batch RUNNING", 0, 0, now=40.0 + who, who=who)
    tally.hear("wait", "GET /x: ICA answered 429; again in 30 s", 0, 0, now=43.0, who=9)
    assert told(tally, 59, 43.0) == [
        " apply: writing  ━────────────   30 of 300  about 1:30 left",
        "   0:03  3 times AnalysisBatch/a: 20 ...ated, batch RUNNING",
        "   0:00  GET /x: ICA answered 429; again in 30 s",
    ]
    tally.hear("waited", "", 0, 0, now=44.0, who=0)
    tally.hear("call", "", 0, 0, now=44.0, who=9)
    assert [row[9:16] for row in told(tally, 79, 44.5)[1:]] == ["3 times", "GET /x:"]
    assert [row[9:16] for row in told(tally, 79, 45.5)[1:]] == ["2 times"]


class Tty(StringIO):
    """A terminal that keeps what it was sent, and says when a bar was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        written = super().write(text)
        if ": reading" in text:
            self.drawn.set()
        return written


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, RuntimeError])
def test_a_bar_leaves_no_thread_no_stream_and_no_row_behind(
    error: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = Tty(), Tty()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(bar, "TICK", 0.001)
    monkeypatch.setattr(bar, "RESTS", 0.0)
    before = threading.active_count()
    raised = None
    try:
        with Bar("plan", Hands(), coloured=False) as progress:
            progress("read", "", 1, 2)
            assert err.drawn.wait(PATIENCE)
            print("an answer")
            err.drawn.clear()
            assert err.drawn.wait(PATIENCE)
            print("unfinished", end="")
            err.drawn.clear()
            assert not err.drawn.wait(0.05)
            progress("note", "a note\x1b[2J")
            assert err.drawn.wait(PATIENCE)
            progress("ask")
            err.drawn.clear()
            assert not err.drawn.wait(0.05)
            progress("asked")
            progress("read", "", 1, 2)
            assert err.drawn.wait(PATIENCE)
            if error:
                raise error
    except (KeyboardInterrupt, RuntimeError) as caught:
        raised = type(caught)
    assert raised is error
    assert (sys.stdout, sys.stderr, threading.active_count()) == (out, err, before)
    assert out.getvalue() == "an answer\nunfinished"
    shown = Screen(80)
    shown.feed(err.getvalue())
    assert shown.text == "icaform: a note\\x1b[2J"
    assert shown.bars >= 3


def test_a_bar_makes_room_for_what_comes_to_its_terminal_through_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    err = Tty()
    with open(reading, encoding="utf-8") as pager, open(writing, "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setattr(bar, "TICK", 0.001)
        with Bar("plan", Hands(), coloured=False) as progress:
            progress("read", "", 1, 2)
            assert err.drawn.wait(PATIENCE)
            print("an answer", flush=True)
            assert pager.readline() == "an answer\n"
            shown = Screen(80)
            shown.feed(err.getvalue())
            assert (shown.bars > 0, shown.text) == (True, "")
        assert sys.stdout is out


def test_a_terminal_that_went_away_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Tty()
    monkeypatch.setattr(sys, "stdout", StringIO())
    monkeypatch.setattr(sys, "stderr", gone)
    monkeypatch.setattr(bar, "TICK", 0.001)
    with Bar("plan", Hands(), coloured=False) as progress:
        progress("read", "", 1, 2)
        assert gone.drawn.wait(PATIENCE)
        gone.close()
        progress("read", "", 2, 2)
        progress._thread.join(PATIENCE)
        assert not progress._thread.is_alive()


def test_what_draws_is_a_terminal_with_a_person_before_it() -> None:
    for environ, wanted in (
        ({}, True),
        ({"CI": "true"}, False),
        ({"TERM": "dumb"}, False),
        ({"CI": ""}, True),
    ):
        assert draws(Tty(), environ) is wanted
        assert not draws(StringIO(), environ)
    assert not draws(None, {})
