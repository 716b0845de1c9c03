"""Write a first workspace from what is in ICA."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from icaform.cli import options
from icaform.cli.exit import Exit

if TYPE_CHECKING:
    from icaform.engine.run import Run
    from icaform.operation import Steps

SCHEMAS = ("manifest.schema.json", "icaform.schema.json")
"""Those that editors ask for; ``icaform schema schemas`` brings them up to date."""
SHOWN = 5
"""How many of the files that are in the way are named."""
EMPTY = """\
# Nothing was found that a manifest could state. This one wants no analyses until it has items.
apiVersion: icaform/v1
kind: AnalysisBatch
metadata: {name: first}
spec:
  items: []
"""


@click.command("init", short_help="Write a first workspace from what is in ICA.")
@click.argument("folder", default=".", type=click.Path(file_okay=False), metavar="[FOLDER]")
@options.option(
    "--workspace", metavar="NAME", default="", help="Its name for good; that of the folder if left out."
)
@options.form
@options.connection
@click.pass_obj
def command(world: Any, /, folder: str, **said: Any) -> int:
    """Write a first workspace into FOLDER: icaform.yaml, manifests of what is in ICA, and their schemas.

    The project is --project-id, or the only one that there is. Nothing that is there is overwritten.
    `--server-url embedded` makes one for the small ICA inside the package.
    """
    from icaform.cli.output import Output, guarded
    from icaform.engine.world import World

    world = world or World()
    output = Output.of("init", said, world.environ, world.clock)
    place = Path(folder)

    def work() -> int:
        from icaform.engine.export.names import slug

        workspace = said["workspace"] or slug(place.resolve().name) or "first"
        _refuse(place, workspace)
        with _folder(place):
            return _made(world, output, place, workspace, said)

    return guarded(output, work)


def _made(world: Any, output: Any, folder: Path, workspace: str, said: Mapping[str, Any]) -> int:
    from icaform.cli.export import left_out_document, tell_left_out, write
    from icaform.cli.progress import progress_for
    from icaform.engine.connect import open_run
    from icaform.engine.export import drawn, into, scope_of
    from icaform.engine.listen import Listener
    from icaform.engine.observe import converse
    from icaform.engine.setting import FILE, Place, Setting
    from icaform.kinds import Kinds

    place = Place(folder, Setting(workspace=workspace))
    kinds = Kinds()
    with progress_for("init", world, coloured=output.coloured(sys.stderr)) as progress:
        surroundings = replace(world, progress=progress)
        with open_run(surroundings, kinds, place, [], options.options_of(said), read_only=True) as opened:
            run, _ = opened
            output.secrets = run.secrets
            heard = Listener(run.session)
            progress("ask")
            run.project = run.project or _project(run, heard, world.environ)
            progress("asked")
            scope = converse(scope_of((), run.project), heard, run.pause)
            found = drawn(run, heard, list(kinds), scope)
            files = _schemas(folder)
            new = into(run, found, folder, {}, schema=True).texts
            new = new or {folder / "batches.yaml": _headed(EMPTY)}
            files |= {**new, folder / FILE: _setting(run, workspace)}
    for file, text in files.items():
        _write(file, text)
    output.begun = True
    there = [str(each) for each in files]
    following = shlex.join(["icaform", "plan", *([] if str(folder) == "." else [str(folder)])])
    document = {"files": there, "left_out": left_out_document(found), "next": following}
    write(output, [*there, f"next: {following}"], {"command": "init", **document})
    tell_left_out(found)
    return Exit.DONE


def _refuse(folder: Path, workspace: str) -> None:
    """Rejected where anything is in the way; UsageError where the name is none."""
    from pydantic import ValidationError

    from icaform.diagnostic import Code, Diagnostic, Rejected
    from icaform.engine.gather import SUFFIXES
    from icaform.engine.setting import FILE, Setting

    try:
        Setting(workspace=workspace)
    except ValidationError:
        raise click.UsageError("--workspace wants a name of A-Z a-z 0-9 . _ -") from None
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is no folder")
    whole = folder.absolute()
    above = next((each for each in (whole, *whole.parents) if os.path.lexists(each / FILE)), None)
    if above is not None:
        what = f"{above / FILE} is there: {folder} is a workspace, or in one"
        raise Rejected([Diagnostic(Code.BAD_SETTING, what, "icaform export --out adds to a workspace")])
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        found += [
            os.path.join(top, each) for each in sorted(names) if each.endswith(SUFFIXES) and each[0] != "."
        ]
    found += [str(each) for each in _odd_schemas(folder)]
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        what = f"{folder} is not empty: {', '.join(found[:SHOWN])}{more}"
        remedy = "icaform reads all YAML of a workspace as manifests, so give it a folder of its own"
        raise Rejected([Diagnostic(Code.BAD_SETTING, what, remedy)])


def _odd_schemas(folder: Path) -> list[Path]:
    """What has the name of a schema and is none of this icaform's."""
    from icaform.cli.schema import documents

    there = [each for name in SCHEMAS if os.path.lexists(each := folder / "schemas" / name)]
    made = documents() if there else {}
    return [each for each in there if not each.is_file() or each.read_bytes() != made[each.name].encode()]


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """The folder, which is gone again where nothing came of it."""
    from icaform.cli.export import unwritable
    from icaform.disk import private

    made = not folder.exists()
    try:
        private.folders(folder)
        yield
    except OSError as error:
        raise unwritable(str(folder), error) from None
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _project(run: Run, transport: Any, environ: Mapping[str, str]) -> str:
    """The project that is meant where nobody named one: the only one, or the one that a person picks."""
    from icaform.diagnostic import Code, Diagnostic, Rejected
    from icaform.engine.observe import converse
    from icaform.operation import Call, ask
    from icaform.reference import V3, id_in, promised

    def listed() -> Steps[list[tuple[str, str]]]:
        answer = yield from ask(Call("GET", "/api/projects", V3, paged=True))
        return sorted((promised(row["name"]), promised(row["id"])) for row in answer.body["items"])

    rows = converse(listed(), transport, run.pause)
    if not rows:
        return ""
    if len(rows) == 1 or (environ.get("CI") != "true" and sys.stdin.isatty() and sys.stderr.isatty()):
        name, identity = rows[0] if len(rows) == 1 else _picked(rows)
        counts = Counter(each for each, _ in rows)
        return name if name and name == name.strip() and counts[name] == 1 and not id_in(name) else identity
    names = ", ".join(name for name, _ in rows[:SHOWN])
    names += f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    what = f"you see {len(rows)} projects: {names}"
    raise Rejected([Diagnostic(Code.BAD_SETTING, what, "say which one with --project-id NAME")])


def _picked(rows: Sequence[tuple[str, str]]) -> tuple[str, str]:
    from icaform.render.report import plain

    for number, (name, identity) in enumerate(rows, 1):
        click.echo(f"{number:>4}  {plain(name)}  {plain(identity)}", err=True)
    number = click.prompt("Which project?", type=click.IntRange(1, len(rows)), err=True)
    return rows[number - 1]


def _setting(run: Run, workspace: str) -> str:
    """The text of icaform.yaml."""
    from icaform.manifest.writing import scalar

    lines = [
        "# yaml-language-server: $schema=schemas/icaform.schema.json",
        "# Where the manifests of this folder apply.",
        "# The name marks the analyses that are started: let no other workspace have it; never rename it.",
        f"workspace: {scalar(workspace)}",
        _server(run.server),
    ]
    if run.project:
        lines.append(f"project: {scalar(run.project)}   # for manifests that name none")
    lines.append("# limits: {analyses: 50}   # no apply may start more")
    return "".join(f"{line}\n" for line in lines)


def _server(url: str) -> str:
    from urllib.parse import urlsplit

    from icaform.engine.connect import EMBEDDED
    from icaform.manifest.writing import scalar
    from icaform.wire.server import base_url, is_ica, is_loopback

    if url == EMBEDDED:
        return f"server: {EMBEDDED}   # the small ICA inside the package"
    host = urlsplit(url).netloc
    short = host if base_url(host, "") == url else url
    if is_ica(url) or is_loopback(url):
        return f"server: {scalar(short)}"
    # A file that a pull request may change does not say where a key goes.
    return "# The server is said by --server-url or ICAV2_BASE_URL: icaform.yaml may name Illumina's alone."


def _schemas(folder: Path) -> dict[Path, str]:
    from icaform.cli.schema import documents

    made = documents()
    missing = [each for each in SCHEMAS if not (folder / "schemas" / each).exists()]
    return {folder / "schemas" / each: made[each] for each in missing}


def _headed(text: str) -> str:
    from icaform.engine.export.files import SCHEMA

    return f"# yaml-language-server: $schema={SCHEMA}\n{text}"


def _write(file: Path, text: str) -> None:
    """A new file, for its owner alone; FileExistsError where there is one by now."""
    from icaform.disk import private

    private.folders(file.parent)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
