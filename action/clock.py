"""Time, handed in: tests do not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """``now`` in seconds since 1970, and ``sleep`` in seconds."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
