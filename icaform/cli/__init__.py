"""The command line: one file per verb, thin. Start-up is felt at every call, so imports come late."""

from __future__ import annotations

import gc
import sys

YOUNG = 100_000
"""Containers made between two looks for garbage. Python's 700 make it look again and again through manifests
and lists of ten thousand that are all still needed, which takes a fifth of a large plan."""


def main() -> None:
    """The entry point. ``--version`` is answered before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from importlib.metadata import version

        print(f"icaform {version('icaform')}")
        return
    from icaform.cli.group import run

    gc.set_threshold(YOUNG)
    sys.exit(run(sys.argv[1:]))
