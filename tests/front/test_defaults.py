"""Defaults under items: what merges, what is replaced, what null removes, and what errors say of it."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.front.conftest import SCHEMAS
from tests.front.everything import objects

SCHEMA = Draft202012Validator(json.loads((SCHEMAS / "manifest.2020-12.schema.json").read_text("utf-8")))
ID = "5c1b3d0e-8f6a-4f3c-9b1d-2a7e4c6f8b90"


def with_defaults(defaults: Any, *items: Any) -> dict[str, Any]:
    """A batch as a document; JSON is YAML too. What every item needs is there unless an item says it."""
    base = {"pipeline": {"code": "nf-core rnaseq 3-14"}, "analysisInput": {}}
    return {
        "apiVersion": "icaform/v1",
        "kind": "AnalysisBatch",
        "metadata": {"name": "cohort"},
        "spec": {
            "defaults": base | defaults,
            "items": [
                {"name": f"i{number}", "userReference": f"cohort/i{number}"} | each
                for number, each in enumerate(items)
            ],
        },
    }


def told(lab: Any, document: Any) -> list[dict[str, Any]]:
    """The errors of validate."""
    ran = lab.run("validate", "-", "--output", "json", stdin=json.dumps(document).encode())
    assert "Traceback" not in ran.text
    wrong: list[dict[str, Any]] = ran.json["diagnostics"]
    assert ran.code == (65 if wrong else 0), ran.text
    return wrong


LEFT: tuple[tuple[dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    # of the defaults, of the item, and what is left of both
    ({"analysisStorageId": ID}, {"analysisStorageId": None}, {"analysisStorageId": None}),
    ({"logs": {"logsFolderPath": "/l"}}, {"logs": None}, {"logs": None}),
    (
        {"logs": {"logsFolderPath": "/l"}},
        {"logs": {"logsFolderPath": None, "logsFolderId": "fol.1"}},
        {"logs": {"logsFolderId": "fol.1"}},
    ),
    (
        {"analysisInput": {"parameters": [{"code": "a", "value": "b"}]}},
        {"analysisInput": {"parameters": None, "customInput": "a: 1"}},
        {"analysisInput": {"customInput": "a: 1"}},
    ),
    (
        {"analysisInput": {"objectType": "STRUCTURED", "parameters": [{"code": "a", "value": "b"}]}},
        {"analysisInput": {"objectType": None}},
        {"analysisInput": {"inputs": [], "parameters": [{"code": "a", "value": "b"}]}},
    ),
    (
        {"analysisInput": {"parameters": [{"code": "a", "value": "b"}]}},
        {"analysisInput": None, "inputFormValues": {"fields": [{"id": "a", "values": ["b"]}]}},
        {"analysisInput": None, "inputFormValues": {"fields": [{"id": "a", "values": ["b"]}]}},
    ),
    (
        {"inputFormValues": {"fields": [{"id": "a"}], "groups": [{"id": "g"}]}},
        {"inputFormValues": {"fields": None}},
        {"inputFormValues": {"groups": [{"id": "g"}]}},
    ),
    ({"outputParentFolderId": "fol.1"}, {"outputParentFolderId": None}, {"outputParentFolderId": None}),
    ({"analysisOutput": []}, {"analysisOutput": None}, {"analysisOutput": None}),
    # nothing to remove is nothing wrong
    ({}, {"logs": None, "tags": {"userTags": None}, "analysisInput": {"dataIds": None}}, {"logs": None}),
)


def test_null_in_an_item_removes_the_default_at_any_depth(lab: Any, sent: list[tuple[str, str, Any]]) -> None:
    for number, (defaults, item, _) in enumerate(LEFT):
        document = with_defaults(defaults, {"userReference": f"{number}"} | item)
        document["metadata"]["name"] = f"cohort{number}"
        if "inputFormValues" in defaults:
            del document["spec"]["defaults"]["analysisInput"]
        assert not list(SCHEMA.iter_errors(document)), number
        lab.write(f"{number}.yaml", json.dumps(document))
    assert lab.apply().code == 0
    rows = [
        row
        for _, _, body in sent
        for each in ([body], *(body or {}).values())
        for row in (each if isinstance(each, list) else [])
    ]
    found = {int(row["userReference"]): row for row in rows if isinstance(row, dict) and "pipelineId" in row}
    assert len(found) == len(LEFT)
    for number, (_, _, left) in enumerate(LEFT):
        assert {name: found[number].get(name) for name in left} == left, (number, found[number])
    print(f"{len(LEFT)} defaults removed, or parts of them")


def test_null_in_an_item_of_a_manifest_of_very_many_values_is_no_other(lab: Any) -> None:
    many = {"tags": {"userTags": ["a"] * 60_000, "referenceTags": ["a"] * 60_000}}
    assert told(lab, with_defaults({}, {"analysisInput": {"parameters": None}, **many})) == []


def test_null_is_for_items_alone(lab: Any) -> None:
    document = with_defaults({"analysisInput": {"parameters": None}}, {})
    assert told(lab, document)
    assert list(SCHEMA.iter_errors(document))
    document = with_defaults({}, {"name": None})
    assert told(lab, document)
    assert list(SCHEMA.iter_errors(document))


WAYS: tuple[dict[str, str], ...] = (
    {"code": "nf-core rnaseq 3-14"},
    {"name": "nf-core rnaseq", "version": "3-14"},
    {"id": ID},
    {"urn": f"urn:ilmn:ica:pipeline:{ID}"},
    {"ref": "Pipeline/rnaseq"},
)


def test_a_pipeline_in_an_item_stands_instead_of_the_default_whichever_way_both_are_selected(
    lab: Any,
) -> None:
    lab.write(
        "p.yaml",
        "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: rnaseq}\n"
        "spec: {select: {code: nf-core rnaseq 3-14}, status: Released}\n",
    )
    tried = 0
    for default in WAYS:
        for way in WAYS:
            document = with_defaults({"pipeline": default}, {"pipeline": way})
            assert not list(SCHEMA.iter_errors(document))
            lab.write("cohort.yaml", json.dumps(document))
            ran = lab.run("validate", str(lab.folder), "--output", "json")
            assert ran.code == 0, (default, way, ran.text)
            tried += 1
    print(f"{tried} pairs of ways to select a pipeline")


BLAMED: tuple[tuple[dict[str, Any], dict[str, Any], str, str], ...] = (
    (
        {"analysisInput": {"parameters": []}},
        {"analysisInput": {"customInput": "a: 1"}},
        "`parameters` cannot stand beside `customInput`; `parameters` comes from `defaults`",
        "`parameters: null` in the item",
    ),
    (
        {"analysisInput": {"objectType": "JSON", "inputJson": "{}", "dataIds": ["fil.1"]}},
        {"analysisInput": {"customInput": "a: 1"}},
        "`inputJson` and `objectType` come from `defaults`",
        "`inputJson: null` and `objectType: null` in the item",
    ),
    (
        {"analysisInput": {"customInput": "a: 1"}},
        {"analysisInput": {"inputs": []}},
        "`inputs` cannot stand beside `customInput`; `customInput` comes from `defaults`",
        "`customInput: null` in the item",
    ),
    (
        {"analysisInput": {"objectType": "JSON", "inputJson": "{}"}},
        {"analysisInput": {"inputJson": None}},
        "needs `inputJson`; `objectType` comes from `defaults`",
        "`objectType: null` in the item",
    ),
    (
        {"logs": {"logsFolderPath": "/l"}},
        {"logs": {"logsFolderId": "fol.1"}},
        "one of `logsFolderId` and `logsFolderPath`; `logsFolderPath` comes from `defaults`",
        "`logsFolderPath: null` in the item",
    ),
    (
        {},
        {"inputFormValues": {}},
        "one of `analysisInput` and `inputFormValues`; `analysisInput` comes from `defaults`",
        "`analysisInput: null` in the item",
    ),
    (
        {"analysisStorage": "Small"},
        {"analysisStorageId": ID},
        "`analysisStorage` and `analysisStorageId`; `analysisStorage` comes from `defaults`",
        "`analysisStorage: null` in the item",
    ),
    (
        {"activationCodeDetailId": ID},
        {"analysisInput": {"customInput": "a: 1"}},
        "takes no `activationCodeDetailId`; `activationCodeDetailId` comes from `defaults`",
        "`activationCodeDetailId: null` in the item",
    ),
    # both are said once for all items: null in one of them would mend that one alone
    (
        {"inputFormValues": {}},
        {},
        "one of `analysisInput` and `inputFormValues`; `analysisInput` and `inputFormValues` come from",
        "keep the one that fits",
    ),
    (
        {"userReference": "all"},
        {"userReference": None},
        "needs `userReference`",
        "add it to the item, or to `defaults`",
    ),
)


def test_what_a_default_causes_is_said_of_it_with_null_as_the_way_out(lab: Any) -> None:
    for defaults, item, summary, remedy in BLAMED:
        (wrong,) = told(lab, with_defaults(defaults, item))
        assert summary in wrong["summary"], wrong
        assert remedy in wrong["remedy"], wrong
    print(f"{len(BLAMED)} errors that defaults cause")


def test_what_an_item_says_itself_is_not_blamed_on_the_defaults(lab: Any) -> None:
    for item in (
        {"analysisInput": {"parameters": [], "customInput": "a: 1"}},
        {"analysisStorage": "Small", "analysisStorageId": ID},
        {"analysisInput": {}, "inputFormValues": {}},
        {"logs": {}},
    ):
        (wrong,) = told(lab, with_defaults({}, item))
        assert "defaults" not in wrong["summary"] + wrong["remedy"], wrong


def test_a_reference_that_all_items_have_from_the_defaults_is_told_so(lab: Any) -> None:
    document = with_defaults({"userReference": "all"}, {}, {})
    for each in document["spec"]["items"]:
        del each["userReference"]
    (wrong,) = told(lab, document)
    assert wrong["code"] == "declared-twice"
    assert "from `defaults`" in wrong["summary"], wrong


BATCH = """\
apiVersion: icaform/v1
kind: AnalysisBatch
metadata: {name: cohort}
spec:
  defaults:
    pipeline: {code: nf-core rnaseq 3-14}
    analysisStorage: Small
    analysisInput: {parameters: [{code: genome, value: GRCh38}], referenceDataParameters: []}
    tags: {userTags: [cohort], technicalTags: [t]}
    logs: {logsFolderPath: /logs}
    analysisOutput: [{sourcePath: o, targetProjectId: wgs-dev, targetPath: /o, actionOnExist: Skip}]
  items:
  - {name: a, userReference: cohort/a}
  - {name: b, userReference: cohort/b, pipeline: {code: DRAGEN Germline 4-4-0}, analysisStorage: Medium}
  - {name: c, userReference: cohort/c, analysisInput: {parameters: [{code: genome, value: null}], inputs: []}}
  - name: d
    userReference: cohort/d
    tags: {userTags: [d]}
    logs: {logsFolderPath: /d}
    outputParentFolderId: fol.1
  - name: e
    userReference: cohort/e
    analysisInput:
      inputs:
      - {parameterCode: r, externalData: [{url: "https://h/x.bam", type: http, mountPath: null}]}
"""
DIGESTS = {
    "a": "eb8ff3582af7e657fabeb67d",
    "b": "031f455ff782f07264aac114",
    "c": "9b456c17c4d903e07be54bf5",
    "d": "e11c6e1e96bed47bbca1abcc",
    "e": "24e8c10adf75dade5538e22f",
}
"""What analyses that run already are marked with: another digest, and every one of them is held."""


def test_the_digest_of_what_defaults_and_item_say_together_stays_what_it_was(lab: Any) -> None:
    lab.write("cohort.yaml", BATCH)
    assert lab.apply().code == 0
    marks = [each["tags"]["technicalTags"] for each in objects(lab, "Analysis")]
    said = [dict(each.partition("=")[::2] for each in tags) for tags in marks]
    assert {each["icaform.item"]: each["icaform.spec"] for each in said if "icaform.item" in each} == DIGESTS
