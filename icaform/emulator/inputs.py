"""External files that analyses name, and what ICA's API guide rules out for them: more than 10,000 in one
request, and buckets of S3 that are open to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .body import Attached, CreateAnalysis, ExternalData, InputForm, StructuredInput
from .call import Call
from .credentials import usable
from .problem import Problem
from .record import Credential, Project

MOST_FILES = 10_000


def external_files(wanted: CreateAnalysis) -> Iterator[ExternalData]:
    """Every external file of one analysis, whichever form its input has."""
    given = getattr(wanted, "analysis_input", None)
    if isinstance(given, StructuredInput):
        for each in given.inputs:
            yield from each.external_data or ()
    if isinstance(given, Attached):
        yield from given.external_data or ()
    form = getattr(wanted, "input_form_values", None)
    if isinstance(form, InputForm):
        rows = (row for group in form.groups or () for row in group.values or ())
        for field in (*(form.entries or ()), *(field for row in rows for field in row.values or ())):
            yield from field.external_data_values or ()


def refusal(call: Call, wanted: CreateAnalysis) -> str | None:
    """Why external data of an analysis cannot be read, or its outputs cannot be put, if they cannot."""
    opened: set[str] = set()
    for file in external_files(wanted):
        if file.type != "s3":
            continue
        if not (file.s3_details and file.s3_details.storage_credentials_id):
            return "External S3 data needs storage credentials: public buckets are not supported."
        opened.add(str(file.s3_details.storage_credentials_id))
    for each in sorted(opened):
        row = call.world.get(Credential, each, call.now)
        if row is None or not usable(call, row):
            return f"Storage credentials {each} were not found."
    for each in sorted({output.target_project_id for output in wanted.analysis_output or ()}):
        project = call.world.get(Project, each, call.now)
        if project is None or project.tenant_id != call.user.tenant_id:
            return f"Target project {each} was not found."
    return None


def hold(wanted: Iterable[CreateAnalysis]) -> None:
    """A 400 where the analyses of one request name too many external files."""
    if sum(1 for each in wanted for _ in external_files(each)) > MOST_FILES:
        raise Problem(400, f"A request has at most {MOST_FILES:,} external files.")
