"""What an unquoted scalar means; YAML 1.1's published resolvers and ruamel's pure reader are witnesses."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from ruamel.yaml import YAML

from icaform.diagnostic import Code
from icaform.manifest import read

# PyYAML's yaml/resolver.py, MIT, kept as published (with re.X); y and n are of yaml.org/type/bool.html
PUBLISHED = {
    "bool": r"""^(?:y|Y|n|N|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$""",
    "float": r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?
        |\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?
        |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*
        |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    "int": r"""^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+
        |[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$""",
    "merge": r"^(?:<<)$",
    "null": r"^(?:~|null|Null|NULL|)$",
    "timestamp": r"""^(?:[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]
        |[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9]
        (?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)$""",
    "value": r"^(?:=)$",
}
# YAML 1.2.2 §10.3.2
CORE = {
    "null": r"^(?:null|Null|NULL|~|)$",
    "bool": r"^(?:true|True|TRUE|false|False|FALSE)$",
    "int": r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$",
    "float": r"""^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?
        |[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)$""",
}


def words(text: str) -> list[str]:
    return text.split()


AMBIGUOUS = words("""
    yes no on off y n Yes NO On oFF Y N yES 012 007 00 -012 +07 08 0o14 1_000 0b101 0b1_0 0x_1 -0x1F
    1e3 1.5e3 -.5 1:30 12:30:45 190:20:30 1:30.5 2026-11-21 2026-11-21T10:00:00Z 2026-1-2T1:02:03 =
    << 1_0.5 1._5 1_
""")
AMBIGUOUS += ["2026-11-21 10:00:00", "2026-11-21 10:00:00.5 +01:00"]
ORDINARY = words("""
    NA12878 chr1:100-200 https://example.org/a:1 4-2-7 4.2.7 1:75 0:30 1:2:99 v1 1a 2026-11
    2026/11/21 12-30 yess noo oney nil none None nothing -- .. .a +a -a 0xZ 0o9 0b2 _1 1,000 e3 1e
    1e+ .e3 +-1 TRue nULL ~a == =a <<< 10.1.2.3 s3://b/k arn:aws:s3:::b fol.0123456789abcdef $1 10%
    5GB 1.2.3-rc1 a#b a:b
""")
MEANT: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "FALSE": False,
    "0": 0, "12": 12, "-7": -7, "+7": 7, "0x1F": 31, "99999999999999999999": 99999999999999999999,
    "4.2": 4.2, "-0.5": -0.5, ".5": 0.5, "1.": 1.0, "1.5e+3": 1500.0, "1.0e-3": 0.001, "0.0": 0.0,
}  # fmt: skip


def read_one(text: str) -> tuple[Any, list[Code]]:
    documents, diagnostics = read(f"k: {text}\n".encode(), "f.yaml")
    value = documents[0].value if documents else None
    assert isinstance(value, dict)
    return value["k"], [each.code for each in diagnostics]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_two_versions_read_differently_is_refused_as_value_and_as_key(text: str) -> None:
    assert read_one(text) == (text, [Code.AMBIGUOUS_SCALAR])
    if text != "<<":
        _, diagnostics = read(f"? {text}\n: v\n".encode(), "f.yaml")
        assert [each.code for each in diagnostics] == [Code.AMBIGUOUS_SCALAR]
        assert f'"{text}"' in diagnostics[0].remedy


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_text(text: str) -> None:
    assert read_one(text) == (text, [])


@pytest.mark.parametrize("text", MEANT)
def test_what_both_versions_read_alike_is_taken(text: str) -> None:
    value, codes = read_one(text)
    assert codes == []
    assert value == MEANT[text]
    assert type(value) is type(MEANT[text])


@pytest.mark.parametrize("style", ['"{}"', "'{}'", "|-\n  {}", ">-\n  {}", "!!str {}"])
def test_a_quoted_scalar_is_text_whatever_it_says(style: str) -> None:
    texts = [*AMBIGUOUS, *MEANT, *ORDINARY, ".inf"]
    for text in texts:
        if text or not style.startswith(("|", ">")):
            assert read_one(style.format(text)) == (text, []), text
    print(f"{len(texts)} texts")


@pytest.mark.parametrize(
    "text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1.0e+999", "9" * 301, "0x" + "f" * 300]
)
def test_a_number_that_json_cannot_carry_is_refused(text: str) -> None:
    assert read_one(text) == (text, [Code.BAD_VALUE])


def test_the_remedy_for_a_boolean_names_the_boolean() -> None:
    for word, truth in (("yes", "true"), ("OFF", "false")):
        _, (found,) = read(f"k: {word}\n".encode(), "f.yaml")
        assert found.remedy == f'write "{word}", or {truth} for the boolean'


def kind(rules: dict[str, str], text: str) -> str:
    return next((name for name, rule in rules.items() if re.match(rule, text, re.X)), "str")


def test_the_verdict_agrees_with_the_published_resolvers() -> None:
    """Every short text over the letters that numbers and dates are made of, and all words of the tables."""
    short = ["".join(each) for length in range(1, 6) for each in product("01.-+_:ex", repeat=length)]
    texts = (
        [t for t in short if not re.search(r"^-?$|:$|^---|^\.\.\.$", t)] + AMBIGUOUS + ORDINARY + list(MEANT)
    )
    texts = [t for t in texts if t not in ("-", "...", "<<")]
    data = "".join(f"- {text}\n" for text in texts).encode()
    flagged: set[str] = set()
    found: list[Any] = []
    for start in range(0, len(texts), 500):
        part = "".join(f"- {text}\n" for text in texts[start : start + 500])
        documents, diagnostics = read(part.encode(), "f.yaml")
        flagged |= {texts[start + each.origin.line - 1] for each in diagnostics if each.origin}
        assert isinstance(documents[0].value, list)
        found += documents[0].value
    wrong = []
    for text, value in zip(texts, found, strict=True):
        old, new = kind(PUBLISHED, text), kind(CORE, text)
        leading_zero = new == "int" and bool(re.match(r"[-+]?0[0-9]", text))
        differs = old != new or leading_zero or text.lower() in ("yes", "no", "on", "off", "y", "n")
        if differs != (text in flagged) and not re.search(r"inf|nan", text, re.I):
            wrong.append((text, old, new))
        if text not in flagged and type(value).__name__ != {"null": "NoneType"}.get(new, new):
            wrong.append((text, new, value))
    assert wrong == []
    print(f"{len(texts)} texts, {len(flagged)} of them refused, {len(data)} bytes")


SNIPPETS = """
a: 1
---
a: [1, 2.5, x, 'y', "z\\n\\u00e9"]
---
a: {b: {c: [], d: {}}, e: }
---
- - - deep
- k: v
  l:
  - m
  - o
---
text: |
  two
   lines

kept: |+
  end

folded: >-
  one
  line
---
a: plain text
  over lines
b: "double
  quoted"
c: 'it''s'
---
base: &b {x: 1, w: 2}
one: {<<: *b, w: 3}
two:
  <<: [*b, {z: 9}]
  x: 0
---
? a long key
: value
"quoted key": 'x'
---
&anchor key: &v value
other: *v
---
!!map {a: !!str 5, b: !!seq [1]}
---
just text
---
# comment
a: b # comment
c: "# none"
---
a: "\\x41\\U0001F600\\t"
---
{"json": [true, false, null, 1, -2, 0.5, "x"], "nested": {"k": {}}}
"""


def test_ruamels_own_reader_reads_the_same() -> None:
    witness = list(YAML(typ="safe", pure=True).load_all(SNIPPETS))
    documents, diagnostics = read(SNIPPETS.encode(), "f.yaml")
    assert diagnostics == []
    assert [each.value for each in documents] == witness
    print(f"{len(witness)} documents")
