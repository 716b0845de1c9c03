"""The command line: one file per verb, thin. Start-up is felt at every call, so imports come late."""

from __future__ import annotations

import gc
import sys

from icaform import __version__
from icaform.cli.standard import unheard

INTERRUPTED = 130
"""``Exit.INTERRUPTED``, which may not be loaded yet."""


def main() -> None:
    """The entry point. ``--version`` is answered before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        with unheard():
            print(f"icaform {__version__}")
        return
    try:
        from icaform.cli.group import run

        # Manifests and lists of ten thousand are all still needed whenever Python looks through them for
        # garbage, at the end as well: a sixth of a large plan. An apply, which may run for hours, turns it on
        # again.
        gc.disable()
        code = run(sys.argv[1:])
        gc.freeze()
    except KeyboardInterrupt:
        # While it was being loaded: ``run`` hears any other.
        with unheard():
            print("stopped", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)
