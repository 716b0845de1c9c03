"""Data in manifests: by id, by urn, by URI; looked for in few calls, and what is wrong told at its line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from icaform.data import AROUND, LONGEST_PATH, LONGEST_URL, REMEDIES
from icaform.diagnostic import MOST_TOLD
from tests.front.conftest import Lab

RUN = "icav2://wgs-prod/runs/2026-11-20/"
FILE, FOLDER = RUN + "NA12878_R1.fastq.gz", "icav2://wgs-prod/references/hg38/"
REGION = "urn:ilmn:ica:region:28e94142-7fd5-55b4-9074-cf57b6afe118:data:"


def item(name: str, data: Iterable[str], **more: Any) -> dict[str, Any]:
    """An item that reads these data, in one list."""
    inputs = [{"parameterCode": "reads", "dataIds": list(data)}]
    return {"name": name, "userReference": name, "analysisInput": {"inputs": inputs}, **more}


def batch(lab: Lab, *items: dict[str, Any], name: str = "cohort", **spec: Any) -> None:
    """A manifest, a value a line, so that each has a line of its own."""
    document = {
        "apiVersion": "icaform/v1",
        "kind": "AnalysisBatch",
        "metadata": {"name": name},
        "spec": {"defaults": {"pipeline": {"code": "nf-core rnaseq 3-14"}}, "items": items, **spec},
    }
    lab.write(f"{name}.yaml", json.dumps(document, indent=1, ensure_ascii=False).replace("\x85", "\\u0085"))


def seed(lab: Lab, paths: Iterable[str], project: str = "wgs-prod", **more: Any) -> None:
    lab.control("POST", "/seed", {"data": [{"path": each, "project": project, **more} for each in paths]})


def ids(lab: Lab, project: str = "wgs-prod") -> dict[str, str]:
    """The ids of all data of a project, by path."""
    place = next(row["id"] for row in lab.api("GET", "/api/projects")["items"] if row["name"] == project)
    rows = lab.api("GET", f"/api/projects/{place}/data?pageSize=1000")["items"]
    return {row["data"]["details"]["path"]: row["data"]["id"] for row in rows}


def sent(lab: Lab) -> list[dict[str, Any]]:
    """Every item that the journal says was sent."""
    with sqlite3.connect(lab.folder / ".icaform/journal.sqlite") as database:
        entries = [json.loads(text) for (text,) in database.execute("SELECT text FROM entry ORDER BY number")]
    bodies = [json.loads(entry["body"]) for entry in entries if entry.get("body")]
    lists = [[[body]] if "userReference" in body else list(body.values()) for body in bodies]
    return [each for all_ in lists for items in all_ for each in items]


def looks(lab: Lab) -> list[list[str]]:
    """The paths that each look for data asked for."""
    calls = [parse_qsl(each["query"], strict_parsing=True) for each in lab.requests("GET", "/data")]
    return [[value for name, value in call if name == "filePath"] for call in calls]


def found(lab: Lab, code: int = 65) -> list[dict[str, Any]]:
    """What a plan says is wrong, and then ends so."""
    ran = lab.plan()
    wrong = [each for each in ran.json["diagnostics"] if each["severity"] == "error"]
    assert ran.code == (code if wrong else 0), ran.text[:2000]
    return wrong


PLACES: dict[str, Any] = {
    "inputs": lambda text: {"analysisInput": {"inputs": [{"parameterCode": "a", "dataIds": [text]}]}},
    "mounts": lambda text: {
        "analysisInput": {"inputs": [{"parameterCode": "a", "mounts": [{"dataId": text, "mountPath": "x"}]}]}
    },
    "form": lambda text: {"inputFormValues": {"fields": [{"id": "a", "dataValues": [{"dataId": text}]}]}},
    "group": lambda text: {
        "inputFormValues": {
            "groups": [{"id": "g", "values": [{"values": [{"id": "a", "dataValues": [{"dataId": text}]}]}]}]
        }
    },
    "json": lambda text: {
        "pipeline": {"code": "DRAGEN Germline 4-4-0"},
        "analysisInput": {"objectType": "JSON", "inputJson": "{}", "dataIds": [text]},
    },
    "json mounts": lambda text: {
        "pipeline": {"code": "DRAGEN Germline 4-4-0"},
        "analysisInput": {
            "objectType": "JSON",
            "inputJson": "{}",
            "mounts": [{"dataId": text, "mountPath": "x"}],
        },
    },
    "custom": lambda text: {"analysisInput": {"customInput": "a: b", "dataIds": [text]}},
    "output": lambda text: {"analysisInput": {"inputs": []}, "outputParentFolderId": text},
    "logs": lambda text: {"analysisInput": {"inputs": []}, "logs": {"logsFolderId": text}},
}
NAMES = {
    "id": ("fol.0a1b2c3d", "fol.0a1b2c3d", 0),
    "urn": (REGION + "fol.0a1b2c3d#/any where/", "fol.0a1b2c3d", 0),
    "short urn": ("urn:ilmn:ica:data:fol.0a1b2c3d", "fol.0a1b2c3d", 0),
    "uri": (FOLDER, "", 1),
}


def test_every_field_that_wants_data_takes_every_name_of_it(lab: Lab) -> None:
    folder = ids(lab)["/references/hg38/"]
    for way, (text, identity, calls) in NAMES.items():
        items = [
            {"name": place.replace(" ", "-"), "userReference": f"{way} {place}", **make(text)}
            for place, make in PLACES.items()
        ]
        lab.forget_requests()
        name = way.replace(" ", "-")
        batch(lab, *items, name=name)
        assert lab.run("plan", str(lab.folder), "--only", f"AnalysisBatch/{name}").code == 0
        assert len(looks(lab)) == calls
        ran = lab.run("apply", str(lab.folder), "--yes", "--only", f"AnalysisBatch/{name}*")
        assert ran.code == 0, ran.text
        mine = [each for each in sent(lab) if each["userReference"].startswith(f"{way} ")]
        assert len(mine) == len(PLACES)
        for body in mine:
            assert f'"{identity or folder}"' in json.dumps(body), body
            assert "icav2:" not in json.dumps(body).replace(json.dumps(body["tags"]), "")
    print(f"{len(PLACES)} places, {len(NAMES)} names")


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_uris_are_looked_for_in_as_few_calls_as_a_url_permits(lab: Lab, count: int) -> None:
    paths = [f"/cohort/S{number:06d}.fastq.gz" for number in range(count)]
    seed(lab, paths)
    batch(lab, *(item(f"s{number}", [f"icav2://wgs-prod{path}"]) for number, path in enumerate(paths)))
    assert found(lab) == []
    asked = looks(lab)
    assert sorted(path for call in asked for path in call) == paths
    # Each slash takes three characters in a URL.
    per_call = (LONGEST_URL - AROUND) // (len("&filePath=") + len(paths[0]) + 2 * paths[0].count("/"))
    assert len(asked) == -(-count // per_call)
    longest = max(len(each["path"] + "?" + each["query"]) for each in lab.requests("GET", "/data"))
    assert longest + len("https://ica.illumina.com/ica/rest") <= LONGEST_URL
    print(f"{count} URIs, {len(asked)} calls, {per_call} a call; the longest URL has {longest} characters")


def test_batches_and_projects_are_looked_at_together_and_each_project_once(lab: Lab) -> None:
    other = next(row["id"] for row in lab.api("GET", "/api/projects")["items"] if row["name"] == "wgs-dev")
    bed = "/panel.bed"
    texts = [
        FILE,
        f"icav2://wgs-dev{bed}",
        f"icav2://{other}{bed}",
        f"icav2://urn:ilmn:ica:project:{other}{bed}",
    ]
    for name in ("one", "two"):
        batch(lab, item(f"{name} a".replace(" ", "-"), texts), item(f"{name}-b", texts), name=name)
    lab.forget_requests()
    assert found(lab) == []
    assert sorted(looks(lab)) == [["/panel.bed"], ["/runs/2026-11-20/NA12878_R1.fastq.gz"]]
    assert len(lab.requests("GET", "/api/projects")) - len(lab.requests("GET", "/api/projects/")) == 2


def test_only_items_that_are_to_be_sent_are_looked_up(lab: Lab) -> None:
    batch(lab, item("a", [FILE]))
    assert lab.apply().code == 0
    lab.forget_requests()
    again = lab.plan("--detailed-exitcode")
    assert (again.code, looks(lab)) == (0, [])
    batch(lab, item("a", [FILE]), item("b", [RUN + "NA12891_R1.fastq.gz"]))
    assert found(lab) == []
    assert looks(lab) == [["/runs/2026-11-20/NA12891_R1.fastq.gz"]]


def test_a_file_that_is_another_one_later_makes_no_item_another(lab: Lab) -> None:
    seed(lab, ["/a.bam"], id="fil.first")
    batch(lab, item("a", ["icav2://wgs-prod/a.bam"]))
    assert lab.apply().code == 0
    for more in ({"id": "fil.second"}, {"id": "fil.second", "status": "DELETING"}):
        seed(lab, ["/a.bam"], **more)
        again = lab.plan("--detailed-exitcode")
        assert (again.code, again.json["resource_changes"]) == (0, []), again.text
    assert [each["analysisInput"]["inputs"][0]["dataIds"] for each in sent(lab)] == [["fil.first"]]


CASES = {
    RUN + "NA12878_R9.fastq.gz": ("not-found", "20/NA12878_R9.fastq.gz' in project", "correct the path"),
    RUN + "na12878_R1.fastq.gz": ("not-found", "there is no file", f"did you mean `{FILE}`?"),
    FOLDER[:-1]: ("not-found", "there is no file '/references/hg38'", "it is a folder: end it with a slash"),
    FILE + "/": ("not-found", "there is no folder", "it is a file: write it without the slash"),
    "icav2://wgs-prod/a%20b.bam": ("not-found", "'/a%20b.bam'", "write %20 as the space"),
    "icav2://wgs-prd/a.bam": ("not-found", "no project that you may see is named 'wgs-prd'", "`wgs-prod`"),
    "icav2://wgs-prod/archive/NA12877_R1.fastq.gz": ("bad-value", "is ARCHIVED", "unarchive it"),
    "icav2://wgs-prod/twice.bam": ("ambiguous", "fil.1 of 'wgs-prod', fil.2 of 'wgs-dev'", "write the id"),
}  # fmt: skip


def test_what_is_wrong_is_told_at_its_line_all_at_once(lab: Lab) -> None:
    seed(lab, ["/twice.bam"], id="fil.1")
    seed(lab, ["/twice.bam"], "wgs-dev", id="fil.2", projects=["wgs-prod"])
    batch(lab, item("a", [FILE, *CASES]), item("b", [FILE]))
    lines = (lab.folder / "cohort.yaml").read_text().splitlines()
    told = found(lab)
    assert len(told) == len(CASES)
    for text, (code, summary, remedy) in CASES.items():
        (one,) = [each for each in told if f'"{text}"' in lines[each["source"]["line"] - 1]]
        assert one["code"] == code
        assert summary in one["summary"]
        assert remedy in one["remedy"]
        assert one["source"]["column"] == lines[one["source"]["line"] - 1].index('"') + 1
    assert lab.writes() == []
    ran = lab.run("apply", str(lab.folder), "--yes")
    assert ran.code == 65
    assert lab.writes() == []
    print(f"{len(CASES)} faults")


def test_a_fault_in_the_defaults_is_told_once_and_holds_every_item(lab: Lab) -> None:
    items = [item(f"s{number}", [FILE]) for number in range(3)]
    folder = {"outputParentFolderId": "icav2://wgs-dev/nowhere/"}
    batch(lab, *items, defaults={"pipeline": {"code": "nf-core rnaseq 3-14"}, **folder})
    (told,) = found(lab)
    assert told["address"] == "AnalysisBatch/cohort"
    assert "nowhere" in (lab.folder / "cohort.yaml").read_text().splitlines()[told["source"]["line"] - 1]
    assert lab.plan().json["resource_changes"] == []


def test_a_thousand_faults_are_told_and_the_rest_is_said(lab: Lab) -> None:
    count = MOST_TOLD + 5
    batch(lab, *(item(f"s{number}", [f"icav2://wgs-prod/none/{number}"]) for number in range(count)))
    told = found(lab)
    assert len(told) == MOST_TOLD + 1
    assert told[-1]["code"] == "too-large"
    assert lab.plan().json["resource_changes"] == []


def test_data_that_cannot_be_read_is_an_error_and_a_folder_is_written_to_unless_it_goes(lab: Lab) -> None:
    for status in (*REMEDIES, "AVAILABLE"):
        seed(lab, ["/some.bam", "/some/"], status=status)
        batch(lab, item("read", ["icav2://wgs-prod/some.bam"]), name="read")
        batch(lab, item("written", [FILE], outputParentFolderId="icav2://wgs-prod/some/"), name="written")
        told = {each["address"]: each["remedy"] for each in found(lab)}
        wrong = {"AnalysisBatch/read[read]"} if status in REMEDIES else set()
        assert set(told) == wrong | ({"AnalysisBatch/written[written]"} if status == "DELETING" else set())
        assert set(told.values()) <= {REMEDIES.get(status)}


def test_a_slash_tells_a_folder_from_a_file_of_the_same_path_and_letter_case_counts(lab: Lab) -> None:
    seed(lab, ["/same"], id="fil.1")
    seed(lab, ["/same/"], id="fol.2")
    seed(lab, ["/SAME"], id="fil.3")
    batch(lab, item("a", [f"icav2://wgs-prod/{each}" for each in ("same", "same/", "SAME")]))
    assert lab.apply().code == 0
    assert sent(lab)[0]["analysisInput"]["inputs"][0]["dataIds"] == ["fil.1", "fol.2", "fil.3"]


STRANGE = [
    "a b.bam",
    "a+b.bam",
    "a%2Fb.bam",
    "a%20b.bam",
    "a&filePath=b?c#d.bam",
    "é.bam",
    "e\u0301.bam",
    "数据/样本.bam",
    "a\u202eb.bam",
    "\U0001f9ec.bam",
    "~-_.!*'();:@=$,[].bam",
    "..bam",
    "x" * 1000,
]


def test_a_uri_is_taken_as_it_stands_whatever_characters_it_has(lab: Lab) -> None:
    seed(lab, [f"/{each}" for each in STRANGE])
    batch(lab, item("a", [f"icav2://wgs-prod/{each}" for each in STRANGE]))
    assert lab.apply().code == 0
    known = ids(lab)
    assert sent(lab)[0]["analysisInput"]["inputs"][0]["dataIds"] == [known[f"/{each}"] for each in STRANGE]
    print(f"{len(STRANGE)} names of files")


WRONG = {
    "": "at least 1 character",
    "icav2://": "lacks a project or a path",
    "icav2://wgs-prod": "lacks a project or a path",
    "icav2://wgs-prod/": "lacks a project or a path",
    "icav2:///a": "lacks a project or a path",
    "icav2://wgs-prod//a": "an empty part",
    "icav2://wgs-prod/a//": "an empty part",
    "icav2://wgs-prod/a/../b": "an empty part",
    "icav2://wgs-prod/./a": "an empty part",
    "icav2://wgs-prod/..": "an empty part",
    "icav2://wgs-prod/a\nb": "a character",
    "icav2://wgs-prod/a\u0000b": "a character",
    "icav2://wgs-prod/a\u001bb": "a character",
    "icav2://wgs-prod/a\u0085b": "a character",
    "icav2://wgs-prod/" + "x" * (LONGEST_PATH + 1): "in a URL",
    "icav2://wgs-prod/" + "é" * (LONGEST_PATH // 6 + 1): "in a URL",
    "ICAV2://wgs-prod/a": "neither an id",
    "icav2:/wgs-prod/a": "neither an id",
    "s3://bucket/a": "neither an id",
    "/runs/a": "neither an id",
    "fil.1 ": "neither an id",
    "fil.\u00001": "no id",
    "x" * 256: "no id",
    "urn:ilmn:ica:project:x": "no urn of data",
    "urn:ilmn:ica:region:x:data:": "no urn of data",
    "urn:ilmn:ica:region:x:data:fil.1/b": "no urn of data",
}


def test_a_name_that_can_be_none_is_refused_offline_at_its_place(lab: Lab) -> None:
    for text, why in WRONG.items():
        batch(lab, item("a", [FILE, text]))
        ran = lab.run("validate", str(lab.folder), "--output", "json")
        (told,) = ran.json["diagnostics"]
        assert (ran.code, told["code"]) == (65, "bad-value"), text
        assert why in told["summary"], text
    for field in ({"outputParentFolderId": FILE}, {"logs": {"logsFolderId": FILE}}):
        batch(lab, item("a", [FILE], **field))
        ran = lab.run("validate", str(lab.folder), "--output", "json")
        assert "must be that of a folder" in ran.json["diagnostics"][0]["summary"]
    assert lab.requests() == []
    print(f"{len(WRONG)} names")


def test_a_look_that_fails_is_made_again_and_one_that_is_refused_stops_the_plan(lab: Lab) -> None:
    batch(lab, item("a", [FILE]))
    fault = {"match": {"method": "GET", "path": "*/data"}, "do": "status"}
    lab.control("PUT", "/faults", [{**fault, "times": 2, "status": 503}])
    assert found(lab) == []
    assert len(looks(lab)) == 3
    lab.control("PUT", "/faults", [{**fault, "times": 9, "status": 403}])
    (told,) = found(lab, 77)
    assert "/data" in told["summary"]
    lab.control("DELETE", "/faults")


def test_the_older_api_is_asked_just_so(old_lab: Lab) -> None:
    batch(old_lab, item("a", [FILE, FOLDER]))
    assert old_lab.apply().code == 0
    known = ids(old_lab)
    wanted = [known["/runs/2026-11-20/NA12878_R1.fastq.gz"], known["/references/hg38/"]]
    assert sent(old_lab)[0]["analysisInput"]["inputs"][0]["dataIds"] == wanted


def test_a_snapshot_holds_what_the_manifests_name_and_tells_of_nothing_else(lab: Lab) -> None:
    batch(lab, item("a", [FILE]))
    file = lab.folder / ".live.json"
    assert lab.run("export", "--snapshot", str(file), str(lab.folder)).code == 0
    offline = lab.run("plan", str(lab.folder), "--from-snapshot", str(file), "--output", "json")
    assert (offline.code, offline.json["plan_digest"]) == (0, lab.plan().json["plan_digest"])
    batch(lab, item("a", [FOLDER]))
    offline = lab.run("plan", str(lab.folder), "--from-snapshot", str(file))
    assert offline.code == 78
    assert "does not tell what ICA answers" in offline.text
