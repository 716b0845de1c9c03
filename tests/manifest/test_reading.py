"""Text into values: what is taken, what is refused, and at which place."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from icaform.diagnostic import Code, Diagnostic
from icaform.manifest import Document, Json, rarities, read
from icaform.manifest.document import size
from icaform.manifest.ledger import ENTRIES


def values(text: str | bytes, **variables: str) -> list[Json]:
    documents, diagnostics = read(text if isinstance(text, bytes) else text.encode(), "f.yaml", variables)
    assert diagnostics == []
    return [each.value for each in documents]


def refusals(text: str | bytes, **variables: str) -> list[tuple[Code, str]]:
    _, diagnostics = read(text if isinstance(text, bytes) else text.encode(), "f.yaml", variables)
    return [(each.code, f"{each.origin.line}:{each.origin.column}") for each in diagnostics if each.origin]


def only(text: str, **variables: str) -> Diagnostic:
    _, diagnostics = read(text.encode(), "f.yaml", variables)
    assert len(diagnostics) == 1
    return diagnostics[0]


def test_many_documents_are_read_and_empty_ones_skipped() -> None:
    assert values("---\n# nothing\n---\na: 1\n---\n---\nb: 2\n...\n") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment\n", "---\n", "---\n---\n", "\ufeff"])
def test_a_file_without_a_document_is_empty(text: str) -> None:
    assert refusals(text) == [(Code.EMPTY, "1:1")]


def test_a_document_that_says_null_is_a_document() -> None:
    assert values("null\n") == [None]


def test_a_utf8_mark_is_accepted_and_moves_no_column() -> None:
    (document,), diagnostics = read(b"\xef\xbb\xbfkey: value\n", "f.yaml")
    assert diagnostics == []
    assert str(document.origin(("key",))) == "f.yaml:1:6"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf16_and_utf32_are_refused_with_the_remedy(codec: str) -> None:
    _, (found,) = read("apiVersion: icaform/v1\n".encode(codec), "f.yaml")
    assert found.code is Code.NOT_TEXT
    if not codec.startswith("utf-32-"):
        assert "UTF-16" in found.summary or "UTF-32" in found.summary
        assert "UTF-8" in found.remedy


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: 1\nb: \x00\n", "2:4"),
        (b"a: 1\nb: \x1b[31m\n", "2:4"),
        (b"a: 1\nb: \xff\n", "2:4"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "1:1"),
        ("a: 1\nb: x\u2028y\n".encode(), "2:5"),
        ("é: é\x85".encode(), "1:5"),
    ],
)
def test_bytes_that_are_no_text_are_refused_at_their_line(data: bytes, place: str) -> None:
    found = refusals(data)
    assert [code for code, _ in found] == [Code.NOT_TEXT]
    if not data.startswith(b"\x89"):
        assert found[0][1] == place


def test_a_tab_in_indentation_is_named_and_placed() -> None:
    assert refusals("a:\n\tb: 1\n") == [(Code.TAB, "2:1")]
    assert refusals("a:\n  b: 1\n  \tc: 2\n") == [(Code.TAB, "3:3")]


def test_a_syntax_error_does_not_hide_the_documents_behind_it() -> None:
    documents, diagnostics = read(b"a: [1\n---\nb: 2\n---\nc: 'x\n---\nd: e: f\n---\ng: 3\n", "f.yaml")
    assert [each.value for each in documents] == [{"b": 2}, {"g": 3}]
    assert [str(each.origin) for each in diagnostics] == ["f.yaml:2:1", "f.yaml:5:4", "f.yaml:7:5"]
    assert documents[1].origin(("g",)).line == 9


def test_an_unclosed_quote_is_placed_where_it_opens() -> None:
    assert refusals('a: 1\nb: "x\nc: 2\n') == [(Code.SYNTAX, "2:4")]


def test_errors_of_all_kinds_come_at_once_and_in_order() -> None:
    text = "a: yes\na: 1\n---\nb: !x 1\nc: *d\n---\ne: : f\n---\n1: ${var.g}\n"
    assert [code for code, _ in refusals(text)] == [
        Code.AMBIGUOUS_SCALAR,
        Code.DUPLICATE_KEY,
        Code.TAG,
        Code.ANCHOR,
        Code.SYNTAX,
        Code.BAD_KEY,
        Code.VARIABLE,
    ]


def test_a_duplicate_key_names_the_first_line_and_keeps_the_first_value() -> None:
    documents, (found,) = read(b"x: 0\nm:\n  a: {b: 1}\n  c: 2\n  a: {d: [3]}\n  e: 4\n", "f.yaml")
    assert found.code is Code.DUPLICATE_KEY
    assert str(found.origin) == "f.yaml:5:3"
    assert "line 3" in found.summary
    assert documents[0].value == {"x": 0, "m": {"a": {"b": 1}, "c": 2, "e": 4}}
    assert documents[0].origin(("m", "e")).line == 6


@pytest.mark.parametrize("inner", ["1", "{<<: {a: 1}}", "{a: 1, a: 2}", "{<<: {a: 1}, b: {c: 1, c: 2}}"])
def test_keys_that_are_there_twice_are_looked_for_once_whatever_stands_below_them(
    inner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, twice = 2_000, 200
    looks = 0

    def counted(value: Json) -> int:
        nonlocal looks
        looks += 1
        return size(value)

    monkeypatch.setattr(rarities, "size", counted)
    text = "".join(f"k{n}: 0\n" for n in range(keys)) + f"k7: {inner}\n" * twice
    documents, found = read(text.encode(), "f.yaml")
    mine = [each for each in found if "`k7`" in each.summary]
    assert len(mine) == twice
    assert all("first in line 8" in each.summary for each in mine)
    assert documents[0].value == {f"k{n}": 0 for n in range(keys)}
    assert looks < 3 * (keys + 8 * twice)


def test_a_mapping_that_is_too_long_is_not_searched_for_keys_that_are_there_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rarities, "size", None)
    text = "".join(f"k{n}: 0\n" for n in range(ENTRIES + 1)) + "k7: 1\n" * 3
    assert refusals(text) == [(Code.TOO_LARGE, "1:1")]


@pytest.mark.parametrize("key", ["1", "4.2", "null", "~", "true", "[a]", "{a: b}", "!x y"])
def test_a_key_that_is_not_text_is_refused(key: str) -> None:
    assert refusals(f"z: 0\n? {key}\n: 1\n")[0] == (Code.BAD_KEY, "2:3")


def test_a_quoted_key_is_text_whatever_it_says() -> None:
    assert values('"1": a\n\'null\': b\n"<<": c\n!!str 2: d\n') == [
        {"1": "a", "null": "b", "<<": "c", "2": "d"}
    ]


def test_anchors_and_aliases_share_a_value_but_no_object() -> None:
    ((document,), _) = read(b"a: &x {k: [1, 2]}\nb: *x\nc: &s text\nd: *s\n? *s\n: 5\n", "f.yaml")
    assert document.value == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": "text", "d": "text", "text": 5}
    assert isinstance(document.value, dict)
    assert document.value["a"] is not document.value["b"]
    assert document.origin(("b", "k", 1)) == document.origin(("a", "k", 1))
    assert str(document.origin(("b",), key=True)) == "f.yaml:2:1"


def test_a_merge_takes_what_is_not_written_out_and_the_earlier_wins() -> None:
    text = "p: &p {a: 1, b: 1}\nq: &q {b: 2, c: 2}\nm:\n  c: 3\n  <<: [*p, *q, {d: 4}]\n  e: 5\n"
    ((document,), diagnostics) = read(text.encode(), "f.yaml")
    assert diagnostics == []
    assert isinstance(document.value, dict)
    assert document.value["m"] == {"c": 3, "a": 1, "b": 1, "d": 4, "e": 5}
    places = {key: str(document.origin(("m", key))) for key in "abcde"}
    assert places == {
        "a": "f.yaml:1:11",
        "b": "f.yaml:1:17",
        "c": "f.yaml:4:6",
        "d": "f.yaml:5:20",
        "e": "f.yaml:6:6",
    }


@pytest.mark.parametrize("value", ["5", "text", "[1]", "null"])
def test_a_merge_of_something_else_than_mappings_is_refused(value: str) -> None:
    assert refusals(f"a: 1\n<<: {value}\n") == [(Code.WRONG_TYPE, "2:5")]


def test_two_merges_in_one_mapping_are_a_duplicate() -> None:
    assert refusals("p: &p {a: 1}\nm:\n  <<: *p\n  <<: *p\n") == [(Code.DUPLICATE_KEY, "4:3")]


def test_an_alias_without_anchor_or_inside_its_anchor_is_refused() -> None:
    found = only("base: &base 1\na: *bsae\n")
    assert (found.code, found.remedy) == (Code.ANCHOR, "did you mean `base`?")
    assert refusals("a: &x {b: *x}\n") == [(Code.ANCHOR, "1:11")]
    assert refusals("a: &x 1\n---\nb: *x\n") == [(Code.ANCHOR, "3:4")]


def test_an_alias_bomb_is_refused_before_it_expands() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    found = refusals("\n".join(levels) + "\n---\nb: yes\n")
    assert [code for code, _ in found] == [Code.ALIAS_BOMB, Code.AMBIGUOUS_SCALAR]


def test_aliases_cannot_nest_deeper_than_the_text_may() -> None:
    lines = ["a0: &a0 {k: 1}"] + [f"a{n}: &a{n} {{k: *a{n - 1}}}" for n in range(1, 120)]
    assert [code for code, _ in refusals("\n".join(lines))] == [Code.TOO_LARGE]


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "? " * 5000, "- " * 5000, "? " + "[" * 5000])
def test_deep_nesting_is_refused_and_the_next_document_is_read(text: str) -> None:
    found = refusals(f"{text}\n---\na: yes\n")
    assert found[0][0] is Code.TOO_LARGE or found[0][0] is Code.BAD_KEY
    assert found[-1][0] is Code.AMBIGUOUS_SCALAR


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icaform.manifest.ledger.NODES", 100)
    assert refusals("- x\n" * 101) == [(Code.TOO_LARGE, "101:3")]
    assert [code for code, _ in refusals("- x\n---\n" * 60)] == [Code.TOO_LARGE]


def test_too_many_bytes_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icaform.manifest.reading.BYTES", 10)
    assert refusals("a: [[[[[[[[[") == [(Code.TOO_LARGE, "1:1")]


def test_endless_errors_are_cut_short() -> None:
    assert refusals("- yes\n" * 5000)[-1][0] is Code.TOO_LARGE
    assert len(refusals("- yes\n" * 5000)) == 1001
    assert len(refusals("a: : b\n---\n" * 500)) == 101


def test_tags_of_the_core_schema_mean_what_they_say() -> None:
    assert values("[!!str 12, !!int '5', !!float 3, !!bool 'true', !!null '', !!seq [1], !!map {a: 1}]") == [
        ["12", 5, 3.0, True, None, [1], {"a": 1}]
    ]


@pytest.mark.parametrize(
    "tag",
    ["!!binary", "!!python/object:os.system", "!!python/name:x", "!!set", "!!timestamp", "!Ref", "!<x:y>"],
)
def test_other_tags_are_refused_and_nothing_is_made(tag: str) -> None:
    assert refusals(f"a: {tag} x\n") == [(Code.TAG, "1:4")]
    assert refusals(f"a: {tag} {{b: 1}}\n") == [(Code.TAG, "1:4")]
    assert refusals(f"a: {tag} [b]\n") == [(Code.TAG, "1:4")]


def test_a_core_tag_that_does_not_fit_is_refused() -> None:
    assert [code for code, _ in refusals("[!!int x, !!float y, !!bool 1, !!null z, !!map [], !!seq {}]")] == [
        Code.TAG
    ] * 6


def test_variables_are_put_in_and_not_read_again() -> None:
    text = "a: ${var.x}\nb: 'pre-${var.x}-${var.y}'\nc: $${var.x}\nd: ${params.x} ${variable}\n${var.x}: k\n"
    assert values(text, x="no", y="${var.x}") == [
        {"a": "no", "b": "pre-no-${var.x}", "c": "${var.x}", "d": "${params.x} ${variable}", "${var.x}": "k"}
    ]


def test_an_undefined_variable_is_refused_with_the_nearest_name() -> None:
    found = only("a: ${var.projct}", project="x")
    assert (found.code, found.remedy) == (Code.VARIABLE, "did you mean `project`?")


@pytest.mark.parametrize("use", ["${var}", "${var.}", "${var.a b}", "${ var.a }", "${var.a", "${var-a}"])
def test_a_malformed_variable_is_refused(use: str) -> None:
    assert refusals(f"k: {use}\n", a="1") == [(Code.VARIABLE, "1:4")]


def test_garbage_collection_is_as_it_was() -> None:
    read(b"a: 1", "f.yaml")
    assert gc.isenabled()
    gc.disable()
    try:
        read(b"a: [", "f.yaml")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_document_survives_a_cache() -> None:
    import marshal
    import pickle

    ((document,), _) = read(b"a: {b: [1, two]}\n", "f.yaml")
    assert Document.from_tuple(marshal.loads(marshal.dumps(document.to_tuple()))) == document
    again = pickle.loads(pickle.dumps(document))
    assert again == document
    assert again.origin(("a", "b", 1)) == document.origin(("a", "b", 1))


def test_a_path_that_does_not_exist_has_the_place_of_its_ancestor() -> None:
    ((document,), _) = read(b"a:\n  b: [1]\n", "f.yaml")
    for path in [("a", "b", 7), ("a", "b", "x"), ("a", "b", 0, "x")]:
        assert document.origin(path).line == 2
    assert str(document.origin(("a", "z"))) == "f.yaml:2:3"
    assert str(document.origin(("a", "z"), key=True)) == "f.yaml:2:3"


def test_the_package_imports_neither_yaml_nor_pydantic() -> None:
    code = "import sys, icaform.manifest; print([m for m in ('ruamel.yaml', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_asking_for_every_item_of_a_long_list_walks_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from icaform.manifest import document as room

    walked: list[int] = []
    real = room.positions

    def counted(value: Json, at: int) -> tuple[dict[str | int, int], int]:
        walked.append(room.size(value))
        return real(value, at)

    monkeypatch.setattr(room, "positions", counted)
    data = b"spec:\n  items:\n" + b"  - {name: x, tags: [a, b]}\n" * 500
    ((document,), _) = read(data, "f.yaml")
    assert [document.origin(("spec", "items", index, "tags", 1)).line for index in range(500)] == [
        *range(3, 503)
    ]
    assert sum(each > 100 for each in walked) == 3


def test_one_file_of_the_room_imports_ruamel() -> None:
    from pathlib import Path

    import icaform.manifest

    room = Path(icaform.manifest.__file__).parent
    doors = [each.name for each in sorted(room.glob("*.py")) if "from ruamel" in each.read_text()]
    assert doors == ["events.py"]


def test_a_guess_among_many_anchors_is_not_made() -> None:
    anchors = "".join(f"k{n}: &anchor{n} x\n" for n in range(600))
    assert "did you mean" not in only(f"{anchors}z: *anchr5\n").remedy


def test_no_value_is_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icaform.manifest.ledger.NODES", 3 * (10 + 4 + 3))
    monkeypatch.setattr("icaform.manifest.composing._CHUNK", 1)
    three = "---\n- x\n- x\n- x\n" * 3
    assert refusals(three) == []
    assert refusals(f"{three}---\nx\n") == [(Code.TOO_LARGE, "13:1")]
