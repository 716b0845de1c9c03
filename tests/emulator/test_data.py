"""Data of projects: listed, filtered, paged and read; libica's client reads every answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

v3 = pytest.importorskip("libica.openapi.v3")

from libica.openapi.v3.api import data_api, project_data_api  # noqa: E402

from .conftest import V3, V4, Caller  # noqa: E402

RUN = "/runs/2026-11-20/"
READS = [f"{RUN}{sample}_{read}.fastq.gz" for sample in ("NA12878", "NA12891") for read in ("R1", "R2")]
HG38 = ["/references/hg38/", "/references/hg38/genome.fa"]


@pytest.fixture
def client(ada: Caller) -> Any:
    configuration = v3.Configuration(host=ada.ica.base_url, api_key={"ApiKeyAuth": ada.ica.api_key})
    with v3.ApiClient(configuration) as opened:
        opened.set_default_header("Accept", V3)
        yield opened


def listed(caller: Caller, query: str = "", project: str = "wgs-prod") -> Any:
    answer = caller("GET", f"/api/projects/{caller.project(project)}/data?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def paths(caller: Caller, query: str = "", project: str = "wgs-prod") -> list[str]:
    return sorted(row["data"]["details"]["path"] for row in listed(caller, query, project)["items"])


def test_data_is_listed_and_read_in_a_project_and_by_its_urn(client: Any, ada: Caller) -> None:
    api = project_data_api.ProjectDataApi(client)
    project = ada.project()
    page = api.get_project_data_list(
        project,
        file_path=[READS[0], READS[1], "/nothing"],
        file_path_match_mode="FULL_CASE_INSENSITIVE",
        page_size="10",
    )
    assert [(row.data.details.path, row.data.details.data_type) for row in page.items] == [
        (READS[0], "FILE"),
        (READS[1], "FILE"),
    ]
    assert (page.remaining_records, page.next_page_token) == (0, "")
    one = page.items[0].data
    assert one.id.startswith("fil.")
    assert api.get_project_data(project, one.id).data.details.name == "NA12878_R1.fastq.gz"
    assert data_api.DataApi(client).get_data(one.urn).id == one.id
    assert data_api.DataApi(client).get_data(one.urn.partition("#")[0]).details.status == "AVAILABLE"


def test_a_folder_s_path_ends_with_a_slash_and_folders_above_a_file_are_there(ada: Caller) -> None:
    rows = {row["data"]["details"]["path"]: row["data"] for row in listed(ada, "type=FOLDER")["items"]}
    assert sorted(rows) == ["/archive/", "/references/", "/references/hg38/", "/runs/", RUN]
    assert rows[RUN]["details"]["name"] == "2026-11-20"
    assert rows[RUN]["id"].startswith("fol.")
    assert rows[RUN]["folderDetails"] == {"nonIndexed": False}


def test_a_path_matches_in_any_letter_case_whole_or_from_its_beginning(ada: Caller) -> None:
    whole = "filePathMatchMode=FULL_CASE_INSENSITIVE&filePath="
    assert paths(ada, whole + READS[0].upper()) == [READS[0]]
    assert paths(ada, whole + READS[0] + "&filePath=" + RUN) == [RUN, READS[0]]
    assert paths(ada, whole + RUN.rstrip("/")) == []
    assert paths(ada, f"filePath={RUN}NA12878") == READS[:2]
    assert len(paths(ada, "filePath=/RUNS/")) == 8


def test_filters_of_one_name_are_any_of_and_of_several_all_of(ada: Caller) -> None:
    name = "NA12878_R1.fastq.gz"
    assert paths(ada, f"filename={name}&filename=genome.fa") == [HG38[1], READS[0]]
    assert paths(ada, f"filename={name}&type=FOLDER") == []
    assert paths(ada, "filename=na12878&filenameMatchMode=FUZZY") == READS[:2]
    assert name not in str(paths(ada, f"filename={name}&filenameMatchMode=EXCLUDE"))
    assert paths(ada, "status=ARCHIVED&status=DELETING") == ["/archive/NA12877_R1.fastq.gz"]
    assert paths(ada, "parentFolderPath=/references/") == ["/references/hg38/"]
    identity = listed(ada, f"filename={name}")["items"][0]["data"]["id"]
    assert paths(ada, f"id={identity}&id=fil.0") == [READS[0]]


@pytest.mark.parametrize(
    "query",
    [
        "status=GONE",
        "type=LINK",
        "filePathMatchMode=EXACT",
        "filenameMatchMode=exact",
        "fullText=x",
        "userTag=x",
        "sort=tags",
        "pageSize=1001",
    ],
)
def test_a_filter_that_is_unknown_or_not_imitated_is_a_400_and_no_list(ada: Caller, query: str) -> None:
    answer = ada("GET", f"/api/projects/{ada.project()}/data?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["parameters"]


def test_a_url_of_more_than_two_thousand_characters_is_refused(ada: Caller) -> None:
    place = f"/ica/rest/api/projects/{ada.project()}/data?filePath="
    for length, status in ((2000, 200), (2001, 414)):
        path = "x" * (length - len(place))
        answer = ada("GET", place.removeprefix("/ica/rest") + path)
        assert answer.status_code == status


@pytest.mark.parametrize("size", [1, 3, 100])
def test_data_is_paged_by_cursor_and_sorted_by_offset(ada: Caller, size: int) -> None:
    seen: list[str] = []
    token = ""
    while True:
        page = listed(ada, f"pageSize={size}&pageToken={token}")
        seen += [row["data"]["details"]["path"] for row in page["items"]]
        token = page["nextPageToken"]
        if not token:
            break
    whole = paths(ada)
    assert sorted(seen) == whole
    assert len(set(seen)) == len(whole) == 13
    ordered: list[str] = []
    for offset in range(0, len(whole), size):
        page = listed(ada, f"pageSize={size}&pageOffset={offset}&sort=path desc")
        assert page["totalItemCount"] == len(whole)
        ordered += [row["data"]["details"]["path"] for row in page["items"]]
    assert ordered == whole[::-1]


def test_linked_data_shows_with_all_that_is_in_it_and_says_whose_it_is(ada: Caller) -> None:
    rows = listed(ada, "filePath=/references/", "wgs-dev")["items"]
    assert paths(ada, "filePath=/references/", "wgs-dev") == HG38
    assert {row["projectId"] for row in rows} == {ada.project("wgs-dev")}
    assert {row["data"]["details"]["owningProjectName"] for row in rows} == {"wgs-prod"}
    owner = ada.project()
    assert len(listed(ada, f"owningProjectId={owner}", "wgs-dev")["items"]) == 2
    there = f"/api/projects/{ada.project('wgs-dev')}/data/"
    assert ada("GET", there + rows[0]["data"]["id"]).status_code == 200
    other = listed(ada, f"filePath={RUN}")["items"][0]["data"]["id"]
    assert ada("GET", there + other).status_code == 404


def test_data_of_another_tenant_does_not_exist(ada: Caller, linus: Caller) -> None:
    project = ada.project()
    row = listed(ada)["items"][0]["data"]
    for path in (
        f"/api/projects/{project}/data",
        f"/api/projects/{project}/data/{row['id']}",
        f"/api/data/{quote(row['urn'], safe='')}",
    ):
        assert ada("GET", path).status_code == 200, path
        assert linus("GET", path).status_code == 404, path


@pytest.mark.parametrize(
    "urn", ["fil.1", "urn:ilmn:ica:data:fil.1", "urn:ilmn:ica:region:x:data:fil.1", "urn:ilmn:ica:region:"]
)
def test_what_is_no_urn_of_data_is_a_400(ada: Caller, urn: str) -> None:
    assert ada("GET", f"/api/data/{urn}").status_code == 400


@pytest.mark.parametrize("generation", ["ada", "april"])
def test_data_is_spoken_of_in_v3_alone_by_both_generations(
    request: pytest.FixtureRequest, generation: str
) -> None:
    caller: Caller = request.getfixturevalue(generation)
    path = f"/api/projects/{caller.project()}/data"
    assert caller("GET", path).status_code == 200
    for accept in (V4, "application/json", "*/*", None):
        answer = caller("GET", path, accept)
        assert (answer.status_code, answer.json()["title"]) == (400, "ICA_API_004"), accept


WRONG = "icav2://wgs-prod/panel.bed"
INPUTS: list[dict[str, Any]] = [
    {"analysisInput": {"inputs": [{"parameterCode": "a", "dataIds": ["fil.1", WRONG]}]}},
    {"analysisInput": {"inputs": [{"parameterCode": "a", "mounts": [{"dataId": WRONG, "mountPath": "x"}]}]}},
    {"analysisInput": {"inputs": []}, "outputParentFolderId": "a b"},
    {"analysisInput": {"inputs": []}, "logs": {"logsFolderId": "/logs/"}},
]


def test_what_cannot_be_an_id_of_data_fails_an_item_and_a_single_start(ada: Caller) -> None:
    here = f"/api/projects/{ada.project()}"
    items = [ada.item(f"run {number}", **wrong) for number, wrong in enumerate(INPUTS)]
    right = {"analysisInput": {"inputs": [{"parameterCode": "a", "dataIds": ["fil.1"]}]}}
    items.append(ada.item("right", **right))
    batch = ada("POST", f"{here}/analysisCreationBatch", json={"nextflowItems": items}).json()["id"]
    ada.advance(60)
    rows = ada("GET", f"{here}/analysisCreationBatch/{batch}/items").json()["items"]
    assert [row["processing"]["status"] for row in rows] == ["FAILED"] * len(INPUTS) + ["SUCCEEDED"]
    for item in items:
        answer = ada("POST", f"{here}/analysis:nextflow", json=item)
        assert answer.status_code == (201 if item["userReference"] == "right" else 400), answer.text


def test_a_seed_of_data_that_makes_no_sense_is_refused(ada: Caller) -> None:
    for path, status in (
        ("panel.bed", "AVAILABLE"),
        ("/", "AVAILABLE"),
        ("/a//b", "AVAILABLE"),
        ("/a", "OK"),
    ):
        entry = {"path": path, "project": "wgs-dev", "status": status}
        with pytest.raises(Exception, match="400"):
            ada.control("POST", "/seed", {"data": [entry]})
