"""Tell what changed behind git's back."""

from __future__ import annotations

from typing import Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit, exit_for


@click.command("drift", short_help="Tell what changed behind git's back.")
@options.paths
@options.selection
@options.speaks("drift")
@options.connection
@options.detailed
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Tell what changed behind git's back, apart from what git wants and is not applied yet.

    It compares the live server with what icaform last wrote, so it needs the journal of the applies.
    """
    from icaform.cli.session import reading
    from icaform.engine import verbs
    from icaform.render import of_drift

    def work(session: Any) -> int:
        found = verbs.drift(session.run, session.calls)
        code = exit_for(found.unknown)
        if not code and said["detailed_exitcode"] and found.found:
            code = Exit.CHANGES
        session.output.show(of_drift(found, exit_code=code))
        return code

    return reading("drift", world, paths, said, work)
