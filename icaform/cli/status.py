"""Tell where the analyses stand that were started, and wait for their end."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit, exit_for

if TYPE_CHECKING:
    from icaform.engine.status import Followed

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[smhd])+|\d{1,9}(?:\.\d{1,3})?", re.ASCII)


class Duration(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Seconds, or numbers with s, m, h or d: ``90``, ``30m``, ``1h30m``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that it says."""
        if not _DURATION.fullmatch(value):
            self.fail("wants a duration such as 90, 30m, 12h or 1h30m")
        return sum(float(count) * _UNITS[unit] for count, unit in re.findall(r"([\d.]+)([smhd]?)", value))


@click.command("status", short_help="Tell where the analyses stand; wait for their end.")
@options.paths
@options.selection
@options.speaks("status")
@options.server
@options.option("--wait", is_flag=True, help="Look again and again, until all that was started has ended.")
@click.option(
    "--timeout",
    "within",
    type=Duration(),
    metavar="DURATION",
    help="With --wait: the longest to wait, such as 90, 30m or 12h; 0 looks once. [default: for ever]",
)
@options.option(
    "--outputs",
    is_flag=True,
    help="Tell what each analysis that succeeded brought: a call for each.",
)
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Tell where the analyses stand that the manifests declare, each by its newest attempt. Nothing changes.

    \b
    It exits with 1 where an analysis failed, was aborted or could not be
    created. Otherwise:
      without --wait   0, whatever still runs or is to be started
      with --wait      0 where all succeeded
                       12 where some run on after --timeout, or were never
                       started
                       14 where some run on in a state that icaform does not
                       know

    A wait goes on while ICA does not answer for a quarter of an hour. What is not started is not waited for.
    """
    from icaform.cli.session import reading
    from icaform.engine.status import follow
    from icaform.render.report.status import of_status

    if said["within"] is not None and not said["wait"]:
        raise click.UsageError("--timeout is how long to --wait; say both")

    def work(session: Any) -> int:
        run = session.run
        found = follow(run, wait=said["wait"], within=said["within"], yields=said["outputs"])
        code = code_of(found, said["wait"])
        session.output.show(
            of_status(
                found.courses,
                found.diagnostics,
                exit_code=code,
                expired=found.expired,
                seconds=found.seconds,
                yields=found.yields,
                workspace=run.place.setting.workspace,
                server=run.server,
                reads=sum(session.calls.values()),
            )
        )
        return code

    return reading("status", world, paths, {**said, "timeout": _patience(world)}, work)


def _patience(world: Any) -> float | None:
    """The longest that one question to ICA may take: by the environment alone, for the option is taken."""
    said = (os.environ if world is None else world.environ).get("ICAFORM_TIMEOUT")
    try:
        return float(options.patience(said)) if said else None
    except click.BadParameter as error:
        error.param_hint = "ICAFORM_TIMEOUT"
        raise


def code_of(found: Followed, waited: bool) -> Exit:
    """The exit code by result."""
    from icaform.course import Stage

    stages = {each.stage for each in found.courses}
    if wrong := exit_for(found.diagnostics):
        return wrong
    if any(each.bad for each in stages):
        return Exit.FAILED
    if not waited:
        return Exit.DONE
    if Stage.UNKNOWN in stages:
        return Exit.UNKNOWN
    return Exit.PARTLY if any(each.open for each in stages) or Stage.TO_START in stages else Exit.DONE
