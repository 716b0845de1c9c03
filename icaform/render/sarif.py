"""SARIF 2.1.0, for code scanning: every annotation is a result at its line, with a rule that explains it.

What has no line is a notification of the run: GitHub refuses a result without a place. Paths are relative to
``%SRCROOT%``, the root of the source tree, which is left to whoever reads: nothing of this machine is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from urllib.parse import quote

from icaform import __version__
from icaform.diagnostic import Code
from icaform.operation import Json
from icaform.render.report import Report
from icaform.render.report.annotation import Annotation, Level, Rule, annotated, tallied
from icaform.render.report.record import encoded
from icaform.render.report.wording import plain

DIALECT = "sarif"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 25_000
"""Results of one run that GitHub takes; it shows the worst 5,000 (GitHub, limits on SARIF results)."""
LEVELS = {Level.ERROR: "error", Level.DANGER: "warning", Level.WARNING: "warning"}
ROOT = "%SRCROOT%"


def render(report: Report, **_: object) -> Iterator[str]:
    """The lines of the log, one a result and one a rule, the worst result first."""
    rules: dict[Rule, int] = {}
    unplaced: list[Annotation] = []
    yield "{"
    yield f'  "$schema": {encoded(SCHEMA)},'
    yield '  "version": "2.1.0",'
    yield '  "runs": [{'
    yield '    "columnKind": "unicodeCodePoints",'
    yield f'    "originalUriBaseIds": {encoded(_roots())},'
    if report.workspace:
        category = f"icaform/{report.command}/{quote(plain(report.workspace), safe='')}/"
        yield f'    "automationDetails": {encoded({"id": category})},'
    # What stands behind the results is known by then, so none of them needs to be kept.
    yield from _array("    ", "results", islice(_results(annotated(report), rules, unplaced), MOST), ",")
    left = max(0, sum(tallied(report).values()) - len(unplaced) - MOST)
    yield f'    "invocations": [{encoded(_invocation(report, unplaced, left))}],'
    yield '    "tool": {"driver": {'
    yield f'      "name": "icaform", "version": {encoded(__version__)},'
    yield from _array("      ", "rules", map(_rule, rules))
    yield "    }}"
    yield "  }]"
    yield "}"


def _results(
    found: Iterable[Annotation], rules: dict[Rule, int], unplaced: list[Annotation]
) -> Iterator[Json]:
    for each in found:
        if each.path:
            yield _result(each, rules.setdefault(each.rule, len(rules)))
        else:
            unplaced.append(each)


def uri(path: str) -> str:
    """A path as a URI reference: what is no plain character of one is percent-encoded, byte by byte."""
    known = re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", path)
    reference = quote(known.encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{reference}" if path.startswith("/") else reference


def _array(indent: str, name: str, values: Iterable[Json], end: str = "") -> Iterator[str]:
    before = f'{indent}"{name}": ['
    for value in values:
        yield before
        before = f"{indent}  {encoded(value)},"
    if before.endswith("["):
        yield f"{before}]{end}"
    else:
        yield before.removesuffix(",")
        yield f"{indent}]{end}"


def _roots() -> Json:
    return {ROOT: {"description": {"text": "The root of the source tree"}}}


def _invocation(report: Report, unplaced: Sequence[Annotation], left: int) -> Json:
    told = [
        {"level": LEVELS[each.level], "message": _message(each), "descriptor": {"id": each.rule.slug}}
        for each in unplaced
    ]
    if left:
        text = f"{left:,} more results are left out: GitHub takes {MOST:,} of a run. Another dialect has all."
        told.append({"level": "warning", "message": {"text": text}})
    return {
        "executionSuccessful": not any(each.level is Level.ERROR for each in unplaced),
        "exitCode": report.exit_code,
        "toolExecutionNotifications": told,
    }


def _rule(rule: Rule) -> Json:
    each = "The message of each result says what to do."
    remedy = each if isinstance(rule, Code) else f"{rule.remedy[0].upper()}{rule.remedy[1:]}."
    return {
        "id": rule.slug,
        "name": "".join(word.capitalize() for word in rule.slug.split("-")),
        "shortDescription": {"text": rule.meaning},
        "fullDescription": {"text": f"{rule.meaning} {remedy}"},
        "help": {"text": f"{rule.meaning} {remedy}", "markdown": f"**{rule.meaning}**\n\n{remedy}"},
        "defaultConfiguration": {"level": "error" if isinstance(rule, Code) else "warning"},
        "properties": {"tags": ["icaform"]},
    }


def _result(each: Annotation, rule: int) -> Json:
    base = {} if each.path.startswith("/") else {"uriBaseId": ROOT}
    location: dict[str, Json] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri(each.path), **base},
            "region": {"startLine": each.line, "startColumn": each.column},
        }
    }
    if each.address:
        location["logicalLocations"] = [{"fullyQualifiedName": each.address, "kind": "resource"}]
    return {
        "ruleId": each.rule.slug,
        "ruleIndex": rule,
        "level": LEVELS[each.level],
        "message": _message(each),
        "locations": [location],
        # The one fingerprint that GitHub reads; with rule and file it is the identity of the alert.
        "partialFingerprints": {"primaryLocationLineHash": each.fingerprint},
    }


def _message(each: Annotation) -> Json:
    # SARIF reads [text](target) in a message as a link, and text of a server shall not make one.
    return {"text": "\n".join(each.lines).replace("](", "] (")}
