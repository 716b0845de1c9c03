"""The verbs, found by listing this folder, and the one place where a run's end becomes an exit code."""

from __future__ import annotations

import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import click

from icaform import __version__, cli
from icaform.cli.exit import MEANING, Exit, defect
from icaform.cli.spoken import spoken
from icaform.cli.standard import silence, unheard
from icaform.diagnostic import Code, Diagnostic

VERBS = (
    *("init", "validate", "plan", "apply", "status", "drift", "export"),
    *("journal", "whoami", "schema", "emulator"),
)
"""In the order in which people meet them. A verb is the module of that name."""


class Verbs(click.Group):
    """Imports a verb's module when the verb is used; the list of verbs reads only their docstrings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = {each.name for each in pkgutil.iter_modules(cli.__path__)}
        return [verb for verb in VERBS if verb in found]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(f"icaform.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from icaform.diagnostic import did_you_mean

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = did_you_mean(args[0], VERBS) or f"the verbs are {', '.join(VERBS)}"
            raise click.UsageError(f"there is no verb `{args[0]}`; {near}", ctx)
        return super().resolve_command(ctx, args)


def _epilog() -> str:
    rows = "\n".join(f"{code.value:>4}  {meaning}" for code, meaning in MEANING.items())
    return f"\b\nExit codes:\n{rows}"


group = Verbs(
    name="icaform",
    help="Keep Illumina Connected Analytics as the manifests in git say: plan, apply, drift.",
    epilog=_epilog(),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
group.params.append(
    click.Option(
        ["-V", "--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        help="Show the version and exit.",
        callback=lambda ctx, _, said: _version(ctx) if said else None,
    )
)


def _version(ctx: click.Context) -> None:
    click.echo(f"icaform {__version__}")
    ctx.exit()


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as an interrupt does, with another exit code."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def run(arguments: Sequence[str], world: object | None = None) -> int:
    """Run one command line and return its exit code. Never a traceback, except under ICAFORM_TRACEBACK=1."""
    restore = signal.signal(signal.SIGTERM, _terminate) if world is None else None
    try:
        with unheard():
            return _run(arguments, world)
    finally:
        if restore is not None:
            signal.signal(signal.SIGTERM, restore)


def _run(arguments: Sequence[str], world: object | None) -> int:
    try:
        return _invoked(arguments, world)
    except click.UsageError as error:
        _shown(error)
        command = error.ctx.info_name if error.ctx else None
        return told(arguments, command, Code.USAGE, error.format_message(), Exit.USAGE)
    except click.ClickException as error:
        _shown(error)
        return Exit.FAILED
    except Terminated:
        click.echo("stopped by SIGTERM", err=True)
        return told(arguments, None, Code.STILL_RUNNING, "stopped by SIGTERM", Exit.TERMINATED)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        return told(arguments, None, Code.STILL_RUNNING, "stopped by SIGINT", Exit.INTERRUPTED)
    except Exception as error:
        if os.environ.get("ICAFORM_TRACEBACK") == "1":
            raise
        summary, remedy = defect(error)
        click.echo(f"error[internal]: {summary}\n  help: {remedy}", err=True)
        return Exit.FAILED


def _shown(error: click.ClickException) -> None:
    """As click shows it. The names of files in it are whoever's made them, and command nothing."""
    from icaform.render.report import line, plain

    if isinstance(error, click.UsageError) and error.ctx:
        click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.\n", err=True)
    click.echo(f"Error: {line(plain(error.format_message()))}", err=True)


def _invoked(arguments: Sequence[str], world: object | None) -> int:
    """The verb's exit code. ``Group.main`` is gone round: it takes SIGTERM for SIGINT."""
    if "_ICAFORM_COMPLETE" in os.environ:
        group.main(prog_name="icaform")
    try:
        with group.make_context("icaform", list(arguments), obj=world) as ctx:
            result = group.invoke(ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return int(result) if isinstance(result, int) else Exit.DONE


def told(arguments: Sequence[str], command: str | None, code: Code, summary: str, ended: Exit) -> int:
    """Where a dialect for machines was asked for, stdout has its document however early a run ends."""
    verb = command or next((each for each in arguments if each in VERBS), "icaform")
    wanted = _wanted(arguments)
    if wanted == "text" or wanted not in spoken(verb):
        return ended
    from icaform.render import dialect, of_findings

    found = (Diagnostic(code, summary, _REMEDIES[ended]),)
    try:
        for line in dialect(wanted)(of_findings(found, command=verb, exit_code=ended)):
            print(line)
        sys.stdout.flush()
    except OSError:
        silence(sys.stdout)  # stderr was told
    return ended


_REMEDIES = {
    Exit.USAGE: "icaform VERB --help lists the options",
    Exit.INTERRUPTED: "run again to go on",
    Exit.TERMINATED: "run again to go on",
}


def _wanted(arguments: Sequence[str]) -> str:
    """What ``--output`` said, as far as that can be told of a line that was not understood."""
    before = ("", *arguments)
    for name, value in zip(before, arguments, strict=False):
        if name in ("--output", "-o"):
            return value
        for start in ("--output=", "-o=", "-o"):
            if value.startswith(start) and value != start:
                return value.removeprefix(start)
    return os.environ.get("ICAFORM_OUTPUT", "text")
