"""Bytes of answers into values: lists over pages, problems in every shape, text made safe."""

from __future__ import annotations

import gc
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icaform.operation import Call
from icaform.wire import BadAnswer
from icaform.wire.answer import NotJson, clean, read_json, read_problem

CALM = settings(deadline=None, database=None)
V3 = "application/vnd.illumina.v3+json"
LIST = Call("GET", "/api/projects", V3, query=(("search", "a b&c"),), paged=True)


def page(items, token=None):
    return {"items": items, "nextPageToken": token, "remainingRecords": 1}


def test_a_list_is_followed_to_its_end_and_each_id_is_kept_once(rogue, open_session, http):
    for end in ("", None):
        rogue.seen.clear()
        rogue.script = [
            http.says(200, page([{"id": "1"}, {"id": "2"}], "t/+&="), headers={"ETag": '"e"'}),
            http.says(200, page([{"id": "2"}, {"id": "3"}, {"noId": 1}, {"noId": 1}], "t2")),
            http.says(200, page([], end)),
        ]
        answer = open_session().send(LIST)
        assert answer.body == {"items": [{"id": "1"}, {"id": "2"}, {"id": "3"}, {"noId": 1}, {"noId": 1}]}
        assert (answer.pages, answer.status, answer.etag) == (3, 200, '"e"')
        assert [each.target.partition("?")[2] for each in rogue.calls] == [
            "search=a%20b%26c&pageSize=1000",
            "search=a%20b%26c&pageSize=1000&pageToken=t%2F%2B%26%3D",
            "search=a%20b%26c&pageSize=1000&pageToken=t2",
        ]


def test_a_page_size_that_the_call_names_is_kept(rogue, open_session, http):
    rogue.habit = http.says(200, page([]))
    open_session().send(Call("GET", "/api/x", V3, query=(("pageSize", "5"),), paged=True))
    assert rogue.calls[0].target.endswith("?pageSize=5")


def test_a_cursor_that_does_not_move_on_ends_in_an_error(rogue, open_session, http):
    rogue.habit = http.says(200, page([{"id": "1"}], "same"))
    with pytest.raises(BadAnswer, match="does not end"):
        open_session().send(LIST)
    assert len(rogue.calls) == 2
    rogue.seen.clear()
    rogue.script = [http.says(200, page([], token)) for token in ("a", "b", "a")]
    with pytest.raises(BadAnswer, match="does not end"):
        open_session().send(LIST)


@pytest.mark.parametrize("body", [{}, [], {"items": None}, {"items": {}}, {"items": [], "nextPageToken": 5}])
def test_a_list_without_items_is_a_bad_answer(rogue, open_session, http, body):
    rogue.habit = http.says(200, body)
    with pytest.raises(BadAnswer):
        open_session().send(LIST)


def test_a_refusal_on_any_page_is_the_answer_of_the_list(rogue, open_session, http):
    rogue.script = [http.says(200, page([{}], "t")), http.says(403, {"title": "ICA_SEC_009"})]
    answer = open_session().send(LIST)
    assert (answer.status, answer.problem.code, answer.pages) == (403, "ICA_SEC_009", 2)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "application/problem+json",
            {"type": "about:blank", "title": "ICA_API_004", "status": 400, "detail": "Invalid Accept Header"},
            ("ICA_API_004", "Invalid Accept Header", ""),
        ),
        (
            V3,
            {"title": "ICA_API_429", "detail": "Too many requests. Please try again later! (ref. ab-1)"},
            ("ICA_API_429", "Too many requests. Please try again later!", "ab-1"),
        ),
        (
            V3,
            {"id": "r-1", "title": "ICA_DATA_105", "detail": "Conflict (ref. r-1)"},
            ("ICA_DATA_105", "Conflict", "r-1"),
        ),
        ("application/json", {"code": "ICA_X", "message": "words"}, ("ICA_X", "words", "")),
        ("application/json", {"title": "Bad Request"}, ("", "Bad Request", "")),
        ("application/json", {"error": "invalid", "error_description": "long"}, ("", "long", "")),
        (
            "text/html; charset=utf-8",
            b"<html><title>503 &amp; more\n x</title><p>inner",
            ("", "an HTML page: 503 & more x", ""),
        ),
        ("", b"<!doctype html><p>hello", ("", "an HTML page without a title", "")),
        (
            "text/plain",
            b"upstream connect error\x1b[2J\r\n::error::x",
            ("", "upstream connect error ::error::x", ""),
        ),
        (V3, b"", ("", "", "")),
        (V3, b"null", ("", "None", "")),
        (V3, b"[1]", ("", "[1]", "")),
        (V3, b'{"title": ["x"], "detail": {"a": 1}}', ("", "", "")),
        (V3, b"[" * 90000, ("", "[" * 119 + "…", "")),
    ],
)
def test_a_problem_is_read_in_every_shape_seen(kind, body, expected):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    problem = read_problem(400, kind, data)
    assert (problem.code, problem.detail, problem.reference) == expected


WHOLE = {"type": "about:blank", "title": "Bad Request", "status": 400, "parameters": {}, "timestamp": "now"}


def test_a_problem_is_icas_own_by_its_code_or_by_all_that_icas_problems_have():
    bodies = [
        *((True, each) for each in (WHOLE, {"title": "ICA_API_004"}, {"code": "ICA_X", "message": "words"})),
        *((False, {name: WHOLE[name] for name in WHOLE if name != lost}) for lost in WHOLE),
        (False, {"message": "Forbidden"}),
        (False, {"code": "403", "message": "Forbidden"}),
        (False, {"title": "Bad Request"}),
        *((False, each) for each in ([WHOLE], None, "ICA_API_004", {})),
    ]
    for own, body in bodies:
        assert read_problem(400, V3, json.dumps(body).encode()).own is own, body
    for data in (b"", b"<html><title>ICA_API_004</title>", b"ICA_API_004", b"{"):
        assert not read_problem(400, V3, data).own
    print(f"{len(bodies) + 4} bodies")


@CALM
@given(
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.sampled_from(["", "text/html", V3])
)
def test_no_body_of_a_refusal_breaks_anything(data, kind):
    problem = read_problem(500, kind, data)
    for text in (problem.code, problem.detail, problem.reference):
        assert text == clean(text)
        assert text.isprintable()


@CALM
@given(st.text(st.characters(), max_size=400), st.integers(1, 50))
def test_text_of_a_server_is_one_short_line_without_control_characters(text, limit):
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    shown.encode()


PARTS = (
    "\\ud83d", "\\uDE00", "\\udBFF", "\\uDfff", "\\ud83d\\ude00", "\\ufffd", "\\u005c", "\\n", '\\"',
    "\\\\", "\\\\ud800", "u", "ud800", "d83d", "x", "\u00e9", "\U0001f600", "\\ud8", "\\",
)  # fmt: skip


@CALM
@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=8).map("".join), min_size=2, max_size=2))
def test_half_a_surrogate_pair_becomes_one_character_and_all_else_stays(texts):
    key, text = texts
    data = f'{{"{key}": ["{text}"], "x": "\\ud800"}}'.encode()
    try:
        value = json.loads(data)
    except ValueError:
        with pytest.raises(NotJson):
            read_json(data)
        return
    whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    assert read_json(data) == json.loads(whole.decode("utf-16", "replace"))


def test_big_json_is_read_with_collection_paused_and_resumed_by_all_threads():
    data = json.dumps([{"id": n, "name": "x" * 40} for n in range(30_000)]).encode()
    broken = data[:-1]
    assert gc.isenabled()

    def work():
        for _ in range(3):
            read_json(data)
            with pytest.raises(NotJson):
                read_json(broken)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()


def test_json_errors_quote_nothing():
    for data in (b'{"secret": "CANARY"', b'"CANARY', b"CANARY", b'{"CANARY": NaN}', b"1" * 5000):
        with pytest.raises(NotJson) as caught:
            read_json(data)
        assert "CANARY" not in str(caught.value)
