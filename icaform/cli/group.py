"""The verbs, found by listing this folder, and the one place where a run's end becomes an exit code."""

from __future__ import annotations

import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import click

from icaform import cli
from icaform.cli.exit import MEANING, Exit

VERBS = ("validate", "plan", "apply", "drift", "whoami", "schema", "emulator")
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
    click.echo(f"icaform {version('icaform')}")
    ctx.exit()


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as an interrupt does, with another exit code."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def run(arguments: Sequence[str], world: object | None = None) -> int:
    """Run one command line and return its exit code. Never a traceback, except under ICAFORM_TRACEBACK=1."""
    restore = None
    if world is None:
        restore = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run(arguments, world)
    finally:
        if restore is not None:
            signal.signal(signal.SIGTERM, restore)


def _run(arguments: Sequence[str], world: object | None) -> int:
    try:
        result = group.main(args=list(arguments), prog_name="icaform", standalone_mode=False, obj=world)
        return int(result) if isinstance(result, int) else Exit.DONE
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return Exit.FAILED
    except Terminated:
        click.echo("stopped by SIGTERM", err=True)
        return Exit.TERMINATED
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough; the interpreter must not fail over it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:  # a defect: told in a line, for its text may hold what the user gave us
        if os.environ.get("ICAFORM_TRACEBACK") == "1":
            raise
        place = _innermost(error)
        click.echo(
            f"error[internal]: {type(error).__name__} at {place}\n"
            "  help: this is a defect of icaform; nothing more was sent. Run again with ICAFORM_TRACEBACK=1 "
            "and report what it shows, after you have read it.",
            err=True,
        )
        return Exit.FAILED


def _innermost(error: Exception) -> str:
    trace = error.__traceback__
    place = "?"
    while trace:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
