"""JUnit XML, for the test view of a CI system: one test case a resource, or of ``validate`` one a file.

A case says "it is as its manifest wants it", and passes where that is so. ``skipped`` is what is still to be
done, or was not begun; ``failure`` what is otherwise and stays so until somebody acts: held, refused,
drifted, an invalid file; ``error`` what cannot be told, and what ended unknown. Elements and attributes are
those that the schema of Jenkins's xUnit plugin has (junit-10.xsd), which is why a case has no ``file``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from icaform.address import Address
from icaform.change import Create, Keep, Standing
from icaform.diagnostic import Diagnostic, Severity
from icaform.render.report import Report, Row, Sign, Topic, line, number, of_severity, plain
from icaform.render.report.annotation import path_of

DIALECT = "junit"
SORTS = ("failure", "error", "skipped")
ENDED = {
    Sign.UNKNOWN: "error",
    Sign.REFUSED: "failure",
    Sign.HELD: "failure",
    Sign.SKIPPED: "skipped",
}
"""How a case of an apply ends, by what became of its resource; any other passes."""
_NO_XML = re.compile("[\ufffe\uffff]")
"""What XML 1.0 forbids (its production Char) of all that ``plain`` lets through."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test case. ``sort`` is empty where it passes; ``found`` is what stands in its body."""

    group: str
    name: str
    sort: str = ""
    about: str = ""
    """One word for what it is: the ``type``."""
    said: str = ""
    found: tuple[Diagnostic, ...] = ()
    row: Row | None = None
    """Whose place stands in the body where no diagnostic does."""


def render(report: Report, **_: object) -> Iterator[str]:
    """The lines of the document."""
    # The counts come first in the document, so the cases are gone through twice instead of being kept.
    counts = Counter(each.sort for each in _cases(report))
    totals = {"tests": counts.total(), "failures": counts["failure"], "errors": counts["error"]}
    name = " ".join(filter(None, ("icaform", report.command, report.workspace)))
    suite: dict[str, object] = {"name": name, **totals, "skipped": counts["skipped"]}
    if report.stamp.time is not None:
        when = datetime.fromtimestamp(report.stamp.time, UTC)
        suite["timestamp"] = when.replace(tzinfo=None).isoformat(timespec="seconds")
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites{_attributes({'name': name, **totals})}>"
    yield f"  <testsuite{_attributes(suite)}>"
    yield "    <properties>"
    facts = {"verdict": report.verdict, "plan_digest": report.digest, "server": report.server}
    for fact, value in {**facts, **report.counts}.items():
        if value != "":
            yield f"      <property{_attributes({'name': fact, 'value': value})}/>"
    yield "    </properties>"
    for case in _cases(report):
        yield from _case(case)
    warnings = of_severity(report.diagnostics, Severity.WARNING)
    if warnings:
        yield from _element("    ", "system-out", {}, _said(warnings))
    yield "  </testsuite>"
    yield "</testsuites>"


def _cases(report: Report) -> Iterator[Case]:
    match report.topic:
        case Topic.FINDINGS:
            yield from _of_files(report)
            return
        case Topic.PLAN:
            end, rows = _planned, iter(report.rows)
        case Topic.DRIFT:
            end, rows = _drifted, iter(report.drifted)
        case Topic.APPLY:
            groups = (group for section in report.sections for group in section.groups)
            end, rows = _ended, (row for group in groups for row in group.rows)
    moved = {row.address: row for row in rows}
    for change in report.changes:
        if change.address in moved:
            yield end(moved[change.address])
        elif report.topic is Topic.DRIFT and type(change) is not Keep:
            yield _of(change.address, "skipped", "pending", "the manifest is not applied yet")
        else:
            yield _of(change.address)
    for each in of_severity(report.diagnostics, Severity.ERROR):
        yield _error(each)


def _planned(row: Row) -> Case:
    if row.sign is Sign.HELD:
        return _reason(row, "failure")
    final = ", and cannot be undone" if row.irreversible else ""
    said = f"{' and '.join(row.verbs)}: still to be done{final}"
    return _of(row.address, "skipped", "irreversible" if final else "planned", said)


def _drifted(row: Row) -> Case:
    if isinstance(row.change, Create):
        return _of(row.address, "failure", "gone", "it is not on the server any more", row)
    fields = ", ".join(edit.field for edit in row.edits if edit.standing is not Standing.PENDING)
    if row.standing is Standing.UNKNOWN:
        return _of(row.address, "error", "unknown", f"who moved cannot be told: {fields}", row)
    return _of(row.address, "failure", row.standing.value, f"the server moved: {fields}", row)


def _ended(row: Row) -> Case:
    return _reason(row, ENDED[row.sign]) if row.sign in ENDED else _of(row.address)


def _of(address: Address, sort: str = "", about: str = "", said: str = "", row: Row | None = None) -> Case:
    return Case(address.kind, str(address), sort, about, said, (), row)


def _reason(row: Row, sort: str) -> Case:
    found = (row.reason,) if row.reason else ()
    about, said = (row.reason.code.slug, row.reason.summary) if row.reason else ("", "")
    return Case(row.address.kind, str(row.address), sort, about, said, found)


def _error(each: Diagnostic) -> Case:
    group, name = (each.address.kind, str(each.address)) if each.address else ("icaform", each.code.slug)
    return Case(group, name, "error", each.code.slug, each.summary, (each,))


def _of_files(report: Report) -> Iterator[Case]:
    """Each file that was read: wrong where an error points into it."""
    files: dict[str, list[Diagnostic]] = {wish.origin.file: [] for wish in report.declared}
    for each in report.diagnostics:
        if each.origin:
            files.setdefault(each.origin.file, []).append(each)
    for file, found in files.items():
        wrong = of_severity(tuple(found), Severity.ERROR)
        name = path_of(file, report.stamp) or file
        if wrong:
            said = wrong[0].summary if len(wrong) == 1 else number(len(wrong), "error")
            yield Case("manifest", name, "failure", wrong[0].code.slug, said, wrong)
        else:
            yield Case("manifest", name)
    yield from (_error(each) for each in of_severity(report.diagnostics, Severity.ERROR) if not each.origin)


def _case(case: Case) -> Iterator[str]:
    attributes = _attributes({"classname": case.group, "name": case.name})
    if not case.sort:
        yield f"    <testcase{attributes}/>"
        return
    yield f"    <testcase{attributes}>"
    place = case.row.source if case.row else None
    texts = (str(place),) if place else _said(case.found)
    yield from _element("      ", case.sort, {"type": case.about, "message": case.said}, texts)
    yield "    </testcase>"


def _said(found: Iterable[Diagnostic]) -> Iterator[str]:
    """Diagnostics as compilers put them, one below the other."""
    for each in found:
        place = f"{each.origin}: " if each.origin else ""
        yield f"{place}{each.severity.value}[{each.code.slug}]: {each.summary}"
        yield from filter(None, each.detail.split("\n"))
        if each.remedy:
            yield f"help: {each.remedy}"


def _element(indent: str, name: str, attributes: Mapping[str, object], texts: Iterable[str]) -> Iterator[str]:
    before = f"{indent}<{name}{_attributes(attributes)}>"
    for text in texts:
        yield before
        before = line(escape(_xml(text)))
    # Without any text, the opening tag is still to come.
    yield f"{before}</{name}>" if not before.startswith(f"{indent}<") else f"{before[:-1]}/>"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(_xml(str(value)))}" for name, value in values.items())


def _xml(text: str) -> str:
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", plain(text))
