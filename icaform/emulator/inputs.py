"""External files that analyses name, and what ICA's API guide rules out for them: more than 10,000 in one
request, and buckets of S3 that are open to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .body import Attached, CreateAnalysis, ExternalData, InputForm, StructuredInput
from .problem import Problem

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


def refusal(wanted: CreateAnalysis) -> str | None:
    """Why external data of an analysis cannot be read, if it cannot."""
    for file in external_files(wanted):
        if file.type == "s3" and not (file.s3_details and file.s3_details.storage_credentials_id):
            return "External S3 data needs storage credentials: public buckets are not supported."
    return None


def hold(wanted: Iterable[CreateAnalysis]) -> None:
    """A 400 where the analyses of one request name too many external files."""
    if sum(1 for each in wanted for _ in external_files(each)) > MOST_FILES:
        raise Problem(400, f"A request has at most {MOST_FILES:,} external files.")
