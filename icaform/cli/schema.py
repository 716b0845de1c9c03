"""Write the JSON Schemas of manifests, of icaform.yaml and of our own JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from icaform.cli.exit import Exit


@click.command("schema", short_help="Write the JSON Schemas.")
@click.argument("folder", required=False, type=click.Path(file_okay=False))
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 where a file is not what would be written."
)
def command(folder: str | None, check: bool) -> int:
    """Write the JSON Schemas into FOLDER, or that of manifests to stdout.

    Editors use them through a first line `# yaml-language-server: $schema=...`.
    """
    if check and folder is None:
        raise click.UsageError("--check wants the FOLDER whose schemas are to be checked")
    made = documents()
    if folder is None:
        sys.stdout.write(made["manifest.schema.json"])
        sys.stdout.flush()
        return Exit.DONE
    stale = []
    for name, text in made.items():
        file = Path(folder) / name
        if check:
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                stale.append(name)
            continue
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"{file} cannot be written: {error.strerror}") from None
    for name in stale:
        click.echo(f"{name} is not fresh; run icaform schema {folder}", err=True)
    return Exit.FAILED if stale else Exit.DONE


def documents() -> dict[str, str]:
    """Every schema by its file's name."""
    from icaform import schema
    from icaform.engine.setting import Setting
    from icaform.kinds import Kinds
    from icaform.render.json.journal import schema as journal_schema
    from icaform.render.json.schema import schema as report_schema
    from icaform.render.json.status import schema as status_schema
    from icaform.render.ndjson.schema import schema as line_schema

    kinds = Kinds()
    made: dict[str, Any] = {
        "manifest.schema.json": schema.manifest(kinds, "draft-07"),
        "manifest.2020-12.schema.json": schema.manifest(kinds, "2020-12"),
        "icaform.schema.json": schema.of(Setting, "icaform.yaml", "draft-07"),
        "icaform.2020-12.schema.json": schema.of(Setting, "icaform.yaml", "2020-12"),
        "report.schema.json": report_schema(),
        "ndjson.schema.json": line_schema(),
        "journal.schema.json": journal_schema(),
        "status.schema.json": status_schema(),
    }
    return {name: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for name, each in made.items()}
