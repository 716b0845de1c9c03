"""Tell which server, credentials and user a run would use."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit


@click.command("whoami", short_help="Tell which server and user a run would use.")
@options.paths
@options.form
@options.connection
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Tell which server, credentials and user a run would use, and where each was found."""
    from icaform.cli.output import Output, guarded
    from icaform.cli.progress import progress_for
    from icaform.engine.connect import limits_of, server_of, session_of
    from icaform.engine.setting import find
    from icaform.engine.world import World
    from icaform.render.report import line, plain

    world = world or World()
    output = Output.of("whoami", said, world.environ)

    def work() -> int:
        place = find(paths or (".",))
        limits = limits_of(options.options_of(said))
        with progress_for("whoami", world, coloured=output.coloured(sys.stderr)) as progress:
            surroundings = replace(world, progress=progress)
            with (
                server_of(surroundings, place, options.options_of(said)) as server,
                session_of(surroundings, server, read_only=True, limits=limits) as session,
            ):
                who = session.identity()
        expires = (
            datetime.fromtimestamp(who.expires, UTC).isoformat(timespec="seconds") if who.expires else None
        )
        told = {
            "server": server.url,
            "server_from": server.where,
            "credential": server.found.credential.means.value,
            "credential_from": server.found.where,
            "tenant": who.tenant,
            "tenant_id": who.tenant_id,
            "user_id": who.user_id,
            "token_expires": expires,
            "workspace": place.setting.workspace,
        }
        if output.dialect == "json":
            # "##[" would be a command to a CI runner, wherever it stands.
            click.echo(json.dumps(told, indent=2).replace("##", "\\u0023\\u0023"))
        else:
            width = max(map(len, told))
            for name, value in told.items():
                shown = line(plain(str(value))) if value is not None else "not told"
                click.echo(f"{name.replace('_', ' '):<{width}}  {shown}")
        return Exit.DONE

    return guarded(output, work)
