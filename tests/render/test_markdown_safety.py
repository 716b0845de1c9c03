"""Text of others in a comment is shown to the letter and obeyed by nobody: two parsers are asked, of which
one is GitHub's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from icaform.address import Address, Origin
from icaform.change import Edit
from icaform.diagnostic import Code, Diagnostic, Severity
from icaform.operation import Made, Refused, Unknown
from icaform.render import Report, dialect, of_apply, of_findings, of_plan
from icaform.render.report import leftward, plain
from icaform.state import Live

markdown = dialect("markdown")
relaxed = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
SPITEFUL = [
    *("@octocat", "@a/b", "#1", "GH-1", "a/b#1", "a@b.io", "http://x.io", "www.x.io", "mailto:a@b.io"),
    *("5" * 7, "0123456789abcdef" * 2, "!1", "%1", "&1", "~bug", "/close", ":tada:", "$x$", "[[x]]"),
    *("<b>", "<script>", "<img src=x>", "<!--", "-->", "</details>", "</code>", "&#64;", "&lt;", "&"),
    *("![x](y)", "[x](y)", "[x]", "[x]: y", "<http://x.io>", "**", "__", "~~", "*", "_", "\\", "|"),
    *("`", "``", "```", "# x", "> x", "- x", "+ x", "1. x", "1)", "---", "===", "    x", "\t", " ", "  "),
    *("\n", "\r", "\n\n", "\n::error::", "::error::", "##[group]", "##vso[x]", "\x1b[31m", "\x00", "\x9b2J"),
    *("\u2028", "\x85", "\ud800", "\xa0", "\u200b", "\U000e0041", *BIDI, "(x)", "it's", "3,000", "\u05d0"),
]
texts = st.lists(
    st.sampled_from(SPITEFUL) | st.text(st.characters(), max_size=6), min_size=1, max_size=6
).map("".join)

OURS = re.compile(
    r"<!-- icaform \w+ [\w.%~-]+ -->|<details><summary>[\w, ]+</summary>|</details>"
    r"|<details><summary>[\d,]+ names</summary><code>[^<>]*</code></details>"
)
BLOCKS = {"heading", "paragraph", "bullet_list", "list_item", "blockquote"}
INLINES = {"text", "code_inline", "softbreak", "strong_open", "strong_close", "em_open", "em_close"}
ACTIVE = re.compile(
    r"[@#<>|\\*_`~$&\[\]]|://|www\.|\bGH-\d|:\w+:|\d{7}|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
    rf"|[{BIDI}]|\b[0-9a-f]*\d[0-9a-f]*[a-f][0-9a-f]{{5,}}\b"
)
"""What would be found, or obeyed, in text that is not code."""
ALERT = re.compile(r"^\[!(CAUTION|WARNING)\]")
STARTS = re.compile(
    r"<!-- icaform |### |#### |> |- |  - |</?details>|```|icaform apply |All of it|Price: |To run this plan"
    r"|[\d,]+ (is|are) left out|the files and options|\*\*(Plan|Apply|Validate)|$"
)
TAGS = {*("h3", "h4", "p", "ul", "li", "strong", "em", "code", "pre", "details", "summary", "blockquote")}


def reports(make: Any, applied: Any, text: str) -> Iterator[Report]:
    """Reports of every topic in which whatever may be of others is this text."""
    address, item = Address("Pipeline", text), Address("AnalysisBatch", text, text)
    origin = Origin(text, 1, 1)
    reason = Diagnostic(Code.REFUSED, text, text, text, origin=origin, address=address)
    edit, more = Edit(text, text, {text: [text]}), Edit("f", text, Made(Address("Pipeline", text)))
    finals = [
        make.update(Address("Pipeline", f"{text}{number}"), edit, irreversible=True, notes=(text,))
        for number in range(12)
    ]
    plan = make.plan(
        [
            *finals,
            make.held(address, reason, edit),
            make.update(Address("Pipeline", text + "u"), edit, more, verbs=(text,)),
            make.create(item, edit, notes=(text,)),
            make.create(replace(item, item=text + "2"), edit),
            make.keep(Address("Pipeline", "k"), text, text),
        ],
        diagnostics=(reason, replace(reason, severity=Severity.WARNING, address=item)),
        unmanaged=(Live(address, text, {}),),
        undeclared=(address,),
    )
    ended = [
        (each, each.addresses[0], (Refused if number % 2 else Unknown)(reason))
        for number, each in enumerate(plan.operations)
    ]
    clean = replace(plan, diagnostics=(), workspace=text)
    yield of_plan(plan)
    yield replace(of_plan(clean, arguments=(text,)), elsewhere=(text,), run_url=text)
    yield of_apply(applied(plan, ended))
    yield of_findings(plan.diagnostics, command="validate", resources=1)


def told(lines: list[str]) -> list[str]:
    """The text of each paragraph as a reader sees it; it fails where it is more than text."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse("\n".join(lines) + "\n"):
        if token.type == "html_block":
            for line in token.content.strip("\n").split("\n"):
                assert not line or OURS.fullmatch(line), line
        elif token.type == "inline":
            found.append(_inline(token))
        elif token.type == "fence":
            assert token.content.startswith("icaform apply --approve sha256:")
            assert token.content.count("\n") == 1
        else:
            assert token.type.removesuffix("_open").removesuffix("_close") in BLOCKS, token
    return found


def _inline(token: Token) -> str:
    seen = ""
    for each in token.children or ():
        assert each.type in INLINES, (each, token.content)
        if each.type == "text":
            assert not ACTIVE.search(ALERT.sub("", each.content)), each.content
        seen += each.content
    return seen


class Judge(HTMLParser):
    """What GitHub's parser made of a comment."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, (tag, attrs)
        assert not attrs or (tag, attrs) == ("pre", [("lang", "sh")]), attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.open):
            assert not ACTIVE.search(ALERT.sub("", data.strip())), data

    def handle_comment(self, data: str) -> None:
        assert OURS.fullmatch(f"<!--{data}-->"), data


def github(lines: list[str]) -> None:
    judge = Judge()
    options = Options.CMARK_OPT_UNSAFE
    judge.feed(cmarkgfm.github_flavored_markdown_to_html("\n".join(lines) + "\n", options=options))
    judge.close()
    assert not judge.open


def squeezed(text: str) -> str:
    """Without what prose does not keep: spaces, and backticks, which may have become code."""
    return "".join(plain(text.replace("\n", " ")).replace("`", " ").split())


@relaxed
@given(texts)
def test_nothing_of_others_is_more_than_text(make: Any, applied: Any, text: str) -> None:
    for report in reports(make, applied, text):
        lines = list(markdown(report))
        seen = told(lines)
        github(lines)
        for line in lines:
            assert STARTS.match(line), line
            assert not re.search(r"##\w*\[", line)
            assert not [each for each in line if unicodedata.category(each) in ("Cc", "Cs") or each in BIDI]
            line.encode()
        # The reason is said as prose in each of them.
        assert any(squeezed(text) in squeezed(each) for each in seen) or not squeezed(text)


def letters(make: Any, values: list[str]) -> None:
    """Each of the values, as a value and as the name of a field."""
    edits = [edit for value in values for edit in (Edit("f", value, "x"), Edit(value, "a", "b"))]
    plan = make.plan([make.update(Address("Pipeline", "p"), *edits, irreversible=True)])
    seen = told(list(markdown(of_plan(plan))))
    fields = [squeezed(each) for each in seen]
    for value in values:
        said = plain(value) or '""'
        arrow = "(before), to be" if leftward(said) else "→"
        assert f"f: {said} {arrow} x" in seen
        name = plain(value.replace("\n", " "))
        assert squeezed(f"{name if name.split() else '(empty)'}: a → b") in fields


@relaxed
@given(texts)
def test_a_value_is_shown_to_the_letter(make: Any, text: str) -> None:
    letters(make, [text, text + "z"])


def test_each_spiteful_value_is_shown_to_the_letter(make: Any) -> None:
    values = [each for text in SPITEFUL for each in (text, f"{text}z", f"z{text}", f"z {text} z", text * 2)]
    letters(make, values)
    print(f"{len(values)} values")


def test_plain_sentences_stay_as_they_are(make: Any) -> None:
    said = "The pipeline's message (of 1,200 letters) is 'old', isn't it? Say: done!"
    reason = Diagnostic(Code.REFUSED, said, "did you mean `message`? See 4-2-7, or 1234567, or a@b.io.")
    lines = list(markdown(of_findings((reason,), command="validate")))
    assert lines[-3] == f"- **error** `refused`: {said}"
    assert lines[-2] == "  - help: did you mean `message`? See `4-2-7`, or `1234567`, or `a@b.io`."


def test_two_sides_read_from_right_to_left_keep_their_places(make: Any) -> None:
    edits = (Edit("f", "\u05d0\u05d1", "b"), Edit("g", "a", "b"), Edit("h", "a", "\u05d2"))
    lines = list(markdown(of_plan(make.plan([make.update(Address("P", "p"), *edits)]))))
    assert "  - f: `\u05d0\u05d1` (before), to be `b`" in lines
    assert "  - h: `a` (before), to be `\u05d2`" in lines
    assert "  - g: `a` → `b`" in lines


def test_the_marker_is_one_comment_whatever_the_workspace_is_called(make: Any) -> None:
    names = ["wgs", "wgs-2", "--> <b>", "a--b", "a\nb", "日本", "a b", "a_b", "", "\ud800"]
    firsts = [next(iter(markdown(of_plan(replace(make.plan([]), workspace=each))))) for each in names]
    assert len(set(firsts)) == len(names)
    assert firsts[0] == "<!-- icaform plan wgs -->"
    for each in firsts:
        assert OURS.fullmatch(each)
        assert "--" not in each[4:-3]


def test_a_page_of_the_run_is_a_link_only_where_it_is_surely_one(make: Any) -> None:
    plan = make.plan([make.create(Address("B", "b", str(number))) for number in range(9)])

    def where(url: str) -> str:
        report = replace(of_plan(plan), elsewhere=("plan.html",), run_url=url)
        return next(each for each in markdown(report) if each.startswith("All of it"))

    page = "https://github.com/acme/lab/actions/runs/17"
    assert where(page) == f"All of it is in `plan.html` of [this run]({page})."
    for url in (
        "javascript:alert(1)",
        "https://x.io/a)b",
        "https://x.io/?a=`",
        "https://x.io/\n",
        "http://a@b/",
    ):
        assert "](" not in where(url)
        assert "javascript:" not in where(url) or "`javascript:" in where(url)
