"""Three-way drift: what the server did, what the manifest wants, both, and what nobody declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icaform.cli import options
from icaform.cli.plan import command
from tests.front import everything
from tests.front.test_apply import forget
from tests.front.test_pipelines import IDS, manifest, seed


@pytest.fixture
def applied(lab: Any) -> Any:
    """A lab whose pipeline was deprecated by an apply."""
    seed(lab)
    lab.write("p.yaml", manifest("Deprecated"))
    assert lab.apply().code == 0
    return lab


def behind(lab: Any, step: str, message: str = "") -> None:
    """Somebody moves the pipeline in ICA itself."""
    (project,) = (each["id"] for each in everything.objects(lab, "Project") if each["name"] == "wgs-prod")
    lab.api("POST", f"/api/projects/{project}/pipelines/{IDS['id']}:{step}", {"message": message})


def drift(lab: Any, *more: str) -> Any:
    return lab.run("drift", str(lab.folder), "--output", "json", *more)


def standings(lab: Any) -> tuple[list[str], list[str]]:
    """What drift and plan say of each resource."""
    return (
        [each["standing"] for each in drift(lab).json["resource_drift"]],
        [each["standing"] for each in lab.plan().json["resource_changes"]],
    )


def test_what_stands_as_it_was_written_has_no_drift(applied: Any) -> None:
    assert standings(applied) == ([], [])
    assert drift(applied, "--detailed-exitcode").code == 0


def test_an_archive_behind_our_back_is_drift_and_held(applied: Any) -> None:
    behind(applied, "archive")
    assert standings(applied) == (["drifted"], ["drifted"])
    (row,) = drift(applied).json["resource_drift"]
    assert (row["change"]["before"], row["change"]["after"]) == (
        {"status": "Deprecated"},
        {"status": "Archived"},
    )
    assert (drift(applied).code, drift(applied, "--detailed-exitcode").code) == (0, 2)


def test_an_edit_of_the_manifest_is_pending_and_no_drift(applied: Any) -> None:
    applied.write("p.yaml", manifest("Archived"))
    assert standings(applied) == ([], ["pending"])
    assert drift(applied, "--detailed-exitcode").code == 0
    assert applied.run("plan", str(applied.folder), "--detailed-exitcode").code == 2
    assert applied.run("plan", str(applied.folder)).code == 0


def test_an_edit_and_a_change_behind_our_back_are_both(lab: Any) -> None:
    seed(lab)
    lab.write("p.yaml", manifest("Released"))
    lab.apply()
    behind(lab, "deprecate")
    lab.write("p.yaml", manifest("Archived"))
    assert standings(lab) == (["both"], ["both"])
    assert drift(lab, "--detailed-exitcode").code == 2
    assert lab.apply().code == 0
    assert standings(lab) == ([], [])


def test_a_change_behind_our_back_to_what_the_manifest_wants_now_is_nothing_to_do(lab: Any) -> None:
    seed(lab)
    lab.write("p.yaml", manifest("Released"))
    lab.apply()
    behind(lab, "deprecate")
    lab.write("p.yaml", manifest("Deprecated"))
    assert standings(lab) == ([], [])


def test_drift_ends_where_the_manifest_gives_in(applied: Any) -> None:
    behind(applied, "archive")
    applied.write("p.yaml", manifest("Archived"))
    assert standings(applied) == ([], [])
    assert applied.apply().code == 0
    assert standings(applied) == ([], [])


def test_without_a_journal_a_difference_is_pending_because_nobody_knows_who_moved(applied: Any) -> None:
    behind(applied, "archive")
    forget(applied)
    assert standings(applied) == ([], ["pending"])


def test_an_apply_that_had_nothing_to_do_remembers_how_things_stood(lab: Any) -> None:
    seed(lab)
    lab.write("p.yaml", manifest("Released"))
    assert lab.apply().json["outcomes"] == []
    behind(lab, "deprecate")
    assert standings(lab) == (["drifted"], ["drifted"])


def test_what_is_on_the_server_and_declared_nowhere_is_unmanaged_and_no_drift(lab: Any) -> None:
    lab.control("POST", "/seed", {"credentials": [{"name": "stranger", "owner": "ada"}]})
    everything.write(lab)
    lab.apply()
    found = drift(lab, "--detailed-exitcode")
    assert found.code == 0
    assert [each["address"] for each in found.json["unmanaged"]] == ["StorageCredential/stranger"]


def test_an_unmanaged_thing_is_not_told_where_only_a_part_was_selected(lab: Any) -> None:
    lab.control("POST", "/seed", {"credentials": [{"name": "stranger", "owner": "ada"}]})
    everything.write(lab)
    assert lab.plan("--only", "StorageCredential/*").json["unmanaged"] == []


def test_a_resource_that_is_not_declared_any_more_is_told_and_left_alone(applied: Any) -> None:
    applied.write("p.yaml", manifest("Released", "code: DRAGEN Germline 4-4-0", name="other"))
    applied.forget_requests()
    plan = applied.plan().json
    assert [each["address"] for each in plan["undeclared"]] == ["Pipeline/p"]
    applied.apply()
    assert applied.writes() == []


def test_a_pipeline_that_cannot_be_read_is_an_error_and_not_silence(applied: Any) -> None:
    (project,) = (each["id"] for each in everything.objects(applied, "Project") if each["name"] == "wgs-prod")
    applied.api("DELETE", f"/api/projects/{project}/pipelines/{IDS['id']}")
    assert drift(applied).code == 65
    assert drift(applied).json["errored"]


def test_drift_is_put_back_alone(lab: Any) -> None:
    lab.environ.update(everything.SECRETS)
    lab.write("credentials.yaml", everything.CREDENTIALS)
    lab.write("cohort.yaml", everything.cohort(2))
    assert lab.apply().code == 0
    ids = {each["name"]: each["id"] for each in everything.objects(lab, "Credential")}
    (secret,) = (
        each["secret_digest"] for each in everything.objects(lab, "Credential") if each["secret_digest"]
    )
    lab.clock.sleep(60)
    theirs = {"awsCredentials": {"accessKeyId": "AKIA-theirs", "secretAccessKey": "theirs"}}
    lab.api("POST", f"/api/storageCredentials/{ids['lab-archive']}:updateSecrets", theirs)
    lab.write("cohort.yaml", everything.cohort(4))
    assert standings(lab)[1] == ["pending", "pending", "drifted"]
    plan = lab.plan("--only-drifted")
    assert [each["address"] for each in plan.json["resource_changes"]] == ["StorageCredential/lab-archive"]
    assert plan.json["counts"]["aside"] == 2
    lab.forget_requests()
    ran = lab.run("apply", str(lab.folder), "--yes", "--only-drifted", "--output", "json")
    assert ran.code == 0, ran.text
    assert [each["path"].rpartition(":")[2] for each in lab.writes()] == ["updateSecrets"]
    assert secret in [each["secret_digest"] for each in everything.objects(lab, "Credential")]
    assert standings(lab) == ([], ["pending", "pending"])


def test_the_offer_of_a_plan_of_drift_alone_says_so(lab: Any) -> None:
    lab.environ.update(everything.SECRETS)
    lab.write("credentials.yaml", everything.CREDENTIALS)
    lab.apply()
    lab.control("POST", "/reset", {})
    ran = lab.run("plan", str(lab.folder), "--only-drifted")
    (offer,) = (line for line in ran.out.splitlines() if line.startswith("icaform apply"))
    assert offer.endswith("--only-drifted")
    assert lab.run(*offer.split()[1:]).code == 0


def test_the_offer_of_a_plan_names_the_place_that_its_command_line_named(lab: Any) -> None:
    lab.environ.update(everything.SECRETS)
    lab.write("credentials.yaml", everything.CREDENTIALS)
    server, journal = lab.environ.pop("ICAV2_BASE_URL"), str(lab.folder / "here.db")
    ran = lab.run("plan", str(lab.folder), "--server-url", server, "--journal", journal)
    (offer,) = (line for line in ran.out.splitlines() if line.startswith("icaform apply"))
    assert offer.endswith(f"--server-url {server} --journal {journal}")
    assert lab.run(*offer.split()[1:]).code == 0
    assert Path(journal).is_file()


def test_the_offer_of_a_plan_tells_no_address_that_may_hold_a_password(lab: Any) -> None:
    for journal, told in (
        ("postgresql://bob:S3cret@db/ica", False),
        ("postgresql://db/ica?password=S3cret", False),
        ("postgresql://bob@db/ica", True),
        ("here.db", True),
    ):
        with command.make_context("plan", ["x", "--journal", journal]) as context:
            assert (journal in options.again(["x"], context.params)) == told
