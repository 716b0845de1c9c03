"""Tell which server, credentials and user a run would use, and whether the clocks agree."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit, exit_for
from icaform.diagnostic import Diagnostic, Rejected

if TYPE_CHECKING:
    from icaform.cli.output import Output

SKEW = 60.0
"""Seconds that two clocks may differ by before anybody needs to hear of it."""


@click.command("whoami", short_help="Tell which server and user a run would use.")
@options.paths
@options.form
@options.connection
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Tell which server, credentials and user a run would use, and where each was found.

    One call shows whether ICA takes them, which generation of its API it speaks, and what its clock says.
    Where it does not, what was found is told all the same.
    """
    from icaform.cli.output import Output, guarded
    from icaform.cli.progress import progress_for
    from icaform.engine.connect import generation, limits_of, server_of, session_of
    from icaform.engine.secrets import Secrets
    from icaform.engine.setting import find
    from icaform.engine.world import World
    from icaform.wire import WireError

    world = world or World()
    output = Output.of("whoami", said, world.environ)
    secrets = output.secrets = Secrets(world.environ, (), world.home)
    told: dict[str, Any] = {}

    def look() -> float | None:
        place = find(paths or (".",))
        given = options.options_of(said)
        with progress_for("whoami", world, coloured=output.coloured(sys.stderr)) as progress:
            surroundings = replace(world, progress=progress)
            with server_of(surroundings, place, given) as server:
                told["server"] = server.url
                told["server_from"] = server.where
                told["credential"] = server.credential.means.value
                told["credential_from"] = server.credential.where
                told["workspace"] = place.setting.workspace
                bounds = limits_of(given, place)
                with session_of(surroundings, server, read_only=True, limits=bounds) as session:
                    session.keep(secrets.guard, secrets.masked)
                    who = session.identity()
                    told["tenant"] = who.tenant
                    told["tenant_id"] = who.tenant_id
                    told["user_id"] = who.user_id
                    told["token_expires"] = _iso(who.expires) if who.expires else None
                    told["api"] = generation(session)
                    ahead = session.ahead
        left = who.expires - world.clock.now() + (ahead or 0.0) if who.expires else None
        told["token_seconds_left"] = None if left is None else round(left)
        told["clock_ahead_seconds"] = None if ahead is None else round(ahead)
        return ahead

    def work() -> int:
        try:
            ahead = look()
        except Rejected as rejected:
            if not told:
                raise
            return _failed(output, told, rejected.diagnostics)
        except WireError as error:
            return _failed(output, told, (error.diagnostic(),))
        _show(output, told)
        if ahead is not None and abs(ahead) > SKEW:
            side = "ahead of" if ahead > 0 else "behind"
            click.echo(
                f"icaform: this machine's clock is {_span(abs(ahead))} {side} ICA's; set it right, for "
                "certificates, kept tokens and the dates of reports go by it",
                err=True,
            )
        return Exit.DONE

    return guarded(output, work)


def _show(output: Output, told: Mapping[str, Any]) -> None:
    from icaform.render.report import line, plain
    from icaform.render.report.record import encoded

    if output.dialect == "json":
        output.say([encoded(told, indent=2)])
        return
    width = max(map(len, told))
    shown = {name: "not told" if value is None else line(plain(str(value))) for name, value in told.items()}
    output.say(f"{name.replace('_', ' '):<{width}}  {value}" for name, value in shown.items())


def _failed(output: Output, told: Mapping[str, Any], found: Sequence[Diagnostic]) -> int:
    """What was found before it failed: in text on stdout, in JSON in the document of the errors."""
    from icaform.render import dialect, of_findings

    code = exit_for(found)
    report = of_findings(found, command="whoami", exit_code=code)
    if output.dialect == "json":
        output.last = report
        _show(output, {**json.loads("".join(dialect("json")(report))), **told})
    else:
        _show(output, told)
        output.show(report)
    return code


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
