"""Check manifests, offline: no server, no credentials, no secrets."""

from __future__ import annotations

from typing import Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit


@click.command("validate", short_help="Check manifests, offline.")
@options.paths
@options.selection
@options.speaks("validate")
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Check manifests, offline: no server, no credentials, no secrets.

    All that is wrong is reported at once, each at file:line:column with a remedy.
    """
    from icaform.cli.output import Output, guarded
    from icaform.engine.gather import load
    from icaform.engine.world import World
    from icaform.kinds import Kinds
    from icaform.render import of_findings

    world = world or World()
    output = Output.of("validate", said, world.environ, world.clock)

    def work() -> int:
        place, wishes = load(
            Kinds(),
            options.here(paths),
            world.stdin,
            variables=options.variables_of(said, world.environ),
            selection=options.selection_of(said),
        )
        output.workspace = place.setting.workspace
        output.show(
            of_findings((), command="validate", resources=len(wishes), declared=wishes, exit_code=Exit.DONE)
        )
        return Exit.DONE

    return guarded(output, work)
