"""Only what shows of a call itself proves that it had its effect: not that nobody asks for it any more."""

from __future__ import annotations

from typing import Any

import pytest

from icaform.emulator.demo import SECOND_API_KEY
from tests.front.everything import killed
from tests.front.test_concealed import LOST
from tests.front.test_doubt import HIDDEN, PIPELINE, cohort, credential, lose_answer, objects, started
from tests.front.test_journal_verbs import in_doubt, journal, never_sent

BATCHES = {"method": "POST", "path": "*analysisCreationBatch"}


def outcomes(ran: Any) -> dict[str, str]:
    """How each item ended, by its name."""
    return {each["address"][-2]: each["outcome"] for each in ran.json["outcomes"]}


def states(lab: Any) -> set[str]:
    """How the calls stand that the journal has."""
    return {each["state"] for each in journal(lab, "list", "--all")["entries"]}


@pytest.mark.parametrize("lost", LOST)
def test_an_item_that_ica_could_not_create_is_not_done_though_the_others_of_its_call_are(
    lab: Any, lost: str
) -> None:
    lab.write("b.yaml", cohort("abc"))
    lab.control("PUT", "/outcomes", [{"userReference": "cohort/b", "reason": "no quota"}])
    lab.control("PUT", "/faults", [{"match": BATCHES} | LOST[lost]])
    ran = lab.apply("--first-run")
    assert ran.code == 14
    assert outcomes(ran) == {"a": "done", "b": "unknown", "c": "done"}
    lab.apply()
    lab.control("PUT", "/outcomes", [])
    lab.clock.sleep(2000)
    lab.apply()
    assert {name: count for name, count in started(lab).items() if count > 1} == {}


def test_what_ica_took_and_nobody_saw_created_is_not_done(slow_lab: Any) -> None:
    lab = slow_lab
    lab.write("b.yaml", cohort("ab"))
    status = {"match": {"method": "GET", "path": "*analysisCreationBatch/*"}, "do": "status", "status": 500}
    lab.control("PUT", "/faults", [status | {"times": 20}])
    ran = lab.apply("--first-run")
    assert ran.code == 14
    assert set(outcomes(ran).values()) == {"unknown"}
    lab.control("DELETE", "/faults")
    assert lab.apply().code == 0
    assert started(lab) == {"cohort/a": 1, "cohort/b": 1}


@pytest.mark.parametrize("user", ["the same", "another"])
@pytest.mark.parametrize("lost", LOST)
def test_the_batch_that_an_open_job_told_of_is_remembered(slow_lab: Any, lost: str, user: str) -> None:
    lab = slow_lab
    lab.write("b.yaml", cohort("abc"))
    lab.control("PUT", "/faults", [{"match": BATCHES} | LOST[lost]])
    killed(lab)
    killed(lab, least=5)
    assert states(lab) == {"done"}
    lab.control("PUT", "/faults", [HIDDEN])
    lab.write("b.yaml", cohort("abcd"))
    if user == "another":
        lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    lab.apply()
    lab.clock.sleep(2000)
    lab.apply()
    assert started(lab) == {f"cohort/{each}": 1 for each in "abcd"}


@pytest.mark.parametrize("status", [403, 422, 429])
def test_that_a_repeat_fails_for_certain_says_nothing_of_the_first_try(lab: Any, status: int) -> None:
    never_sent(lab)
    lab.control("PUT", "/faults", [{"match": BATCHES, "do": "status", "status": status, "times": 99}])
    assert lab.apply("--first-run").code not in (0, 1)
    assert len(journal(lab, "list")["entries"]) == 1, "the first try may still have its effect"
    lab.control("DELETE", "/faults")
    lab.write("b.yaml", cohort("abcd"))
    assert lab.apply("--first-run").code == 0
    lab.clock.sleep(2000)
    assert started(lab) == {f"cohort/{each}": 1 for each in "abcd"}


def test_what_a_person_says_was_done_is_not_sent_again(slow_lab: Any) -> None:
    lab = slow_lab
    in_doubt(lab)
    lab.control("PUT", "/faults", [HIDDEN])
    journal(lab, "settle", "--no-look", "--as", "done", "--note", "I saw the batch", "--yes")
    lab.write("b.yaml", cohort("abcd"))
    ran = lab.apply("--first-run")
    held = {
        each["item"]: each["reason"]["summary"] for each in ran.json["resource_changes"] if each["reason"]
    }
    assert held.keys() == set("abc")
    assert all("closed a call for it as done" in each for each in held.values())
    lab.clock.sleep(2000)
    assert lab.apply().code == 0
    assert started(lab) == {f"cohort/{each}": 1 for each in "abcd"}
    lab.clock.sleep(2000)
    assert lab.plan("--detailed-exitcode").code == 0


def test_a_share_that_is_not_wanted_any_more_is_not_taken_for_done(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", credential())
    assert lab.apply().code == 0
    lab.write("c.yaml", credential(shared="true"))
    lab.control(
        "PUT",
        "/faults",
        [{"match": {"method": "POST", "path": "*:share"}, "do": "drop_request", "times": 99}],
    )
    killed(lab)
    lab.control("DELETE", "/faults")
    lab.write("c.yaml", credential())
    assert lab.apply().code == 0
    assert lab.plan().json["counts"]["held"] == 0
    lab.write("c.yaml", credential(shared="true"))
    assert lab.apply().code == 0
    assert [each["shared"] for each in objects(lab, "Credential") if each["name"] == "c"] == [True]


def test_a_status_that_somebody_else_set_proves_no_message(lab: Any) -> None:
    code = "DRAGEN Germline 4-2-7"
    lab.write(
        "p.yaml", PIPELINE.format(more="message: Use 4-4., ", select=f"code: {code}", status="Deprecated")
    )
    where = {"method": "POST", "path": "*:deprecate"}
    lab.control("PUT", "/faults", [{"match": where, "do": "drop_request", "times": 99}])
    killed(lab)
    (one,) = [each for each in objects(lab, "Pipeline") if each["code"] == code]
    lab.control("DELETE", "/faults")
    lab.api("POST", f"/api/pipelines/{one['id']}:deprecate", {})
    assert lab.apply().code == 0
    (one,) = [each for each in objects(lab, "Pipeline") if each["code"] == code]
    assert (one["status"], one["message"]) == ("Deprecated", "Use 4-4.")
    assert lab.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize("fault", ["drop_answer", "drop_request"])
def test_a_message_that_may_have_been_told_is_told_again(lab: Any, fault: str) -> None:
    def says(message: str) -> str:
        select = "code: DRAGEN Germline 4-2-7"
        return PIPELINE.format(more=f"message: {message}, ", select=select, status="Deprecated")

    lab.write("p.yaml", says("One"))
    assert lab.apply().code == 0
    lab.write("p.yaml", says("Two"))
    where = {"method": "POST", "path": "*:deprecate"}
    lab.control("PUT", "/faults", [{"match": where, "do": fault, "times": 99}])
    killed(lab)
    lab.control("DELETE", "/faults")
    lab.write("p.yaml", says("One"))
    lab.apply()
    lab.clock.sleep(3600)
    lab.apply()
    (one,) = [each for each in objects(lab, "Pipeline") if each["code"] == "DRAGEN Germline 4-2-7"]
    assert one["message"] == "One"
    assert lab.plan("--detailed-exitcode").code == 0


def test_analyses_of_another_generation_prove_nothing_of_a_call(slow_lab: Any) -> None:
    lab = slow_lab
    lab.write("b.yaml", cohort("ab"))
    assert lab.apply("--first-run").code == 0
    lab.write("b.yaml", cohort("ab").replace("spec:", "spec:\n  generation: 2"))
    lose_answer(lab, "*analysisCreationBatch")
    killed(lab)
    lab.control("PUT", "/faults", [HIDDEN])
    lab.write("b.yaml", cohort("ab"))
    lab.apply("--first-run")
    assert len(journal(lab, "list")["entries"]) == 1
    lab.write("b.yaml", cohort("abc").replace("spec:", "spec:\n  generation: 2"))
    lab.apply("--first-run")
    lab.clock.sleep(2000)
    assert lab.apply().code == 0
    lab.clock.sleep(2000)
    assert started(lab) == {"cohort/a": 2, "cohort/b": 2, "cohort/c": 1}


def test_an_item_that_was_edited_after_its_answer_was_lost_is_found_by_its_marks(lab: Any) -> None:
    in_doubt(lab)
    lab.clock.sleep(2000)
    lab.write("b.yaml", cohort("abc").replace("GRCh38", "GRCh37"))
    assert lab.apply().json["counts"]["held"] == 3
    assert states(lab) == {"done"}
    assert started(lab) == {f"cohort/{each}": 1 for each in "abc"}


def test_a_secret_that_is_changed_after_a_rotation_that_was_read_late_is_told(lab: Any) -> None:
    lab.control("PUT", "/settings", {"read_lag": 30})
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", credential())
    try:
        assert lab.apply().code == 0
        lab.clock.sleep(3600)
        lab.environ["S"] = "another-secret-of-the-lab"
        assert lab.apply().code == 0
        lab.clock.sleep(3600)
        (one,) = [each for each in objects(lab, "Credential") if each["name"] == "c"]
        theirs = {"awsCredentials": {"accessKeyId": "AKIA-theirs-01", "secretAccessKey": "their-own"}}
        lab.api("POST", f"/api/storageCredentials/{one['id']}:updateSecrets", theirs)
        lab.clock.sleep(3600)
        assert "modified after we last wrote" in lab.run("plan", str(lab.folder)).out
    finally:
        lab.control("PUT", "/settings", {"read_lag": 0})


def test_a_credential_that_another_user_has_is_no_drift(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", credential(shared="true"))
    assert lab.apply().code == 0
    lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    assert lab.plan("--only-drifted").json["resource_changes"] == []
    assert [each["verbs"] for each in lab.plan().json["resource_changes"]] == [["create", "share"]]
