"""One page that holds all of a report: it needs no network, no server and no scripts.

Its own style and its own script are named by their digests in a Content-Security-Policy that allows nothing
else, so that even a hole in the escaping would run nothing and fetch nothing. Without scripts everything is
there, and opens and closes; with them it can be filtered.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from icaform.diagnostic import Severity
from icaform.render.html.groups import finding_lines, group_lines
from icaform.render.html.ink import listed, name, raw, sentence
from icaform.render.html.script import SCRIPT
from icaform.render.html.style import STYLE
from icaform.render.report import (
    Danger,
    Report,
    Section,
    Topic,
    noteworthy,
    number,
    of_severity,
    price,
    remark,
    rougher,
)

DIALECT = "html"
TONES = {
    Danger.IRREVERSIBLE: "red",
    Danger.OUTCOME_UNKNOWN: "violet",
    Danger.REFUSED: "red",
    Danger.SKIPPED: "grey",
    Danger.HELD: "amber",
    Danger.UNTOLD: "violet",
    Danger.DRIFTED: "orange",
    Danger.BOTH: "orange",
    Danger.UPDATE: "blue",
    Danger.CREATE: "green",
    Danger.DONE: "green",
    Danger.ALREADY: "grey",
    Danger.ERRORS: "red",
    Danger.WARNINGS: "amber",
}
"""Colours repeat what the headings say; nothing is told by a colour alone."""
OPEN = 50
"""As many groups of a section are open at first."""
MANY = 500
"""With more groups than this they are put together by what is done to them: 50,000 tables are too many."""
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='6' fill='%230a58ca'/%3E%3C/svg%3E"
)


def render(report: Report, **_: object) -> Iterator[str]:
    """The lines of the page. Colour and width are the reader's, and it has no limit."""
    yield from _before(report)
    yield "<main>"
    for section in report.sections:
        yield from _section(section, report)
    yield "</main>"
    yield from _after(report)
    yield "<script>"
    yield from SCRIPT.split("\n")
    yield "</script>"
    yield "</body>"
    yield "</html>"


def policy() -> str:
    """What a browser may do with this page: show it, in its own style, and run its own script."""
    return (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    # As it stands between its tags, which have lines of their own.
    found = hashlib.sha256(f"\n{text}\n".encode()).digest()
    return f"sha256-{base64.b64encode(found).decode()}"


def _before(report: Report) -> Iterator[str]:
    title = f"icaform {report.command}" + (f" of {report.workspace}" if report.workspace else "")
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{raw(title)}: {raw(report.verdict)}</title>"
    yield f'<link rel="icon" href="{ICON}">'
    yield "<style>"
    yield from STYLE.split("\n")
    yield "</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#found">Skip to what was found</a>'
    yield "<header>"
    yield f'<p class="over">{raw(title)}</p>'
    yield f"<h1>{raw(report.verdict)}</h1>"
    yield from _whereabouts(report)
    steps = report.counts.get("irreversible", 0)
    if report.topic is Topic.PLAN and steps:
        yield f'<p class="alert red" role="note"><b>{number(steps, "step")} cannot be undone.</b></p>'
    if report.advice:
        yield f'<p class="alert amber" role="note">{raw(report.advice)}</p>'
    if report.sections:
        yield from _contents(report)
    yield "</header>"
    yield from _tools(report)
    yield '<div id="found"></div>'


def _whereabouts(report: Report) -> Iterator[str]:
    facts = [("server", report.server), ("run", report.run_url), ("digest", report.digest)]
    told = [f"{what} {name(text)}" for what, text in facts if text]
    if told:
        yield f'<p class="soft">{" · ".join(told)}</p>'


def _contents(report: Report) -> Iterator[str]:
    yield '<nav aria-label="Sections">'
    yield from listed(
        f'<a class="{TONES[each.danger]}" href="#{each.danger.slug}">'
        f"<b>{each.count:,}</b> {_short(each.danger)}</a>"
        for each in report.sections
    )
    yield "</nav>"


def _short(danger: Danger) -> str:
    return danger.heading.partition(":")[0]


def _tools(report: Report) -> Iterator[str]:
    """They work with scripts alone, so without scripts they are not there."""
    yield '<div id="tools" role="search" hidden><div>'
    yield '<div class="line"><label for="filter">Filter</label>'
    yield '<input id="filter" type="search" placeholder="Filter by name, field, value or file ( / )">'
    yield '<output id="seen" class="soft" for="filter" aria-live="polite"></output>'
    yield '<button id="open" type="button">Open all</button>'
    yield '<button id="close" type="button">Close all</button></div>'
    yield '<fieldset><legend class="soft">Show</legend>'
    for each in report.sections:
        box = f'<input type="checkbox" name="{each.danger.slug}" checked>'
        yield f"<label>{box} {_short(each.danger)}</label>"
    yield "</fieldset></div></div>"


def _section(section: Section, report: Report) -> Iterator[str]:
    danger = section.danger
    yield f'<section id="{danger.slug}" class="{TONES[danger]}" aria-labelledby="{danger.slug}-h">'
    yield f'<h2 id="{danger.slug}-h">{danger.heading} <span class="count">{section.count:,}</span></h2>'
    # Each row tells what its group does not, so that fewer groups lose nothing.
    groups = rougher(section).groups if len(section.groups) > MANY else section.groups
    for place, group in enumerate(groups):
        said = remark(group, danger, report.topic)
        yield from group_lines(group, report.topic, said, open_=place < OPEN)
    # A section holds back warnings that repeat themselves; here is room for all.
    found = of_severity(report.diagnostics, Severity.WARNING) if section.more else section.findings
    for diagnostic in found:
        yield from finding_lines(diagnostic)
    yield "</section>"


def _after(report: Report) -> Iterator[str]:
    yield "<footer>"
    if noteworthy(report.kept):
        yield "<h2>Unchanged</h2>"
        yield from listed(f"{each.count:,} {raw(each.state or 'as wanted')}" for each in report.kept)
        yield from listed(_notes(report))
    live, gone = (str(each.address) for each in report.unmanaged), map(str, report.undeclared)
    yield from _left_alone("live and not declared, left alone", len(report.unmanaged), live)
    yield from _left_alone("no longer declared, left as they are", len(report.undeclared), gone)
    if report.topic in (Topic.PLAN, Topic.DRIFT):
        yield f'<p class="soft">Price: {raw(price(report.cost))}</p>'
    if report.offer:
        yield "<h2>To run this plan and no other</h2>"
        yield f"<pre>{raw(report.offer)}</pre>"
    yield "</footer>"


def _notes(report: Report) -> Iterator[str]:
    for each in report.kept:
        for note in each.notes:
            more = f" and {note.count - 1:,} more" if note.count > 1 else ""
            yield f"{name(str(note.first))}: {sentence(note.text)}{more}"
        if each.more_notes:
            yield f"and {each.more_notes:,} other notes on {sentence(each.state or 'what is as wanted')}"


def _left_alone(what: str, count: int, names: Iterator[str]) -> Iterator[str]:
    if count:
        yield f"<details><summary>{count:,} {what}</summary>"
        yield from listed(name(each) for each in names)
        yield "</details>"
