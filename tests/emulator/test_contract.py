"""Every endpoint, called with libica 3.3's generated client: an independent reading of the contract."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

v3 = pytest.importorskip("libica.openapi.v3")

from libica.openapi.v3.api import (  # noqa: E402
    analysis_storage_api,
    job_api,
    pipeline_api,
    project_analysis_api,
    project_analysis_creation_batch_api,
    project_analysis_storage_api,
    project_api,
    project_pipeline_api,
    storage_credentials_api,
    token_api,
)
from libica.openapi.v3.exceptions import ApiException  # noqa: E402

from .conftest import V3, V4, Caller  # noqa: E402

# ICA has deprecated two of its own listings; people still call them.
pytestmark = pytest.mark.filterwarnings("ignore:GET .* is deprecated:DeprecationWarning")

SECRET = {"accessKeyId": "AKIADEMO", "secretAccessKey": "abc/def+ghi"}


@pytest.fixture
def client(ada: Caller) -> Any:
    configuration = v3.Configuration(host=ada.ica.base_url, api_key={"ApiKeyAuth": ada.ica.api_key})
    with v3.ApiClient(configuration) as opened:
        yield opened


def speaking(client: Any, media: str, content: str | None = None) -> Any:
    client.set_default_header("Accept", media)
    if content:
        client.set_default_header("Content-Type", content)
    return client


def test_tokens_are_minted(client: Any, ada: Caller) -> None:
    api = token_api.TokenApi(speaking(client, V3))
    assert api.create_jwt_token().token.count(".") == 2


def test_tokens_from_a_password_are_refreshed(ada: Caller) -> None:
    configuration = v3.Configuration(
        host=ada.ica.base_url, username="ada@demo-lab.example", password="demo-password"
    )
    with v3.ApiClient(configuration) as client:
        token = token_api.TokenApi(speaking(client, V3)).create_jwt_token(tenant="demo-lab").token
    configuration = v3.Configuration(host=ada.ica.base_url, access_token=token)
    with v3.ApiClient(configuration) as client:
        assert token_api.TokenApi(speaking(client, V3)).refresh_jwt_token().token


def test_projects_are_listed_and_read(client: Any) -> None:
    api = project_api.ProjectApi(speaking(client, V3))
    listed = api.get_projects(search="wgs", page_size="1")
    assert listed.next_page_token
    assert listed.remaining_records == 1
    assert api.get_project(str(listed.items[0].id)).name == listed.items[0].name


@pytest.mark.parametrize("media", [V3, V4])
def test_storage_credentials_are_created_read_shared_and_rotated(
    client: Any, ada: Caller, media: str
) -> None:
    api = storage_credentials_api.StorageCredentialsApi(speaking(client, media, media))
    one, several = (
        (v3.StorageCredentialV4, v3.StorageCredentialListV4)
        if media == V4
        else (v3.StorageCredential, v3.StorageCredentialList)
    )
    wanted = v3.CreateStorageCredentialV4.from_dict(
        {"name": "bucket", "type": "AWS_USER", "awsCredentials": SECRET}
    )
    made = parsed(one, api.create_storage_credential_without_preload_content(wanted), 201)
    read = api.get_storage_credential_without_preload_content(str(made.id))
    assert (parsed(one, read).name, bool(read.headers["ETag"])) == ("bucket", True)
    listed = parsed(several, api.get_storage_credentials_without_preload_content())
    assert [credential.id for credential in listed.items] == [made.id]
    speaking(client, V3, V3)
    ada.advance(5)
    api.share_storage_credential(str(made.id))
    update = v3.UpdateStorageCredentialSecrets.from_dict({"awsCredentials": SECRET})
    api.update_storage_credential_secrets(str(made.id), update)
    speaking(client, media)
    again = parsed(one, api.get_storage_credential_without_preload_content(str(made.id)))
    assert again.time_modified > made.time_modified


def test_a_role_credential_names_its_session_prefix(client: Any) -> None:
    api = storage_credentials_api.StorageCredentialsApi(speaking(client, V4, V4))
    made = api.create_storage_credential(v3.CreateStorageCredentialV4(name="role", type="AWS_ROLE"))
    assert made.aws_role_session_name_prefix


@pytest.mark.parametrize("media", [V3, V4])
def test_pipelines_are_listed_and_read_in_both_versions(client: Any, ada: Caller, media: str) -> None:
    api = project_pipeline_api.ProjectPipelineApi(speaking(client, media))
    project, several = ada.project(), v3.ProjectPipelineListV4 if media == V4 else v3.ProjectPipelineList
    listed = parsed(several, api.get_project_pipelines_without_preload_content(project))
    assert len(listed.items) == 5
    pipeline = str(listed.items[0].pipeline.id)
    answer = api.get_project_pipeline_without_preload_content(project, pipeline)
    one = parsed(v3.ProjectPipelineV4 if media == V4 else v3.ProjectPipeline, answer).pipeline
    assert (one.code, one.status) == ("DRAGEN Germline 4-0-3", "RELEASED")
    assert media == V3 or (one.status_as_string, one.version) == ("Deprecated", "4-0-3")
    alone = pipeline_api.PipelineApi(client)
    answer = alone.get_pipeline_without_preload_content(pipeline)
    assert parsed(v3.PipelineV4 if media == V4 else v3.PipelineV3, answer).code == one.code
    speaking(client, V3)
    assert len(alone.get_pipelines().items) == 5


def test_pipelines_are_searched(client: Any, ada: Caller) -> None:
    api = project_pipeline_api.ProjectPipelineApi(speaking(client, V3, V3))
    query = v3.PipelineQuery.from_dict({"statuses": ["Released"], "name": {"startsWith": "DRAGEN"}})
    found = api.search_pipelines(ada.project(), pipeline_query=query, sort="name desc", page_size="2")
    assert [p.code for p in found.items] == ["DRAGEN Somatic 4-3-6", "DRAGEN Germline 4-2-7"]
    assert (found.total_item_count, found.next_page_token) == (3, "")


def test_pipelines_are_linked_and_unlinked(client: Any, ada: Caller) -> None:
    api = project_pipeline_api.ProjectPipelineApi(speaking(client, V3))
    project, pipeline = ada.project("wgs-dev"), ada.pipeline("DRAGEN Germline 4-4-0")
    api.link_pipeline_to_project(project, pipeline)
    with pytest.raises(ApiException, match="not eligible to be added"):
        api.link_pipeline_to_project(project, pipeline)
    api.unlink_pipeline_from_project(project, pipeline)
    speaking(client, V4)
    assert pipeline not in [str(item.pipeline.id) for item in api.get_project_pipelines(project).items]


def test_pipelines_are_released_deprecated_and_archived(client: Any, ada: Caller) -> None:
    api = project_pipeline_api.ProjectPipelineApi(speaking(client, V3, V3))
    project, pipeline = ada.project("wgs-dev"), ada.pipeline("nf-core sarek 3-5")
    api.release_project_pipeline(project, pipeline)
    message = v3.DeprecatePipeline(message="Use another.")
    api.deprecate_project_pipeline(project, pipeline, deprecate_pipeline=message)
    pipeline_api.PipelineApi(client).deprecate_pipeline(pipeline, deprecate_pipeline=message)
    api.archive_project_pipeline(project, pipeline, archive_pipeline=v3.ArchivePipeline(message="Gone."))
    pipeline_api.PipelineApi(client).archive_pipeline(pipeline)
    speaking(client, V4)
    read = api.get_project_pipeline(project, pipeline)
    assert read.pipeline.status_as_string == "Archived"


def test_analysis_storages_are_listed(client: Any, ada: Caller) -> None:
    everywhere = analysis_storage_api.AnalysisStorageApi(speaking(client, V3)).get_analysis_storage_options()
    speaking(client, V4)
    here = project_analysis_storage_api.ProjectAnalysisStorageApi(client)
    names = [s.name for s in here.get_project_analysis_storage_options(ada.project()).items]
    assert names == [s.name for s in everywhere.items] == ["Small", "Medium", "Large"]


@pytest.mark.parametrize("media", [V3, V4])
def test_a_batch_runs_to_its_end(client: Any, ada: Caller, media: str) -> None:
    api = project_analysis_creation_batch_api.ProjectAnalysisCreationBatchApi(speaking(client, V3, V3))
    project = ada.project()
    items = [ada.item("run 1"), ada.item("run 2", "DRAGEN Germline 4-4-0"), ada.item("run 3")]
    wanted = v3.CreateAnalysisCreationBatch.from_dict({"nextflowItems": items})
    batch = api.create_analysis_creation_batch(project, wanted, idempotency_key="once")
    assert batch.job.status == "INITIALIZED"
    ada.advance(60)
    assert api.get_analysis_creation_batch(project, str(batch.id)).job.status == "PARTIALLY_SUCCEEDED"
    speaking(client, media)
    several, one = (
        (v3.AnalysisCreationBatchItemPagedListV4, v3.AnalysisCreationBatchItemV4)
        if media == V4
        else (v3.AnalysisCreationBatchItemPagedListV3, v3.AnalysisCreationBatchItemV3)
    )
    where = (project, str(batch.id))
    items = api.get_analysis_creation_batch_items_without_preload_content(*where, status=["SUCCEEDED"])
    listed = parsed(several, items)
    assert [item.request.user_reference for item in listed.items] == ["run 1", "run 3"]
    item = api.get_analysis_creation_batch_item_without_preload_content(*where, str(listed.items[0].id))
    assert parsed(one, item).created_analysis.status == "SUCCEEDED"


def test_jobs_are_listed_and_read_while_they_are_under_way(client: Any, ada: Caller, grace: Caller) -> None:
    path = f"/api/projects/{ada.project()}/analysisCreationBatch"
    batches = []
    for name in ("one", "two"):
        batches.append(ada("POST", path, json={"nextflowItems": [ada.item(name)]}).json()["id"])
        ada.advance(0.5)
    api = job_api.JobApi(speaking(client, V3))
    listed = api.get_jobs()
    assert [(str(each.subject_id), each.subject_type, each.status) for each in listed.items] == [
        (batches[0], "AnalysisCreationBatch", "RUNNING"),
        (batches[1], "AnalysisCreationBatch", "RUNNING"),
    ]
    assert str(api.get_job(str(listed.items[0].id)).project.id) == ada.project()
    ada.advance(0.5)
    running = api.get_jobs(status=["INITIALIZED", "RUNNING"])
    assert [str(each.subject_id) for each in running.items] == batches[1:]
    ada.advance(10)
    assert api.get_jobs(status=["INITIALIZED", "RUNNING"]).items == []
    latest = api.get_jobs(sort="timeFinished desc", page_size="1")
    assert [str(each.subject_id) for each in latest.items] == batches[1:]
    assert len(grace("GET", "/api/jobs").json()["items"]) == 2, "of the project's other members, too"
    assert grace("GET", "/api/jobs?status=DONE").status_code == 400


def test_jobs_of_another_tenant_do_not_exist(ada: Caller, linus: Caller) -> None:
    path = f"/api/projects/{ada.project()}/analysisCreationBatch"
    job = ada("POST", path, json={"nextflowItems": [ada.item("one")]}).json()["job"]["id"]
    assert ada("GET", f"/api/jobs/{job}").status_code == 200
    assert linus("GET", f"/api/jobs/{job}").status_code == 404
    assert linus("GET", "/api/jobs").json()["items"] == []


STARTERS: list[tuple[str, str, dict[str, Any]]] = [
    ("cwl", "DRAGEN Germline 4-4-0", {"analysisInput": {"objectType": "STRUCTURED", "inputs": []}}),
    ("cwl", "DRAGEN Germline 4-4-0", {"analysisInput": {"objectType": "JSON", "inputJson": "{}"}}),
    ("cwlJson", "DRAGEN Germline 4-4-0", {"inputFormValues": {"fields": []}}),
    ("cwlWithJsonInput", "DRAGEN Germline 4-4-0", {"analysisInput": {"inputJson": "{}"}}),
    ("cwlWithStructuredInput", "DRAGEN Germline 4-4-0", {"analysisInput": {"inputs": []}}),
    ("nextflow", "nf-core rnaseq 3-14", {"analysisInput": {"inputs": []}}),
    ("nextflowJson", "nf-core rnaseq 3-14", {"inputFormValues": {"fields": []}}),
    ("nextflowWithCustomInput", "nf-core rnaseq 3-14", {"analysisInput": {"customInput": "{}"}}),
]


@pytest.mark.parametrize(("verb", "code", "rest"), STARTERS)
def test_each_starter_starts_an_analysis(ada: Caller, verb: str, code: str, rest: dict[str, Any]) -> None:
    body = {"userReference": "single", "pipelineId": ada.pipeline(code), **rest}
    answer = ada(
        "POST", f"/api/projects/{ada.project()}/analysis:{verb}", V4, json=body, headers={"Content-Type": V4}
    )
    assert answer.status_code == 201, answer.text
    assert v3.AnalysisV4.from_json(answer.text).status == "REQUESTED"


def test_an_analysis_is_started_read_retagged_searched_and_aborted(client: Any, ada: Caller) -> None:
    api, project = project_analysis_api.ProjectAnalysisApi(speaking(client, V4, V4)), ada.project()
    wanted = v3.CreateNextflowAnalysis.from_dict(ada.item("single", tags={"userTags": ["wgs"]}))
    made = api.create_nextflow_analysis(project, wanted, idempotency_key=str(uuid.uuid4()))
    read = api.get_analysis_with_http_info(project, str(made.id))
    analysis = read.data
    tags = v3.AnalysisTag(technicalTags=["t"], userTags=["wgs"], referenceTags=[])
    changed = analysis.model_copy(update={"tags": tags})
    put = api.update_analysis(project, str(made.id), changed, if_match=read.headers["etag"])
    assert put.tags.technical_tags == ["t"]
    speaking(client, V3, V3)
    query = v3.AnalysisQueryParametersPipeline.from_dict({"technicalTags": ["t"], "userReference": "single"})
    found = api.search_analyses(project, analysis_query_parameters_pipeline=query)
    assert [a.id for a in found.items] == [made.id]
    assert [a.id for a in api.get_analyses(project, usertag="wgs").items] == [made.id]
    api.abort_analysis(project, str(made.id))
    ada.advance(1)
    last = api.get_analysis_without_preload_content(project, str(made.id))
    assert parsed(v3.AnalysisV3, last).status == "ABORTED"


def test_outputs_exist_once_an_analysis_has_succeeded(client: Any, ada: Caller) -> None:
    api, project = project_analysis_api.ProjectAnalysisApi(speaking(client, V4, V4)), ada.project()
    made = api.create_nextflow_analysis(project, v3.CreateNextflowAnalysis.from_dict(ada.item("one")))
    speaking(client, V3)
    assert api.get_analysis_outputs(project, str(made.id)).items == []
    ada.advance(60)
    assert api.get_analysis_outputs(project, str(made.id)).items[0].data[0].data_type == "FOLDER"


def parsed(model: Any, answer: Any, status: int = 200) -> Any:
    """libica's client reads only the newest version of an answer; its models know the others as well."""
    body = answer.read()
    assert answer.status == status, body
    return model.from_json(body.decode())
