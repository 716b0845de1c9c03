"""Write manifests of what is in ICA, or a snapshot of it for plans that have no access."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit

if TYPE_CHECKING:
    from icaform.cli.output import Output
    from icaform.engine.export import Drawn, Written
    from icaform.engine.run import Run

FORMAT_VERSION = "1.0"


@click.command("export", short_help="Write manifests of what is in ICA.")
@options.paths
@options.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Only these kinds; repeatable.",
)
@options.option(
    "--project",
    "projects",
    multiple=True,
    metavar="PROJECT",
    help="Look in these, and not in icaform.yaml's project; * for all.",
)
@options.option(
    "--label",
    "-l",
    "labels",
    multiple=True,
    metavar="KEY=VALUE",
    help="A label for what is new; of what is there only those with it are updated.",
)
@options.option("--only", multiple=True, metavar="GLOB", help="Only these, such as `Pipeline/germline-*`.")
@options.option("--exclude", multiple=True, metavar="GLOB", help="All but these.")
@options.variables
@options.option(
    "--out",
    type=click.Path(),
    metavar="FILE|FOLDER",
    help="Write into it; what it declares already is updated, comments and order kept.",
)
@options.option(
    "--snapshot",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write what plans ask, without any secret, for plan --from-snapshot.",
)
@options.form
@options.connection
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Write manifests of what is in ICA: they validate, and a plan of them is empty.

    PATHS name the workspace, as for the other verbs. What no manifest can state (a draft, a batch that the
    journal knows nothing of) is left out, and is told with the reason. Secrets are left to be filled in.
    """
    if said["snapshot"]:
        unfit = [each for each in ("out", "kinds", "labels", "only", "exclude") if said[each]]
        if unfit:
            raise click.UsageError(f"--snapshot is of everything; it goes without --{unfit[0].rstrip('s')}")
        return _snapshot(world, paths, said)
    return _manifests(world, paths, said)


def _manifests(world: Any, paths: tuple[str, ...], said: Mapping[str, Any]) -> int:
    from icaform.cli.output import Output, guarded
    from icaform.engine.world import World

    world = world or World()
    output = Output.of("export", said, world.environ, world.clock)
    target = Path(said["out"]) if said["out"] else None

    def work() -> int:
        from icaform.engine.export import into

        variables = options.variables_of(said, world.environ)
        with found(world, output, paths, said, target, variables) as (run, drawn):
            if target is None:
                return _print(output, drawn)
            try:
                written = into(run, drawn, target, variables)
                save(written)
            except OSError as error:
                raise unwritable(f"--out {target}", error) from None
            return _tell(output, drawn, written)

    return guarded(output, work)


@contextmanager
def found(
    world: Any,
    output: Output,
    paths: tuple[str, ...],
    said: Mapping[str, Any],
    target: Path | None,
    variables: Mapping[str, str],
) -> Iterator[tuple[Run, Drawn]]:
    """What there is, as manifests, and the open run that found it."""
    from icaform.cli.progress import progress_for
    from icaform.engine.connect import open_run
    from icaform.engine.export import declared_in, drawn, scope_of
    from icaform.engine.listen import Listener
    from icaform.engine.observe import converse
    from icaform.engine.setting import find
    from icaform.kinds import Kinds

    place = find(paths or (".",))
    output.workspace = place.setting.workspace
    kinds = Kinds()
    asked = [_kind(each, kinds) for each in said["kinds"]] or list(kinds)
    wishes = declared_in(kinds, place, target, variables) if target else []
    with progress_for("export", world, coloured=output.coloured(sys.stderr)) as progress:
        surroundings = replace(world, progress=progress)
        with open_run(surroundings, kinds, place, wishes, options.options_of(said), read_only=True) as opened:
            run, _ = opened
            output.secrets = run.secrets
            heard = Listener(run.session)
            scope = converse(scope_of(said["projects"], run.project), heard, run.pause)
            yield run, drawn(run, heard, asked, scope, options.selection_of(said))


def _kind(said: str, kinds: Mapping[str, Any]) -> str:
    from icaform.diagnostic import did_you_mean

    if said not in kinds:
        near = did_you_mean(said, kinds) or f"the kinds are {', '.join(kinds)}"
        raise click.UsageError(f"--kind: there is no kind `{said}`; {near}")
    return said


def save(written: Written) -> None:
    """Write the files; OSError where one cannot be."""
    from icaform.disk import private

    for file, text in written.texts.items():
        private.folders(file.parent)
        private.write(file, [text])


def unwritable(what: str, error: OSError) -> Exception:
    """What is said of a file that cannot be written."""
    from icaform.diagnostic import Code, Diagnostic, Rejected

    why = f"{what} cannot be written: {error.strerror or type(error).__name__}"
    return Rejected([Diagnostic(Code.BAD_SETTING, why, "check the path, its rights, and the disk")])


def _print(output: Output, drawn: Drawn) -> int:
    from icaform.engine.export import text_of

    document = {"left_out": left_out_document(drawn), "manifests": [each.value for each in drawn.new]}
    write(output, text_of(drawn).splitlines(), {"command": "export", **document})
    if not drawn.new:
        click.echo(f"icaform: {_NOTHING}", err=True)
    tell_left_out(drawn)
    return Exit.DONE


def _tell(output: Output, drawn: Drawn, written: Written) -> int:
    files = [
        {"file": str(file), "new": written.new.get(file, 0), "updated": written.updated.get(file, 0)}
        for file in written.texts
    ]
    lines = [f"{each['file']}: {each['new']} new, {each['updated']} updated" for each in files]
    lines += [f"{written.same} as they are in ICA"] * bool(written.same)
    lines += [f"{written.elsewhere} declared in other files, left there"] * bool(written.elsewhere)
    lines += [f"not brought up to date: {each}" for each in written.kept]
    document = {
        "command": "export",
        "left_out": left_out_document(drawn),
        "files": files,
        "unchanged": written.same,
        "elsewhere": written.elsewhere,
        "not_updated": written.kept,
    }
    write(output, lines or [_NOTHING], document)
    tell_left_out(drawn)
    return Exit.DONE


_NOTHING = "nothing was found that a manifest could state"


def tell_left_out(drawn: Drawn) -> None:
    """What has no manifest, and why: on stderr, where a person looks."""
    from icaform.render.report import line, plain

    for each in drawn.left_out:
        click.echo(line(plain(f"icaform: left out: {each}")), err=True)


def left_out_document(drawn: Drawn) -> list[Mapping[str, str]]:
    """The same for a program."""
    return [
        {"kind": each.kind, "name": each.called, "id": each.id, "reason": each.why} for each in drawn.left_out
    ]


def write(output: Output, lines: Iterable[str], document: Mapping[str, Any]) -> None:
    """The result to stdout: lines for people, or the document. No CI runner takes a line for a command."""
    from icaform.render.report import line, plain
    from icaform.render.report.record import encoded

    if output.dialect == "json":
        output.say(encoded({"format_version": FORMAT_VERSION, **document}, indent=2).splitlines())
        return
    output.say(line(plain(each)) for each in lines)


def _snapshot(world: Any, paths: tuple[str, ...], said: Mapping[str, Any]) -> int:
    from icaform.cli.session import Session, reading
    from icaform.disk import private
    from icaform.engine import snapshot
    from icaform.wire import find_project

    file = Path(said["snapshot"])

    def work(session: Session) -> int:
        run = session.run
        named = find_project(options.options_of(said).flags, run.world.environ, run.world.home, None)
        taken, text = snapshot.take(run, said["projects"], named.value if named else "")
        try:
            private.write(file, [text])
        except OSError as error:
            raise unwritable(f"--snapshot {file}", error) from None
        line = (
            f"{file}: {len(taken.answers)} answers of {taken.server} for workspace {taken.workspace}; "
            f"next: icaform plan --from-snapshot {file}"
        )
        document = {
            "command": "export",
            "snapshot": str(file),
            "workspace": taken.workspace,
            "server": taken.server,
            "taken": taken.taken,
            "answers": len(taken.answers),
            "bytes": len(text.encode()),
        }
        write(session.output, [line], document)
        return Exit.DONE

    return reading("export", world, paths, said, work)
