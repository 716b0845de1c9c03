"""Show what apply would do. Reads the server and writes nothing."""

from __future__ import annotations

from typing import Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit, exit_for


@click.command("plan", short_help="Show what apply would do.")
@options.paths
@options.selection
@options.output
@options.connection
@options.detailed
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Compare manifests with the live server and show what apply would do. Writes nothing anywhere."""
    from icaform.cli.session import reading
    from icaform.engine import verbs
    from icaform.render import of_plan

    def work(session: Any) -> int:
        made = verbs.plan(session.run, session.calls)
        refused = [each.reason for each in made.refused]
        code = exit_for([*made.diagnostics, *refused])
        if code:
            code = Exit.FAILED if not exit_for(made.diagnostics) else code
        elif said["detailed_exitcode"] and made.moves:
            code = Exit.CHANGES
        session.output.show(of_plan(made, exit_code=code, arguments=options.again(paths, said)))
        return code

    return reading("plan", world, paths, said, work)
