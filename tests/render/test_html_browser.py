"""The page as a real browser shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from icaform.address import Address
from icaform.change import Edit
from icaform.render import Report, dialect, of_plan
from tests.render.browser import Browser, browser

html = dialect("html")
SEEN = "document.getElementById('seen').textContent"
ROWS = "[...document.querySelectorAll('.row, .finding')].filter((e) => e.checkVisibility()).length"
HEADS = (
    "[...document.querySelectorAll('h2 .count')].filter((e) => e.checkVisibility()).map((e) => e.textContent)"
)
READABLE = 4.5
"""The contrast that WCAG 2.1 wants of text (success criterion 1.4.3)."""
CONTRASTS = """
(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    const colour = getComputedStyle(e).backgroundColor;
    return /, 0\\)$|transparent/.test(colour) ? behind(e.parentElement) : colour;
  };
  const said = (e) => [...e.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
  return [...document.body.querySelectorAll("*")].filter((e) => said(e) && e.checkVisibility()).map((e) => {
    const [one, two] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
    return [(one + 0.05) / (two + 0.05), e.tagName + "." + e.className + " " + e.textContent.slice(0, 30)];
  }).sort((a, b) => a[0] - b[0]);
})()
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture
def shown(tmp_path: Path) -> Any:
    """Writes a report as a page."""

    def write(report: Report) -> Path:
        file = tmp_path / "report.html"
        file.write_text("".join(f"{line}\n" for line in html(report)), encoding="utf-8")
        return file

    return write


def crowd(make: Any, count: int = 60) -> Report:
    """Groups large enough to be folded, names that no line holds, and text from right to left."""
    long = Address("Pipeline", "x" * 300)
    finals = [
        make.update(
            Address("Pipeline", f"old-{number}"), Edit("status", "Released", "Archived"), irreversible=True
        )
        for number in range(count)
    ]
    creates = [
        make.create(Address("AnalysisBatch", "cohort", f"S{number}"), Edit("analysis", None, f"run {number}"))
        for number in range(count)
    ]
    odd = make.update(long, Edit("y" * 200, "z" * 500, ["\u05d0" * 90]))
    return of_plan(make.plan([*finals, *creates, odd]))


def test_a_page_shows_itself_and_asks_for_nothing(
    chromium: Browser, shown: Any, scene: tuple[str, Report]
) -> None:
    file = shown(scene[1])
    for scripts in (True, False):
        page = chromium.open(file, scripts=scripts)
        assert page.problems() == []
        assert page.requests() == [file.as_uri()]
        assert page.run("getComputedStyle(document.body).margin") == "0px", "its style was not taken"
        assert page.run("getComputedStyle(document.getElementById('tools')).display !== 'none'") is scripts


@pytest.mark.parametrize(
    "hole",
    [
        "<script>document.title = 'owned'</script>",
        "<img src='http://127.0.0.1:9/x.png' onerror='document.title = `owned`'>",
        "<p style='position: fixed'>over</p>",
        "<iframe src='http://127.0.0.1:9/'></iframe>",
        "<link rel=stylesheet href='http://127.0.0.1:9/x.css'>",
        "<svg onload='document.title = `owned`'></svg>",
    ],
)
def test_a_hole_in_the_page_would_run_nothing_and_be_seen(
    chromium: Browser, shown: Any, make: Any, hole: str
) -> None:
    file = shown(crowd(make, 2))
    file.write_text(file.read_text(encoding="utf-8").replace("<main>", f"<main>{hole}"), encoding="utf-8")
    page = chromium.open(file)
    assert page.problems() != []
    assert page.run("document.title") != "owned"


def test_without_scripts_all_of_it_can_be_read(chromium: Browser, shown: Any, make: Any) -> None:
    report = crowd(make)
    page = chromium.open(shown(report), scripts=False)
    names = page.run("[...document.querySelectorAll('.row')].map((e) => e.textContent)")
    assert len(names) == len(report.rows) == 121
    before = page.run("document.querySelector('details.names').open")
    page.click("details.names > summary")
    assert page.run("document.querySelector('details.names').open") is not before
    assert page.run(ROWS) >= 60


def test_a_filter_narrows_the_rows_and_counts_them(chromium: Browser, shown: Any, make: Any) -> None:
    page = chromium.open(shown(crowd(make)))
    assert page.run(SEEN) == "121 shown"
    opened = "[...document.querySelectorAll('details')].map((e) => e.open)"
    before = page.run(opened)
    page.press("/", "/")
    assert page.run("document.activeElement.id") == "filter"
    for words, seen, rows, heads in (
        ("old-1", "11 of 121 shown", 11, ["11 of 60"]),
        ("OLD-1 archived", "11 of 121 shown", 11, ["11 of 60"]),
        ("run 7", "6 of 121 shown", 6, ["6 of 60"]),
        ("cohort", "60 of 121 shown", 60, ["60"]),
        ("lab.yaml", "121 shown", 121, ["60", "1", "60"]),
        ("status s5", "0 of 121 shown", 0, []),
    ):
        page.run("document.getElementById('filter').value = ''")
        page.type(words)
        assert (page.run(SEEN), page.run(ROWS), page.run(HEADS)) == (seen, rows, heads), words
    page.run("document.activeElement.blur()")
    page.press("Escape")
    assert (page.run(SEEN), page.run(HEADS)) == ("121 shown", ["60", "1", "60"])
    assert page.run(opened) == before
    assert page.problems() == []


def test_each_danger_can_be_put_aside(chromium: Browser, shown: Any, make: Any) -> None:
    page = chromium.open(shown(crowd(make)))
    page.click("#tools [name=create]")
    assert (page.run(SEEN), page.run(HEADS)) == ("61 of 121 shown", ["60", "1"])
    page.click("#tools [name=create]")
    assert page.run(SEEN) == "121 shown"
    page.click("#open")
    assert page.run("document.querySelectorAll('details:not([open])').length") == 0
    page.click("#close")
    assert page.run("document.querySelectorAll('details[open]').length") == 0


def test_a_keyboard_reaches_everything_in_order(
    chromium: Browser, shown: Any, scenes: Mapping[str, Report]
) -> None:
    page = chromium.open(shown(scenes["plan"]))
    reached: list[str] = []
    while "BODY" not in reached:
        page.press("Tab")
        here = "((e) => e.id || e.name || e.getAttribute('href') || e.tagName)(document.activeElement)"
        reached.append(page.run(here))
    assert reached[0] == "#found"
    assert reached[1:8] == [
        "#irreversible",
        "#held",
        "#untold",
        "#drifted",
        "#update",
        "#create",
        "#warnings",
    ]
    assert reached[8:11] == ["filter", "open", "close"]
    assert reached[11:18] == ["irreversible", "held", "untold", "drifted", "update", "create", "warnings"]
    assert reached[18:].count("SUMMARY") == page.run("document.querySelectorAll('summary').length")


def test_all_text_can_be_read_in_light_and_in_dark(
    chromium: Browser, shown: Any, scenes: Mapping[str, Report]
) -> None:
    worst, checked = 99.0, 0
    for name in ("plan", "apply", "drift", "findings"):
        page = chromium.open(shown(scenes[name]))
        for dark, colour in ((False, "rgb(255, 255, 255)"), (True, "rgb(18, 22, 28)")):
            page.look(dark=dark)
            assert page.run("getComputedStyle(document.body).backgroundColor") == colour
            found = page.run(CONTRASTS)
            assert found[0][0] >= READABLE, found[:5]
            worst, checked = min(worst, found[0][0]), checked + len(found)
    print(f"{checked} texts, the worst contrast is {worst:.1f}")


def test_no_page_is_wider_than_its_screen(
    chromium: Browser, shown: Any, make: Any, scenes: Mapping[str, Report]
) -> None:
    for report in (crowd(make), *scenes.values()):
        page = chromium.open(shown(report))
        for width in (320, 700, 1600):
            page.look(width=width)
            assert page.run("document.documentElement.scrollWidth") <= width


def test_on_paper_nothing_is_folded_away(chromium: Browser, shown: Any, make: Any) -> None:
    for scripts in (True, False):
        page = chromium.open(shown(crowd(make)), scripts=scripts)
        page.look(media="print")
        assert page.run("document.querySelectorAll('details:not([open])').length") > 0
        assert page.run(ROWS) == 121
        assert page.run("getComputedStyle(document.getElementById('tools')).display") == "none"


def test_sides_keep_their_places_whatever_way_they_are_read(chromium: Browser, shown: Any, make: Any) -> None:
    edit = Edit("f", "\u05d0\u05d1", "")
    changes = [
        make.update(Address("P", str(number)), replace(edit, after=f"\u05d2{number}")) for number in range(30)
    ]
    plan = make.plan(changes)
    page = chromium.open(shown(of_plan(plan)))
    page.click("#open")
    place = "document.querySelectorAll('.own bdi')[{}].getBoundingClientRect().left"
    assert page.run(place.format(1)) < page.run(place.format(2))
