"""How one emulator behaves: the generation of the API that it speaks, its clock, durations and limits."""

from __future__ import annotations

from dataclasses import dataclass, fields

GENERATIONS = ("2026-04", "2026-10")
CLOCKS = ("real", "manual")
RETRY_AFTER = ("none", "seconds", "date")
HORIZON = 3600.0
"""Seconds for which the past can be read: the longest read lag."""


@dataclass(frozen=True)
class Settings:
    """All durations are seconds of the emulator's clock.

    The analysis stages follow the order of ICA's V4 statuses; a batch spreads its items evenly over
    `batch_running`. A token counts from `token_delay` after it was made. `rate` are the calls a second that
    are taken, 0 any number: with `burst` at once, or counted anew in each `window`; `retry_after` says in
    which form a call that is refused is told when to come again. A page has at most `page_size` rows,
    however many are asked for.
    """

    api: str = "2026-10"
    clock: str = "real"
    clock_start: float | None = None
    token_lifetime: int = 3600
    read_lag: float = 0.0
    batch_initialized: float = 0.3
    batch_running: float = 1.0
    analysis_requested: float = 0.3
    analysis_queued: float = 0.3
    analysis_initializing: float = 0.3
    analysis_preparing_inputs: float = 0.3
    analysis_in_progress: float = 2.0
    analysis_generating_outputs: float = 0.3
    abort_pending: float = 0.2
    abort_running: float = 0.3
    token_delay: float = 0.0
    rate: float = 0.0
    burst: float = 10.0
    window: float = 0.0
    retry_after: str = "none"
    page_size: int = 1000

    def __post_init__(self) -> None:
        if self.api not in GENERATIONS:
            raise ValueError(f"api must be one of {', '.join(GENERATIONS)}")
        if self.clock not in CLOCKS:
            raise ValueError(f"clock must be one of {', '.join(CLOCKS)}")
        if self.retry_after not in RETRY_AFTER:
            raise ValueError(f"retry_after must be one of {', '.join(RETRY_AFTER)}")
        if self.token_lifetime <= 0 or self.page_size <= 0:
            raise ValueError("token_lifetime and page_size must be positive")
        if not 0 <= self.read_lag <= HORIZON:
            raise ValueError(f"read_lag must be between 0 and {HORIZON:.0f}")
        if any(getattr(self, each.name) < 0 for each in fields(self) if each.name in DURATIONS):
            raise ValueError("a duration, a rate or a burst must not be negative")


DURATIONS = tuple(each.name for each in fields(Settings) if each.type == "float")
CHANGEABLE = (*DURATIONS, "token_lifetime", "retry_after", "page_size")
"""What may be changed while it runs."""
