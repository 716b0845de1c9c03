"""Make the server as the manifests want it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit


@click.command("apply", short_help="Make the server as the manifests want it.")
@options.paths
@options.selection
@options.output
@options.connection
@options.option(
    "--yes", "-y", is_flag=True, help="Do not ask. Irreversible steps must be counted all the same."
)
@options.option("--approve", metavar="sha256:DIGEST", help="Run the plan with this digest, or nothing.")
@options.option(
    "--allow-irreversible", type=click.IntRange(0), metavar="N", help="The exact number of such steps."
)
@options.option(
    "--max-writes", type=click.IntRange(0), metavar="N", help="Before limits.writes of icaform.yaml."
)
@options.option("--max-analyses", type=click.IntRange(0), metavar="N", help="Before limits.analyses.")
@options.option("--max-share", type=click.FloatRange(0, 100), metavar="PERCENT", help="Before limits.share.")
@options.option(
    "--allow-commands", is_flag=True, help="Secrets may come from the commands that manifests name."
)
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Make the server as the manifests want it, and look afterwards.

    It shows its plan and asks on a terminal; elsewhere it needs --yes or --approve.
    """
    from icaform.cli.group import Terminated
    from icaform.cli.session import Session, opened
    from icaform.engine import verbs
    from icaform.engine.apply import Stop
    from icaform.engine.lease import myself
    from icaform.guard import Bounds
    from icaform.render import of_apply, of_plan

    approve: str | None = said["approve"]
    if approve is not None and not _is_digest(approve):
        raise click.UsageError(
            "--approve wants sha256: and 64 hexadecimal digits, as icaform plan prints them"
        )
    asks = not said["yes"] and approve is None
    environ = os.environ if world is None else world.environ
    if asks and (environ.get("CI") == "true" or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise click.UsageError(
            "there is nobody to ask (no terminal, or CI=true); say --yes, or --approve with the plan's digest"
        )
    if asks and "-" in paths:
        raise click.UsageError("manifests come from stdin, so nobody can be asked; say --yes or --approve")
    gc.enable()
    stop = Stop()
    stopped: list[int] = []

    def work(session: Session) -> int:
        run = session.run
        limits = run.place.setting.limits
        bounds = Bounds(
            said["allow_irreversible"] or 0,
            _first(said["max_writes"], limits.writes),
            _first(said["max_analyses"], limits.analyses),
            _first(said["max_share"], limits.share),
        )

        def confirm(plan: Any, bounds: Any) -> Any:
            tell = run.world.progress
            tell("ask")
            try:
                shown = of_plan(plan, arguments=options.again(paths, said))
                if session.output.dialect == "text":
                    session.output.show(shown)
                elif asks:
                    session.output.tell(shown)
                return _ask(plan, bounds) if asks and plan.operations else bounds
            finally:
                tell("asked")

        def on_signal(number: int, frame: FrameType | None) -> None:
            stopped.append(number)
            if not stop.heard:
                raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
            if stop.is_set():
                os._exit(128 + number)
            stop.set()
            # In a thread of its own: the locks that it takes may be held by what was interrupted here.
            threading.Thread(target=run.session.close, daemon=True).start()

        handlers = {each: signal.signal(each, on_signal) for each in _SIGNALS} if world is None else {}
        try:
            result = verbs.apply(
                run,
                bounds,
                approve=approve,
                confirm=confirm,
                holder=myself(),
                run_url=_run_url(run.world.environ),
                stop=stop,
                calls=session.calls,
            )
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if result is None:
            click.echo("nothing was done", err=True)
            return Exit.FAILED
        code = Exit(128 + stopped[0]) if stopped else exit_of(result)
        if result.outcomes or session.output.dialect != "text":
            session.output.show(of_apply(result, exit_code=code))
        if stop.is_set():
            # Calls in flight are in the journal; waiting for their threads would take their timeouts.
            sys.stdout.flush()
            os._exit(code)
        return code

    return opened("apply", world, paths, said, work, read_only=False)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_of(result: Any) -> Exit:
    """How an apply ended. Unknown weighs most; what is held or refused leaves it partly done, or failed."""
    from icaform.cli.exit import exit_for
    from icaform.operation import Done, Refused, Skipped, Unknown

    if result.count(Unknown):
        return Exit.UNKNOWN
    done = result.count(Done)
    missed = result.count(Refused) + result.count(Skipped)
    if missed and not done:
        reasons = [outcome.reason for _, _, outcome in result.outcomes if not isinstance(outcome, Done)]
        code = exit_for(reasons)
        return code if code in (Exit.UNREACHABLE, Exit.RATE_LIMITED, Exit.UNAUTHORISED) else Exit.FAILED
    if missed or result.plan.refused:
        return Exit.PARTLY if done else Exit.FAILED
    return Exit.DONE


def _first(said: Any, configured: Any) -> Any:
    return configured if said is None else said


def _is_digest(text: str) -> bool:
    head, _, digits = text.partition(":")
    return head == "sha256" and len(digits) == 64 and all(each in "0123456789abcdef" for each in digits)


def _ask(plan: Any, bounds: Any) -> Any:
    steps = len(plan.irreversible)
    if steps and bounds.irreversible != steps:
        said = click.prompt(
            f"{steps} steps cannot be undone. Type {steps} to apply, anything else to stop",
            default="",
            err=True,
        )
        return (
            type(bounds)(steps, bounds.writes, bounds.analyses, bounds.share) if said == str(steps) else None
        )
    if not click.confirm("Apply?", default=False, err=True):
        return None
    return type(bounds)(bounds.irreversible, bounds.writes, bounds.analyses, bounds.share)


def _run_url(environ: Mapping[str, str]) -> str:
    """The address of the CI run, for whoever finds the lease held (GitHub's and GitLab's own variables)."""
    if "CI_JOB_URL" in environ:
        return environ["CI_JOB_URL"]
    parts = [environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""
