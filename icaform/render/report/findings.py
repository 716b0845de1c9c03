"""The report of what was found wrong: of validate, and of every command that failed."""

from __future__ import annotations

from collections.abc import Sequence

from icaform.diagnostic import Diagnostic, Severity
from icaform.render.report.model import Danger, Report, Section, Topic, number, of_severity
from icaform.state import Desired


def of_findings(
    diagnostics: Sequence[Diagnostic],
    *,
    command: str,
    resources: int | None = None,
    declared: Sequence[Desired] = (),
    exit_code: int = 0,
) -> Report:
    """All that was found, in the order in which it was found. ``resources`` is how many were looked at,
    ``declared`` are those found valid.
    """
    found = tuple(diagnostics)
    errors = len(of_severity(found, Severity.ERROR))
    counts = {"errors": errors, "warnings": len(found) - errors}
    if resources is not None:
        counts["resources"] = resources
    return Report(
        topic=Topic.FINDINGS,
        command=command,
        verdict=_verdict(errors, len(found) - errors, resources),
        counts=counts,
        sections=(Section(Danger.ERRORS if errors else Danger.WARNINGS, findings=found),) if found else (),
        diagnostics=found,
        errored=bool(errors),
        complete=not errors,
        exit_code=exit_code,
        declared=tuple(declared),
    )


def _verdict(errors: int, warnings: int, resources: int | None) -> str:
    parts = [number(errors, "error")] if errors else []
    parts += [number(warnings, "warning")] if warnings else []
    if resources is None:
        return ", ".join(parts) or "nothing wrong was found"
    looked_at = number(resources, "resource")
    if errors:
        return f"{', '.join(parts)} in {looked_at}"
    valid = f"{looked_at} {'is' if resources == 1 else 'are'} valid"
    return ", ".join([valid, *parts])
