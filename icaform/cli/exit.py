"""The exit codes: one stable table. 64 to 78 are those of sysexits.h, 2 is Terraform's for changes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from pathlib import PurePath

from icaform.diagnostic import Code, Diagnostic, Severity


class Exit(IntEnum):
    """How a run ended, for a shell."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    NOT_APPROVED = 10
    GUARDED = 11
    PARTLY = 12
    LOCKED = 13
    UNKNOWN = 14
    USAGE = 64
    MANIFEST = 65
    UNREACHABLE = 69
    RATE_LIMITED = 75
    UNAUTHORISED = 77
    SETTING = 78
    INTERRUPTED = 130
    TERMINATED = 143


MEANING = {
    Exit.DONE: "done, or nothing to do",
    Exit.FAILED: "failed",
    Exit.CHANGES: "changes (or, for drift, drift), with --detailed-exitcode only",
    Exit.NOT_APPROVED: "the plan is not the approved one",
    Exit.GUARDED: "a limit, a protection or an irreversible step stopped it",
    Exit.PARTLY: "partly applied; run again to go on",
    Exit.LOCKED: "another apply of this workspace is running",
    Exit.UNKNOWN: "an outcome is unknown; a person must look",
    Exit.USAGE: "the command line is not usable",
    Exit.MANIFEST: "a manifest is refused",
    Exit.UNREACHABLE: "the server cannot be reached, or does not answer",
    Exit.RATE_LIMITED: "rate limited beyond patience",
    Exit.UNAUTHORISED: "not authorised",
    Exit.SETTING: "configuration",
    Exit.INTERRUPTED: "stopped by SIGINT",
    Exit.TERMINATED: "stopped by SIGTERM",
}

_BY_CODE = {
    Code.NOT_APPROVED: Exit.NOT_APPROVED,
    Code.IRREVERSIBLE: Exit.GUARDED,
    Code.LIMIT: Exit.GUARDED,
    Code.PROTECTED: Exit.GUARDED,
    Code.LOCKED: Exit.LOCKED,
    Code.OUTCOME_UNKNOWN: Exit.UNKNOWN,
    Code.USAGE: Exit.USAGE,
    Code.UNREACHABLE: Exit.UNREACHABLE,
    Code.SERVER_FAULT: Exit.UNREACHABLE,
    Code.BAD_ANSWER: Exit.UNREACHABLE,
    Code.RATE_LIMITED: Exit.RATE_LIMITED,
    Code.UNAUTHORISED: Exit.UNAUTHORISED,
    Code.NO_CREDENTIALS: Exit.UNAUTHORISED,
    Code.NO_SERVER: Exit.SETTING,
    Code.UNTRUSTED_SERVER: Exit.SETTING,
    Code.BAD_SETTING: Exit.SETTING,
    Code.SECRET_UNSET: Exit.SETTING,
    Code.SECRET_FORBIDDEN: Exit.SETTING,
    Code.JOURNAL: Exit.SETTING,
    Code.SNAPSHOT: Exit.SETTING,
    Code.REFUSED: Exit.FAILED,
    Code.STILL_RUNNING: Exit.PARTLY,
    Code.CHANGED_SINCE_PLAN: Exit.PARTLY,
    Code.INTERNAL: Exit.FAILED,
}
"""Every other code speaks of a manifest, or of icaform.yaml where it is found there."""

SETTING_FILE = "icaform.yaml"


def exit_for(diagnostics: Iterable[Diagnostic]) -> Exit:
    """The exit code for what was found: that of its first error; what is no error does not count."""
    for each in diagnostics:
        if each.severity is Severity.ERROR:
            ours = each.origin is not None and PurePath(each.origin.file).name == SETTING_FILE
            return _BY_CODE.get(each.code, Exit.SETTING if ours else Exit.MANIFEST)
    return Exit.DONE


def defect(error: Exception) -> tuple[str, str]:
    """What is said of an exception that nobody foresaw: never its text: it may quote the user."""
    if isinstance(error, OSError) and error.strerror:
        return f"the system refused: {error.strerror}", "check the disk, and where stdout and stderr go"
    trace = error.__traceback__
    place = "?"
    while trace:
        place = f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}", (
        "this is a defect of icaform; run again with ICAFORM_TRACEBACK=1 and report what it shows, "
        "after you have read it"
    )
