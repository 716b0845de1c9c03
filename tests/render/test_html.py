"""The page is whole, holds nothing of others but text, and allows nothing that it does not hold."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from html.parser import HTMLParser
from typing import Any

from hypothesis import HealthCheck, given, settings

from icaform.address import Address
from icaform.change import Edit
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import Refused
from icaform.render import Report, dialect, of_apply, of_plan
from icaform.render.report import plain
from tests.render.test_golden import GOLDEN, check
from tests.render.test_markdown_safety import BIDI, reports, squeezed, texts

html = dialect("html")
relaxed = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
VOID = {"meta", "link", "input"}
TAGS = VOID | {
    *(
        "html",
        "head",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "nav",
        "section",
        "article",
        "script",
    ),
    *(
        "a",
        "h1",
        "h2",
        "p",
        "b",
        "bdi",
        "span",
        "code",
        "pre",
        "div",
        "ul",
        "li",
        "details",
        "summary",
        "table",
    ),
    *("thead", "tbody", "tr", "th", "td", "label", "output", "button", "fieldset", "legend"),
}
ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "rel",
        "href",
        "class",
        "id",
        "role",
        "hidden",
        "for",
    ),
    *("type", "placeholder", "aria-live", "aria-label", "aria-labelledby", "checked", "open", "dir", "scope"),
    *("colspan", "data-is"),
}


class Reader(HTMLParser):
    """A page as a parser takes it in; it fails at whatever icaform does not write itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.path: list[str] = []
        self.texts: list[str] = []
        self.isolated: list[str] = []
        self.inner: dict[str, str] = {}
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, (tag, name)
            if name == "href":
                assert (value or "").startswith("data:" if tag == "link" else "#"), value
            if value and value.startswith("default-src"):
                self.policy = value
        if tag not in VOID:
            self.path.append(tag)
        if tag == "bdi":
            self.isolated.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop() == tag

    def handle_data(self, data: str) -> None:
        here = self.path[-1] if self.path else ""
        if here in ("style", "script"):
            self.inner[here] = self.inner.get(here, "") + data
        elif here == "bdi":
            self.isolated[-1] += data
        else:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def read(report: Report) -> Reader:
    reader = Reader()
    reader.feed("".join(f"{line}\n" for line in html(report)))
    reader.close()
    assert not reader.path
    return reader


@relaxed
@given(texts)
def test_nothing_of_others_is_more_than_text(make: Any, applied: Any, text: str) -> None:
    for report in reports(make, applied, text):
        page = read(report)
        assert any(plain(text) in each for each in page.isolated)
        assert squeezed(text) in squeezed("".join(page.texts))
        for line in html(report):
            assert "\n" not in line
            assert not re.search(r"^\s*::|##\w*\[", line)
            assert not [each for each in line if unicodedata.category(each) in ("Cc", "Cs") or each in BIDI]


def test_the_policy_allows_its_own_style_and_script_and_nothing_else(scene: tuple[str, Report]) -> None:
    page = read(scene[1])
    allowed = dict(part.strip().split(" ", 1) for part in page.policy.split(";"))

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert allowed == {
        "default-src": "'none'",
        "style-src": digest(page.inner["style"]),
        "script-src": digest(page.inner["script"]),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_a_page_names_every_resource_and_every_value_of_its_own(make: Any) -> None:
    updates = [make.update(Address("P", f"p{number}"), Edit("x", "a", f"v{number}")) for number in range(500)]
    creates = [
        make.create(Address("B", "b", f"i{number}"), Edit("y", None, f"w{number}")) for number in range(500)
    ]
    page = read(of_plan(make.plan([*updates, *creates])))
    for number in range(500):
        for each in (f"p{number}", f"v{number}", f"i{number}", f"w{number}"):
            assert each in page.isolated


def rows(report: Report) -> list[str]:
    return [line for line in html(report) if line.startswith('<li class="row">')]


def test_what_differs_from_row_to_row_is_told_at_each(make: Any, applied: Any) -> None:
    """Also where groups are put together because there are so many."""
    count = 600
    finals = [
        make.update(
            Address("P", f"p{number}"),
            Edit("x", "a", f"v{number}"),
            irreversible=True,
            notes=(f"note {number}",),
        )
        for number in range(count)
    ]
    helds = [
        make.held(Address("H", str(number)), Diagnostic(Code.BACKWARD, f"why {number}", f"do {number}"))
        for number in range(count)
    ]
    told = rows(of_plan(make.plan([*finals, *helds])))
    assert len(told) == 2 * count
    for number in range(count):
        assert f">v{number}<" in told[number]
        assert f">note: {number}<" in told[number].replace('note: <span dir="auto">note ', ">note: ")
        said = f">why {number}</span>", f">help: do {number}</span>"
        assert all(each in told[count + number] for each in said) or number == 0
    plan = make.plan([make.create(Address("C", str(number))) for number in range(count)])
    ended = [
        (each, each.addresses[0], Refused(Diagnostic(Code.REFUSED, "no", "retry", f"line {number}")))
        for number, each in enumerate(plan.operations)
    ]
    told = rows(of_apply(applied(plan, ended)))
    assert [f">line {number}</span>" in told[number] for number in range(count)] == [
        False,
        *[True] * (count - 1),
    ]


def test_a_page_holds_every_warning_and_everything_that_is_left_alone(make: Any) -> None:
    warnings = [
        Diagnostic(Code.SECRET_UNSET, f"unset {number}", severity=Severity.WARNING) for number in range(50)
    ]
    gone = tuple(Address("P", f"gone{number}") for number in range(50))
    page = read(
        of_plan(make.plan([make.update(Address("P", "p"))], diagnostics=tuple(warnings), undeclared=gone))
    )
    assert {f"unset {number}" for number in range(50)} <= set(page.texts)
    assert {str(each) for each in gone} <= set(page.isolated)


def test_a_page_comes_in_lines_as_they_are_made(make: Any) -> None:
    report = of_plan(make.plan([make.create(Address("P", f"p{number}")) for number in range(1000)]))
    make.asked.clear()
    lines = html(report)
    while "<main>" not in next(lines):
        pass
    assert make.asked == []
    for _ in range(30):
        next(lines)
    assert 0 < len(make.asked) < 40


def test_a_scene_is_put_as_it_was(scene: tuple[str, Report]) -> None:
    lines = list(html(scene[1]))
    body = lines[lines.index("<body>") : lines.index("<script>")]
    check(GOLDEN / f"{scene[0]}.html", body)
