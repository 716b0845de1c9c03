"""What goes on, on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from icaform.cli.progress.lines import Lines
from icaform.engine.world import Progress, World, silent


@contextmanager
def progress_for(command: str, world: World, *, coloured: bool = False) -> Iterator[Progress]:
    """The progress display that fits where stderr goes."""
    if world.progress is not silent:
        yield world.progress
    elif draws(sys.stderr, world.environ):
        from icaform.cli.progress.bar import Bar

        with Bar(command, world.clock, coloured=coloured) as bar:
            yield bar
    else:
        with Lines(world.clock) as lines:
            yield lines


def draws(stream: Any, environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal on which a line can be drawn again, and a person looks at it."""
    return bool(stream and stream.isatty()) and environ.get("TERM") != "dumb" and environ.get("CI") != "true"
