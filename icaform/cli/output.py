"""stdout is the result and nothing else; everything that passes here is searched for secrets first."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from icaform.cli.exit import Exit, defect, exit_for
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.secrets import Secrets
from icaform.render import Report, dialect, dialects, of_findings

WITHHELD = "[withheld: it held the value of a secret]"
MIN_WIDTH, MAX_WIDTH = 60, 160
PIPE_WIDTH = 100
"""Columns where nobody's terminal tells: wide enough for addresses, narrow enough for a CI log."""


@dataclass
class Output:
    """Where a verb's report goes, and how. ``secrets`` is set once the run may have fetched some."""

    command: str
    dialect: str = "text"
    reports: tuple[tuple[str, str], ...] = ()
    colour: str = "auto"
    environ: Mapping[str, str] = field(default_factory=dict)
    secrets: Secrets | None = None
    begun: bool = False
    """Whether stdout has its result, or some of it."""
    failed: bool = False
    """Whether a report could not be written; a run that went well then does not end so."""

    @classmethod
    def of(cls, command: str, said: Mapping[str, Any], environ: Mapping[str, str]) -> Output:
        """As the options say; a report that cannot be written is a usage error now and not later."""
        reports = []
        for each in said.get("report", ()):
            name, equals, file = each.partition("=")
            if not equals or not file:
                raise click.UsageError(f"--report wants DIALECT=FILE, not `{each}`")
            try:
                dialect(name)
            except KeyError:
                known = ", ".join(dialects())
                raise click.UsageError(f"--report knows no dialect `{name}`; it knows {known}") from None
            if not Path(file).parent.is_dir():
                raise click.UsageError(f"--report {each}: there is no folder {Path(file).parent}")
            reports.append((name, file))
        return cls(command, said["output"], tuple(reports), said["color"], environ)

    def show(self, report: Report) -> None:
        """Write the report to stdout in its dialect, and to every file that was asked for."""
        self.begun = True
        self._to_stdout(report)
        for name, file in self.reports:
            self._to_file(name, file, report)

    def _to_stdout(self, report: Report) -> None:
        if self.dialect == "text" and report.errored and self.command != "validate":
            # Errors are no result: they go where a person looks, and stdout stays empty.
            self._write(self._lines("text", report, sys.stderr), sys.stderr)
            return
        self._write(self._lines(self.dialect, report, sys.stdout), sys.stdout)

    def tell(self, report: Report) -> None:
        """Show a report to the person at the terminal, whatever goes to stdout."""
        self._write(self._lines("text", report, sys.stderr), sys.stderr)

    def _to_file(self, name: str, file: str, report: Report) -> None:
        text = "".join(self._clean(self._lines(name, report, None)))
        try:
            Path(file).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            click.echo(f"error: the report {file} cannot be written: {error.strerror}", err=True)
            self.failed = True

    def _lines(self, name: str, report: Report, stream: Any) -> Iterable[str]:
        lines = dialect(name)(report, colour=self.coloured(stream), width=terminal_width(stream))
        return (line + "\n" for line in lines)

    def _clean(self, chunks: Iterable[str]) -> Iterable[str]:
        if self.secrets is None or not self.secrets.concealed():
            yield from chunks
            return
        lines = [WITHHELD + "\n" if self.secrets.leaks(chunk) else chunk for chunk in chunks]
        # A long value may have been broken into lines, of which none holds it.
        yield from [WITHHELD + "\n"] if self.secrets.leaks("".join(lines)) else lines

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
    from icaform.operation import RefusedByServer

    try:
        ended = work()
        return Exit.SETTING if output.failed and ended in (Exit.DONE, Exit.CHANGES) else ended
    except Rejected as rejected:
        diagnostics: Sequence[Diagnostic] = rejected.diagnostics
    except RefusedByServer as refused:
        code = Code.UNAUTHORISED if refused.problem.status in (401, 403) else Code.REFUSED
        diagnostics = (Diagnostic(code, f"ICA refused a read: {refused}", "see ICA's own words above"),)
    except (click.ClickException, click.Abort):
        raise
    except Exception as error:
        diagnostics = (_unforeseen(error, output),)
    exit_code = exit_for(diagnostics) or Exit.FAILED
    output.show(of_findings(diagnostics, command=output.command, exit_code=exit_code))
    return exit_code


def _unforeseen(error: Exception, output: Output) -> Diagnostic:
    from icaform.wire import WireError

    if isinstance(error, WireError):
        return error.diagnostic()
    if output.begun or os.environ.get("ICAFORM_TRACEBACK") == "1":
        raise error
    return Diagnostic(Code.INTERNAL, *defect(error))
