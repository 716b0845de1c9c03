"""The rate limiter: a bucket of tokens, or fixed windows of time. Off unless the settings name a rate.

ICA says neither how many calls it takes nor how it counts them. Here all callers share one limit, calls for
tokens count too, and a call that is refused counts for nothing.
"""

from __future__ import annotations

from email.utils import formatdate
from math import ceil

from .settings import Settings

_GRAIN = 1e-9


class Limiter:
    """Counts calls. Times in seconds of the emulator's clock."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._left = self._most
        self._at = float("-inf")

    def pause(self, now: float) -> float | None:
        """None where the call may go on; else the seconds until one may."""
        settings = self.settings
        if not settings.rate:
            return None
        if settings.window:
            begun = now // settings.window * settings.window
            if begun > self._at:
                self._left, self._at = self._most, begun
            free = begun + settings.window
        else:
            if now > self._at:
                self._left = min(self._most, self._left + (now - self._at) * settings.rate)
                self._at = now
            free = now + (1 - self._left) / settings.rate
        if self._left < 1 - _GRAIN:
            return free - now
        self._left -= 1
        return None

    def headers(self, pause: float, now: float) -> dict[str, str]:
        """What a refused caller is told beside the problem."""
        match self.settings.retry_after:
            case "seconds":
                return {"Retry-After": str(max(1, ceil(pause)))}
            case "date":
                return {"Retry-After": formatdate(ceil(now + pause), usegmt=True)}
        return {}

    @property
    def _most(self) -> float:
        settings = self.settings
        return max(1.0, settings.rate * settings.window if settings.window else settings.burst)
