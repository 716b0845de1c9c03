"""The fault menu: what each fault does to the caller, to the world and to the log of requests."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from typing import Any

import pytest
import requests

from .conftest import V3, Caller

CREATE = {"match": {"method": "POST", "path": "/api/storageCredentials"}}
STATUSES = (403, 429, 500, 502, 503, 504)
BODIES = {"json": ("application/problem+json", b"{"), "html": ("text/html;charset=utf-8", b"<html>")}


def fault(caller: Caller, **wanted: Any) -> None:
    caller.control("POST", "/faults", wanted)


def create(caller: Caller, name: str = "b", **options: Any) -> requests.Response:
    body = {"name": name, "type": "AWS_USER"}
    return caller("POST", "/api/storageCredentials", json=body, **options)


def objects(caller: Caller, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.control("GET", "/state")["objects"][kind]
    return found


def log(caller: Caller) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = caller.control("GET", "/requests")["items"]
    return entries


def batch(caller: Caller, *names: str, key: str = "") -> requests.Response:
    return caller(
        "POST",
        f"/api/projects/{caller.project()}/analysisCreationBatch",
        json={"nextflowItems": [caller.item(name) for name in names]},
        headers={"Idempotency-Key": key} if key else {},
    )


def test_every_status_falls_before_or_after_the_effect_in_every_body_with_and_without_a_pause(
    ada: Caller,
) -> None:
    tried = 0
    for status, when, body, pause in itertools.product(
        STATUSES, ("before", "after"), (*BODIES, "empty"), (None, 7)
    ):
        ada.control("POST", "/reset", {})
        more = {} if pause is None else {"retry_after": pause}
        fault(ada, **CREATE, do="status", status=status, when=when, body=body, **more)
        answer = create(ada)
        media, start = BODIES.get(body, (None, b""))
        assert answer.status_code == status
        assert (answer.headers.get("Content-Type"), answer.content[: len(start) or 1]) == (media, start)
        assert answer.headers.get("Retry-After") == (None if pause is None else "7")
        (entry,) = log(ada)
        assert (entry["status"], entry["fault"], entry["effect"]) == (status, "status", when == "after")
        assert len(objects(ada, "Credential")) == (when == "after")
        tried += 1
    print(f"{tried} cases tried")


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"do": "cut_answer"}, "reset"),
        ({"do": "truncate", "length": "wrong"}, "IncompleteRead"),
        ({"do": "drop_answer"}, "without response"),
    ],
)
def test_an_answer_that_breaks_off_has_had_its_effect(ada: Caller, how: Any, error: str) -> None:
    fault(ada, **CREATE, **how)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match=error):
        create(ada)
    assert len(objects(ada, "Credential")) == 1
    assert [(each["fault"], each["effect"], each["status"] is None) for each in log(ada)] == [
        (how["do"], True, how["do"] == "drop_answer")
    ]


def test_a_cut_answer_ends_in_the_middle_of_its_body_and_without_one_of_its_head(ada: Caller) -> None:
    fault(ada, match={"path": "/api/projects"}, do="cut_answer")
    with ada("GET", "/api/projects", stream=True) as answer:
        assert (answer.status_code, int(answer.headers["Content-Length"]) > 100) == (200, True)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = answer.content
    made = create(ada).json()["id"]
    fault(ada, match={"path": "*:share"}, do="cut_answer")
    with pytest.raises(requests.ConnectionError):
        ada("POST", f"/api/storageCredentials/{made}:share")
    assert objects(ada, "Credential")[0]["shared"] is True


def test_a_truncated_answer_of_right_length_is_whole_http_and_no_json(ada: Caller) -> None:
    whole = ada("GET", "/api/projects").content
    fault(ada, match={"path": "/api/projects"}, do="truncate")
    answer = ada("GET", "/api/projects")
    assert answer.content == whole[: len(whole) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


@pytest.mark.parametrize(
    ("how", "again"),
    [
        ({"do": "drop_answer"}, True),
        ({"do": "cut_answer"}, True),
        ({"do": "truncate"}, True),
        ({"do": "status", "status": 500, "when": "after"}, False),
        ({"do": "status", "status": 500, "when": "after", "stored": True}, True),
        ({"do": "drop_answer", "stored": False}, False),
    ],
)
def test_an_answer_that_got_lost_is_kept_under_its_key_and_an_error_is_not(
    ada: Caller, how: Any, again: bool
) -> None:
    fault(ada, match={"path": "*analysisCreationBatch"}, **how)
    with contextlib.suppress(requests.RequestException):
        batch(ada, "one", key="k")
    assert batch(ada, "one", key="k").status_code == 201
    effects = [each["effect"] for each in log(ada) if each["idempotencyKey"] == "k"]
    assert effects == [True, not again]
    assert len(objects(ada, "Batch")) == (1 if again else 2)


def test_a_stale_token_counts_no_more_for_anybody_and_another_one_does(ada: Caller) -> None:
    def mint() -> str:
        return str(ada("POST", "/api/tokens").json()["token"])

    stale, other, key = mint(), mint(), ada.key
    assert stale != other
    fault(ada, match={"path": "/api/projects"}, do="stale_token")
    said = []
    for token in (stale, stale, other):
        ada.key = {"Authorization": f"Bearer {token}"}
        said.append(ada("GET", "/api/projects").status_code)
    ada.key = key
    assert said == [401, 401, 200]
    fault(ada, match={"path": "/api/projects"}, do="stale_token")
    assert [ada("GET", "/api/projects").status_code for _ in range(2)] == [401, 200]
    assert log(ada)[-2]["effect"] is False


def test_a_lagging_read_sees_the_world_as_it_was(ada: Caller) -> None:
    create(ada, "old")
    ada.advance(60)
    create(ada, "new")
    ada.advance(10)

    def names(seconds: float) -> list[str]:
        fault(ada, match={"method": "GET", "path": "/api/storageCredentials"}, do="lag", seconds=seconds)
        listed = ada("GET", "/api/storageCredentials").json()["items"]
        ada.control("DELETE", "/faults")
        return [each["name"] for each in listed]

    assert [names(seconds) for seconds in (5, 10, 11, 70, 71, 3600)] == [
        ["old", "new"],
        ["old", "new"],
        ["old"],
        ["old"],
        [],
        [],
    ]
    assert len(ada("GET", "/api/storageCredentials").json()["items"]) == 2
    fault(ada, **CREATE, do="lag", seconds=3600)
    assert create(ada, "third").status_code == 201, "a write happens now"


def test_a_twin_in_flight_is_a_409_until_it_is_through_and_then_its_answer(ada: Caller) -> None:
    fault(ada, match={"path": "*analysisCreationBatch"}, do="twin", delay=30)
    statuses = [batch(ada, "one", key="k").status_code for _ in range(2)]
    assert objects(ada, "Batch") == []
    ada.advance(30)
    statuses += [batch(ada, "one", key="k").status_code]
    assert statuses == [409, 409, 201]
    told = [(each["fault"], each["status"], each["effect"], each["replayed"]) for each in log(ada)]
    assert [each for each in told if each[1] != 200] == [
        ("twin", 409, False, False),
        (None, 409, False, False),
        ("twin", 201, True, False),
        (None, 201, False, True),
    ]
    assert len(objects(ada, "Batch")) == 1


def test_a_twin_of_a_call_without_a_key_has_its_effect_too(ada: Caller) -> None:
    fault(ada, **CREATE, do="twin")
    assert create(ada).status_code == 409
    assert create(ada, "other").status_code == 201
    assert [each["name"] for each in objects(ada, "Credential")] == ["b", "other"]


def test_items_of_the_nth_batch_fail_and_those_of_the_next_do_not(ada: Caller) -> None:
    fault(
        ada,
        match={"path": "*analysisCreationBatch", "nth": 2},
        do="fail_items",
        fits="s[12]",
        reason="No storage left.",
    )
    for names in (("s1",), ("s1", "s2", "s3"), ("s2",)):
        batch(ada, *names)
    ada.advance(10)
    fates = [[(item["status"], item["reason"]) for item in each["items"]] for each in objects(ada, "Batch")]
    failed, fine = ("FAILED", "No storage left."), ("SUCCEEDED", None)
    assert fates == [[fine], [failed, failed, fine], [fine]]
    assert [each["status"] for each in objects(ada, "Batch")] == [
        "SUCCEEDED",
        "PARTIALLY_SUCCEEDED",
        "SUCCEEDED",
    ]
    assert sorted(each["user_reference"] for each in objects(ada, "Analysis")) == ["s1", "s2", "s3"]


@pytest.mark.parametrize(("done", "started"), [(None, 2), (0, 0), (1, 1), (4, 4), (99, 4)])
def test_a_batch_that_stops_creates_no_more_and_leaves_the_rest_waiting(
    ada: Caller, done: int | None, started: int
) -> None:
    fault(
        ada,
        match={"path": "*analysisCreationBatch"},
        do="stop_batch",
        **({} if done is None else {"done": done}),
    )
    made = batch(ada, "s1", "s2", "s3", "s4").json()["id"]
    seen = []
    path = f"/api/projects/{ada.project()}/analysisCreationBatch/{made}"
    for _ in range(16):
        status = ada("GET", path, V3).json()["job"]["status"]
        seen += [status] if [status] != seen[-1:] else []
        ada.advance(0.1)
    assert seen == ["INITIALIZED", *(["RUNNING"] if started else []), "STOPPED"]
    items = ada("GET", f"{path}/items").json()["items"]
    assert [each["processing"]["status"] for each in items] == ["SUCCEEDED"] * started + [
        "WAITING_RESOURCES"
    ] * (4 - started)
    assert len(objects(ada, "Analysis")) == started


def test_a_pipeline_is_moved_by_somebody_between_our_read_and_our_write(ada: Caller) -> None:
    pipeline = ada.pipeline("DRAGEN Germline 4-2-7")
    path = f"/api/projects/{ada.project()}/pipelines/{pipeline}"
    fault(ada, match={"path": "*:deprecate"}, do="move_pipeline", to="Archived", message="Gone.")
    assert ada("POST", f"{path}:deprecate").status_code == 409
    (now,) = (each for each in objects(ada, "Pipeline") if each["id"] == pipeline)
    assert (now["status"], now["message"]) == ("Archived", "Gone.")
    assert [each["effect"] for each in log(ada) if each["path"].endswith(":deprecate")] == [False]


def test_a_rival_makes_credentials_of_the_name_between_our_list_and_our_create(ada: Caller) -> None:
    fault(ada, **CREATE, do="rival_credential")
    ours = create(ada).json()
    found = ada("GET", "/api/storageCredentials").json()["items"]
    assert {(each["name"], each["ownerId"]) for each in found} == {("b", ours["ownerId"])}
    assert len({each["id"] for each in found}) == 2
    assert [each["effect"] for each in log(ada) if each["method"] == "POST"] == [True]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_outlives_the_caller_and_the_log_knows_an_effect_as_soon_as_it_is_there(
    ada: Caller, when: str
) -> None:
    fault(ada, **CREATE, delay=90, when=when)
    with pytest.raises(requests.ReadTimeout):
        ada.session.post(
            ada.ica.base_url + "/api/storageCredentials",
            json={"name": "b", "type": "AWS_USER"},
            headers={**ada.key, "Accept": V3, "Content-Type": V3},
            timeout=0.2,
        )
    done = when == "after"
    assert ada.control("GET", "/traffic")["hanging"] == 1
    assert (len(objects(ada, "Credential")), len(log(ada))) == (done, done)
    ada.advance(90)
    while ada.control("GET", "/traffic")["requests"]:
        pass
    assert len(objects(ada, "Credential")) == 1
    assert [(each["status"], each["effect"], each["fault"]) for each in log(ada)] == [(201, True, "delay")]


def test_a_caller_in_time_gets_the_delayed_answer(ada: Caller) -> None:
    fault(ada, **CREATE, delay=5)
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(create(Caller(ada.ica)).status_code))
    thread.start()
    while ada.control("GET", "/traffic")["hanging"] == 0:
        pass
    ada.advance(5)
    thread.join()
    assert got == [201]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"do": "drop_answer", "retry_after": 1}, "drop_answer knows no retry_after"),
        ({"do": "truncate", "length": "long"}, "length must be one of right, wrong"),
        ({"do": "move_pipeline", "to": "Lost"}, "to must be one of"),
        ({"do": "lag", "seconds": 3601}, "seconds must be between 0 and 3600"),
        ({"delay": 1, "status": 500}, "go together"),
        ({"seed": 1, "rate": 2, "of": [{"do": "drop_answer"}]}, "rate must be between 0 and 1"),
        ({"seed": 1, "rate": 0.5, "of": []}, "of names no fault"),
        ({"seed": 1, "rate": 0.5, "of": [{"do": "twin", "times": 2}]}, "no match and no times"),
        ({"seed": 1, "odds": 2, "of": [{"do": "twin"}]}, "a schedule knows"),
        ({"seed": 1, "match": {"nth": 2}, "of": [{"do": "twin"}]}, "a schedule knows"),
    ],
)
def test_a_fault_that_makes_no_sense_says_why(ada: Caller, wrong: dict[str, Any], why: str) -> None:
    answer = ada.session.post(ada.ica.control_url + "/faults", json=wrong, timeout=5)
    assert answer.status_code == 400
    assert why in answer.json()["error"]


JSON: tuple[Any, ...] = (None, True, 1, 1.5, "1", [], {}, [1], float("nan"), float("inf"), 10**400)
FIELDS: dict[str, dict[str, Any]] = {
    "match": {"do": "drop_answer"},
    "match.method": {"do": "drop_answer"},
    "match.path": {"do": "drop_answer"},
    "match.nth": {"do": "drop_answer"},
    "do": {},
    "times": {"do": "drop_answer"},
    "delay": {},
    "when": {"delay": 1},
    "stored": {"do": "drop_answer"},
    "length": {"do": "truncate"},
    "status": {"do": "status"},
    "retry_after": {"do": "status", "status": 503},
    "body": {"do": "status", "status": 503},
    "seconds": {"do": "lag"},
    "fits": {"do": "fail_items"},
    "reason": {"do": "fail_items"},
    "done": {"do": "stop_batch"},
    "to": {"do": "move_pipeline"},
    "message": {"do": "move_pipeline"},
    "seed": {"of": [{"do": "lag"}], "rate": 1},
    "rate": {"seed": 1, "of": [{"do": "lag"}]},
    "of": {"seed": 1, "rate": 1},
    "first": {"seed": 1, "of": [{"do": "lag"}], "rate": 1},
    "match.method of a schedule": {"seed": 1, "of": [{"do": "lag"}], "rate": 1},
    "match.path of a schedule": {"seed": 1, "of": [{"do": "lag"}], "rate": 1},
}
"""Each field of a fault, and what else a fault has to say that has it."""


def test_a_field_of_any_type_is_taken_and_harmless_or_refused_in_words_that_name_it(ada: Caller) -> None:
    tried = {"taken": 0, "refused": 0}
    path = f"/api/pipelines/{ada.pipeline('nf-core rnaseq 3-14')}"
    for name, value in itertools.product(FIELDS, JSON):
        outer, _, inner = name.partition(" ")[0].partition(".")
        wanted = {**FIELDS[name], outer: {inner: value} if inner else value}
        url = ada.ica.control_url + "/faults"
        answer = ada.session.put(url, data=json.dumps(wanted), timeout=20)
        if answer.status_code == 400:
            tried["refused"] += 1
            assert (inner or outer) in answer.json()["error"], (wanted, answer.text)
            continue
        assert answer.status_code == 200, (wanted, answer.text)
        tried["taken"] += 1
        calls = (lambda: ada("GET", "/api/projects"), lambda: ada("GET", path), lambda: batch(ada, "one"))
        for call in () if "delay" in wanted else calls:
            with contextlib.suppress(requests.RequestException):
                assert call().status_code != 500, wanted
    print(tried)
    assert min(tried.values()) > 30


@pytest.mark.parametrize("wrong", [None, 1, "x", [], [[]], [1], {"userReference": 5}, {"reason": []}])
def test_an_outcome_of_the_wrong_type_is_refused(ada: Caller, wrong: Any) -> None:
    answer = ada.session.post(ada.ica.control_url + "/outcomes", data=json.dumps(wrong), timeout=20)
    assert answer.status_code == (200 if wrong == [] else 400), answer.text


def test_what_the_door_shows_of_its_faults_can_be_told_to_it_again(ada: Caller) -> None:
    faults = [
        {
            "match": {"path": "/api/*", "nth": 3},
            "do": "status",
            "status": 502,
            "when": "after",
            "body": "html",
        },
        {"do": "stop_batch", "done": 2},
        {"delay": 3},
        {"seed": 5, "rate": 0.5, "of": [{"do": "lag", "seconds": 4}, {"do": "drop_answer"}], "first": 3},
    ]
    shown = ada.control("PUT", "/faults", faults)["items"]
    assert ada.control("PUT", "/faults", shown)["items"] == shown


def answers(caller: Caller, paths: list[str]) -> dict[str, list[int]]:
    got: dict[str, list[int]] = {}
    for path in paths:
        got.setdefault(path, []).append(caller("GET", path).status_code)
    return got


def test_a_seed_gives_the_same_schedule_in_whatever_order_the_requests_come(ada: Caller) -> None:
    paths = ["/api/projects", "/api/pipelines", "/api/analysisStorages"] * 40
    of = [{"do": "status", "status": status} for status in (500, 502, 503)]
    outcomes = []
    for seed, order in ((7, paths), (7, sorted(paths)), (8, paths)):
        schedule = {"seed": seed, "rate": 0.25, "of": of, "match": {"path": "/api/*s"}, "first": 30}
        ada.control("PUT", "/faults", [schedule])
        outcomes.append(answers(ada, order))
    assert outcomes[0] == outcomes[1] != outcomes[2]
    said = [status for each in outcomes[0].values() for status in each[:30]]
    assert set(said) == {200, 500, 502, 503}
    assert 10 < sum(status != 200 for status in said) < 35, "a quarter of 90, or so"
    assert {status for each in outcomes[0].values() for status in each[30:]} == {200}
