"""Make the server as the manifests want it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from dataclasses import replace
from types import FrameType
from typing import Any

import click
from click.core import ParameterSource

from icaform.cli import options
from icaform.cli.exit import Exit


@click.command("apply", short_help="Make the server as the manifests want it.")
@options.paths
@options.selection
@options.speaks("apply")
@options.connection
@options.option(
    "--yes", "-y", is_flag=True, help="Do not ask. Irreversible steps must be counted all the same."
)
@options.option(
    "--approve",
    cls=options.Told,
    metavar="sha256:DIGEST",
    help="Run the plan with this digest, or nothing.",
)
@options.only_drifted
@options.option(
    "--plan",
    "saved",
    cls=options.Told,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Run the plan that `icaform plan --out` saved, or nothing.",
)
@options.option(
    "--allow-irreversible", type=click.IntRange(0), metavar="N", help="The exact number of such steps."
)
@options.option(
    "--max-writes", type=click.IntRange(0), metavar="N", help="Before limits.writes of icaform.yaml."
)
@options.option("--max-analyses", type=click.IntRange(0), metavar="N", help="Before limits.analyses.")
@options.option("--max-share", type=options.Number(0, 100), metavar="PERCENT", help="Before limits.share.")
@options.option(
    "--first-run",
    is_flag=True,
    help="No run of this workspace was at work in the last two minutes: do not wait for what it left.",
)
@options.option(
    "--allow-commands", is_flag=True, help="Secrets may come from the commands that manifests name."
)
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Make the server as the manifests want it, and look afterwards.

    It shows its plan and asks on a terminal; elsewhere it needs --yes or --approve.
    """
    from icaform.cli.group import Terminated
    from icaform.cli.runner import page
    from icaform.cli.session import Session, opened
    from icaform.engine import verbs
    from icaform.engine.lease import myself
    from icaform.engine.saved import load
    from icaform.engine.stop import Stop
    from icaform.guard import Bounds
    from icaform.render import of_apply, of_plan

    approve: str | None = said["approve"]
    if approve is not None and not _is_digest(approve):
        raise click.UsageError(
            "--approve wants sha256: and 64 hexadecimal digits, as icaform plan prints them"
        )
    saved: str | None = said["saved"]
    if approve is not None and saved is not None:
        raise click.UsageError("say --approve or --plan: a saved plan is an approval by itself")
    asks = not said["yes"] and approve is None and saved is None
    environ = os.environ if world is None else world.environ
    if asks and (environ.get("CI") == "true" or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise click.UsageError(
            "there is nobody to ask (no terminal, or CI=true); "
            "say --yes, --approve with the plan's digest, or --plan"
        )
    if asks and "-" in paths:
        raise click.UsageError(
            "manifests come from stdin, so nobody can be asked; say --yes, --approve or --plan"
        )
    gc.enable()
    stop = Stop()
    stopped: list[int] = []

    def work(session: Session) -> int:
        run = session.run
        run.only_drifted = said["only_drifted"]
        limits = run.place.setting.limits
        bounds = Bounds(
            said["allow_irreversible"] or 0,
            _first(said["max_writes"], limits.writes),
            _first(said["max_analyses"], limits.analyses),
            _first(said["max_share"], limits.share),
            _told("max_writes", "max_analyses", "max_share"),
        )

        def confirm(plan: Any, bounds: Any) -> Any:
            tell = run.world.progress
            tell("ask")
            try:
                shown = of_plan(plan, rate=session.rate(), arguments=options.again(paths, said))
                if session.output.live:
                    session.output.show(shown)
                if session.output.lost:
                    return None  # nobody has seen the plan
                if asks and session.output.dialect != "text":
                    session.output.tell(shown)
                runs = plan.operations or (said["allow_commands"] and plan.commands)
                return _ask(plan, bounds) if asks and runs else bounds
            finally:
                tell("asked")

        def end() -> None:
            run.session.close()
            run.world.progress("note", "stopping: calls under way get a moment to end")
            run.world.progress("ask")

        def on_signal(number: int, frame: FrameType | None) -> None:
            stopped.append(number)
            if not stop.heard:
                raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
            if stop.is_set():
                os._exit(128 + number)
            stop.set()
            # In a thread of its own: the locks that it takes may be held by what was interrupted here.
            threading.Thread(target=end, daemon=True).start()

        handlers = {each: signal.signal(each, on_signal) for each in _SIGNALS} if world is None else {}
        try:
            result = verbs.apply(
                run,
                bounds,
                approve=approve if saved is None else load(saved),
                confirm=confirm,
                holder=myself(),
                run_url=page(run.world.environ),
                stop=stop,
                calls=session.calls,
                first=said["first_run"],
            )
            if result is None:
                click.echo("nothing was done", err=True)
                return Exit.FAILED
            code = Exit(128 + stopped[0]) if stopped else exit_of(result)
            if result.outcomes or session.output.dialect != "text":
                session.output.show(of_apply(result, exit_code=code))
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if stop.is_set():
            # Calls in flight are in the journal; waiting for their threads would take their timeouts.
            sys.stdout.flush()
            session.output.publish(code)
            os._exit(code)
        return code

    return opened("apply", world, paths, said, work, read_only=False)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAID_SO = (Exit.LOCKED, Exit.UNREACHABLE, Exit.RATE_LIMITED, Exit.UNAUTHORISED, Exit.SETTING)
"""How an apply that did nothing ends, where that is why; else it failed."""


def exit_of(result: Any) -> Exit:
    """How an apply ended. Unknown weighs most; what is held or refused leaves it partly done, or failed."""
    from icaform.cli.exit import exit_for
    from icaform.diagnostic import Code
    from icaform.operation import Done, Refused, Skipped, Unknown

    held = [each.reason for each in result.plan.held]
    if result.count(Unknown) or any(each.code is Code.OUTCOME_UNKNOWN for each in held):
        return Exit.UNKNOWN
    done = result.count(Done)
    missed = result.count(Refused) + result.count(Skipped)
    if missed and not done:
        reasons = [outcome.reason for _, _, outcome in result.outcomes if not isinstance(outcome, Done)]
        if all(reason.code is Code.STILL_RUNNING for reason in reasons):
            return Exit.PARTLY
        code = exit_for(reasons)
        return code if code in _SAID_SO else Exit.FAILED
    if missed or result.plan.refused:
        return Exit.PARTLY if done else Exit.FAILED
    return Exit.PARTLY if result.plan.awaited else Exit.DONE


def _first(said: Any, configured: Any) -> Any:
    return configured if said is None else said


def _told(*names: str) -> dict[str, str]:
    """Which of these bounds an option has set, or its variable, by their names in icaform.yaml."""
    found = {}
    for name in names:
        match click.get_current_context().get_parameter_source(name):
            case ParameterSource.COMMANDLINE:
                found[name.removeprefix("max_")] = "--" + name.replace("_", "-")
            case ParameterSource.ENVIRONMENT:
                found[name.removeprefix("max_")] = f"ICAFORM_{name.upper()}"
    return found


def _is_digest(text: str) -> bool:
    head, _, digits = text.partition(":")
    return head == "sha256" and len(digits) == 64 and all(each in "0123456789abcdef" for each in digits)


def _ask(plan: Any, bounds: Any) -> Any:
    from icaform.render.report import number

    steps = len(plan.irreversible)
    if steps and bounds.irreversible != steps:
        said = click.prompt(
            f"{number(steps, 'step')} cannot be undone. Type {steps} to apply, anything else to stop",
            default="",
            show_default=False,
            err=True,
        )
        return replace(bounds, irreversible=steps) if said == str(steps) else None
    if not click.confirm("Apply?", default=False, err=True):
        return None
    return replace(bounds)
