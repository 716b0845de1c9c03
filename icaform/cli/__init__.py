"""The command line: one file per verb, thin. Start-up is felt at every call, so imports come late."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point. ``--version`` is answered before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from importlib.metadata import version

        print(f"icaform {version('icaform')}")
        return
    from icaform.cli.group import run

    sys.exit(run(sys.argv[1:]))
