"""What is written as YAML is read back the same, by us and by readers of either version of YAML."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from icaform.manifest import read
from icaform.manifest.amendment import NotKept, amended
from icaform.manifest.writing import comment, scalar, written

ODD = [
    "no",
    "on",
    "~",
    "1_000",
    "0x1F",
    "012",
    "1e3",
    ".inf",
    "2026-11-21",
    "12:30:45",
    "<<",
    "=",
    "---",
    "%a",
]
ODD += ["\x85", "\u2028", "\ufeff", "${var.x}", "$${var.a}", "${ var.b", "a: b", "- a", "# c", "", " ", "\t"]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(ODD)
numbers = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def back(text: str) -> Any:
    documents, wrong = read(text.encode(), "x.yaml")
    assert not wrong, (text, wrong)
    (document,) = documents
    return document.value


def same(one: Any, two: Any) -> bool:
    """Equal, and of the same types: 1, 1.0 and true are three values."""
    if isinstance(one, dict) and isinstance(two, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and one == two


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(texts, values, min_size=1, max_size=5), st.lists(texts, max_size=2))
def test_a_document_is_read_back_as_it_was_written_whatever_its_comments(
    value: dict[str, Any], comments: list[str]
) -> None:
    text = written(value, comments)
    assert same(back(text), value), text
    assert text.isascii() or all(each == "\n" or each.isprintable() for each in text)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.booleans() | texts.filter(lambda text: "${" not in text), min_size=1))
def test_readers_of_yaml_1_1_and_of_1_2_agree_on_it(value: list[Any]) -> None:
    text = written({"spec": {"a": value}})
    for version in ("1.1", "1.2"):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        assert same(yaml.load(text)["spec"]["a"], value), (version, text)


def test_what_has_no_yaml_is_refused_and_a_comment_stays_on_its_line() -> None:
    for odd in ("\ud800", "a\udfff", float("nan"), float("inf")):
        with pytest.raises(ValueError):
            scalar(odd)
    assert list(comment(["a\nkind: b\u2028\ud800", ""])) == ["# a\\nkind: b\\u2028\\ud800", "#"]


COMMAND = re.compile(r"(?m)^\s*::|##\w*\[")
COMMANDS = [
    "##[x]",
    "##vso[task.setvariable variable=X]y",
    "::add-mask::x",
    "#",
    "###[",
    "\\##[",
    "#\n#[a",
    "##",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*COMMANDS, "a", " "]), max_size=4).map("".join), min_size=1))
def test_no_line_of_it_is_a_command_to_a_ci_runner(texts: list[str]) -> None:
    value: dict[str, Any] = {"flow": texts[:2], "spec": {each: [each, {each: each}] for each in texts}}
    text = written(value, texts)
    assert same(back(text), value), text
    assert not COMMAND.search(text), text


words = st.text("abcdef ", min_size=1, max_size=12).map(str.strip).filter(bool)
remarks = st.sampled_from(["", "  # why", "   # who: \u00e9", "\t# tab"])
blanks = st.lists(st.sampled_from(["", "# a remark", "  # one that is indented"]), max_size=2)


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """A hand-written document: any order, comments anywhere, block or flow, quoted or not."""
    quote = draw(st.sampled_from(["", "'", '"']))
    step = " " * draw(st.sampled_from([2, 3, 4]))
    spec = [f"status: {quote}Deprecated{quote}{draw(remarks)}"]
    if draw(st.booleans()):
        spec.append(f"message: {draw(words)}{draw(remarks)}")
    spec.append(
        draw(st.sampled_from(["select: {code: a b}", f"select:{draw(remarks)}\n{step}{step}code: 'a  b'"]))
    )
    draw(st.randoms()).shuffle(spec)
    lines = ["spec:" + draw(remarks)]
    for each in spec:
        lines += [*draw(blanks), step + each]
    parts = [
        "\n".join(lines),
        f"kind: Pipeline{draw(remarks)}",
        f"metadata: {{name: a,  labels: {{b: c}}}}{draw(remarks)}",
    ]
    draw(st.randoms()).shuffle(parts)
    text = "".join("\n".join([*draw(blanks), part]) + "\n" for part in parts)
    return draw(st.sampled_from(["", "---\n", "---  # next\n"])) + text


def remarked(text: str) -> list[str]:
    bare = [re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "", line) for line in text.splitlines()]
    return sorted(line.partition("#")[2].strip() for line in bare if "#" in line)


def test_a_field_is_changed_added_or_removed_and_all_else_stays() -> None:
    tried = {"kept": 0, "refused": 0}

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(manifests(), st.sampled_from(["Released", "no", "${var.x}"]), st.none() | texts, st.booleans())
    def prove(text: str, status: str, message: str | None, removed: bool) -> None:
        before = back(text)
        changes = {"status": status, **({"message": message} if message is not None and not removed else {})}
        gone = ["message"] if removed else []
        try:
            made = amended(text, "spec", changes, gone, ["select", "status", "message"], {})
        except NotKept:
            tried["refused"] += 1
            return
        tried["kept"] += 1
        spec = {key: value for key, value in before["spec"].items() if key not in gone}
        assert back(made) == {**before, "spec": {**spec, **changes}}, (text, made)
        beside = [line for line in text.splitlines() if line.strip().startswith("message:") and "#" in line]
        lost = [line.partition("#")[2].strip() for line in beside] if removed else []
        assert not Counter(remarked(text)) - Counter(remarked(made) + lost), (text, made)
        mine = ("status:", "message:")
        others = [line for line in text.splitlines() if not line.strip().startswith(mine)]
        columns = [
            line.index("#")
            for line in text.splitlines()
            if line.strip().startswith("status:") and "#" in line
        ]
        if status == "Released" and "\t" not in text:
            now = [
                line.index("#")
                for line in made.splitlines()
                if line.strip().startswith("status:") and "#" in line
            ]
            assert now == columns, "a comment stays in its column where there is room"
        there = [line for line in made.splitlines() if not line.strip().startswith(mine)]
        assert there == others, (text, made)

    prove()
    print(tried)
    assert tried["refused"] * 20 < tried["kept"]


ODD_DOCUMENTS = {
    "an anchor on the value": ("spec: {status: &s Deprecated}\nmetadata: {name: *s}\n", False),
    "an alias for the value": ("metadata: {name: &s Deprecated}\nspec: {status: *s}\n", True),
    "a value that is merged in": ("a: &m {status: Deprecated}\nspec: {<<: *m, b: c}\n", True),
    "the whole mapping by alias": ("a: &m {status: Deprecated}\nspec: *m\n", False),
    "a folded value": ("spec:\n  status: >-\n    Depre\n    cated\n\n  # next\n  b: c\n", True),
    "a value of several lines": ("spec:\n  status: Depre\n    cated   # why\n  b: c\n", True),
    "no value": ("spec:\n  status:   # none yet\n  b: c\n", True),
    "an explicit key": ("spec:\n  ? status\n  : Deprecated\n", False),
    "a quoted key": ("spec: {\"status\": 'Deprecated'}\n", True),
    "a tag": ("spec: {status: !!str Deprecated}\n", True),
    "a list": ("spec: {status: [Deprecated]}\n", False),
    "brackets over several lines": ("spec: {\n  status: Deprecated,  # why\n  b: c }\n", True),
    "an end mark": ("spec:\n  status: Deprecated\n...\n", True),
    "no line end": ("spec:\n  status: Deprecated", True),
    "nothing there": ("spec: {}\n", False),
    "no such mapping": ("other: {status: Deprecated}\nspec: Deprecated\n", False),
}


@pytest.mark.parametrize("name", ODD_DOCUMENTS)
def test_odd_yaml_is_changed_rightly_or_not_at_all(name: str) -> None:
    text, kept = ODD_DOCUMENTS[name]
    before = back(text)
    try:
        made = amended(
            text, "spec", {"status": "Archived", "message": "m"}, (), ["status", "message", "b"], {}
        )
    except NotKept:
        assert not kept
    else:
        assert kept, made
        assert back(made) == {**before, "spec": {**before["spec"], "status": "Archived", "message": "m"}}
        assert remarked(made) == remarked(text)


def test_a_value_that_comes_from_a_variable_is_left_alone() -> None:
    with pytest.raises(NotKept, match="`status` has its value from a variable"):
        amended(
            'spec: {status: "${var.s}"}', "spec", {"status": "Archived"}, (), ["status"], {"s": "Released"}
        )


def test_a_comment_between_brackets_is_not_taken_away_with_what_stands_beside_it() -> None:
    text = "spec: {\n  status: Released,  # why\n  message: m,\n  select: {code: a}\n}\n"
    with pytest.raises(NotKept):
        amended(text, "spec", {}, ["message"], [], {})
    plain = text.replace("  # why", "")
    assert amended(plain, "spec", {}, ["message"], [], {}) == plain.replace("\n  message: m,", "")
    first = "spec: {message: m, status: Released}\n"
    assert amended(first, "spec", {}, ["message"], [], {}) == "spec: {status: Released}\n"
