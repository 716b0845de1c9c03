"""How long the machine and the properties search.

The normal run is the same every time, and short. The long one is another each time, begins with what failed
last, and says from time to time how far it is:

    pytest tests/model -s --hypothesis-profile=long

A failure prints the script of commands that led to it, and a line with which to repeat it.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings

LONG = "long"
_common: dict[str, Any] = {
    "deadline": None,
    "print_blob": True,
    "report_multiple_bugs": False,
    # Which lines a failure always runs is not worth the time of trying.
    "phases": [each for each in Phase if each is not Phase.explain],
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile(LONG, max_examples=2000, stateful_step_count=40, **_common)


def searching(quick: int, long: int, steps: int = 12) -> settings:
    """The settings of one test: how many examples, and in the normal run how many steps each."""
    if settings.get_current_profile_name().startswith(LONG):
        return settings(settings.get_profile(LONG), max_examples=long)
    return settings(max_examples=quick, stateful_step_count=steps, derandomize=True, database=None, **_common)
