"""Show what apply would do. Reads the server and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit, exit_for

if TYPE_CHECKING:
    from icaform.cli.output import Output
    from icaform.plan import Plan


@click.command("plan", short_help="Show what apply would do.")
@options.paths
@options.selection
@options.speaks("plan")
@options.connection
@options.detailed
@options.only_drifted
@options.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Save it for apply --plan.")
@options.option(
    "--from-snapshot",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Ask nobody: take what `icaform export --snapshot` wrote.",
)
@click.pass_obj
def command(world: Any, /, paths: tuple[str, ...], **said: Any) -> int:
    """Compare manifests with the live server and show what apply would do. Nothing changes anywhere."""
    from icaform.cli.session import reading
    from icaform.engine import saved, verbs
    from icaform.render import of_plan

    def work(session: Any) -> int:
        session.run.only_drifted = said["only_drifted"]
        made = verbs.plan(session.run, session.calls)
        return tell(made, session.output, session.rate())

    def tell(made: Plan, output: Output, rate: float | None = None) -> int:
        refused = [each.reason for each in made.refused]
        code = exit_for([*made.diagnostics, *refused])
        if code:
            code = Exit.FAILED if not exit_for(made.diagnostics) else code
        elif said["detailed_exitcode"] and made.moves:
            code = Exit.CHANGES
        if said["out"]:
            saved.save(made, said["out"], output.secrets.leaks if output.secrets else lambda text: False)
        output.show(of_plan(made, exit_code=code, rate=rate, arguments=options.again(paths, said)))
        return code

    if said["from_snapshot"]:
        return offline(world, paths, said, tell)
    return reading("plan", world, paths, said, work)


def offline(
    world: Any, paths: tuple[str, ...], said: Mapping[str, Any], tell: Callable[[Plan, Output], int]
) -> int:
    """Plan against a snapshot: no connection is opened, and no journal."""
    from icaform.cli.output import Output, guarded
    from icaform.engine import snapshot
    from icaform.engine.verbs import load
    from icaform.engine.world import World
    from icaform.kinds import Kinds

    world = world or World()
    output = Output.of("plan", said, world.environ, world.clock)

    def work() -> int:
        selection = options.selection_of(said)
        variables = options.variables_of(said, world.environ)
        place, wishes = load(options.here(paths), world, variables=variables, selection=selection)
        output.workspace = place.setting.workspace
        made = snapshot.plan(
            world,
            Kinds(),
            place,
            wishes,
            snapshot.load(said["from_snapshot"]),
            options.options_of(said),
            name=said["from_snapshot"],
            whole=selection.everything,
            only_drifted=said["only_drifted"],
        )
        return tell(made, output)

    return guarded(output, work)
