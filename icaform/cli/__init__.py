"""The command line: one file per verb, thin. Start-up is felt at every call, so imports come late."""

from __future__ import annotations

import gc
import sys

YOUNG = 100_000
"""Containers made between two looks for garbage. Python's 700 make it look again and again through manifests
and lists of ten thousand that are all still needed, which takes a fifth of a large plan."""


def version() -> str:
    """The version that is installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("icaform")
    except PackageNotFoundError:
        return "(run from its source, not installed)"


def main() -> None:
    """The entry point. ``--version`` is answered before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"icaform {version()}")
        return
    from icaform.cli.group import run

    gc.set_threshold(YOUNG)
    sys.exit(run(sys.argv[1:]))
