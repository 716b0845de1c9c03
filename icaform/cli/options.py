"""Options that several verbs share. Each is also ICAFORM_ and its name in capitals."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from icaform.cli.spoken import PLAIN, spoken
from icaform.diagnostic import Code, Diagnostic, Rejected

if TYPE_CHECKING:
    from icaform.engine.connect import Options
    from icaform.engine.gather import Selection

Command = TypeVar("Command", bound=Callable[..., Any])

MIN_LIMIT = 16_000
"""Characters below which no report could say what must not be left out."""
MAX_PATIENCE = 2_000_000.0
"""Seconds, some 23 days: poll(2), by which sockets and programs are waited for, takes 2**31 milliseconds."""


def _all(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


def option(name: str, *more: str, **settings: Any) -> Callable[[Command], Command]:
    """A click option that is also ICAFORM_NAME, whatever the verb."""
    variable = "ICAFORM_" + name.lstrip("-").upper().replace("-", "_")
    return click.option(name, *more, envvar=variable, show_envvar=False, **settings)


class Number(click.FloatRange):
    """A number within bounds. click takes NaN for one, for it is neither below nor above any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that it says."""
        number = float(super().convert(value, param, ctx))
        return self.fail(f"{value} is no number.", param, ctx) if math.isnan(number) else number


class Told(click.Option):
    """An option whose empty variable is an empty word: what it was to say is missing, and not waived."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """As click, which takes an empty variable for one that is not set."""
        return os.environ.get(str(self.envvar))


paths = click.argument("paths", nargs=-1, type=click.Path(), metavar="[FILE|FOLDER|-]...")

variables = _all(
    click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A value for ${var.NAME}."),
    option(
        "--var-file",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="A file of NAME: VALUE lines, for ${var.NAME}.",
    ),
)

selection = _all(
    option("--label", "-l", "labels", multiple=True, metavar="KEY=VALUE", help="Only those with this label."),
    option("--only", multiple=True, metavar="GLOB", help="Only these, such as `Pipeline/germline-*`."),
    option("--exclude", multiple=True, metavar="GLOB", help="All but these."),
    variables,
)

_report = _all(
    option("--report", multiple=True, metavar="DIALECT=FILE", help="Write it to a file as well; repeatable."),
    option(
        "--limit",
        type=click.IntRange(MIN_LIMIT),
        metavar="CHARACTERS",
        help="The most that a Markdown report may have: a comment's 60000 unless told.",
    ),
)


def _form(dialects: Sequence[str]) -> Callable[[Command], Command]:
    return _all(
        option(
            "--output",
            "-o",
            type=click.Choice(dialects),
            default="text",
            show_default=True,
            help="What goes to stdout.",
        ),
        option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            help="NO_COLOR and FORCE_COLOR are honoured too.",
        ),
    )


form = _form(PLAIN)


def speaks(verb: str) -> Callable[[Command], Command]:
    """The options of a verb whose result is a report."""
    return _all(_form(spoken(verb)), _report)


journal = option(
    "--journal",
    metavar="PATH|URL",
    default="",
    help="Where the journal is: a file, or postgresql://USER@HOST/DATABASE.",
)

server = _all(
    option("--server-url", metavar="URL", default="", help="Before ICAV2_BASE_URL and icaform.yaml."),
    option("--x-api-key", metavar="KEY", default="", help="Better in ICAV2_X_API_KEY."),
    option("--access-token", metavar="JWT", default="", help="Better in ICAV2_ACCESS_TOKEN."),
    option("--no-token", is_flag=True, help="Send the API key with every call, not a token bought with it."),
    option("--project-id", metavar="PROJECT", default="", help="For manifests that name no project."),
    journal,
    option(
        "--secrets-root",
        multiple=True,
        type=click.Path(),
        metavar="FOLDER",
        help="Secrets' files may lie in here.",
    ),
    option(
        "--calls-per-second",
        type=Number(0.1, 1000),
        metavar="N",
        help="Never more than these; before limits.callsPerSecond of icaform.yaml.",
    ),
)
"""Which server, which journal, and as whom."""

patience = Number(min=0, min_open=True, max=MAX_PATIENCE)

connection = _all(
    server,
    option(
        "--timeout",
        type=patience,
        metavar="SECONDS",
        help="The longest that one question to ICA, or a secret's command, may take.",
    ),
)

only_drifted = option(
    "--only-drifted",
    is_flag=True,
    help="Put back what changed behind git's back, and leave aside what the manifests changed.",
)

detailed = option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 where there are changes (for drift: where there is drift).",
)


def options_of(said: Mapping[str, Any]) -> Options:
    """The connection that a command line asks for."""
    from icaform.engine.connect import Options

    return Options(
        said["server_url"],
        said["x_api_key"],
        said["access_token"],
        said["project_id"],
        said["journal"],
        tuple(said["secrets_root"]),
        bool(said.get("allow_commands")),
        said["timeout"],
        said["no_token"],
        said.get("calls_per_second"),
    )


def selection_of(said: Mapping[str, Any]) -> Selection:
    """The selection that a command line asks for."""
    from icaform.engine.gather import Selection

    return Selection(_pairs(said["labels"], "--label"), tuple(said["only"]), tuple(said["exclude"]))


def variables_of(said: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Values for ${var.name}: --var before --var-file before ICAFORM_VAR_name."""
    prefix = "ICAFORM_VAR_"
    found = {name[len(prefix) :]: value for name, value in environ.items() if name.startswith(prefix)}
    found.pop("FILE", None)  # ICAFORM_VAR_FILE is the option --var-file
    for file in said["var_file"]:
        found |= _file(file)
    return found | _pairs(said["variables"], "--var")


def _pairs(said: Sequence[str], name: str) -> dict[str, str]:
    found = {}
    for each in said:
        key, equals, value = each.partition("=")
        if not equals or not key:
            # What was given may be a value without its name, and that value private.
            raise click.UsageError(f"{name} wants NAME=VALUE; there is no name, or no equals sign")
        found[key] = value
    return found


def _file(name: str) -> dict[str, str]:
    from icaform.engine.intake import Unreadable, regular
    from icaform.engine.setting import MAX_FILE
    from icaform.manifest import read

    try:
        with regular(name) as (file, _):
            data = file.read(MAX_FILE + 1)
    except Unreadable as error:
        raise click.UsageError(f"--var-file {name} {error}") from None
    documents, wrong = read(data, name)
    value = documents[0].value if len(documents) == 1 else None
    if not wrong and not isinstance(value, dict):
        wrong = [
            Diagnostic(
                Code.VARIABLE,
                f"{name} is no list of variables",
                "write one line `NAME: VALUE` for each",
                origin=documents[0].origin(),
            )
        ]
    found: dict[str, str] = {}
    for key, each in value.items() if isinstance(value, dict) and not wrong else ():
        if isinstance(each, str):
            found[key] = each
        else:
            place = documents[0].origin((key,))
            wrong.append(
                Diagnostic(Code.VARIABLE, f"the variable `{key}` is not text", "quote it", origin=place)
            )
    if wrong:
        raise Rejected(wrong)
    return found


def here(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The paths, or the folder that one stands in where it is a workspace; never a walk of just anything."""
    if not paths and not os.path.isfile("icaform.yaml"):
        raise click.UsageError(
            "name the files or folders; without any, this folder must hold an icaform.yaml"
        )
    return paths or (".",)


def again(paths: Sequence[str], said: Mapping[str, Any]) -> list[str]:
    """What must stand on a command line to mean the same manifests again, and the same place.

    Values of variables are left to whoever runs it: they may be secret. So is what the environment says.
    """
    from icaform.journal.url import flaw

    words = list(paths)
    for name, word in (
        ("labels", "-l"),
        ("only", "--only"),
        ("exclude", "--exclude"),
        ("var_file", "--var-file"),
    ):
        words += [each for value in said[name] for each in (word, value)]
    told = click.get_current_context().get_parameter_source
    for name, word in (
        ("server_url", "--server-url"),
        ("project_id", "--project-id"),
        ("journal", "--journal"),
    ):
        # The address of a journal may hold a password.
        if told(name) is ParameterSource.COMMANDLINE and not (name == "journal" and flaw(said[name])):
            words += [word, said[name]]
    return [*words, "--only-drifted"] if said.get("only_drifted") else words
