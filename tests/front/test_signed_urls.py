"""A url that opens a file to whoever reads it is a secret: refused where it stands, and never repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from tests.front.test_defaults import with_defaults
from tests.front.test_item_rules import S3

CANARY = "Canary0fAUrl"
AWS = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261122T000000Z&"
PASSWORDS = (
    f"https://user:{CANARY}@h/x.bam",
    f"HTTPS://:{CANARY}@h:8443/x.bam",
    f"https://user:p/{CANARY}@h/x.bam",
    f"https://user:?#{CANARY}@h/x.bam",
    f"https://user%3A{CANARY}%40h/x.bam",
    f"s3://AKIAIOSFODNN7EXAMPLE:{CANARY}/a+b@bucket/x.bam",
    f"https://ghp_{CANARY}0123456789ABCDefgh0123456789@h/x.bam",
)
SIGNED = (
    *(
        f"https://h/x.bam?{AWS}{name}={CANARY}"
        for name in ("X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential", "x-amz-signature")
    ),
    f"https://h/x.bam?{AWS}X%2DAmz%2DSignature={CANARY}",
    f"https://h/x.bam?a=1&amp;X-Amz-Signature={CANARY}",
    f"https://h/x.bam?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature={CANARY}",
    f"https://h/x.bam?GoogleAccessId=a@b.iam&Expires=1&Signature={CANARY}",
    f"https://h/x.bam?Signature={CANARY}&Policy=a&Key-Pair-Id=b",
    f"https://h/x.bam?OSSAccessKeyId=a&Signature={CANARY}",
    f"https://h/x.bam?X-Goog-Credential=a&X-Goog-Signature={CANARY}",
    f"https://h.blob.core.windows.net/c/x.bam?sv=2022-11-02&se=2027&sr=b&sp=r&sig={CANARY}",
    *(
        f"https://h/x.bam?{name}={CANARY}"
        for name in (
            "access_token",
            "ACCESS_TOKEN",
            "token",
            "private_token",
            "auth_token",
            "id_token",
            "refresh_token",
            "session_token",
            "password",
            "passwd",
            "pwd",
            "api_key",
            "apikey",
            "api-key",
            "X-API-Key",
            "client_secret",
            "secret",
            "jwt",
        )
    ),
    f"https://h/x.bam#access_token={CANARY}",
    f"https://h/x.bam?a=b#token={CANARY}",
    f"https://h/x.bam?auth=eyJhbGciOiJIUzI1NiIsInR5cCI6{CANARY}",
    f"https://proxy/x.bam?to={quote(f'https://user:{CANARY}@h/x.bam', safe='')}",
    f"s3://b/x.bam?X-Amz-Signature={CANARY}",
)
BROKEN = (f"https://user:a {CANARY}@h/x.bam", f"https://h/x.bam?a=b\n&X-Amz-Signature={CANARY}")
"""In a text that holds more than a url these would end at the space."""
OPEN = (
    "https://h/x.bam",
    "https://h/x.bam?versionId=3&page=2&sigma=1&signature=cnv",
    "https://h/x.bam?token=&tokenizer=bert&secretome=1",
    "https://h:8443/a@b.bam",
    "https://[::1]:8443/a:b@c.bam",
    "https://user@h/x.bam",
    "https://user:@h/x.bam",
    "s3://b/a:b@c?d#e.bam",
    "s3://b/0123456789abcdefABCDEF0123456789abcd/x.bam",
)
OPEN_TEXT = (
    "docker://ubuntu:22.04@sha256:0a1b",
    "ssh://git@github.com/nf-core/rnaseq",
    "abfss://container@account.dfs.core.windows.net/x",
    "jdbc:postgresql://h:5432/db?user=x",
    "a: b@c, token=x, user:pass@h",
    "what https://h: ask me@h",
)


def external(url: str) -> dict[str, Any]:
    if url.startswith("s3"):
        key = S3.rpartition(": ")[2].rstrip("}")
        return {"url": url, "type": "s3", "s3Details": {"storageCredentialsId": key}}
    return {"url": url, "type": "http"}


FILES: dict[str, Callable[[str], dict[str, Any]]] = {
    "an input": lambda url: {
        "analysisInput": {"inputs": [{"parameterCode": "r", "externalData": [external(url)]}]}
    },
    "beside customInput": lambda url: {
        "analysisInput": {"customInput": "a: 1", "externalData": [external(url)]}
    },
    "beside inputJson": lambda url: {"analysisInput": {"inputJson": "{}", "externalData": [external(url)]}},
    "a form": lambda url: {
        "inputFormValues": {"fields": [{"id": "r", "externalDataValues": [external(url)]}]}
    },
    "a group": lambda url: {
        "inputFormValues": {
            "groups": [
                {"id": "g", "values": [{"values": [{"id": "r", "externalDataValues": [external(url)]}]}]}
            ]
        }
    },
}
TEXTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "a parameter": lambda url: {"analysisInput": {"parameters": [{"code": "r", "value": url}]}},
    "a parameter of many": lambda url: {
        "analysisInput": {"parameters": [{"code": "r", "multiValue": ["a", url]}]}
    },
    "a form's text": lambda url: {"inputFormValues": {"fields": [{"id": "r", "values": [url]}]}},
    "a comment of custom YAML": lambda url: {"analysisInput": {"customInput": f"a: 1 # {url}"}},
    "custom YAML": lambda url: {
        "analysisInput": {"customInput": f"a:\n- b: >-\n    see\n    '{url}', please"}
    },
    "a key of custom YAML": lambda url: {"analysisInput": {"customInput": f"a: {{'{url}': 1}}"}},
    "custom JSON": lambda url: {"analysisInput": {"customInput": json.dumps({"a": [{"b": url}]})}},
    "JSON with escapes": lambda url: {
        "analysisInput": {"customInput": json.dumps({"a": url}).replace("/", "\\/").replace("&", "\\u0026")}
    },
    "CWL JSON": lambda url: {"analysisInput": {"inputJson": json.dumps({"a": {"location": url}})}},
}
DIALECTS = ("text", "json", "ndjson", "markdown", "html", "junit", "github", "sarif", "gitlab")


def document(item: dict[str, Any], *, default: bool = False) -> bytes:
    made = with_defaults({}, {})
    del made["spec"]["defaults"]["analysisInput"]
    made["spec"]["defaults" if default else "items"] = (
        made["spec"]["defaults"] | item if default else [made["spec"]["items"][0] | item]
    )
    return json.dumps(made).encode()


def test_a_url_that_is_a_secret_is_refused_wherever_an_item_may_hold_one(lab: Any) -> None:
    places = FILES | TEXTS
    everywhere = product(places, (PASSWORDS[0], SIGNED[0]), (False, True))
    every = product(("an input", "custom JSON"), PASSWORDS + SIGNED, (False,))
    tried = 0
    broken = product(FILES, BROKEN, (False,))
    for where, url, default in (*everywhere, *every, *broken):
        said = document(places[where](url), default=default)
        ran = lab.run("validate", "-", "--output", "json", stdin=said)
        assert ran.code == 65, (where, url)
        (wrong,) = ran.json["diagnostics"]
        assert wrong["code"] == "inline-secret", (where, url, wrong)
        assert "StorageCredential" in wrong["remedy"], wrong
        assert CANARY not in ran.text, (where, url, ran.text)
        tried += 1
    print(f"{len(PASSWORDS + SIGNED + BROKEN)} urls in {len(places)} places, {tried} refused unseen")


def test_a_url_that_opens_nothing_by_itself_is_taken(lab: Any) -> None:
    tried = 0
    for places, urls in ((FILES | TEXTS, OPEN), (TEXTS, OPEN_TEXT)):
        for (where, place), url in product(places.items(), urls):
            ran = lab.run("validate", "-", "--output", "json", stdin=document(place(url)))
            assert ran.code == 0, (where, url, ran.text)
            tried += 1
    print(f"{tried} urls taken")


@pytest.mark.parametrize("verb", ["validate", "plan", "drift"])
def test_no_dialect_and_no_file_repeats_it(lab: Any, verb: str) -> None:
    tried = 0
    for url in (PASSWORDS[0], SIGNED[0]):
        lab.write("cohort.yaml", document(FILES["an input"](url)).decode())
        for dialect in DIALECTS:
            report = lab.folder / f"report.{dialect}"
            ran = lab.run(verb, str(lab.folder), "--output", dialect, "--report", f"{dialect}={report}")
            assert ran.code == 65, ran.text
            for text in (ran.text, report.read_text()):
                assert "inline-secret" in text or dialect in ("markdown", "gitlab", "text"), (dialect, text)
                assert CANARY not in text, (dialect, text)
            tried += 1
            report.unlink()
    ran = lab.run("apply", str(lab.folder), "--yes")
    assert (ran.code, CANARY in ran.text) == (65, False)
    kept = [each for each in lab.folder.rglob("*") if each.is_file() and each.name != "cohort.yaml"]
    assert not [each for each in kept if CANARY.encode() in each.read_bytes()]
    assert lab.writes() == []
    print(f"{tried} reports")


MISPLACED = (
    "analysisInput: {customInput: 'a: 1', externalData: [{'URL': http}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{url: x, type: 'URL'}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{url: 'URL', type: s3}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{url: 'URL', type: https}]}",
    "analysisInput: {customInput: 'a: 1', externalData: ['URL']}",
    "analysisInput: {customInput: 'a: 1', externalData: 'URL'}",
    "analysisInput: {customInput: 'a: 1', externalData: [{type: http, url: ['URL']}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{type: http, url: 'URL ${var.x}'}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{type: http, url: 'URL', url: 'URL'}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{'URL': 1, 'URL': 2}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{type: http, url: \"URL\\x00\"}]}",
    "analysisInput: {customInput: 'a: 1', externalData: [{type: http, url: URL, }, ]}",
    "analysisInput: {customInput: 'a: 1', dataIds: ['URL']}",
    "analysisInput: {customInput: 'a: 1', mounts: [{dataId: 'URL', mountPath: 'URL/'}]}",
    'analysisInput: {customInput: \'"URL": 1\n\n      "URL": 2\'}',
    'analysisInput: {customInput: \'{"URL": 1, "URL": 2}\'}',
    "analysisInput: {customInput: '*URL'}",
    "analysisInput: {customInput: 'URL'}",
    'analysisInput: {inputJson: \'{"URL": 1, "URL": 2}\'}',
    "analysisInput: {inputJson: 'URL'}",
    'analysisInput: {inputJson: \'{"a": "URL\'}',
    "analysisInput: {objectType: 'URL'}",
    "userReference: 'URL'",
    "userReference: URL: URL",
    "activationCodeDetailId: 'URL'",
    "logs: {logsFolderId: 'URL', logsFolderPath: 'URL'}",
    "analysisOutput: [{sourcePath: o, targetProjectId: p, targetPath: /o, actionOnExist: 'URL'}]",
    "outputParentFolderId: 'URL'",
    "'URL': 1",
    "*URL",
)


def test_nor_does_any_other_error_of_the_item_that_holds_it(lab: Any) -> None:
    head = (
        "apiVersion: icaform/v1\nkind: AnalysisBatch\nmetadata: {name: cohort}\nspec:\n"
        "  defaults: {pipeline: {code: nf-core rnaseq 3-14}}\n  items:\n  - name: one\n    "
    )
    for line, url in product(MISPLACED, (PASSWORDS[0], SIGNED[0])):
        for dialect in ("json", "sarif", "text"):
            ran = lab.run(
                "validate", "-", "--output", dialect, stdin=(head + line.replace("URL", url)).encode()
            )
            assert ran.code == 65, (line, ran.text)
            assert CANARY not in ran.text, (line, ran.text)
    print(f"{len(MISPLACED) * 2} other errors, each in three dialects")
