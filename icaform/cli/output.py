"""stdout is the result and nothing else; everything that passes here is searched for secrets first."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from traceback import format_exception
from typing import Any

import click

from icaform.cli import runner
from icaform.cli.exit import Exit, defect, exit_for
from icaform.cli.sieve import sifted
from icaform.cli.spoken import spoken
from icaform.cli.standard import silence
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.disk import private
from icaform.engine.secrets import Secrets
from icaform.render import LIMIT, Report, dialect, of_findings
from icaform.render.report import Stamp
from icaform.render.report.status import Status
from icaform.wire.clock import Clock, SystemClock

MIN_WIDTH, MAX_WIDTH = 60, 160
PIPE_WIDTH = 100
"""Columns where nobody's terminal tells: wide enough for addresses, narrow enough for a CI log."""
LIVE = ("text", "ndjson")
"""Dialects in which an apply tells its plan first, and not only how it ended."""
WHOLE = ("json", "ndjson", "html")
"""Dialects that leave nothing of a plan out, whatever its size."""


@dataclass
class Output:
    """Where a verb's report goes, and how. ``secrets`` is set once the run may have fetched some."""

    command: str
    dialect: str = "text"
    reports: tuple[tuple[str, str], ...] = ()
    colour: str = "auto"
    limit: int = LIMIT
    environ: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    workspace: str = ""
    """Set once it is known, for the reports of runs that failed before they had one."""
    secrets: Secrets | None = None
    begun: bool = False
    """Whether stdout has its result, or some of it."""
    lost: bool = False
    """Whether stdout takes nothing any more, though somebody may want it."""
    failed: bool = False
    """Whether a report could not be written; a run that went well then does not end so."""
    last: Report | Status | None = None
    """What was shown last: it is what a CI runner gets."""

    @classmethod
    def of(
        cls,
        command: str,
        said: Mapping[str, Any],
        environ: Mapping[str, str],
        clock: Clock | None = None,
    ) -> Output:
        """As the options say; a report that cannot be written is a usage error now and not later.

        So is a folder to work in that is gone.
        """
        try:
            os.getcwd()
        except OSError as error:
            why = f"the working folder is gone ({error.strerror})"
            raise click.UsageError(f"{why}; cd to one that is there") from None
        reports: dict[str, str] = {}
        for each in said.get("report", ()):
            name, equals, file = each.partition("=")
            if not equals or not file:
                raise click.UsageError(f"--report wants DIALECT=FILE, not `{each}`")
            if name not in spoken(command):
                known = ", ".join(spoken(command))
                raise click.UsageError(f"--report: {command} speaks {known}; not `{name}`")
            if file == "-":
                raise click.UsageError(f"--report {each}: what goes to stdout is said with --output {name}")
            if not Path(file).parent.is_dir():
                raise click.UsageError(f"--report {each}: there is no folder {Path(file).parent}")
            if file in reports:
                raise click.UsageError(f"--report {each}: {reports[file]} goes to that file already")
            reports[file] = name
        return cls(
            command,
            said["output"],
            tuple((name, file) for file, name in reports.items()),
            said["color"],
            said.get("limit") or LIMIT,
            environ,
            clock or SystemClock(),
        )

    @property
    def live(self) -> bool:
        """Whether stdout tells things as they come, so that an apply begins with its plan."""
        return self.dialect in LIVE

    def show(self, report: Report | Status) -> None:
        """Write the report to stdout in its dialect, and to every file that was asked for."""
        self.begun = True
        report = self.last = self._stamped(report) if isinstance(report, Report) else report
        self._to_stdout(report)
        for name, file in self.reports:
            self._to_file(name, file, report)

    def tell(self, report: Report) -> None:
        """Show a report to the person at the terminal, whatever goes to stdout."""
        self._write(self._lines("text", self._stamped(report), sys.stderr), sys.stderr)

    def say(self, lines: Iterable[str]) -> None:
        """Write a result that is no report to stdout."""
        self.begun = True
        self._result(line + "\n" for line in lines)

    def say_wrong(self, lines: Iterable[str]) -> None:
        """Write what is no result to stderr. Where that takes nothing, the exit code says how it was."""
        self._write((line.rstrip("\n") + "\n" for line in lines), sys.stderr)

    def publish(self, exit_code: int) -> None:
        """Hand what was shown last to the CI runner: as Markdown, and as outputs of the step."""
        report = self.last
        summary, output = (self.environ.get(name) for name in (runner.SUMMARY, runner.OUTPUT))
        if report is None:
            return
        if summary and "markdown" in spoken(self.command):
            self._append(summary, self._lines("markdown", report, None))
        if output:
            values = runner.outputs(report, exit_code) if isinstance(report, Report) else {}
            values["exit_code"] = str(int(exit_code))
            self._append(output, [runner.assignment(*each) for each in values.items()])

    def _stamped(self, report: Report) -> Report:
        return replace(
            report,
            stamp=Stamp(self.clock.now(), os.path.realpath(os.curdir), runner.root(self.environ)),
            workspace=report.workspace or self.workspace,
            elsewhere=tuple(file for name, file in self.reports if name in WHOLE),
            run_url=runner.page(self.environ),
        )

    def _to_stdout(self, report: Report | Status) -> None:
        failed = isinstance(report, Report) and report.errored
        if self.dialect == "text" and failed and self.command != "validate":
            # Errors are no result: they go where a person looks, and stdout stays empty.
            self._write(self._lines("text", report, sys.stderr), sys.stderr)
            return
        self._result(self._lines(self.dialect, report, sys.stdout))
        if self.lost:
            self.say_wrong(self._lines("text", report, sys.stderr) if failed else [report.verdict])

    def _result(self, chunks: Iterable[str]) -> None:
        """Write to stdout. Where it is full, the reports in files, and how the run ended, are told."""
        try:
            self._write(chunks, sys.stdout)
        except OSError as error:
            self.lose(error)

    def lose(self, error: OSError) -> None:
        """Write to stdout no more: what takes it is full."""
        silence(sys.stdout)
        self.say_wrong([f"error: the report cannot be written to stdout: {error.strerror}"])
        self.failed = self.lost = True

    def _to_file(self, name: str, file: str, report: Report | Status) -> None:
        try:
            private.write(file, self._clean(self._lines(name, report, None)))
        except OSError as error:
            click.echo(f"error: the report {file} cannot be written: {error.strerror}", err=True)
            self.failed = True

    def _append(self, file: str, chunks: Iterable[str]) -> None:
        try:
            private.append(file, self._clean(chunks))
        except OSError as error:
            # It is a courtesy: the result itself is told, and the exit code is that of the run.
            click.echo(f"warning: {file} of the CI runner cannot be written: {error.strerror}", err=True)

    def _lines(self, name: str, report: Report | Status, stream: Any) -> Iterator[str]:
        about = "" if isinstance(report, Report) else report.about
        lines = dialect(name, about)(
            report, colour=self.coloured(stream), width=terminal_width(stream), limit=self.limit
        )
        return (line + "\n" for line in lines)

    def _clean(self, chunks: Iterable[str]) -> Iterator[str]:
        return sifted(chunks, self.secrets)

    def _write(self, chunks: Iterable[str], stream: Any) -> None:
        for chunk in self._clean(chunks):
            stream.write(chunk)
        stream.flush()

    def coloured(self, stream: Any) -> bool:
        """Whether a stream gets colours: never a file or a pipe unless it is asked for."""
        if self.colour != "auto":
            return self.colour == "always"
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return bool(stream and stream.isatty()) and self.environ.get("TERM") != "dumb"


def terminal_width(stream: Any) -> int:
    """Columns to fill."""
    if stream is None or not stream.isatty():
        return PIPE_WIDTH if "COLUMNS" not in os.environ else shutil.get_terminal_size().columns
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size().columns))


def guarded(output: Output, work: Callable[[], int]) -> int:
    """Run a verb's work; what was rejected becomes a report and an exit code, in the dialect asked for."""
    ended = _ended(output, work)
    if output.failed and ended in (Exit.DONE, Exit.CHANGES):
        ended = Exit.SETTING
    output.publish(ended)
    return ended


def _ended(output: Output, work: Callable[[], int]) -> int:
    from icaform.operation import RefusedByServer

    try:
        return work()
    except Rejected as rejected:
        diagnostics: Sequence[Diagnostic] = rejected.diagnostics
    except RefusedByServer as refused:
        code = Code.UNAUTHORISED if refused.problem.status in (401, 403) else Code.REFUSED
        diagnostics = (Diagnostic(code, f"ICA refused a read: {refused}", "see ICA's own words above"),)
    except (click.ClickException, click.Abort):
        raise
    except Exception as error:
        found = _unforeseen(error, output)
        if output.begun:
            # stdout has its one result already, or some of it.
            output.say_wrong([f"error[{found.code.slug}]: {found.summary}", f"  help: {found.remedy}"])
            return Exit.FAILED
        diagnostics = (found,)
    exit_code = exit_for(diagnostics) or Exit.FAILED
    output.show(of_findings(diagnostics, command=output.command, exit_code=exit_code))
    return exit_code


def _unforeseen(error: Exception, output: Output) -> Diagnostic:
    from icaform.wire import WireError

    if isinstance(error, WireError):
        return error.diagnostic()
    if os.environ.get("ICAFORM_TRACEBACK") == "1":
        output.say_wrong(format_exception(error))
    return Diagnostic(Code.INTERNAL, *defect(error))
