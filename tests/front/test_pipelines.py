"""Pipeline: released, deprecated, archived, forward only; selected so that nobody guesses."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.front import everything

ORDER = ("Draft", "Released", "Deprecated", "Archived")
BULK = {"name": "bulk", "project": "wgs-prod", "owner": "ada"}
IDS = {
    "id": "00000000-0000-4000-8000-000000000001",
    "twin": "00000000-0000-4000-8000-000000000002",
}


def seed(lab: Any, **more: Any) -> None:
    """One more pipeline in wgs-prod."""
    pipeline = {"name": "p", "version": "1", "owner": "ada", "projects": ["wgs-prod"], "id": IDS["id"]}
    lab.control("POST", "/seed", {"pipelines": [pipeline | more]})


def manifest(status: str, select: str = "code: p 1", more: str = "", name: str = "p") -> str:
    return (
        f"apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {{name: {name}}}\nspec:\n"
        f"  select: {{{select}}}\n  status: {status}\n{more}"
    )


def live(lab: Any, code: str = "p 1") -> tuple[str, str | None]:
    """Status and message as the emulator has them."""
    (found,) = (each for each in everything.objects(lab, "Pipeline") if each["code"] == code)
    return found["status"], found["message"]


def paths(lab: Any) -> list[str]:
    return [each["path"] for each in lab.writes()]


def test_every_step_is_forward_or_refused_with_the_reason(lab: Any) -> None:
    tried = 0
    for before, after in product(ORDER, ORDER[1:]):
        lab.control("POST", "/reset", {})
        lab.forget_requests()
        (lab.folder / ".icaform").exists() and [each.unlink() for each in (lab.folder / ".icaform").iterdir()]
        seed(lab, status=before)
        lab.write("p.yaml", manifest(after))
        plan, ran = lab.plan(), lab.apply()
        case = f"{before} to {after}"
        tried += 1
        if ORDER.index(after) < ORDER.index(before):
            (change,) = plan.json["resource_changes"]
            assert (plan.code, ran.code, change["state"]) == (1, 1, "held"), case
            assert change["reason"]["code"] == "backward", case
            assert before in change["reason"]["summary"], case
            assert change["reason"]["remedy"], case
            assert live(lab)[0] == before, case
            assert lab.writes() == [], case
        else:
            assert (plan.code, ran.code, live(lab)[0]) == (0, 0, after), case
            assert len(lab.writes()) == (before != after), case
            assert lab.plan().json["resource_changes"] == [], case
    print(f"{tried} steps tried")


@pytest.mark.parametrize("which", ["lab", "old_lab"])
@pytest.mark.parametrize(
    "select",
    [
        f"id: {IDS['id']}",
        f"urn: 'urn:ilmn:ica:pipeline:{IDS['id']}#p 1'",
        "code: p 1",
        "name: p, version: '1'",
    ],
)
def test_a_pipeline_is_selected_by_id_urn_code_or_name_and_version(
    which: str, select: str, request: pytest.FixtureRequest
) -> None:
    lab = request.getfixturevalue(which)
    seed(lab)
    lab.write("p.yaml", manifest("Deprecated", select))
    if which == "old_lab" and "name" in select:
        ran = lab.plan()
        assert ran.code == 65
        assert "select by code, id or urn" in ran.text
        return
    assert lab.apply().code == 0
    assert live(lab)[0] == "Deprecated"
    assert lab.plan().json["resource_changes"] == []


@pytest.mark.parametrize(
    ("select", "listed"),
    [
        ("code: p 2", ["DRAGEN Germline 4-4-0", "p 1"]),
        ("name: p, version: '2'", ["DRAGEN Germline 4-4-0", "p 1"]),
        ("id: 00000000-0000-4000-8000-00000000000f", ["DRAGEN Germline 4-4-0", "p 1"]),
        ("urn: 'urn:ilmn:ica:pipeline:00000000-0000-4000-8000-00000000000f#x'", ["DRAGEN Germline 4-4-0"]),
    ],
)
def test_a_selection_that_fits_nothing_is_an_error_that_lists_what_there_is(
    lab: Any, select: str, listed: list[str]
) -> None:
    seed(lab)
    lab.write("p.yaml", manifest("Deprecated", select))
    ran = lab.plan()
    assert ran.code == 65
    (wrong,) = ran.json["diagnostics"]
    assert wrong["code"] == "not-found"
    assert wrong["source"]["line"] == 5
    for each in listed:
        assert each in wrong["summary"]


@pytest.mark.parametrize("select", ["code: p 1", "name: p, version: '1'"])
def test_a_selection_that_fits_two_is_an_error_that_lists_both(lab: Any, select: str) -> None:
    seed(lab)
    seed(lab, id=IDS["twin"])
    lab.write("p.yaml", manifest("Deprecated", select))
    ran = lab.plan()
    assert ran.code == 65
    (wrong,) = ran.json["diagnostics"]
    assert wrong["code"] == "ambiguous"
    assert IDS["id"] in wrong["summary"]
    assert IDS["twin"] in wrong["summary"]


def test_the_calls_go_through_the_project_and_through_the_tenant_where_none_is_given(lab: Any) -> None:
    seed(lab)
    lab.write("p.yaml", manifest("Deprecated"))
    lab.apply()
    assert [path.count("/projects/") for path in paths(lab)] == [1]
    for text, number in (("workspace: lab\n", 1), ("workspace: lab\nproject: wgs-prod\n", 2)):
        lab.forget_requests()
        lab.write("icaform.yaml", text)
        lab.write(
            "p.yaml", manifest("Deprecated", more=f"  message: m{number}\n  tenant: {number == 2}\n".lower())
        )
        assert lab.apply().code == 0
        assert [path.split("/")[2] for path in paths(lab)] == ["pipelines"]
        assert live(lab) == ("Deprecated", f"m{number}")
    assert lab.plan().json["resource_changes"] == []


@pytest.mark.parametrize("status", ["Released", "Deprecated", "Archived"])
def test_a_draft_is_released_through_a_project_only_because_the_tenant_has_no_such_call(
    lab: Any, status: str
) -> None:
    seed(lab, status="Draft")
    lab.write("p.yaml", manifest(status, more="  tenant: true\n"))
    (change,) = lab.plan().json["resource_changes"]
    ran = lab.apply()
    if status == "Released":
        assert (change["state"], change["reason"]["code"], ran.code) == ("held", "immutable", 1)
        assert "spec.project" in change["reason"]["remedy"]
    else:
        assert (ran.code, live(lab)[0]) == (0, status)


def test_a_message_is_written_kept_changed_and_not_written_twice(lab: Any) -> None:
    seed(lab)
    for status, message in (
        ("Deprecated", "one"),
        ("Deprecated", "two"),
        ("Archived", "two"),
        ("Archived", ""),
    ):
        lab.write("p.yaml", manifest(status, more=f"  message: '{message}'\n"))
        assert lab.plan().json["counts"]["update"] == 1
        assert lab.apply().code == 0
        assert live(lab) == (status, message)
        assert lab.plan().json["resource_changes"] == []
    lab.write("p.yaml", manifest("Archived"))
    assert lab.plan().json["resource_changes"] == [], "what is not stated is left alone"
    assert len(lab.writes()) == 4


def test_a_change_of_the_message_alone_is_not_irreversible(lab: Any) -> None:
    seed(lab, status="Deprecated")
    lab.write("p.yaml", manifest("Deprecated", more="  message: hello\n"))
    assert lab.plan().json["counts"]["irreversible"] == 0
    assert lab.run("apply", str(lab.folder), "--yes").code == 0
    assert live(lab) == ("Deprecated", "hello")


@pytest.mark.parametrize("which", ["lab", "old_lab"])
@pytest.mark.parametrize("tenant", [False, True])
def test_a_note_tells_where_a_pipeline_is_linked_to_other_projects(
    which: str, tenant: bool, request: pytest.FixtureRequest
) -> None:
    lab = request.getfixturevalue(which)
    seed(lab, projects=["wgs-prod", "wgs-dev"])
    lab.write("p.yaml", manifest("Deprecated", more="  tenant: true\n" if tenant else ""))
    (change,) = lab.plan().json["resource_changes"]
    assert any("wgs-dev" in note for note in change["notes"]), change["notes"]


def test_a_note_tells_that_a_pipeline_is_owned_by_another_user_or_tenant(lab: Any) -> None:
    seed(lab, owner="grace")
    lab.write("p.yaml", manifest("Deprecated"))
    lab.write("q.yaml", manifest("Deprecated", "code: DRAGEN Somatic 4-3-6", name="q"))
    notes = {each["name"]: " ".join(each["notes"]) for each in lab.plan().json["resource_changes"]}
    assert "owned by another user" in notes["p"]
    assert "another tenant (neighbour-lab)" in notes["q"]
    ran = lab.apply()
    assert {each["outcome"] for each in ran.json["outcomes"]} == {"refused"}
    assert "Only the owner" in ran.text
    assert ran.code == 77


@pytest.mark.parametrize("second", ["", "  tenant: true\n", "  project: wgs-dev\n"])
def test_two_manifests_for_one_pipeline_are_an_error_whichever_way_they_reach_it(
    lab: Any, second: str
) -> None:
    seed(lab, projects=["wgs-prod", "wgs-dev"])
    lab.write("one.yaml", manifest("Deprecated", name="one"))
    lab.write("two.yaml", manifest("Archived", f"id: {IDS['id']}", second, "two"))
    ran = lab.plan()
    assert ran.code == 65
    assert [each["code"] for each in ran.json["diagnostics"]] == ["declared-twice"]


def test_a_missing_project_is_an_error_of_every_manifest_and_lists_the_projects(lab: Any) -> None:
    for name in ("one", "two"):
        lab.write(f"{name}.yaml", manifest("Deprecated", f"code: {name}", "  project: wgs-pro\n", name))
    ran = lab.plan()
    assert ran.code == 65
    assert {each["address"] for each in ran.json["diagnostics"]} == {"Pipeline/one", "Pipeline/two"}
    assert "wgs-dev, wgs-prod" in ran.text


def test_the_newer_api_tells_all_pipelines_in_one_call_and_the_older_in_a_list_and_one_read_each(
    lab: Any, old_lab: Any
) -> None:
    for each, wanted, last in ((lab, 3, 2), (old_lab, 8, 7)):
        each.control("POST", "/seed", {"pipelines": {**BULK, "count": 200}})
        for number in range(1, 6):
            text = manifest("Released", f"code: bulk {number:05d} 1-0-0", name=f"p{number}")
            each.write(f"p{number}.yaml", text)
        plan = each.plan()
        assert plan.json["resource_changes"] == []
        reads = [one for one in each.requests("GET") if "/pipelines" in one["path"]]
        lists = [one for one in reads if one["path"].endswith("/pipelines") and one["status"] == 200]
        assert len(lists) == 1
        assert len([one for one in reads if one["status"] == 200]) == (1 if each is lab else 6)
        assert plan.json["api_calls"]["reads"] <= wanted + last
