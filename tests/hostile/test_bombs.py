"""Small texts that mean very much, and large ones that mean nothing: each ends in a limit below 500 MB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icaform import graph
from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.process import icaform
from tests.hostile.site import workspace
from tests.hostile.verdict import errors, judged

HEAD = "apiVersion: icaform/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n"
PIPELINE = HEAD.format(kind="Pipeline") + "  select: {code: x}\n  status: Archived\n"
BATCH = HEAD.format(kind="AnalysisBatch")
DEFAULTS = "  defaults: {pipeline: {code: x}, analysisInput: {parameters: [%s]}}\n  items:\n"
MEGA = 1 << 20


def laughs(levels: int, open_: str, entry: str, close: str) -> str:
    """A billion of them."""
    text = f"a0: &a0 {open_}{entry % 'x'}{close}\n"
    for level in range(1, levels):
        inner = ", ".join(
            entry % f"*a{level - 1}" if "k" not in entry else f"k{n}: *a{level - 1}" for n in range(10)
        )
        text += f"a{level}: &a{level} {open_}{inner}{close}\n"
    return text


def nested_anchors(levels: int, inner: int) -> str:
    """Every list of a tower has an anchor, and all of them hold the same many values."""
    return "".join(f"&a{level} [" for level in range(levels)) + "x, " * inner + "]" * levels


def items(count: int, more: str = "") -> str:
    return "".join(f"    - {{name: i{n}, userReference: r{n}{more}}}\n" for n in range(count))


def referring(count: int) -> str:
    """Items that each refer to another pipeline that there is not."""
    item = (
        "    - {{name: i{0}, userReference: r{0}, analysisInput: {{}}, pipeline: {{ref: Pipeline/q{0}}}}}\n"
    )
    return "".join(item.format(n) for n in range(count))


SMALL: dict[str, Callable[[], str]] = {
    "a billion laughs": lambda: laughs(9, "[", "%s", "]"),
    "a billion laughs in mappings": lambda: laughs(9, "{", "k: %s", "}"),
    "merged a billion times": lambda: "a0: &a0 {k: v}\n"
    + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9)),
    "one large list many times": lambda: f"a: &a [{'x, ' * 50_000}]\nb: [{'*a, ' * 500}]\n",
    "one large text many times": lambda: f"a: &a {'x' * MEGA}\nb: [{'*a, ' * 5_000}]\n",
    "one large text merged": lambda: f"a: &a {{t: {'x' * MEGA}}}\nb: [{'{<<: *a}, ' * 5_000}]\n",
    "one large key many times": lambda: f"? &a {'x' * MEGA}\n: 1\nb: [{'{*a : 1}, ' * 5_000}]\n",
    "anchors inside anchors": lambda: nested_anchors(90, 50_000),
    "an alias of itself": lambda: "a: &a [*a, *a]\nb: &b {c: *b}\n",
    "lists nested deeply": lambda: "a: " + "[" * 100_000,
    "mappings nested deeply": lambda: "{a: " * 100_000,
    "lists indented deeply": lambda: "- " * 100_000,
    "keys nested deeply": lambda: "? " * 100_000,
    "lines indented deeply": lambda: "".join(" " * n + "a:\n" for n in range(2_000)),
    "a quote without end": lambda: 'a: "' + "x\n" * 500_000,
    "a text of 15 MB": lambda: PIPELINE + "  message: " + "x" * (15 * MEGA),
    "a text of 15 MB that is wide": lambda: PIPELINE + "  message: " + "x" * (15 * MEGA) + "\U0001f600",
    "a key of 10 MB": lambda: PIPELINE + "  " + "x" * 1000 + ": 1\n  ? " + "x" * (10 * MEGA) + "\n  : 1\n",
    "escapes": lambda: 'a: "' + "\\u0041" * 500_000 + '"\n',
    "a comment of 15 MB": lambda: "# x\n" * (15 * MEGA // 4),
    "a line of 10 MB": lambda: "a: [" + " " * (10 * MEGA) + "\n",
    "very many documents": lambda: "---\n" * 500_000,
    "very many broken documents": lambda: "a: [\n---\n" * 50_000,
    "very many tags": lambda: "- !x x\n" * 100_000,
    "very many aliases of nothing": lambda: "- *x\n" * 100_000,
    "very many unknown fields": lambda: PIPELINE + "".join(f"  k{n}: 1\n" for n in range(50_000)),
    "very many keys twice": lambda: "a: 1\n" * 100_000,
    "very many items without a name": lambda: BATCH + "  items:\n" + "    - {}\n" * 100_000,
    "very many outputs without a field": lambda: BATCH
    + "  items:\n    - name: a\n      analysisOutput:\n" + "      - {}\n" * 100_000,
    "many defaults under many items": lambda: BATCH
    + DEFAULTS % ("{code: a, value: b}, " * 2_000) + items(10_000),
    "a large default under many items": lambda: BATCH
    + DEFAULTS % f"{{code: a, value: {'x' * MEGA}}}" + items(1_000),
    "very many references to nothing": lambda: "".join(
        (PIPELINE + "---\n").replace("name: a", f"name: p{n}") for n in range(2_000)
    )
    + BATCH + "  items:\n" + referring(2_000),
    "very many variables in one text": lambda: PIPELINE + "  message: " + "${var.long}" * 2_000,
    "very many texts with a variable": lambda: "a: [" + "'${var.long}', " * 20_000 + "]",
    "very many variables without a value": lambda: "a: [" + "'${var.nobody}', " * 100_000 + "]",
}  # fmt: skip
"""Each ends in a limit, or in errors, after a second or so."""

LARGE: dict[str, Callable[[], str]] = {
    "a text of 31 MB that is wide": lambda: PIPELINE + "  message: " + "x" * (31 * MEGA) + "\U0001f600",
    "half a million empty mappings": lambda: PIPELINE + "  extra: [" + "{}, " * 600_000 + "]\n",
    "three million numbers": lambda: PIPELINE + "  extra: [" + "1, " * 3 * MEGA + "]\n",
    "two million tags": lambda: BATCH
    + "  items: [{name: a, pipeline: {code: x}, analysisInput: {}, tags: {userTags: ["
    + "x1, " * 2_400_000 + "]}}]\n",
    "two million tags in many items": lambda: BATCH + "  items:\n"
    + items(25, ", pipeline: {code: x}, analysisInput: {}, x: 1, tags: {userTags: [" + "x, " * 95_000 + "]}"),
    "two million items that are none": lambda: BATCH + "  items: [" + "x, " * 2_400_000 + "]\n",
    "a million keys": lambda: "".join(f"k{n}: 1\n" for n in range(MEGA)),
    "a million keys, and then some of them twice": lambda: "".join(f"k{n}: 1\n" for n in range(1_100_000))
    + "k0: {<<: {a: 1}}\n" * 999,
    "a million keys in many mappings": lambda: PIPELINE + "".join(
        f"  x{n}:\n" + "".join(f"    k{m}: 1\n" for m in range(40_000)) for n in range(28)
    ),
    "very many unknown fields in many documents": lambda: "---\n".join(
        PIPELINE.replace("name: a", f"name: a{m}") + "".join(f"  k{n}: 1\n" for n in range(40_000))
        for m in range(28)
    ),
    "two million anchors": lambda: "- &a1234567890 x\n" * 2_000_000,
    "very many pipelines": lambda: "".join(
        (PIPELINE + "---\n").replace("name: a", f"name: a{n}") for n in range(100_000)
    ),
    "very many wrong pipelines": lambda: "".join(
        (PIPELINE + "  message: 1\n---\n").replace("name: a", f"name: a{n}") for n in range(60_000)
    ),
    "pipelines that are wrong in many ways": lambda: "".join(
        (PIPELINE + "  a: 1\n  b: 1\n  c: 1\n  d: 1\n  e: 1\n---\n").replace("name: a", f"name: a{n}")
        for n in range(50_000)
    ),
    "very many items": lambda: BATCH + "  items:\n" + items(300_000),
    "more items than resources": lambda: BATCH
    + "  defaults: {pipeline: {code: x}, analysisInput: {}}\n  items:\n" + items(110_000),
    "very many wrong items": lambda: BATCH + "  items:\n" + items(150_000, ", x: 1"),
    "half a million items without a name": lambda: BATCH + "  items:\n" + "    - {}\n" * 600_000,
    "half a million outputs without a field": lambda: BATCH
    + "  items:\n    - name: a\n      analysisOutput:\n" + "      - {}\n" * 600_000,
    "100,000 outputs without a field": lambda: BATCH
    + "  items:\n    - name: a\n      analysisOutput:\n" + "      - {x: 1}\n" * 99_000,
    "half a million outputs in many items": lambda: BATCH + "  items:\n" + "".join(
        f"    - name: a{n}\n      analysisOutput:\n" + "      - {x: 1}\n" * 8_000 for n in range(50)
    ),
    "many defaults of many batches": lambda: "---\n".join(
        BATCH.replace("name: a}", f"name: b{n}}}") + DEFAULTS % ("{code: a, value: b}, " * 40) + items(1_000)
        for n in range(100)
    ),
}  # fmt: skip
"""Each needs seconds to come to its limit: ``ICAFORM_HOSTILE=all`` tries them all, a quick run one."""


def tried(cases: dict[str, Callable[[], str]]) -> Iterator[tuple[str, str]]:
    for title, make in cases.items():
        yield title, make()


def test_a_small_bomb_ends_in_a_limit(siege: Siege, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {"good.yaml": PIPELINE.replace("name: a", "name: good")})
    (tmp_path / "vars").write_text(f"long: '{'x' * 100_000}'\n")
    peak = longest = 0.0
    for title, text in tried(SMALL):
        (folder / "a.yaml").write_text(text, encoding="utf-8")
        for verb in ("validate",) if not EVERYTHING else ("validate", "plan"):
            ended = siege.run(verb, folder, "--var-file", str(tmp_path / "vars"))
            report = judged(ended, siege.secrets)
            assert ended.code == Exit.MANIFEST, title
            assert errors(report), title
            assert not siege.impostor.asked, title
            assert ended.seconds < 30, title
            peak, longest = max(peak, ended.peak), max(longest, ended.seconds)
    print(f"{len(SMALL)} bombs, at most {peak:.0f} MB and {longest:.1f} s")


@pytest.mark.parametrize("title", LARGE if EVERYTHING else ["100,000 outputs without a field"])
def test_a_large_bomb_ends_in_a_limit(title: str, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {"a.yaml": LARGE[title]()})
    ended = icaform("validate", ".", "-o", "json", environ={}, folder=folder)
    report = judged(ended)
    assert ended.code == Exit.MANIFEST
    assert errors(report)
    print(f"{title}: {ended.peak:.0f} MB and {ended.seconds:.1f} s")


def test_what_was_meant_is_guessed_for_so_many_references_and_no_more(siege: Siege, tmp_path: Path) -> None:
    there = 300
    texts = [PIPELINE.replace("name: a", f"name: p{n}") for n in range(there)]
    folder = workspace(
        tmp_path / "w", {"a.yaml": "---\n".join([*texts, BATCH + "  items:\n" + referring(90)])}
    )
    report = judged(siege.run("validate", folder), siege.secrets)
    guessed = [each["remedy"].startswith("did you mean") for each in report["diagnostics"]]
    most = graph.COMPARED // there
    assert guessed == [True] * most + [False] * (90 - most)


def test_many_files_that_are_large_together_end_in_a_limit(siege: Siege, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {})
    for number in range(70):
        (folder / f"{number}.yaml").write_text(
            f"# {'x' * MEGA}\n" + PIPELINE.replace("name: a", f"name: a{number}")
        )
    ended = siege.run("validate", folder)
    assert (ended.code, errors(judged(ended))) == (Exit.MANIFEST, ["too-large"])


def test_a_bomb_of_variables_ends_in_a_limit(siege: Siege, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {"a.yaml": PIPELINE})
    for title, text in {
        **dict(tried({"laughs": SMALL["a billion laughs"]})),
        "deep": "a: " + "[" * 9999,
    }.items():
        (tmp_path / "vars").write_text(text)
        ended = siege.run("plan", folder, "--var-file", str(tmp_path / "vars"))
        assert ended.code == Exit.MANIFEST, title
        assert errors(judged(ended, siege.secrets)), title
        assert not siege.impostor.asked
