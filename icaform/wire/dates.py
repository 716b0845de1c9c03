"""What a server's Date tells of our clock."""

from __future__ import annotations

from icaform.wire.retry import moment

SLACK = 2.0
"""Seconds by which two clocks that are both right may differ; nothing here depends on less."""


def ahead_of(known: float | None, date: float, sent: float, received: float) -> float | None:
    """By how many seconds our clock is ahead of a server's that told ``date`` between these moments of ours.

    It tells whole seconds, and may have told them at any moment between. So what is ``known`` stays as long
    as it may be so, as does a clock that may be right; else it is as near to that as it may be.
    """
    least, most = sent - date - 1.0, received - date
    if least > most:  # our own clock was set meanwhile
        return known
    found = known or 0.0
    if least - SLACK <= found <= most + SLACK:
        return found
    # What is told at the end of a second was told by its begin: rather too late a time than one too early.
    return least if found < least else max(least, most - 1.0)


class Dates:
    """``last``: the Date of the last answer, and when we asked for it and heard it, by our clock."""

    def __init__(self) -> None:
        self.last: tuple[str, float, float] = ("", 0.0, 0.0)
        self._known: float | None = None

    @property
    def ahead(self) -> float | None:
        """By how many seconds our clock is ahead, by the last answer alone."""
        text, _, received = self.last
        date = moment(text)
        return None if date is None else received - date

    @property
    def skew(self) -> float | None:
        """By how many seconds our clock is surely wrong, ahead of the server's; None until that was told."""
        text, sent, received = self.last
        date = moment(text)
        if date is not None:
            self._known = ahead_of(self._known, date, sent, received)
        return self._known
