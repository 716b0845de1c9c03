"""What plan, drift and apply share on the command line: manifests in, a run opened, a report out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from icaform.cli import options
from icaform.cli.output import Output, guarded
from icaform.cli.progress import progress_for
from icaform.diagnostic import Rejected
from icaform.engine.connect import open_run
from icaform.engine.run import Run
from icaform.engine.setting import find
from icaform.engine.verbs import load
from icaform.engine.world import World
from icaform.kinds import Kinds


@dataclass(frozen=True)
class Session:
    """An open run, where its report goes, and the calls that it has made so far."""

    run: Run
    output: Output
    calls: Mapping[str, int]
    rate: Callable[[], float | None]
    """Calls a second that the server is known by now to allow, or this run allows itself."""


def reading(
    command: str,
    world: World | None,
    paths: tuple[str, ...],
    said: Mapping[str, Any],
    work: Callable[[Session], int],
) -> int:
    """Do a verb's work on a run that can only read."""
    return opened(command, world, paths, said, work, read_only=True)


def opened(
    command: str,
    world: World | None,
    paths: tuple[str, ...],
    said: Mapping[str, Any],
    work: Callable[[Session], int],
    *,
    read_only: bool,
) -> int:
    """Load the manifests, open the run, do the work; whatever is rejected is reported."""
    world = world or World()
    output = Output.of(command, said, world.environ, world.clock)

    def all_of_it() -> int:
        selection = options.selection_of(said)
        with suppress(Rejected):
            # A report of manifests that are not right still says whose they are.
            output.workspace = find(options.here(paths)).setting.workspace
        place, wishes = load(
            options.here(paths),
            world,
            variables=options.variables_of(said, world.environ),
            selection=selection,
        )
        with progress_for(command, world, coloured=output.coloured(sys.stderr)) as progress:
            surroundings = replace(world, progress=progress)
            if output.dialect == "ndjson":
                from icaform.cli.stream import Stream

                stream = Stream(output, world.clock)
                surroundings = replace(world, progress=stream.beside(progress), follower=stream)
            with open_run(
                surroundings,
                Kinds(),
                place,
                wishes,
                options.options_of(said),
                read_only=read_only,
                whole=selection.everything,
            ) as (run, session):
                output.secrets = run.secrets
                return work(Session(run, output, session.calls, lambda: session.calls_per_second))

    return guarded(output, all_of_it)
