"""Run the small ICA of the package as a server of its own."""

from __future__ import annotations

import click

from icaform.cli.exit import Exit


@click.command(
    "emulator",
    short_help="Run the embedded ICA as a server.",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Run the embedded ICA on loopback until it is stopped; --help lists its own options."""
    from icaform.emulator.__main__ import main

    try:
        main(ctx.args)
    except SystemExit as ended:  # argparse's 2 for a usage error means changes here
        return Exit.USAGE if ended.code else Exit.DONE
    return Exit.DONE
