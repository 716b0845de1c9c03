"""Look at the journal, check it, and close what was begun and never ended."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit, exit_for

if TYPE_CHECKING:
    from icaform.cli.output import Output
    from icaform.engine.run import Run
    from icaform.engine.setting import Place
    from icaform.engine.world import World
    from icaform.journal.account import Account
    from icaform.journal.store import Store
    from icaform.render.report.journal import Ledgered

_NUMBER = re.compile("[0-9]+")
DIGITS = 18
"""The most that a number of an entry can have: the stores count in 64 bits."""


@click.group("journal", short_help="Look at the journal, check it, close calls.", no_args_is_help=False)
def command() -> None:
    """What was begun and never ended, whether the journal is whole, and how to close a call by hand."""


@command.command("list", short_help="What was begun and never ended.")
@options.paths
@options.form
@options.journal
@options.option("--all", "everything", is_flag=True, help="Every entry, the newest first.")
@click.option("--limit", "newest", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@click.pass_obj
def listed(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """What was begun and never ended, and who has the workspace's lease. No server of ICA's is asked."""
    from icaform.render.report.journal import of_list

    def work(output: Output, store: Store, place: Place, now: float) -> int:
        from icaform.engine.journal import account_of

        account = account_of(
            store, place.setting.workspace, now, everything=said["everything"], limit=said["newest"]
        )
        _show(output, of_list(account))
        return Exit.DONE

    return _read("journal list", world, paths, said, work)


@command.command("audit", short_help="Check that the journal is whole.")
@options.paths
@options.form
@options.journal
@click.pass_obj
def audit(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Check the chain of hashes, and the tables against the entries. No server of ICA's is asked."""
    from icaform.render.report.journal import of_audit

    def work(output: Output, store: Store, place: Place, now: float) -> int:
        from icaform.engine.journal import audit_of

        account, flaws = audit_of(store, place.setting.workspace, now)
        code = exit_for(flaws)
        _show(output, of_audit(account, flaws, exit_code=code))
        return code

    return _read("journal audit", world, paths, said, work)


@command.command("settle", short_help="Look again, and close what is known.")
@click.argument("words", nargs=-1, metavar="[NUMBER]... [FILE|FOLDER]...")
@options.variables
@options.form
@options.connection
@options.option(
    "--as", "word", type=click.Choice(["done", "not-done"]), help="How to close what looking does not tell."
)
@options.option("--note", metavar="TEXT", default="", help="Why; it is kept in the journal.")
@options.option("--no-look", is_flag=True, help="Ask no server and read no manifest; needs --as.")
@options.option("--yes", "-y", is_flag=True, help="Do not ask before closing by --as.")
@click.pass_obj
def settle(world: Any, /, words: tuple[str, ...], **said: Any) -> int:
    """Look what became of calls that were begun and never ended, and close those of which that can be told.

    Nothing is sent. NUMBERs are those of icaform journal list; without any, all that are pending are meant.
    A folder whose name is a number is written ./12. What looking does not tell is closed by --as alone.
    """
    from icaform.cli.output import Output, guarded
    from icaform.cli.runner import page
    from icaform.engine import journal
    from icaform.engine.connect import journal_of
    from icaform.engine.world import World
    from icaform.render.report.journal import of_settle

    word: str | None = said["word"]
    environ = os.environ if world is None else world.environ
    if said["no_look"] and word is None:
        raise click.UsageError("--no-look closes nothing by itself; say --as done or --as not-done")
    asks = word is not None and not said["yes"]
    if asks and (environ.get("CI") == "true" or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise click.UsageError("there is nobody to ask (no terminal, or CI=true); say --yes to close by --as")
    world = world or World()
    output = Output.of("journal settle", said, world.environ, world.clock)
    numbers = tuple(_number(each) for each in words if _NUMBER.fullmatch(each))
    paths = tuple(each for each in words if not _NUMBER.fullmatch(each))
    given = options.options_of(said)

    def account(place: Place) -> Account:
        with journal_of(world, place, given, read_only=True) as store:
            now = world.clock.now()
            return journal.account_of(store, place.setting.workspace, now, everything=True, limit=None)

    def confirm(left: Sequence[object]) -> bool:
        count = "1 call" if len(left) == 1 else f"{len(left)} calls"
        return not asks or click.confirm(f"Close {count} as {word}?", default=False, err=True)

    def work() -> int:
        place = _place(paths)
        output.workspace = place.setting.workspace
        lines = journal.chosen(account(place), numbers)
        wanted = tuple(line.number for line in lines)
        happened = None if word is None else word == "done"
        closed: Collection[int] = ()
        if any(line.pending for line in lines):
            with _run(world, place, paths, said, output) as run:
                closed = journal.close(
                    run,
                    wanted,
                    look=not said["no_look"],
                    happened=happened,
                    note=journal.word_of(world.environ, word or "", said["note"]),
                    confirm=confirm,
                    run_url=page(world.environ),
                )
        after = account(place)
        told = replace(after, lines=tuple(line for line in after.lines if line.number in wanted))
        before = journal.closed_before(told.lines, closed, happened)
        code = Exit.UNKNOWN if any(line.pending for line in told.lines) else exit_for(before)
        _show(output, of_settle(told, before, exit_code=code))
        return code

    return guarded(output, work)


def _number(word: str) -> int:
    if len(word) > DIGITS:
        raise click.UsageError(f"{word[:DIGITS]}... is no number of a call; icaform journal list tells them")
    return int(word)


def _place(paths: tuple[str, ...]) -> Place:
    """The workspace of some paths. No manifest is read, so it is here that they are found to be there."""
    from icaform.diagnostic import Code, Diagnostic, Rejected
    from icaform.engine.setting import find

    missing = [each for each in paths if each != "-" and not os.path.exists(each)]
    if missing:
        how = "name the folder of a workspace, or files in it"
        raise Rejected([Diagnostic(Code.UNREADABLE_FILE, f"{each} is not there", how) for each in missing])
    return find(paths or (".",))


@contextmanager
def _run(
    world: World, place: Place, paths: tuple[str, ...], said: Mapping[str, Any], output: Output
) -> Iterator[Run]:
    """A run that may write to the journal, and to nothing else."""
    from icaform.cli.progress import progress_for
    from icaform.engine.connect import open_run
    from icaform.engine.journal import alone
    from icaform.engine.verbs import load
    from icaform.kinds import Kinds

    given = options.options_of(said)
    if said["no_look"]:
        with alone(world, place, given) as run:
            yield run
        return
    variables = options.variables_of(said, world.environ)
    place, wishes = load(options.here(paths), world, variables=variables)
    with progress_for("journal settle", world, coloured=output.coloured(sys.stderr)) as progress:
        seen = replace(world, progress=progress)
        with open_run(seen, Kinds(), place, wishes, given, read_only=True, settles=True) as (run, _):
            output.secrets = run.secrets
            yield run


def _read(
    name: str,
    world: World | None,
    paths: tuple[str, ...],
    said: Mapping[str, Any],
    work: Callable[[Output, Store, Place, float], int],
) -> int:
    """Do what only reads the journal: no token, no manifest, no server of ICA's."""
    from icaform.cli.output import Output, guarded
    from icaform.engine.connect import Options, journal_of
    from icaform.engine.world import World

    here = world or World()
    output = Output.of(name, said, here.environ, here.clock)

    def reading() -> int:
        place = _place(paths)
        output.workspace = place.setting.workspace
        with journal_of(here, place, Options(journal=said["journal"]), read_only=True) as store:
            return work(output, store, place, here.clock.now())

    return guarded(output, reading)


def _show(output: Output, report: Ledgered) -> None:
    from icaform.cli.output import terminal_width

    if output.dialect == "json":
        from icaform.render.json import journal as in_json

        output.say(in_json.render(report))
        return
    from icaform.render.text import journal as in_text

    coloured, width = output.coloured(sys.stdout), terminal_width(sys.stdout)
    output.say(in_text.render(report, colour=coloured, width=width))
