"""What is known of a run under way, as lines that fit a width. It keeps no clock: time is handed in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from icaform.render.report import number, plain
from icaform.render.text.ink import Line, Span, middle
from icaform.render.text.width import cells, clipped

SHOWN = 3
"""Waits that are shown each on a line of its own."""
LINGERS = 1.0
"""Seconds for which a wait that is over can still be read."""
SURE = 2.0
"""Seconds of a stage after which its rate says something."""
LEAST, MOST = 8, 30
"""Columns of the bar."""


@dataclass
class Waiting:
    """One thread's wait. Times in seconds."""

    reason: str
    since: float
    over: float | None = None


@dataclass
class Tally:
    """Hears what a run tells. ``began`` is when it started; times are seconds of one clock."""

    command: str
    began: float
    filled: str = "━"
    empty: str = "─"
    calls: int = 0
    stage: str = ""
    done: int = 0
    of: int = 0
    base: int = 0
    """Reads of earlier stages: they are not counted again."""
    extra: int = 0
    """Calls since the reads were last counted: their answers are most likely some of them."""
    since: float = 0.0
    pace: str = ""
    """Calls a second that the server was found to allow."""
    waits: dict[int, Waiting] = field(default_factory=dict)

    def hear(self, kind: str, text: str, done: int, of: int, *, now: float, who: int) -> None:
        """One thing was told by the thread ``who``."""
        if kind == "call":
            self.calls += 1
            self.extra += 1
            self._over(who, now)
        elif kind == "wait" and text:
            before = self.waits.get(who)
            same = before and _about(before.reason) == _about(text)
            self.waits[who] = Waiting(text, before.since if before and same else now)
        elif kind == "pace":
            self.pace = text
        elif kind == "waited":
            self._over(who, now)
            self._leave()
        elif kind == "asked":
            self._leave()
        elif kind == "operation":
            self._enter("writing", now, 0)
            self.done, self.of = done, of
        elif kind == "work":
            self._enter("waiting", now, 0)
            self.done, self.of = done, of
        elif kind == "read" and not (self.stage in ("writing", "waiting") and self.done < self.of):
            self._enter("reading", now, done)
            self.done, self.of, self.extra = done - self.base, of - self.base, 0

    def lines(self, width: int, now: float, *, most: int = SHOWN + 2) -> list[Line]:
        """One line that counts, then the waits; none is wider than ``width`` columns."""
        self.waits = {
            who: each for who, each in self.waits.items() if each.over is None or now - each.over < LINGERS
        }
        since: dict[str, list[float]] = {}
        for each in self.waits.values():
            since.setdefault(each.reason, []).append(each.since)
        reasons = sorted(since, key=lambda reason: (min(since[reason]), reason))
        room = max(min(SHOWN, most - 2), 0)
        rows = []
        for reason in reasons[:room]:
            times = f"{len(since[reason])} times " if len(since[reason]) > 1 else ""
            lead = f"   {_clock(now - min(since[reason]))}  {times}"
            rows.append(clipped(lead + middle(plain(reason), width - len(lead)), width))
        if len(reasons) > room > 0:
            rows.append(clipped(f"   and {len(reasons) - room:,} other waits", width))
        return [self._counts(width, now), *((Span(row, "yellow"),) for row in rows)]

    def _counts(self, width: int, now: float) -> Line:
        head = f" {self.command}" + (f": {self.stage}" if self.stage else "")
        elapsed = _clock(now - self.began)
        if not self.of or not self.stage:
            calls = f"  {number(self.calls, 'call')}" if self.calls else ""
            return (Span(clipped(f"{head}{calls}  {elapsed}", width), "bold"),)
        done = min(self.of, self.done + (self.extra if self.stage == "reading" else 0))
        whole = f"{self.of:,}"
        count = f"  {done:>{len(whole)},} of {whole}"
        # What had ended before, and what takes hours, say nothing of how long the others take.
        speed, left = ("", "") if self.stage == "waiting" else _pace(done, self.of, now - self.since)
        if self.pace:
            speed = f"{speed}, " * bool(speed) + f"at most {self.pace} calls/s"
        # What is told first goes last where there is little room; the bar has what they leave.
        for tail in ((speed, elapsed, left), (elapsed, left), (left or elapsed,)):
            said = "".join(f"  {each}" for each in tail if each)
            room = width - cells(head + count + said) - 2
            if room >= LEAST:
                columns = min(room, MOST)
                full = columns * done // self.of
                return (
                    Span(f"{head}  ", "bold"),
                    Span(self.filled * full, "green"),
                    Span(self.empty * (columns - full), "dim"),
                    Span(count),
                    Span(said, "dim"),
                )
        return (Span(clipped(head + count, width), "bold"),)

    def _enter(self, stage: str, now: float, base: int) -> None:
        if self.stage != stage:
            self.stage, self.since, self.base = stage, now, base

    def _leave(self) -> None:
        """What is read after a pause or a question is read afresh."""
        if self.stage == "reading":
            self.stage = ""

    def _over(self, who: int, now: float) -> None:
        if who in self.waits and self.waits[who].over is None:
            self.waits[who].over = now


def _about(reason: str) -> str:
    """What a wait is about: its first words, without the counts that change."""
    return re.sub(r"\d+", "", reason.partition(": ")[0])


def _pace(done: int, of: int, seconds: float) -> tuple[str, str]:
    """How fast it goes, and how long what is left takes at that pace."""
    if not done or seconds < SURE:
        return "", ""
    rate = done / seconds
    speed = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.0f}/min"
    return speed, f"about {_clock((of - done) / rate)} left" if done < of else ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
