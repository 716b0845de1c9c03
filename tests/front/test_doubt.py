"""What cannot be told is never taken for absent, and what was not reviewed never runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator.demo import SECOND_API_KEY
from tests.front.everything import killed

BATCH = """
apiVersion: icaform/v1
kind: AnalysisBatch
metadata: {{name: cohort}}
spec:
  defaults:
    pipeline: {pipeline}
    analysisInput: {{parameters: [{{code: genome, value: GRCh38}}]}}
  items:
{items}
"""
CREDENTIAL = """
apiVersion: icaform/v1
kind: StorageCredential
metadata: {{name: {name}}}
spec:
  type: AWS_USER
  shared: {shared}
  secret: {{accessKeyId: {key}, secretAccessKey: {secret}}}
"""
PIPELINE = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {{name: p}}
spec: {{{more}select: {{{select}}}, status: {status}}}
"""


def cohort(names: str, pipeline: str = "{code: nf-core rnaseq 3-14}") -> str:
    items = "\n".join(f"    - {{name: {name}, userReference: cohort/{name}}}" for name in names)
    return BATCH.format(pipeline=pipeline, items=items)


def credential(
    name: str = "c", shared: str = "false", key: str = "{env: K}", secret: str = "{env: S}"
) -> str:
    return CREDENTIAL.format(name=name, shared=shared, key=key, secret=secret)


def objects(lab: Any, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.control("GET", "/state")["objects"].get(kind, [])
    return found


def started(lab: Any) -> dict[str, int]:
    return dict(Counter(each["user_reference"] for each in objects(lab, "Analysis")))


def lose_answer(lab: Any, path: str) -> None:
    lab.control("POST", "/faults", {"match": {"method": "POST", "path": path}, "do": "drop_answer"})


HIDDEN = {"match": {"method": "GET", "path": "/api/jobs"}, "do": "status", "status": 403, "times": 9999}
"""A tenant that lets nobody list jobs, so that nothing tells of a batch of which no analysis shows."""


ALONE = BATCH.replace("{{parameters: [{{code: genome, value: GRCh38}}]}}", "{{customInput: 'a: 1'}}")
TWICE = "  retry: {{attempts: 2}}\n  defaults:"
MAKES = {
    "a batch": (BATCH, "*analysisCreationBatch"),
    "an analysis": (ALONE, "*analysis:nextflowWithCustomInput"),
    "a credential": (CREDENTIAL, "/api/storageCredentials"),
}
GIVEN_UP = [(status, body) for status in (408, 421, 425, 499) for body in ("json", "html", "empty")]
FOREIGN = [(status, body) for status in (400, 404, 405, 409, 413, 422) for body in ("html", "empty")]
TURNED_AWAY = [(status, body) for status in (401, 403) for body in ("json", "html", "empty")]


def made(lab: Any, what: str) -> int:
    """How many of it there are by now."""
    lab.clock.sleep(2000)
    if what == "a credential":
        return len([each for each in objects(lab, "Credential") if each["name"] == "c"])
    return sum(started(lab).values())


def answered(lab: Any, what: str, status: int, body: str, when: str) -> int:
    """How a first apply ends whose making call is answered like that."""
    lab.control("POST", "/reset", {})
    for each in (lab.folder / ".icaform").glob("*"):
        each.unlink()
    text, path = MAKES[what]
    items = "    - {name: a, userReference: cohort/a}"
    named = {"pipeline": "{code: nf-core rnaseq 3-14}", "items": items, "name": "c", "shared": "false"}
    text = text.replace("  defaults:", TWICE).format(**named, key="{env: K}", secret="{env: S}")
    lab.write("m.yaml", text)
    how = {"do": "status", "status": status, "body": body, "when": when, "times": 2 if status == 401 else 1}
    lab.control("PUT", "/faults", [{"match": {"method": "POST", "path": path}, **how}])
    return int(lab.apply("--first-run").code)


@pytest.mark.parametrize("what", MAKES)
def test_a_refusal_that_a_gateway_may_have_given_is_no_refusal_of_icas(lab: Any, what: str) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    cases = [(*each, when) for each in (*GIVEN_UP, *FOREIGN) for when in ("after", "before")]
    for status, body, when in cases:
        assert answered(lab, what, status, body, when) == 0, (status, body, when)
        assert lab.apply().code == 0
        assert made(lab, what) == 1, (status, body, when)
    print(f"{len(cases)} answers")


@pytest.mark.parametrize("what", MAKES)
def test_a_refusal_of_icas_own_and_one_of_who_asks_are_certain(lab: Any, what: str) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    cases = [*((status, "json", 1) for status in (400, 404, 422)), *((*each, 77) for each in TURNED_AWAY)]
    for status, body, code in cases:
        assert answered(lab, what, status, body, "before") == code, (status, body)
        listed = lab.run("journal", "list", str(lab.folder), "--output", "json").json
        assert listed["entries"] == [], (status, body)
        assert lab.apply().code == 0
        assert made(lab, what) == 1
    print(f"{len(cases)} answers")


@pytest.mark.parametrize("jobs", ["shown", "hidden"])
@pytest.mark.parametrize("rerun", ["another user", "another manifest", "the same"])
def test_a_slow_batch_in_doubt_is_not_started_again_by_anybody(slow_lab: Any, rerun: str, jobs: str) -> None:
    lab = slow_lab
    lab.write("b.yaml", cohort("abc"))
    lose_answer(lab, "*analysisCreationBatch")
    killed(lab)
    lab.control("PUT", "/faults", [HIDDEN] if jobs == "hidden" else [])
    if rerun == "another user":
        lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    if rerun == "another manifest":
        lab.write("b.yaml", cohort("bc"))
    assert lab.apply().code == (14 if jobs == "hidden" else 0)
    lab.clock.sleep(2000)
    assert lab.apply().code == 0
    lab.clock.sleep(2000)
    assert started(lab) == {"cohort/a": 1, "cohort/b": 1, "cohort/c": 1}


def test_a_stranger_of_the_same_name_met_in_doubt_is_unknown_and_not_made_again(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", credential())
    lose_answer(lab, "/api/storageCredentials")
    sleep = lab.clock.sleep

    def meanwhile(seconds: float) -> None:
        if seconds >= 30:
            lab.control("POST", "/seed", {"credentials": [{"name": "c", "owner": "ada", "id": STRANGER}]})
        sleep(seconds)

    lab.clock.sleep = meanwhile
    assert lab.apply("--first-run").code == 14
    assert len([each for each in objects(lab, "Credential") if each["name"] == "c"]) == 2


STRANGER = "11111111-2222-3333-4444-555555555555"


def test_approval_covers_what_a_reference_points_at(lab: Any) -> None:
    def pipeline(code: str) -> str:
        return PIPELINE.format(more="", select=f"code: {code}", status="Released")

    lab.write("p.yaml", pipeline("nf-core rnaseq 3-14"))
    lab.write("b.yaml", cohort("a", "{ref: Pipeline/p}"))
    digest = lab.plan().json["plan_digest"]
    lab.write("p.yaml", pipeline("DRAGEN Somatic 4-3-6"))
    assert lab.run("apply", str(lab.folder), "--approve", digest).code == 10
    assert lab.writes() == []
    lab.write("p.yaml", pipeline("nf-core rnaseq 3-14"))
    assert lab.run("apply", str(lab.folder), "--approve", digest).code == 0


def test_an_empty_digest_is_no_approval(lab: Any) -> None:
    lab.write("b.yaml", cohort("a"))
    for more in (["--approve", ""], ["--yes", "--approve", ""], ["--approve", "sha256:"]):
        assert lab.run("apply", str(lab.folder), *more).code == 64
    assert lab.run("apply", str(lab.folder), environ={"ICAFORM_APPROVE": ""}).code == 64
    assert lab.writes() == []


def test_a_message_is_written_to_the_pipeline_that_is_selected_now(lab: Any) -> None:
    for version in ("1", "2"):
        lab.control(
            "POST",
            "/seed",
            {
                "pipelines": [
                    {
                        "name": "p",
                        "version": version,
                        "owner": "ada",
                        "status": "Deprecated",
                        "projects": ["wgs-prod"],
                    }
                ]
            },
        )
    for version in ("1", "2"):
        text = PIPELINE.format(more="message: Hello., ", select=f"code: p {version}", status="Deprecated")
        lab.write("p.yaml", text)
        assert lab.apply().code == 0
    written = {each["code"]: each["message"] for each in objects(lab, "Pipeline") if each["name"] == "p"}
    assert written == {"p 1": "Hello.", "p 2": "Hello."}


def test_a_secret_from_a_command_is_sent_once_and_rotated_when_it_changes(lab: Any) -> None:
    def say(word: str) -> str:
        return credential(key="{command: [echo, AKIA-lab-0001]}", secret=f"{{command: [echo, {word}]}}")

    lab.write("c.yaml", say("first-word"))
    lab.apply()
    assert len(objects(lab, "Credential")) == 0, "a command is run only where that was allowed"
    assert lab.apply("--allow-commands").code == 0
    (before,) = objects(lab, "Credential")
    lab.forget_requests()
    assert lab.apply("--allow-commands").code == 0
    assert lab.writes() == []
    lab.write("c.yaml", say("second-word"))
    assert lab.apply("--allow-commands").code == 0
    (after,) = objects(lab, "Credential")
    assert after["secret_digest"] != before["secret_digest"]


def test_an_apply_after_a_kill_follows_what_was_begun_to_its_end(lab: Any) -> None:
    lab.write("b.yaml", cohort("abc"))
    lab.control("PUT", "/outcomes", [{"userReference": "cohort/b", "reason": "no data"}])
    killed(lab, least=0.4)
    ran = lab.apply()
    assert ran.code == 1
    (held,) = ran.json["resource_changes"] or lab.plan().json["resource_changes"]
    assert held["address"] == "AnalysisBatch/cohort[b]"
    assert "no data" in str(held)
    assert started(lab) == {"cohort/a": 1, "cohort/c": 1}


def test_name_and_version_select_in_the_tenants_form_too(lab: Any, old_lab: Any) -> None:
    text = PIPELINE.format(
        more="tenant: true, ", select="name: DRAGEN Germline, version: 4-2-7", status="Deprecated"
    )
    lab.write("p.yaml", text)
    assert lab.apply().code == 0
    assert {
        each["status"] for each in objects(lab, "Pipeline") if each["code"] == "DRAGEN Germline 4-2-7"
    } == {"Deprecated"}
    wrong = PIPELINE.format(more="", select="name: DRAGEN Germline, version: 4-2-8", status="Released")
    lab.write("p.yaml", wrong)
    assert "4-0-3, 4-2-7, 4-4-0" in lab.plan().json["diagnostics"][0]["remedy"]
    old_lab.write("p.yaml", text)
    (told,) = old_lab.plan().json["diagnostics"]
    assert "older API" in told["summary"]


def test_the_order_of_items_does_not_change_the_plan(lab: Any) -> None:
    digests = set()
    for names in ("abcde", "edcba", "cabed"):
        lab.write("b.yaml", cohort(names))
        digests.add(lab.plan().json["plan_digest"])
    assert len(digests) == 1


def test_two_calls_that_differ_by_their_resource_alone_have_different_keys(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    for name in "ab":
        lab.write(f"{name}.yaml", credential(name, shared="true"))
    assert lab.apply().code == 0
    keys = [each["idempotencyKey"] for each in lab.writes()]
    assert len(keys) == len(set(keys)) == 4


def test_a_secret_that_a_server_repeats_is_kept_nowhere(lab: Any, tmp_path: Path) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="wrong=because-of-the-equals-sign")
    lab.write("c.yaml", credential())
    ran = lab.apply()
    kept = b"".join(each.read_bytes() for each in (tmp_path / ".icaform").glob("*"))
    assert ran.code != 0
    assert lab.environ["S"] not in ran.text
    assert lab.environ["S"].encode() not in kept
