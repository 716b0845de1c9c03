"""What people write, and what they are told: every mistake at its place, all at once, and never a secret."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from icaform.cli.group import run
from icaform.engine.world import World

CANARY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLECANA9"
Check = Callable[..., tuple[int, Any]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """``icaform validate --output json``: the exit code and the document."""
    import json

    monkeypatch.chdir(tmp_path)

    def checked(*arguments: str, stdin: bytes = b"") -> tuple[int, Any]:
        world = World(environ={}, home=tmp_path / "home", stdin=lambda: stdin)
        code = run(["validate", *(arguments or ("-",)), "--output", "json"], world)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert CANARY not in said.out + said.err
        return code, json.loads(said.out)

    return checked


def places(document: Any) -> list[str]:
    return [
        f"{each['source']['line']}:{each['source']['column']} {each['code']}"
        if each["source"]
        else each["code"]
        for each in document["diagnostics"]
    ]


HEAD = "apiVersion: icaform/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n"
PIPELINE = HEAD.format(kind="Pipeline")
SECRET = HEAD.format(kind="StorageCredential") + "  type: AWS_USER\n"
BATCH = HEAD.format(kind="AnalysisBatch") + "  items:\n    - name: one\n      userReference: one\n"

RELEASED = "status: Released"


def pipeline(*lines: str) -> str:
    return PIPELINE + "".join(f"  {each}\n" for each in lines)


def item(*lines: str) -> str:
    return BATCH + "".join(f"      {each}\n" for each in lines)


S3 = 'externalData: [{url: "s3://b/k", type: s3, s3Details: {storageCredentialsId: '
OUT = "analysisOutput: [{sourcePath: a, targetProjectId: p, targetPath: /x, "
BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))

# The mistakes stand behind a pilcrow each; their codes are beside them, in the same order.
MISTAKES = [
    (pipeline("select: {code: x}", RELEASED, "¶mesage: x"), "unknown-field"),
    (pipeline("select: {code: ¶[x]}", RELEASED), "wrong-type"),
    (pipeline("select: {code: x}", "status: ¶released"), "bad-value"),
    (pipeline("select: {name: z, version: ¶1.10}", RELEASED), "wrong-type"),
    (pipeline("select: {code: ¶no}", RELEASED), "ambiguous-scalar"),
    (pipeline("select: {code: ¶2026-11-21}", RELEASED), "ambiguous-scalar"),
    (pipeline("select: {code: ¶012}", RELEASED), "ambiguous-scalar"),
    (pipeline("select:", "  code: ¶1:20", RELEASED), "ambiguous-scalar"),
    (pipeline("select: ¶{code: x, name: z}", RELEASED), "bad-value"),
    (pipeline("select: {id: ¶x}", RELEASED), "bad-value"),
    (pipeline("select: {code: x}", "status: Archived", "message: ¶" + "x" * 256), "bad-value"),
    (pipeline("¶select: {code: x}", RELEASED, "message: x"), "bad-value"),
    (pipeline("select: {code: x}", RELEASED, "¶status: Released"), "duplicate-key"),
    (pipeline("select: ¶!!python/object:os.system {code: x}", RELEASED), "tag"),
    (pipeline("select: {code: ¶'${var.x}'}", RELEASED), "variable"),
    (pipeline("select: ¶{code: ¶*x}", RELEASED), "bad-value anchor"),
    (PIPELINE + "  select:\n¶\tcode: x\n", "tab"),
    (pipeline("select: {code: x") + "¶", "syntax"),
    (pipeline("select: [") + "¶---\n" + pipeline("select: {code: x}", "status: ¶R"), "syntax bad-value"),
    (
        "apiVersion: ¶icaform/v2\nkind: Pipeline\n¶metadta: {name: a}\n"
        "spec: {select: {code: x}, ¶stauts: Released}\n¶x: 1\n",
        "unknown-api-version unknown-field unknown-field unknown-field",
    ),
    (
        "apiVersion: icaform/v1\nkind: ¶Pipelines\nmetadata: {¶nmae: a}\nspec: {}\n",
        "unknown-kind unknown-field",
    ),
    (
        "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {labels: {a: ¶1}, name: ¶\"a\\nb\"}\n"
        f"spec: {{select: {{code: x}}, {RELEASED}}}\n",
        "wrong-type bad-value",
    ),
    ("¶apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: a}\n", "missing-field"),
    ("apiVersion:¶\nkind:¶\nmetadata:¶\nspec:¶\n", "wrong-type wrong-type wrong-type wrong-type"),
    ("¶- a\n", "not-a-manifest"),
    ("¶hello\n", "not-a-manifest"),
    ("¶", "empty"),
    ("¶# a\n---\n", "empty"),
    (
        pipeline("select: {code: x}", RELEASED)
        + "---\n"
        + pipeline("select: {code: x}", RELEASED).replace(": a}", ": ¶a}"),
        "declared-twice",
    ),
    (item("pipeline: {code: x}", "analysisInput: {}").replace("ence: one", "ence: ¶a.b"), "bad-value"),
    (item("analysisInput: {}").replace("- name", "- ¶name"), "missing-field"),
    (
        item("pipeline: {code: x}", "analysisInput: {}", "inputFormValues: {}").replace("- n", "- ¶n"),
        "bad-value",
    ),
    (item("pipeline: {code: x}", "analysisInput: {parameters: [{code: a, value: ¶1}]}"), "wrong-type"),
    (item("pipeline: {code: x}", "analysisInput: ¶{objectType: JSON}"), "missing-field"),
    (item("pipeline: {code: x}", "analysisInput: {}", OUT + "actionOnExist: ¶OVERRIDE}]"), "bad-value"),
    (item("pipeline: {code: x}", "analysisInput:", "  objectType: JSON", "  inputJson: '{}'", "  " + S3
          + "{ref: ¶Pipeline/a}}}]"), "bad-value"),
    ("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + BOMB, "alias-bomb"),
    ("a: " + "[" * 99 + "¶" + "[" * 9999, "too-large"),
]  # fmt: skip


def marked(text: str) -> tuple[bytes, list[str]]:
    """The text without its pilcrows, and the places where they stood."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        parts = line.split("¶")
        for count in range(1, len(parts)):
            found.append(f"{number}:{len(''.join(parts[:count])) + 1}")
    return text.replace("¶", "").encode(), found


def test_every_mistake_has_its_code_its_place_and_a_remedy(check: Check) -> None:
    for text, codes in MISTAKES:
        data, where = marked(text)
        code, document = check(stdin=data)
        found = places(document)
        if not where:
            found = [each.split()[-1] for each in found]
        wanted = (
            [" ".join(each) for each in zip(where, codes.split(), strict=True)] if where else codes.split()
        )
        assert (code, found) == (65, wanted), text[-200:]
        assert all(each["remedy"] for each in document["diagnostics"]), text[-200:]
    print(f"{len(MISTAKES)} texts, {sum(len(codes.split()) for _, codes in MISTAKES)} mistakes")


NEAR = {
    "mesage": "did you mean `message`?",
    "projct": "did you mean `project`?",
    "code": "it belongs to `select`: write it below that, indented",
}


def test_a_misspelt_or_misplaced_field_is_told_where_it_belongs(check: Check) -> None:
    for field, remedy in NEAR.items():
        _, document = check(
            stdin=f"{PIPELINE}  select: {{code: x}}\n  status: Archived\n  {field}: z\n".encode()
        )
        assert [each["remedy"] for each in document["diagnostics"]] == [remedy]


LEAKS = [
    "secret: {accessKeyId: @C, secretAccessKey: @C}",
    "secret: {accessKeyId: [@C], secretAccessKey: {value: @C}}",
    "secret: @C",
    "secret: [@C, {accessKeyId: @C}]",
    "secret: {accesKeyId: @C, secretAcessKey: {env: @C}, @C: x}",
    "secret: {accessKeyId: {env: [@C]}, secretAccessKey: {file: {x: @C}, command: @C}}",
    "secret: {accessKeyId: @C, accessKeyId: @C, @C: a, @C: b}",
    "secret: {accessKeyId: '@C\n",
    "secret:\n    accessKeyId: @C: x\n",
    "secret:\n    accessKeyId: *@C\n    secretAccessKey: !@C x\n    ? [@C]\n    : x",
    "secret: {accessKeyId: '${var.@C}', secretAccessKey: &@C x}",
    "secret: {accessKeyId: %@C}",
    "accessKeyId: @C\n  secretAccessKey: @C\n  @C: x",
    "secretKey: [@C]\n  shared: @C",
    "type: @C",
    "name: '@C!'",
]


def test_no_mistake_makes_it_repeat_a_secret(check: Check) -> None:
    tried = 0
    for case in LEAKS:
        for head in (
            SECRET,
            SECRET.replace("{name: a}", "{name: a, secretAccessKey: @C, labels: {accessKeyId: [@C]}}"),
        ):
            for tail in ("", f"\nsecret: {CANARY}\n", f"\n  : {CANARY} [\n"):
                code, _ = check(stdin=(head + "  " + case + "\n" + tail).replace("@C", CANARY).encode())
                assert code == 65, case
                tried += 1
    print(f"{tried} ways to write a secret where none may stand")


AMBIGUOUS = ("0123456", "1_000", "2026-11-21", "yes", "1:20", "0o17", "12345678", "1.5", "true")


def test_a_secret_that_yaml_takes_for_something_else_is_not_repeated_either(check: Check) -> None:
    for text in AMBIGUOUS:
        for field in ("secret: {accessKeyId", "secret: {accesKeyId", "accesKeyId: {a", "secrt: {b"):
            _, document = check(stdin=f"{SECRET}  {field}: {text}}}\n".encode())
            told = str([each["summary"] + each["remedy"] for each in document["diagnostics"]])
            assert text not in told.replace("true or false", ""), (text, field)


ENCODINGS = [
    (PIPELINE.encode("utf-16"), "1:1 not-text"),
    (PIPELINE.encode("utf-16-le"), "1:1 not-text"),
    (PIPELINE.encode("utf-32"), "1:1 not-text"),
    ("a: é".encode("latin-1"), "1:4 not-text"),
    (b"\x7fELF\x00\x01", "1:5 not-text"),
    (b"a: \x1b[31mred", "1:4 not-text"),
    ("a: x\u2028y".encode(), "1:5 not-text"),
]


def test_a_file_that_is_no_utf_8_is_refused_with_the_place(check: Check) -> None:
    for data, wanted in ENCODINGS:
        code, document = check(stdin=data)
        assert (code, places(document)) == (65, [wanted]), data


def test_a_mark_and_windows_line_ends_are_no_matter(check: Check) -> None:
    text = "\ufeff" + PIPELINE + "  select: {code: x}\n  status: Released\n"
    assert check(stdin=text.replace("\n", "\r\n").encode())[0] == 0


def test_one_resource_in_two_files_is_told_with_both_places(check: Check, tmp_path: Path) -> None:
    for name in ("a.yaml", "b/c.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PIPELINE + "  select: {code: x}\n  status: Released\n")
    code, document = check(".")
    (told,) = document["diagnostics"]
    assert (code, told["code"], told["source"]["file"]) == (65, "declared-twice", "b/c.yml")
    assert "a.yaml:3:18" in told["summary"]


def test_files_folders_and_stdin_make_one_set_and_each_file_counts_once(check: Check, tmp_path: Path) -> None:
    good = PIPELINE + "  select: {code: x}\n  status: Released\n"
    for number, name in enumerate(
        ("one.yaml", "deep/er/two.yml", ".hidden.yaml", ".git/x.yaml", "notes.txt")
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(good.replace("name: a", f"name: a{number}"))
    (tmp_path / "again.yaml").symlink_to("one.yaml")
    (tmp_path / "deep/loop").symlink_to("..")
    code, document = check(".", "one.yaml", "./one.yaml", "-", "-", stdin=good.encode())
    assert (code, document["counts"]["resources"]) == (0, 3)


def test_what_is_no_readable_file_is_refused_at_once(check: Check, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "empty").mkdir()
    with (tmp_path / "giant.yaml").open("wb") as file:
        file.truncate(100 << 30)
    table = {
        "nope.yaml": "unreadable-file",
        "/dev/zero": "unreadable-file",
        "/dev/tty": "unreadable-file",
        "/proc/self/mem": "unreadable-file",
        "pipe.yaml": "unreadable-file",
        "loop.yaml": "unreadable-file",
        "x" * 300 + "/a.yaml": "unreadable-file",
        "x" * 5000: "unreadable-file",
        "empty": "empty",
        "giant.yaml": "1:1 too-large",
    }
    for name, wanted in table.items():
        code, document = check(name)
        assert (code, places(document)) == (65, [wanted]), name[:40]


def test_a_summary_is_one_line_whatever_the_manifest_holds(check: Check) -> None:
    text = dedent("""\
        apiVersion: "a\\nb"
        kind: "Pipe\\e[31m\\n::error::"
        metadata: {name: "x\\ny", "l\\nm": 1}
        spec: {}
        """)
    _, document = check(stdin=text.encode())
    assert len(document["diagnostics"]) == 4
    for each in document["diagnostics"]:
        assert each["summary"].isprintable()
        assert each["remedy"].isprintable()


def test_a_secret_written_where_its_source_belongs_is_not_repeated(lab: Any) -> None:
    for secret in ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENGbPxRfiCYEXAMPLECAN9"):
        for source in (f"{{env: {secret}}}", f"{{file: {secret}}}", f"{{command: [{secret}]}}"):
            lab.write(
                "a.yaml",
                f"""
                apiVersion: icaform/v1
                kind: StorageCredential
                metadata: {{name: a}}
                spec: {{type: AWS_USER, secret: {{accessKeyId: {source}, secretAccessKey: {source}}}}}
                """,
            )
            for line in (["plan"], ["plan", "-o", "json"], ["apply", "--yes", "--allow-irreversible", "1"]):
                ran = lab.run(*line, str(lab.folder))
                assert ran.code == 65
                assert secret not in ran.text, (source, line)
    assert not lab.writes()
