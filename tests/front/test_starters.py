"""Every way to start an analysis: in a batch where ICA's batch carries it, alone where it does not; once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from icaform.emulator.demo import SECOND_API_KEY
from tests.front.everything import analyses, killed, objects

HEAD = "apiVersion: icaform/v1\nkind: AnalysisBatch\nmetadata: {name: cohort}\nspec:\n"
GERMLINE = "pipeline: {code: DRAGEN Germline 4-4-0}"
RNASEQ = "pipeline: {code: nf-core rnaseq 3-14}"
TOGETHER = {
    "nextflow": (RNASEQ, "analysisInput: {parameters: [{code: genome, value: GRCh38}]}"),
    "form": (RNASEQ, "inputFormValues: {fields: [{id: genome, values: [GRCh38]}]}"),
    "structured": (GERMLINE, "analysisInput: {objectType: STRUCTURED, inputs: []}"),
    "json": (GERMLINE, "analysisInput: {objectType: JSON, inputJson: '{}'}"),
}
ALONE = {
    "nextflowWithCustomInput": (RNASEQ, "analysisInput: {customInput: 'genome: GRCh38'}"),
    "cwlWithStructuredInput": (GERMLINE, "analysisInput: {parameters: [{code: cnv, value: 'true'}]}"),
    "cwlWithJsonInput": (GERMLINE, "analysisInput: {inputJson: '{}'}"),
    "cwlJson": (GERMLINE, "inputFormValues: {fields: [{id: reference, values: [hg38]}]}"),
}
"""By ICA's name of the endpoint."""


def item(name: str, *lines: str) -> str:
    return f"  - name: {name}\n    userReference: cohort/{name}\n" + "".join(
        f"    {each}\n" for each in lines
    )


def batch(items: dict[str, tuple[str, ...]], more: str = "") -> str:
    return HEAD + more + "  items:\n" + "".join(item(name, *lines) for name, lines in items.items())


def one(*lines: str, pipeline: str = RNASEQ) -> str:
    return batch({"one": (pipeline, *lines)})


def starts(lab: Any) -> Counter[str]:
    """The calls that start analyses, by the end of their path."""
    paths = [each["path"].rpartition("/")[2] for each in lab.requests("POST")]
    return Counter(
        each.removeprefix("analysis:")
        for each in paths
        if each.startswith("analysis") and not each.endswith(":search")
    )


@pytest.mark.parametrize("which", ["lab", "old_lab"])
def test_what_the_batch_carries_goes_in_one_call_and_every_other_item_alone(
    which: str, request: pytest.FixtureRequest
) -> None:
    lab = request.getfixturevalue(which)
    lab.write("cohort.yaml", batch({**TOGETHER, **ALONE}))
    plan = lab.plan().json
    assert (plan["api_calls"]["writes"], plan["api_calls"]["analyses"]) == (5, 8)
    assert lab.apply().code == 0
    assert starts(lab) == Counter([*ALONE, "analysisCreationBatch"])
    keys = [each["idempotencyKey"] for each in lab.writes()]
    assert len(set(keys)) == len(keys) == 5
    assert set(analyses(lab).values()) == {1}
    assert len(analyses(lab)) == 8
    assert lab.plan().json["resource_changes"] == []
    lab.clock.sleep(600)
    assert [(each["state"], each["count"]) for each in lab.plan().json["unchanged"]] == [("succeeded", 8)]


def test_the_language_of_the_pipeline_tells_two_bodies_that_are_alike_apart(lab: Any) -> None:
    ids = {each["code"]: each["id"] for each in objects(lab, "Pipeline")}
    ways = ("{ref: Pipeline/p}", "{id: ID}", "{urn: 'urn:ilmn:ica:pipeline:ID'}", "{code: CODE}")
    tried = 0
    for code, wanted in (
        ("DRAGEN Germline 4-4-0", {"cwlJson": 1, "cwlWithStructuredInput": 1}),
        ("nf-core rnaseq 3-14", {"analysisCreationBatch": 1}),
    ):
        lab.write(
            "p.yaml",
            "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: p}\n"
            f"spec: {{select: {{code: {code}}}, status: Released}}\n",
        )
        for number, way in enumerate(ways):
            pipeline = "pipeline: " + way.replace("ID", ids[code]).replace("CODE", code)
            items = {"a": (pipeline, "inputFormValues: {}"), "b": (pipeline, "analysisInput: {}")}
            text = batch(items).replace("name: cohort", f"name: c{tried}").replace("cohort/", f"c{tried}/")
            lab.write("cohort.yaml", text)
            lab.forget_requests()
            assert lab.apply().code == 0
            assert starts(lab) == wanted, (code, number)
            tried += 1
    print(f"{tried} ways to say which pipeline")


def test_an_item_alone_says_all_that_an_item_of_a_batch_says(
    lab: Any, sent: list[tuple[str, str, Any]]
) -> None:
    lab.write(
        "role.yaml",
        "apiVersion: icaform/v1\nkind: StorageCredential\nmetadata: {name: runs}\nspec: {type: AWS_ROLE}\n",
    )
    lab.write(
        "cohort.yaml",
        one(
            "analysisStorage: 2.4TB",
            "outputParentFolderId: fol.1",
            "logs: {logsFolderPath: /logs}",
            "tags: {technicalTags: [t], userTags: [u], referenceTags: [r]}",
            "analysisOutput:",
            "- {sourcePath: o, type: FOLDER, targetProjectId: wgs-dev, targetPath: /o, actionOnExist: Skip}",
            "analysisInput:",
            "  customInput: |",
            "    reads: [a.fq]",
            "  dataIds: [fil.1]",
            "  mounts: [{dataId: fil.2, mountPath: /data/b.fq}]",
            "  externalData:",
            "  - url: s3://lab/a.fq",
            "    type: s3",
            "    mountPath: a.fq",
            "    s3Details: {storageCredentialsId: {ref: StorageCredential/runs}}",
        ),
    )
    assert lab.apply().code == 0
    (body,) = [value for path, _, value in sent if path.endswith(":nextflowWithCustomInput")]
    (storage,) = [each["id"] for each in objects(lab, "AnalysisStorage") if each["name"] == "Medium"]
    (credential,) = [each["id"] for each in objects(lab, "Credential")]
    (elsewhere,) = [each["id"] for each in objects(lab, "Project") if each["name"] == "wgs-dev"]
    (pipeline,) = [each["id"] for each in objects(lab, "Pipeline") if each["name"] == "nf-core rnaseq"]
    marks = body["tags"].pop("technicalTags")
    assert marks[0] == "t"
    assert [each.partition("=")[0] for each in marks[1:]] == [
        f"icaform.{each}" for each in ("batch", "item", "generation", "attempt", "spec", "chunk")
    ]
    assert marks[-1].endswith("/1"), "it is a chunk of one"
    assert body == {
        "userReference": "cohort/one",
        "pipelineId": pipeline,
        "analysisStorageId": storage,
        "outputParentFolderId": "fol.1",
        "logs": {"logsFolderPath": "/logs"},
        "tags": {"userTags": ["u"], "referenceTags": ["r"]},
        "analysisOutput": [
            {
                "sourcePath": "o",
                "type": "FOLDER",
                "targetProjectId": elsewhere,
                "targetPath": "/o",
                "actionOnExist": "SKIP",
            }
        ],
        "analysisInput": {
            "customInput": "reads: [a.fq]\n",
            "dataIds": ["fil.1"],
            "mounts": [{"dataId": "fil.2", "mountPath": "/data/b.fq"}],
            "externalData": [
                {
                    "url": "s3://lab/a.fq",
                    "type": "s3",
                    "mountPath": "a.fq",
                    "s3Details": {"storageCredentialsId": credential},
                }
            ],
        },
    }


FAULTS: tuple[dict[str, Any], ...] = (
    {"do": "drop_request"},
    {"do": "drop_answer"},
    {"do": "status", "status": 429, "when": "before"},
    {"do": "status", "status": 500, "when": "before"},
    {"do": "status", "status": 500, "when": "after"},
    {"do": "status", "status": 503, "when": "after"},
    {"do": "truncate", "length": "right"},
    {"do": "twin", "delay": 20},
)


def fresh(lab: Any) -> None:
    lab.control("POST", "/reset", {})
    lab.control("DELETE", "/faults")
    forget(lab)
    lab.write("cohort.yaml", batch(ALONE))


def forget(lab: Any) -> None:
    for each in Path(lab.folder, ".icaform").glob("journal*"):
        each.unlink()


def fault(lab: Any, name: str, how: dict[str, Any]) -> None:
    match = {"method": "POST", "path": f"*/analysis:{name}"}
    lab.control("PUT", "/faults", [{"match": match, **how}])


def twice_or_missing(lab: Any) -> str:
    """What is wrong after one more apply without faults, and whatever was under way has come."""
    lab.control("DELETE", "/faults")
    ran = lab.run("apply", str(lab.folder), "--yes", "--output", "json")
    if ran.code == 14:
        # For another user ICA does not repeat its answer: what does not show by then did not happen.
        lab.clock.sleep(1000)
        ran = lab.run("apply", str(lab.folder), "--yes", "--output", "json")
    lab.clock.sleep(120)
    found = analyses(lab)
    changes = lab.plan().json["resource_changes"]
    right = found == Counter({f"cohort/{name}": 1 for name in ALONE}) and not changes and not ran.code
    return "" if right else f"exit {ran.code}, {found}, {changes}"


def test_whatever_happens_to_a_call_its_item_is_started_once(lab: Any) -> None:
    wrong = {}
    for name, how in product(ALONE, FAULTS):
        fresh(lab)
        fault(lab, name, how)
        lab.run("apply", str(lab.folder), "--yes", "--first-run")
        if found := twice_or_missing(lab):
            wrong[f"{name} {how}"] = found
    print(f"{len(ALONE)} calls x {len(FAULTS)} faults, {len(wrong)} wrong")
    assert not wrong


def other(lab: Any) -> None:
    lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY


LATER: dict[str, Callable[[Any], None]] = {
    "at once": lambda lab: None,
    "after eight days": lambda lab: lab.clock.sleep(8 * 86400),
    "without the journal": lambda lab: (lab.clock.sleep(30), forget(lab))[0],
    "as another user": other,
    "as another user after eight days": lambda lab: (other(lab), lab.clock.sleep(8 * 86400))[0],
}


@pytest.mark.parametrize("later", LATER)
def test_a_run_that_died_in_doubt_of_a_call_is_taken_up_again(lab: Any, later: str) -> None:
    wrong = {}
    key = lab.environ["ICAV2_X_API_KEY"]
    calls = ("nextflowWithCustomInput", "cwlJson")
    for name, how in product(calls, (FAULTS[0], FAULTS[1], FAULTS[4])):
        lab.environ["ICAV2_X_API_KEY"] = key
        fresh(lab)
        fault(lab, name, how)
        killed(lab)
        LATER[later](lab)
        if found := twice_or_missing(lab):
            wrong[f"{name} {how}"] = found
    print(f"{len(calls) * 3} cases, {len(wrong)} wrong")
    assert not wrong


def test_another_user_sends_nothing_while_a_call_in_doubt_may_still_come(lab: Any) -> None:
    fresh(lab)
    fault(lab, "cwlJson", FAULTS[0])
    killed(lab)
    before = starts(lab)
    other(lab)
    lab.control("DELETE", "/faults")
    assert lab.apply().code == 14
    assert starts(lab)["cwlJson"] == before["cwlJson"]
    lab.clock.sleep(1000)
    assert lab.apply().code == 0
    assert analyses(lab) == Counter({f"cohort/{name}": 1 for name in ALONE})


def test_a_start_that_ica_acknowledges_and_does_not_show_is_unknown(lab: Any) -> None:
    fresh(lab)
    late = {"match": {"method": "POST", "path": "*/analysis:search"}, "do": "lag", "seconds": 3600}
    lab.control("PUT", "/faults", [{**late, "times": 999}])
    ran = lab.apply("--first-run")
    assert {each["outcome"] for each in ran.json["outcomes"]} == {"unknown"}
    assert ran.code == 14
    lab.control("DELETE", "/faults")
    assert lab.plan().json["resource_changes"] == []
    assert set(analyses(lab).values()) == {1}


def changes(lab: Any) -> dict[str, str]:
    return {
        each["item"]: each["state"] if each["state"] == "held" else "+".join(each["verbs"])
        for each in lab.plan().json["resource_changes"]
    }


def test_a_start_that_ica_refuses_is_a_failure_of_its_item_and_counted(lab: Any) -> None:
    lab.control("POST", "/outcomes", {"userReference": "cohort/cwlJson", "reason": "no quota left"})
    lab.write("cohort.yaml", batch(ALONE, "  retry: {attempts: 2}\n"))
    ran = lab.apply()
    ended = {each["item"]: each["outcome"] for each in ran.json["outcomes"]}
    assert ended == {name: "refused" if name == "cwlJson" else "done" for name in ALONE}
    assert "no quota left" in ran.text
    assert changes(lab) == {"cwlJson": "submit"}, "one attempt is left"
    assert "attempt 2 of 2" in lab.plan().text
    assert lab.apply().code == 1
    assert changes(lab) == {"cwlJson": "held"}, "none is left"
    assert "no quota left" in lab.plan().text
    assert starts(lab)["cwlJson"] == 2
    lab.control("DELETE", "/outcomes")
    assert lab.apply().json["outcomes"] == []
    lab.write("cohort.yaml", batch(ALONE, "  retry: {attempts: 3}\n"))
    assert lab.apply().code == 0
    assert analyses(lab) == Counter({f"cohort/{name}": 1 for name in ALONE})
    (found,) = [each for each in objects(lab, "Analysis") if each["user_reference"] == "cohort/cwlJson"]
    assert "icaform.attempt=3" in found["tags"]["technicalTags"]


def test_a_key_that_may_not_start_is_no_failure_of_an_item(lab: Any) -> None:
    fresh(lab)
    fault(lab, "cwlJson", {"do": "status", "status": 403})
    assert lab.apply().code == 12
    assert changes(lab) == {"cwlJson": "submit"}
    assert lab.apply().code == 0
    assert set(analyses(lab).values()) == {1}


def test_a_storage_is_meant_by_its_name_or_by_its_size(lab: Any) -> None:
    sizes = {
        "Small": ("Small", "small", "1.2TB", "1.2 TB", "1.20 tb"),
        "Medium": ("Medium", "MEDIUM", "2.4TB"),
        "Large": ("Large", "7.2 TB"),
    }
    ids = {each["name"]: each["id"] for each in objects(lab, "AnalysisStorage")}
    texts = {text: ids[name] for name, said in sizes.items() for text in said}
    names = {text: f"s{number}" for number, text in enumerate(texts)}
    ways = list(ALONE.values())
    lab.write(
        "cohort.yaml",
        batch(
            {names[text]: (f"analysisStorage: {text}", *ways[n % 2]) for n, text in enumerate(texts)}
            | {"none": TOGETHER["nextflow"]}
        ),
    )
    assert lab.apply().code == 0
    found = {each["user_reference"]: each["storage_id"] for each in objects(lab, "Analysis")}
    (own,) = [each["storage_id"] for each in objects(lab, "Pipeline") if each["name"] == "nf-core rnaseq"]
    assert found.pop("cohort/none") == own, "the pipeline's own"
    assert found == {f"cohort/{names[text]}": storage for text, storage in texts.items()}
    print(f"{len(texts)} texts")


def test_a_storage_that_ica_does_not_offer_is_answered_with_those_that_it_does(lab: Any) -> None:
    lab.control("POST", "/seed", {"analysisStorages": [{"name": "Small-2", "description": "1.2 TB"}]})
    for text, told in (
        ("Smal", "did you mean `Small`?"),
        ("3TB", "Large (7.2 TB), Medium (2.4 TB), Small (1.2 TB)"),
        ("1.2 TB", "several analysis storages are '1.2 TB': Small (1.2 TB), Small-2 (1.2 TB)"),
        ("at least 1.2 TB", "ICA offers"),
    ):
        lab.write("cohort.yaml", one(f"analysisStorage: {text}", TOGETHER["nextflow"][1]))
        ran = lab.apply()
        assert ran.code == 65
        assert told in ran.out, ran.out
    assert starts(lab) == Counter()


def test_a_size_is_found_in_a_snapshot_too(lab: Any, tmp_path: Path) -> None:
    lab.write("cohort.yaml", one("analysisStorage: 1.2 TB", TOGETHER["nextflow"][1]))
    file = tmp_path / "live.json"
    assert lab.run("export", "--snapshot", str(file), str(lab.folder)).code == 0
    ran = lab.plan("--from-snapshot", str(file))
    assert ran.json["plan_digest"] == lab.plan().json["plan_digest"]


def test_every_spelling_of_what_to_do_with_a_file_that_is_there_means_the_same(
    lab: Any, sent: list[tuple[str, str, Any]]
) -> None:
    words = ("OVERWRITE", "RENAME", "SKIP")
    spellings = [(spelt.title(), spelt, spelt.lower(), f"'{spelt.title()}'", f'"{spelt}"') for spelt in words]

    def said(turn: int) -> str:
        outs = {
            f"i{number}{word}": spelt[(turn + number) % 5]
            for word, spelt in zip(words, spellings, strict=True)
            for number in range(5)
        }
        output = (
            "analysisOutput: [{sourcePath: o, targetProjectId: wgs-dev, targetPath: /o, actionOnExist: %s}]"
        )
        return batch({name: (output % word, *TOGETHER["form"]) for name, word in outs.items()})

    lab.write("cohort.yaml", said(0))
    assert lab.apply("--first-run").code == 0
    (body,) = [each for path, _, each in sent if path.endswith("/analysisCreationBatch")]
    for each in body["nextflowJsonItems"]:
        assert each["userReference"].endswith(each["analysisOutput"][0]["actionOnExist"])
    for turn in range(1, 5):
        lab.write("cohort.yaml", said(turn))
        assert lab.plan().json["resource_changes"] == [], "another spelling is no change"
    print(f"{sum(map(len, spellings))} spellings")


def test_the_limit_of_external_files_holds_for_each_request(lab: Any) -> None:
    def custom(count: int) -> tuple[str, str]:
        files = ",".join(f"{{url: 'http://b/{n}', type: http}}" for n in range(count))
        return RNASEQ, f"analysisInput: {{customInput: 'a: 1', externalData: [{files}]}}"

    lab.write("cohort.yaml", batch({"a": custom(5_001), "b": custom(5_000), "c": TOGETHER["form"]}))
    assert lab.apply("--first-run").code == 0
    assert starts(lab) == {"nextflowWithCustomInput": 2, "analysisCreationBatch": 1}
    lab.write("cohort.yaml", batch({"a": custom(10_001)}))
    ran = lab.run("validate", str(lab.folder))
    assert ran.code == 65
    assert "names 10,001 external files, ICA takes 10,000 a request" in " ".join(ran.text.split())


def test_one_that_grows_sends_only_what_is_new(lab: Any) -> None:
    lab.write("cohort.yaml", batch({"a": ALONE["cwlJson"]}))
    assert lab.apply().code == 0
    lab.write("cohort.yaml", batch({"a": ALONE["cwlJson"], "b": ALONE["cwlJson"]}))
    assert changes(lab) == {"b": "submit"}
    assert lab.apply().code == 0
    changed = dedent(batch({"a": ALONE["cwlJson"], "b": ALONE["cwlJson"]})).replace("hg38", "hg19")
    lab.write("cohort.yaml", changed)
    assert changes(lab) == {"a": "held", "b": "held"}
    lab.write("cohort.yaml", changed.replace("spec:\n", "spec:\n  generation: 2\n"))
    assert lab.apply().code == 0
    assert set(analyses(lab).values()) == {2}
    assert starts(lab) == {"cwlJson": 4}
