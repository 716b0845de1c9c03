"""What ICA's documents rule out in an item is refused before ICA is asked, with its place and the reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.front.conftest import SCHEMAS
from tests.front.test_starters import ALONE, GERMLINE, HEAD, RNASEQ, TOGETHER, batch, one, starts

S3 = "s3Details: {storageCredentialsId: 5c1b3d0e-8f6a-4f3c-9b1d-2a7e4c6f8b90}"
CUSTOM = "analysisInput: {{{0}customInput: {1}}}"
FILE = "analysisInput: {customInput: 'a: 1', externalData: [%s]}"
MOUNT = "analysisInput: {customInput: 'a: 1', mounts: [{dataId: fil.1, mountPath: %s}]}"
CODE = "activationCodeDetailId: 5c1b3d0e-8f6a-4f3c-9b1d-2a7e4c6f8b90"
REFUSED: tuple[tuple[tuple[str, ...], str], ...] = (
    # text that is no input
    ((CUSTOM.format("", '"a: [1"'),), "`customInput` is no YAML or JSON: line 2, column 1 of it: a ["),
    ((CUSTOM.format("", '"a: 1\\nb: c: d"'),), "line 2, column 5 of it: a `key: value` cannot begin here"),
    ((CUSTOM.format("", '"a: 1\\na: 2"'),), "line 2, column 1 of it: `a` is there twice"),
    ((CUSTOM.format("", "'{\"a\": 1'"),), "is no YAML or JSON: line 2, column 1 of it: a { is not closed"),
    ((CUSTOM.format("", "'!!python/object:os.system x'"),), "tag"),
    ((CUSTOM.format("", '"a: &a [*a]"'),), "line 1, column"),
    ((CUSTOM.format("", '"a: 1\\n---\\nb: 2"'),), "holds several documents"),
    ((CUSTOM.format("", "'[1, 2]'"),), "`customInput` is no map"),
    ((CUSTOM.format("", "hello"),), "`customInput` is no map"),
    ((CUSTOM.format("", "' '"),), "`customInput` is no YAML or JSON"),
    ((CUSTOM.format("", "''"),), "customInput"),
    ((CUSTOM.format("", "{a: 1}"),), "customInput"),
    ((f"analysisInput: {{customInput: '{'[' * 5000}'}}",), "line 1, column"),
    (
        ("analysisInput: {inputJson: '{\"a\": 1,}'}",),
        "`inputJson` is no JSON: trailing comma at line 1 column 9",
    ),
    (("analysisInput: {inputJson: 'a: 1'}",), "`inputJson` is no JSON"),
    (("analysisInput: {inputJson: '[]'}",), "`inputJson` is no JSON object"),
    (("analysisInput: {inputJson: '{\"a\": NaN}'}",), "`inputJson` is no JSON"),
    ((f"analysisInput: {{inputJson: '{'[' * 5000}'}}",), "`inputJson` is no JSON: recursion limit exceeded"),
    (('analysisInput: {inputJson: \'{"a": 1, "a": 2}\'}',), "`inputJson` has `a` twice"),
    (('analysisInput: {inputJson: \'{"x": [{"a": {}, "\\u0061": 2}]}\'}',), "`inputJson` has `a` twice"),
    ((CUSTOM.format("", '\'{"a": {"b": 1, "b": 1}}\''),), "`customInput` has `b` twice"),
    *(
        ((CUSTOM.format("", f"'{{\"a\": [{word}]}}'"),), f"`customInput` has {word}, which is no JSON")
        for word in ("NaN", "Infinity", "-Infinity")
    ),
    # forms that do not go together
    ((CUSTOM.format("objectType: JSON, inputJson: '{}', ", "'a: 1'"),), "cannot stand beside `customInput`"),
    ((CUSTOM.format("parameters: [], ", "'a: 1'"),), "`parameters` cannot stand beside `customInput`"),
    (("analysisInput: {inputJson: '{}', inputs: []}",), "`inputs` cannot stand beside `inputJson`"),
    (("analysisInput: {objectType: STRUCTURED, inputJson: '{}'}",), "`inputJson` cannot stand beside"),
    (("analysisInput: {dataIds: [fil.1]}",), "`dataIds` cannot stand beside a structured input"),
    (("analysisInput: {parameters: [{code: a, value: b, multiValue: [c]}]}",), "one of `value` and"),
    ((CUSTOM.format("", "'a: 1'"), "inputFormValues: {}"), "exactly one of"),
    ((CUSTOM.format("", "'a: 1'"), CODE), "`nextflowWithCustomInput` takes no `activationCodeDetailId`"),
    (("inputFormValues: {}", CODE), "`nextflowJsonItems` takes no `activationCodeDetailId`"),
    (("analysisInput: {inputJson: '{}'}", CODE), "`cwlWithJsonInput` takes no `activationCodeDetailId`"),
    # files outside ICA
    ((FILE % "{url: 's3://b/k', type: s3}",), "ICA opens no public buckets"),
    *(
        ((FILE % f"{{url: 's3://b/k', type: s3, s3Details: {{{said}}}}}",), "ICA opens no public buckets")
        for said in ("", "storageCredentialsId: null")
    ),
    (
        (FILE % "{url: 's3://b/k', type: s3, s3Details: {storageCredentialId: x}}",),
        "did you mean `storageCredentialsId`",
    ),
    ((FILE % f"{{url: 's3://b/', type: s3, {S3}}}",), "its url ends with no file name"),
    ((FILE % f"{{url: 's3://b/runs/', type: s3, {S3}}}",), "its url ends with no file name"),
    ((FILE % f"{{url: 's3:///k', type: s3, {S3}}}",), "begins with s3:// and a bucket"),
    ((FILE % f"{{url: 'https://b/k', type: s3, {S3}}}",), "begins with s3:// and a bucket"),
    ((FILE % "{url: 's3://b/k', type: http}",), "begins with http:// or https:// and a host"),
    ((FILE % "{url: 'https://[b/k', type: http}",), "begins with http:// or https:// and a host"),
    ((FILE % "{url: 'https://b/', type: http}",), "its url ends with no file name"),
    ((FILE % "{url: 'https://b/dir/?x=y', type: http}",), "its url ends with no file name"),
    ((FILE % f"{{url: 'https://b/k', type: http, {S3}}}",), "`s3Details` is for type s3, this is http"),
    ((FILE % "{url: 'https://b/k', type: http, basespaceDetails: {}}",), "`basespaceDetails` is for type"),
    ((FILE % f"{{url: x, type: basespace, {S3}}}",), "`s3Details` is for type s3, this is basespace"),
    ((FILE % "{url: 'https://b/k', type: https}",), "`http`"),
    ((FILE % "{url: 'ftp://b/k', type: ftp}",), "`basespace`"),
    ((FILE % "{url: '', type: basespace}",), "url"),
    ((FILE % "{type: http}",), "`url` is missing"),
    *(
        ((FILE % f"{{url: 'https://b/k', type: http, mountPath: {path}}}",), "must end with a file name")
        for path in ("reads/", "''", "/", ".", "..", "a/..", "a/.")
    ),
    *((((MOUNT % path),), "must end with a file name") for path in ("reads/", "''", "a/..")),
    # the rest
    *(
        ((CUSTOM.format("", "'a: 1'"), f"logs: {{logsFolderPath: '{path}'}}"), "with no empty part")
        for path in ("/a//b", "//", "/a//", "a", "a/b", "", " /a")
    ),
    ((CUSTOM.format("", "'a: 1'"), "logs: {}"), "one of `logsFolderId` and `logsFolderPath`"),
    ((CUSTOM.format("", "'a: 1'"), "logs: {logsFolderId: a, logsFolderPath: /a}"), "one of `logsFolderId`"),
    ((CUSTOM.format("", "'a: 1'"), "tags: {technicalTags: [icaform.item=x]}"), "icaform's own marks"),
)


def test_what_ica_would_not_take_is_refused_with_the_reason_before_it_is_asked(lab: Any) -> None:
    for lines, told in REFUSED:
        text = one(*lines)
        ran = lab.run("validate", "-", "--output", "json", stdin=text.encode())
        assert ran.code == 65, (ran.text, lines)
        wrong = ran.json["diagnostics"]
        assert any(told in each["summary"] + each["remedy"] for each in wrong), (told, wrong)
        assert all(each["source"]["line"] >= 6 and each["remedy"] for each in wrong), wrong
        assert "Traceback" not in ran.text
    assert lab.requests() == []
    print(f"{len(REFUSED)} refused")


FORMS = {
    "userReference: {}": (r"[a-zA-Z0-9 _-]*(/[a-zA-Z0-9 _-]+)*", 1, 255),
    "logs: {{logsFolderPath: {}}}": (r"/([^/]+/?)*", 0, 10_000),
    "activationCodeDetailId: {}": (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", 0, 36),
    "analysisOutput: [{{sourcePath: o, targetProjectId: p, targetPath: o, actionOnExist: {}}}]": (
        "OVERWRITE|RENAME|SKIP|Overwrite|Rename|Skip|overwrite|rename|skip",
        0,
        9,
    ),
}
"""By field, ICA's pattern and limits (Create...Analysis, CreateAnalysisLogs, AnalysisOutputMapping).

ICA wants the whole text to fit; of the last one its guides have more spellings, which are sent in capitals.
"""
UUID = CODE.rpartition(" ")[2]
WORDS = ("SKIP", "Rename", "SKIPP", "a" * 255, "a" * 256, UUID, f" {UUID}", f"{UUID}\n", UUID[1:], f"{UUID}0")


def texts() -> Iterator[str]:
    yield from WORDS
    for length in range(5):
        yield from map("".join, product("/a .", repeat=length))
    yield from (f"{before}/a{after}" for before in ("", "a", "é") for after in ("\n", "\r", "/é", ":", "\n/"))


def test_a_text_is_taken_just_where_ica_s_pattern_takes_all_of_it(lab: Any) -> None:
    tried = 0
    for field, (pattern, least, most) in FORMS.items():
        every = list(texts())
        items = "".join(
            f"  - {{name: i{number}, {field.format(json.dumps(each))}}}\n"
            for number, each in enumerate(every)
        )
        ran = lab.run("validate", "-", "--output", "json", stdin=f"{HEAD}  items:\n{items}".encode())
        first = HEAD.count("\n") + 2
        wrong = {
            each["source"]["line"] - first for each in ran.json["diagnostics"] if each["code"] == "bad-value"
        }
        fits = [bool(re.fullmatch(pattern, each)) and least <= len(each) <= most for each in every]
        assert {number for number, fit in enumerate(fits) if not fit} == wrong, field
        tried += len(every)
    print(f"{len(FORMS)} patterns of ICA's, {tried} texts")


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    for each in schema if isinstance(schema, list) else []:
        yield from patterns(each)


def test_every_pattern_of_a_manifest_is_of_the_whole_text() -> None:
    found = list(patterns(json.loads((SCHEMAS / "manifest.schema.json").read_text("utf-8"))))
    assert all(each.startswith("^") and each.endswith("$") for each in found)
    assert len(found) > 15
    print(f"{len(found)} patterns, {len(set(found))} of them different")


TAKEN = (
    "'{\"a\": [1, null]}'",
    "'{a: b}'",
    '"a: no\\nb: 012\\nc: 2026-11-21\\n"',
    "'{}'",
    "|\n        a: $${var.x} ${params.y}\n        b:\n        - c\n",
)


def test_a_custom_input_is_sent_as_it_was_written(lab: Any, sent: list[tuple[str, str, Any]]) -> None:
    lab.write(
        "cohort.yaml",
        batch(
            {
                f"i{number}": (RNASEQ, "analysisInput:", f"  customInput: {text}")
                for number, text in enumerate(TAKEN)
            }
        ),
    )
    ran = lab.apply()
    assert ran.code == 0, ran.text
    found = {
        each["userReference"]: each["analysisInput"]["customInput"]
        for path, _, each in sent
        if path.endswith("CustomInput")
    }
    assert [found[each] for each in sorted(found)] == [
        '{"a": [1, null]}',
        "{a: b}",
        "a: no\nb: 012\nc: 2026-11-21\n",
        "{}",
        "a: ${var.x} ${params.y}\nb:\n- c\n",
    ]


def test_a_form_that_its_pipeline_does_not_take_is_told_at_the_plan(lab: Any) -> None:
    for pipeline, lines, told in (
        (
            GERMLINE,
            (ALONE["nextflowWithCustomInput"][1],),
            "is CWL, so its analysisInput takes no `customInput`",
        ),
        (RNASEQ, (TOGETHER["json"][1],), "is NEXTFLOW, so its analysisInput takes no `objectType`"),
        (RNASEQ, (ALONE["cwlWithJsonInput"][1],), "takes no `objectType` and no `inputJson`"),
        (GERMLINE, (ALONE["cwlWithStructuredInput"][1], CODE), "`objectType: STRUCTURED`"),
    ):
        lab.write("cohort.yaml", one(*lines, pipeline=pipeline))
        ran = lab.apply()
        assert (ran.code, told in ran.out) == (65, True), ran.out
    assert starts(lab) == Counter()
