"""StorageCredential: created, shared, rotated; ours by name and owner; never made twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from icaform.emulator import Embedded, Settings
from icaform.emulator.demo import SECOND_API_KEY
from tests.front import everything
from tests.front.conftest import Lab

KEY_ID, SECRET = "AKIA-FIRST-CANARY", "first+canary/secret"


def manifest(name: str = "c", more: str = "", kind: str = "AWS_USER") -> str:
    secret = "  secret: {accessKeyId: {env: ID}, secretAccessKey: {env: KEY}}\n" if kind == "AWS_USER" else ""
    return (
        f"apiVersion: icaform/v1\nkind: StorageCredential\nmetadata: {{name: {name}}}\n"
        f"spec:\n  type: {kind}\n{secret}{more}"
    )


@pytest.fixture(params=["lab", "old_lab"])
def keyed(request: pytest.FixtureRequest) -> Any:
    """A lab of either generation with one credential's secrets set."""
    lab = request.getfixturevalue(request.param)
    lab.environ.update(ID=KEY_ID, KEY=SECRET)
    return lab


def verbs(lab: Any) -> dict[str, list[str]]:
    return {each["name"]: each["verbs"] for each in lab.plan().json["resource_changes"]}


def stored(lab: Any, name: str = "c") -> list[dict[str, Any]]:
    return [each for each in everything.objects(lab, "Credential") if each["name"] == name]


def test_a_credential_is_created_once_with_its_secret_and_shared(keyed: Any) -> None:
    keyed.write("c.yaml", manifest(more="  shared: true\n"))
    assert verbs(keyed) == {"c": ["create", "share"]}
    assert keyed.apply().code == 0
    (made,) = stored(keyed)
    assert made["shared"]
    assert made["secret_digest"] == hashlib.sha256(SECRET.encode()).hexdigest()
    assert made["access_key_digest"] == hashlib.sha256(KEY_ID.encode()).hexdigest()
    assert verbs(keyed) == {}
    assert keyed.apply().json["outcomes"] == []


def test_a_new_secret_is_rotated_in_and_the_same_one_is_not(keyed: Any) -> None:
    keyed.write("c.yaml", manifest())
    keyed.apply()
    for number in range(3):
        keyed.environ["KEY"] = f"{SECRET}{number}"
        keyed.clock.sleep(5)
        assert verbs(keyed) == {"c": ["rotate"]}
        assert keyed.apply().code == 0
        assert stored(keyed)[0]["secret_digest"] == hashlib.sha256(keyed.environ["KEY"].encode()).hexdigest()
        assert verbs(keyed) == {}
    assert len(stored(keyed)) == 1


def test_a_secret_changed_behind_our_back_shows_by_its_time_as_drift_and_is_put_back(keyed: Any) -> None:
    keyed.write("c.yaml", manifest())
    keyed.apply()
    keyed.clock.sleep(1)
    (made,) = stored(keyed)
    body = {"awsCredentials": {"accessKeyId": "x", "secretAccessKey": "y"}}
    keyed.api("POST", f"/api/storageCredentials/{made['id']}:updateSecrets", body)
    (change,) = keyed.plan().json["resource_changes"]
    assert (change["verbs"], change["standing"]) == (["rotate"], "drifted")
    assert keyed.run("drift", str(keyed.folder), "--detailed-exitcode").code == 2
    assert keyed.apply().code == 0
    assert stored(keyed)[0]["secret_digest"] == made["secret_digest"]
    assert verbs(keyed) == {}


LOST = "is (modified since, not known)"


def test_a_secret_changed_behind_our_back_is_not_told_as_what_we_wrote(keyed: Any) -> None:
    keyed.write("c.yaml", manifest())
    keyed.apply()
    keyed.environ["KEY"], key = SECRET + "2", keyed.environ["KEY"]
    rotated = keyed.plan().json["plan_digest"]
    digests = {rotated}
    for secret, standing in ((key, "drifted"), (SECRET + "3", "both")):
        keyed.environ["KEY"] = secret
        keyed.clock.sleep(60)
        (made,) = stored(keyed)
        body = {"awsCredentials": {"accessKeyId": "x", "secretAccessKey": standing}}
        keyed.api("POST", f"/api/storageCredentials/{made['id']}:updateSecrets", body)
        (change,) = keyed.plan("--out", str(keyed.folder / "saved")).json["resource_changes"]
        assert change["standing"] == standing
        for verb, said in (("plan", "secret (modified since, not known) -> fingerprint"), ("drift", LOST)):
            told = " ".join(keyed.run(verb, str(keyed.folder)).out.split())
            assert said in told, (verb, told)
        digests.add(keyed.plan().json["plan_digest"])
        ran = keyed.run("apply", str(keyed.folder), "--approve", rotated)
        assert (ran.code, "rotate (secret modified)" in ran.err) == (10, True), ran.err
    assert keyed.run("apply", str(keyed.folder), "--plan", str(keyed.folder / "saved")).code == 0
    assert verbs(keyed) == {}
    assert len(digests) == 2, "an approval of one is none of the other"
    print(f"{len(digests)} reasons to rotate")


def test_a_role_needs_no_secret_and_is_created_once(lab: Any) -> None:
    lab.write("c.yaml", manifest(kind="AWS_ROLE", more="  shared: true\n"))
    assert lab.apply().code == 0
    assert verbs(lab) == {}
    assert [each["type"] for each in stored(lab)] == ["AWS_ROLE"]


def test_a_credential_of_the_same_name_that_another_user_shares_is_not_ours(keyed: Any) -> None:
    keyed.control("POST", "/seed", {"credentials": [{"name": "c", "owner": "grace", "shared": True}]})
    theirs = stored(keyed)
    keyed.write("c.yaml", manifest())
    plan = keyed.plan()
    assert plan.code == 0
    assert "belongs to another user" in plan.text
    assert keyed.apply().code == 0
    assert len(stored(keyed)) == 2
    assert [each for each in stored(keyed) if each["owner_id"] == theirs[0]["owner_id"]] == theirs
    assert verbs(keyed) == {}


def test_two_of_our_own_of_one_name_are_an_error_that_lists_both(keyed: Any) -> None:
    ids = [f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2)]
    seeds = [{"name": "c", "owner": "ada", "id": each} for each in ids]
    keyed.control("POST", "/seed", {"credentials": seeds})
    keyed.write("c.yaml", manifest())
    ran = keyed.plan()
    assert ran.code == 65
    assert all(each in ran.text for each in ids)
    assert keyed.apply().code == 65
    assert keyed.writes() == []


def test_two_manifests_of_one_name_in_ica_are_an_error_and_make_nothing(keyed: Any) -> None:
    keyed.write("c.yaml", manifest("one", "  name: same\n"))
    keyed.write("d.yaml", manifest("two", "  name: same\n"))
    ran = keyed.run("apply", str(keyed.folder), "--yes", "--output", "json")
    assert ran.code == 65
    assert [each["code"] for each in ran.json["diagnostics"]] == ["declared-twice"]
    assert keyed.writes() == []


def test_another_name_is_another_credential_and_not_drift(keyed: Any) -> None:
    keyed.write("c.yaml", manifest(more="  shared: true\n"))
    keyed.apply()
    keyed.write("c.yaml", manifest(more="  name: d\n"))
    (change,) = keyed.plan().json["resource_changes"]
    assert (change["verbs"], change["standing"], change["state"]) == (["create"], "pending", "planned")
    assert keyed.apply().code == 0
    assert len(stored(keyed, "d")) == 1
    assert verbs(keyed) == {}


def test_what_ica_cannot_do_is_held_with_the_reason(keyed: Any) -> None:
    keyed.write("c.yaml", manifest(more="  shared: true\n"))
    keyed.apply()
    for text, code in (
        (manifest(), "backward"),
        (manifest(kind="AWS_ROLE", more="  shared: true\n"), "immutable"),
    ):
        keyed.write("c.yaml", text)
        plan = keyed.plan()
        (change,) = plan.json["resource_changes"]
        assert (plan.code, change["state"], change["reason"]["code"]) == (1, "held", code)


def test_a_credential_that_is_there_is_taken_over_and_not_made_twice(keyed: Any) -> None:
    keyed.control("POST", "/seed", {"credentials": [{"name": "c", "owner": "ada"}]})
    keyed.write("c.yaml", manifest(more="  shared: true\n"))
    assert verbs(keyed) == {"c": ["share", "rotate"]}
    assert keyed.apply().code == 0
    (made,) = stored(keyed)
    assert made["shared"]
    assert made["secret_digest"] == hashlib.sha256(SECRET.encode()).hexdigest()
    assert verbs(keyed) == {}


def test_a_secret_that_is_not_set_stops_apply_before_any_write_and_warns_in_plan(lab: Any) -> None:
    lab.write("c.yaml", manifest())
    lab.write("r.yaml", manifest("r", kind="AWS_ROLE"))
    plan = lab.plan()
    assert plan.code == 0
    assert {each["code"] for each in plan.json["diagnostics"]} == {"secret-unset"}
    ran = lab.apply()
    assert ran.code == 78
    assert lab.writes() == []


def test_where_a_secret_is_not_set_a_credential_that_stands_is_left_alone(keyed: Any) -> None:
    keyed.write("c.yaml", manifest())
    keyed.apply()
    del keyed.environ["KEY"]
    keyed.forget_requests()
    assert verbs(keyed) == {}
    assert keyed.apply().code == 0
    assert keyed.writes() == []


def test_after_the_loss_of_the_journal_a_credential_is_found_again_and_its_secret_made_certain(
    keyed: Any,
) -> None:
    keyed.write("c.yaml", manifest(more="  shared: true\n"))
    keyed.apply()
    for each in Path(keyed.folder, ".icaform").iterdir():
        each.unlink()
    assert verbs(keyed) == {"c": ["share", "rotate"]}
    assert keyed.apply().code == 0
    assert len(stored(keyed)) == 1
    assert verbs(keyed) == {}


def test_a_credential_made_by_one_user_is_not_touched_by_another(keyed: Any) -> None:
    keyed.write("c.yaml", manifest())
    keyed.apply()
    mine = stored(keyed)
    keyed.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    assert verbs(keyed) == {"c": ["create"]}
    assert keyed.apply().code == 0
    assert [each for each in stored(keyed) if each["id"] == mine[0]["id"]] == mine
    assert len({each["owner_id"] for each in stored(keyed)}) == 2


@pytest.mark.parametrize("fault", ["drop_answer", "status"])
def test_a_create_whose_answer_was_lost_is_certain_of_its_secret_in_the_same_run(
    keyed: Any, fault: str
) -> None:
    keyed.write("c.yaml", manifest())
    more = {"status": 500, "when": "after"} if fault == "status" else {}
    keyed.control(
        "POST",
        "/faults",
        {"match": {"method": "POST", "path": "/api/storageCredentials"}, "do": fault, **more},
    )
    assert keyed.apply().code == 0
    assert [each["path"].rpartition(":")[2] for each in keyed.writes()] == [
        "/api/storageCredentials",
        "updateSecrets",
    ]
    assert keyed.plan("--detailed-exitcode").code == 0


def test_what_was_written_a_moment_ago_and_cannot_be_read_yet_is_not_made_again(tmp_path: Any) -> None:
    with Embedded(settings=Settings(clock="manual", read_lag=30)) as ica:
        lab = Lab(tmp_path, ica)
        lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
        lab.environ.update(everything.SECRETS)
        lab.write("c.yaml", everything.CREDENTIALS)
        everything.killed(lab, 1)
        assert len(lab.writes()) >= 2
        assert lab.apply().code == 0
        lab.clock.sleep(60)
        assert (
            Counter(each["name"] for each in everything.objects(lab, "Credential")).most_common(1)[0][1] == 1
        )
        assert lab.plan("--detailed-exitcode").code == 0
