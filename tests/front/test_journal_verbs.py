"""journal list, audit and settle: a person sees what has no known end, and closes it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from icaform.engine import journal as engine
from icaform.engine.lease import myself
from icaform.journal import open_store
from icaform.operation import Call, Repeat
from tests.front import everything
from tests.front.conftest import Lab, Terminal
from tests.front.everything import killed
from tests.front.test_apply import CALLS, fault
from tests.front.test_doubt import HIDDEN, cohort, lose_answer, started

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "journal.schema.json").read_text(encoding="utf-8"))


def journal(lab: Lab, *words: str, code: int = 0, **more: Any) -> Any:
    """The document of one of the verbs, which must end with this code."""
    ran = lab.run("journal", words[0], *words[1:], str(lab.folder), "--output", "json", **more)
    assert ran.code == code, ran.text
    if ran.json["command"].startswith("journal ") and "entries" in ran.json:
        jsonschema.Draft202012Validator(SCHEMA).validate(ran.json)
        assert ran.json["exit_code"] == code
    return ran.json


def file(lab: Lab) -> Path:
    return lab.folder / ".icaform" / "journal.sqlite"


def in_doubt(lab: Lab) -> None:
    """A batch of three was sent; its answer was lost, and the run died."""
    lab.write("b.yaml", cohort("abc"))
    lose_answer(lab, "*analysisCreationBatch")
    killed(lab)
    lab.control("DELETE", "/faults")


def untellable(lab: Lab) -> None:
    """The same, of which not one analysis shows yet, in a tenant that shows nobody its jobs."""
    in_doubt(lab)
    lab.control("PUT", "/faults", [HIDDEN])


def never_sent(lab: Lab) -> None:
    """A batch of three was begun; it never reached ICA, and the run died."""
    lab.write("b.yaml", cohort("abc"))
    fault(lab, CALLS[6], {"do": "drop_request"})
    killed(lab)
    lab.control("DELETE", "/faults")


def test_what_has_no_known_end_is_listed_without_a_token_and_without_ica(lab: Lab) -> None:
    in_doubt(lab)
    lab.clock.sleep(3700)
    lab.forget_requests()
    for name in ("ICAV2_BASE_URL", "ICAV2_X_API_KEY"):
        del lab.environ[name]
    (entry,) = journal(lab, "list")["entries"]
    assert (entry["entry"], entry["state"], entry["verb"]) == ("begun", "begun", "submit")
    assert [each["address"] for each in entry["resources"]] == [
        f"AnalysisBatch/cohort[{each}]" for each in "abc"
    ]
    assert entry["call"].startswith("POST /api/projects/")
    assert entry["call"].endswith("analysisCreationBatch")
    assert entry["key"].startswith("icaform-")
    assert entry["user_id"]
    assert entry["age_seconds"] > 3600
    told = lab.run("journal", "list", str(lab.folder)).out
    for part in (entry["call"], entry["key"], entry["user_id"], "AnalysisBatch/cohort[a]", "1 h 1 min ago"):
        assert part in told
    assert not lab.requests()


READING = (("list",), ("list", "--all"), ("audit",), ("settle",), ("settle", "1"))


def test_a_journal_that_is_not_there_is_not_whole_and_is_not_made(lab: Lab) -> None:
    lab.write("b.yaml", cohort("abc"))
    tried = 0
    for line in READING:
        for more in ((), ("--journal", str(lab.folder / "nowhere" / "j.sqlite"))):
            document = journal(lab, *line, *more, code=78)
            (found,) = document["diagnostics"]
            assert (found["code"], document["errored"]) == ("journal", True), line
            assert f"there is no journal at {more[1] if more else file(lab)}" in found["summary"], line
            assert "apply makes it" in found["remedy"]
            tried += 1
    assert not (lab.folder / ".icaform").exists()
    assert not (lab.folder / "nowhere").exists()
    lab.write("b.yaml", everything.CREDENTIALS.split("---")[1])
    assert lab.apply().code == 0
    for line in READING[:-1]:
        journal(lab, *line)
    print(f"{tried} looks at no journal, {len(READING) - 1} at one")


def test_a_folder_that_is_not_there_has_no_journal(lab: Lab) -> None:
    everything.write(lab)
    lab.apply()
    for line in READING[:-1]:
        ran = lab.run("journal", *line, str(lab.folder / "nowhere"), "--journal", str(file(lab)))
        assert ran.code == 65, (line, ran.text)
        assert "nowhereisnotthere" in "".join(ran.text.split()), line


def test_a_number_is_written_in_digits_and_is_that_of_a_call(lab: Lab) -> None:
    lab.write("b.yaml", cohort("abc"))
    lab.apply()
    for word, code, said in (
        ("9" * 5000, 64, "is no number of a call"),
        ("9" * 19, 64, "is no number of a call"),
        ("9" * 18, 64, "has no call with number 999999999999999999"),
        ("\u0663", 65, "is not there"),
        ("\u00b3", 65, "is not there"),
    ):
        ran = lab.run("journal", "settle", str(lab.folder), word)
        assert (ran.code, said in " ".join(ran.text.split())) == (code, True), (word[:20], ran.text)
        assert len(ran.text) < 1000


def test_every_entry_is_listed_newest_first_and_holds_neither_body_nor_secret(lab: Lab) -> None:
    everything.write(lab)
    assert lab.apply().code == 0
    document = journal(lab, "list", "--all")
    numbers = [entry["number"] for entry in document["entries"]]
    assert numbers == list(range(document["total"], 0, -1))
    assert {entry["entry"] for entry in document["entries"]} == {"begun", "ended", "adopted"}
    assert {entry["state"] for entry in document["entries"] if entry["entry"] == "begun"} == {"done"}
    assert [each["number"] for each in journal(lab, "list", "--all", "--limit", "3")["entries"]] == numbers[
        :3
    ]
    told = json.dumps(document) + lab.run("journal", "list", "--all", str(lab.folder)).text
    for hidden in (everything.KEY_ID, everything.SECRET, "Use 4-4-0.", "userReference", "fingerprint"):
        assert hidden not in told


def test_names_of_others_cannot_command_a_terminal_or_a_runner(lab: Lab) -> None:
    in_doubt(lab)
    store = open_store(str(file(lab)), "lab", lambda: 0.0)
    store.acquire("::error::\x1b[31mholder", "https://run/##[command]", lab.clock.now(), 60.0)
    store.close()
    for dialect in ("text", "json"):
        told = lab.run("journal", "list", str(lab.folder), "--output", dialect, "--color", "never").out
        assert "\x1b" not in told
        assert "##[" not in told
        assert not [line for line in told.splitlines() if line.lstrip().startswith("::")]


def test_a_lease_that_a_dead_run_left_elsewhere_is_shown_until_and_after_it_ends(lab: Lab) -> None:
    lab.write("b.yaml", cohort("abc"))
    assert lab.apply().code == 0
    assert journal(lab, "list")["lease"] is None
    store = open_store(str(file(lab)), "lab", lambda: 0.0)
    store.acquire("runner-7:4711", "https://ci/run/1", lab.clock.now(), 300.0)
    store.close()
    lease = journal(lab, "list")["lease"]
    assert (lease["holder"], lease["run_url"], lease["seconds_left"]) == (
        "runner-7:4711",
        "https://ci/run/1",
        300,
    )
    told = lab.run("journal", "list", str(lab.folder)).out
    assert "runner-7:4711 (https://ci/run/1) has the lease for 5 min more" in told
    assert lab.apply().code == 13
    assert journal(lab, "settle")["entries"] == []
    lab.clock.sleep(301)
    assert journal(lab, "list")["lease"]["seconds_left"] == 0
    assert "in nobody's way" in " ".join(lab.run("journal", "list", str(lab.folder)).out.split())
    assert lab.apply().code == 0


def test_a_lease_that_a_dead_run_of_this_machine_left_is_free_and_told_so(lab: Lab) -> None:
    lab.write("b.yaml", cohort("abc"))
    assert lab.apply().code == 0
    place = myself().rpartition(":")[0]
    dead = subprocess.Popen(["true"])
    dead.wait()
    holders = {f"{place}:{dead.pid}": True, myself(): False, f"elsewhere:{dead.pid}": False}
    for holder, free in holders.items():
        store = open_store(str(file(lab)), "lab", lambda: 0.0)
        store.acquire(holder, "", lab.clock.now(), 300.0)
        store.close()
        assert journal(lab, "list")["lease"]["free"] == free, holder
        told = " ".join(lab.run("journal", "list", str(lab.folder)).out.split())
        assert (f"was held by {holder}, whose process has ended; free" in told) == free, told
        assert (f"{holder} has the lease for 5 min more" in told) == (not free), told
        assert lab.apply().code == (0 if free else 13)
        lab.clock.sleep(301)
        assert journal(lab, "list")["lease"] is None if free else journal(lab, "list")["lease"]["free"]
    print(f"{len(holders)} holders")


def test_an_audit_counts_what_it_checked_and_names_the_first_break(lab: Lab) -> None:
    everything.write(lab)
    lab.apply()
    total = journal(lab, "list")["total"]
    assert journal(lab, "audit")["checked"] == total > 10
    assert f"{total} entries checked" in lab.run("journal", "audit", str(lab.folder)).out
    with sqlite3.connect(file(lab)) as database:
        database.execute("UPDATE entry SET text = replace(text, 'done', 'gone') WHERE number IN (5, 9)")
        database.execute("UPDATE entry SET text = text || ' ' WHERE number IN (4, 7)")
    document = journal(lab, "audit", code=78)
    assert document["errored"]
    assert "entry 4 is not what was written" in document["diagnostics"][0]["summary"]
    assert document["diagnostics"][0]["remedy"]
    ran = lab.run("journal", "audit", str(lab.folder))
    assert ran.code == 78
    assert "entry 4" in ran.out


def test_a_journal_that_cannot_be_read_is_told_by_every_verb(lab: Lab) -> None:
    lab.write("b.yaml", cohort("abc"))
    lab.apply()
    file(lab).write_bytes(b"no journal at all")
    for words in (
        ["list"],
        ["list", "--all"],
        ["audit"],
        ["settle"],
        ["settle", "1", "--as", "done", "--yes"],
    ):
        document = journal(lab, *words, code=78)
        assert [each["code"] for each in document["diagnostics"]] == ["journal"], words


def test_what_can_be_told_is_closed_by_itself_and_nothing_is_sent(lab: Lab) -> None:
    in_doubt(lab)
    lab.clock.sleep(2000)
    lab.forget_requests()
    (entry,) = journal(lab, "settle")["entries"]
    assert (entry["state"], entry["note"]) == ("done", "a later run found 3 of 3 in place")
    assert lab.writes() == []
    assert journal(lab, "list")["entries"] == []
    assert lab.apply().code == 0
    assert lab.writes() == []
    assert started(lab) == {"cohort/a": 1, "cohort/b": 1, "cohort/c": 1}
    assert journal(lab, "audit")["pending"] == 0


def test_what_is_surely_not_there_is_closed_and_the_next_apply_sends_it(lab: Lab) -> None:
    never_sent(lab)
    lab.clock.sleep(2000)
    lab.forget_requests()
    (entry,) = journal(lab, "settle")["entries"]
    assert (entry["state"], entry["note"]) == ("settled", "looked for and not there")
    assert lab.writes() == []
    assert lab.apply().code == 0
    assert started(lab) == {"cohort/a": 1, "cohort/b": 1, "cohort/c": 1}


def test_what_may_still_come_stays_unknown_until_a_person_says_how_it_was(slow_lab: Lab) -> None:
    lab = slow_lab
    lab.control("PUT", "/settings", {"batch_initialized": 900})
    untellable(lab)
    document = journal(lab, "settle", code=14)
    assert [entry["state"] for entry in document["entries"]] == ["begun"]
    assert not document["complete"]
    (number,) = (entry["number"] for entry in document["entries"])
    assert "look in ICA" in lab.run("journal", "settle", str(lab.folder)).out
    (entry,) = journal(
        lab,
        "settle",
        str(number),
        "--as",
        "not-done",
        "--note",
        "ask Ada",
        "--yes",
        environ={"USER": "grace"},
    )["entries"]
    assert (entry["state"], entry["note"]) == ("settled", "grace says it was not done: ask Ada")
    assert journal(lab, "list")["entries"] == []
    (ended, *_) = journal(lab, "list", "--all")["entries"]
    assert (ended["entry"], ended["of"], ended["state"]) == ("ended", number, "settled")


def test_a_persons_word_counts_only_where_looking_does_not_tell(lab: Lab) -> None:
    in_doubt(lab)
    lab.clock.sleep(2000)
    (entry,) = journal(lab, "settle", "--as", "not-done", "--yes")["entries"]
    assert (entry["state"], entry["note"]) == ("done", "a later run found 3 of 3 in place")
    assert lab.plan().json["resource_changes"] == []


@pytest.mark.parametrize("word", ["done", "not-done"])
def test_a_call_whose_manifest_is_gone_can_be_closed(lab: Lab, word: str) -> None:
    never_sent(lab)
    (lab.folder / "b.yaml").unlink()
    lab.write("c.yaml", everything.CREDENTIALS)
    lab.clock.sleep(9 * 86400)
    lab.apply()
    assert len([each for each in lab.plan().json["diagnostics"] if "was begun" in each["summary"]]) == 1
    assert journal(lab, "settle", code=14)["pending"] == 1
    assert journal(lab, "settle", "--as", word, "--yes")["pending"] == 0
    assert [each for each in lab.plan().json["diagnostics"] if "was begun" in each["summary"]] == []
    assert journal(lab, "audit")["pending"] == 0


def test_without_looking_neither_server_nor_manifests_are_needed(lab: Lab) -> None:
    in_doubt(lab)
    (lab.folder / "b.yaml").write_text("no: [manifest")
    lab.forget_requests()
    del lab.environ["ICAV2_X_API_KEY"]
    assert journal(lab, "settle", "--no-look", "--as", "done", "--yes")["pending"] == 0
    assert not lab.requests()


@pytest.mark.parametrize("word", ["done", "not-done"])
def test_what_a_person_says_was_done_is_remembered_but_for_its_secret(lab: Lab, word: str) -> None:
    lab.environ.update(everything.SECRETS)
    lab.write("c.yaml", everything.CREDENTIALS)
    fault(lab, CALLS[0], {"do": "drop_answer"})
    killed(lab)
    lab.control("DELETE", "/faults")
    (entry,) = journal(lab, "list")["entries"]
    assert entry["verb"] == "create"
    assert journal(lab, "settle", "--no-look", "--as", word, "--yes")["pending"] == 0
    store = open_store(str(file(lab)), "lab", lambda: 0.0)
    known = {str(address): facts for address, facts in store.memory().remembered.items()}
    store.close()
    facts = known.get(entry["resources"][0]["address"], {})
    assert bool(facts) == (word == "done")
    assert "secret" not in facts


def test_only_the_calls_that_are_named_are_closed(slow_lab: Lab) -> None:
    lab = slow_lab
    lab.environ.update(everything.SECRETS)
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    lab.write("b.yaml", cohort("abc"))
    lab.write("c.yaml", everything.CREDENTIALS)
    lose_answer(lab, "*/api/storageCredentials")
    lose_answer(lab, "*analysisCreationBatch")
    killed(lab)
    lab.control("DELETE", "/faults")
    pending = [entry["number"] for entry in journal(lab, "list")["entries"]]
    assert len(pending) >= 2
    one, *rest = pending
    lab.clock.sleep(4000)
    assert [entry["number"] for entry in journal(lab, "settle", str(rest[-1]))["entries"]] == [rest[-1]]
    rest.pop()
    assert [entry["number"] for entry in journal(lab, "list")["entries"]] == [one, *rest]
    document = journal(lab, "settle", str(one), "--no-look", "--as", "done", "--yes")
    assert [entry["number"] for entry in document["entries"]] == [one]
    assert [entry["number"] for entry in journal(lab, "list")["entries"]] == rest
    # What is closed stays closed, and saying so again does no harm.
    (entry,) = journal(lab, "settle", str(one), "--no-look", "--as", "not-done", "--yes", code=14)["entries"]
    assert "was done" in entry["note"]


def told_of(document: Any) -> list[tuple[str, str]]:
    return [(each["severity"], each["summary"]) for each in document["diagnostics"]]


def test_a_word_that_is_not_taken_is_not_confirmed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    in_doubt(lab)
    (number,) = (str(entry["number"]) for entry in journal(lab, "list")["entries"])
    said = ("settle", "--no-look", "--yes", "--as")
    close, tried = engine.close, 0

    def late(*given: Any, **more: Any) -> Any:
        # Somebody else was faster, between what was read of the journal and the lease.
        monkeypatch.setattr(engine, "close", close)
        first = journal(lab, *said, "not-done", environ={"USER": "p2"})
        assert (first["verdict"], first["diagnostics"]) == ("1 call closed, in workspace lab", [])
        return close(*given, **more)

    monkeypatch.setattr(engine, "close", late)
    before = f"call {number} was closed before (p2 says it was not done); nothing was changed"
    for words, code, severity in (
        ((*said, "done"), 14, "error"),
        ((*said, "done", number), 14, "error"),
        ((*said, "not-done", number), 0, "warning"),
        (("settle", number), 0, "warning"),
    ):
        document = journal(lab, *words, code=code, environ={"USER": "p1"})
        assert told_of(document) == [(severity, before)], words
        assert document["verdict"] == "1 closed before, in workspace lab", words
        assert (document["errored"], document["complete"]) == (code != 0, code == 0), words
        tried += 1
    assert before in " ".join(lab.run("journal", *said, "done", number, str(lab.folder)).text.split())
    print(f"{tried} words that were not taken")


def test_a_command_line_that_closes_nothing_or_nobody_confirms_is_refused(lab: Lab) -> None:
    in_doubt(lab)
    for words in (
        ["settle", "--as", "done"],
        ["settle", "--no-look"],
        ["settle", "--as", "maybe", "--yes"],
        ["settle", "99"],
        ["settle", "99", "--as", "done", "--yes"],
        ["list", "--limit", "0"],
        ["lsit"],
        [],
    ):
        ran = lab.run("journal", *words, *([str(lab.folder)] if words else []))
        assert ran.code == 64, words
    (entry,) = journal(lab, "list")["entries"]
    ended = entry["number"] + 1
    journal(lab, "settle", "--no-look", "--as", "done", "--yes")
    assert lab.run("journal", "settle", str(ended), str(lab.folder)).code == 64


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 14), ("", 130)])
def test_on_a_terminal_a_person_is_asked_first(
    slow_lab: Lab, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    lab = slow_lab
    untellable(lab)
    monkeypatch.setattr(Terminal, "tty", True)
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ran = lab.run("journal", "settle", "--as", "done", str(lab.folder), environ={"CI": "", "TERM": "dumb"})
    assert ran.code == code
    assert "Close 1 call as done?" in ran.err
    assert len(journal(lab, "list")["entries"]) == (code != 0)
    ci = lab.run("journal", "settle", "--as", "done", str(lab.folder), environ={"CI": "true"})
    assert ci.code == 64


def test_nothing_is_settled_while_another_run_has_the_lease(lab: Lab) -> None:
    in_doubt(lab)
    store = open_store(str(file(lab)), "lab", lambda: 0.0)
    store.acquire("runner-7:4711", "", lab.clock.now(), 300.0)
    store.close()
    document = journal(lab, "settle", code=13)
    assert [each["code"] for each in document["diagnostics"]] == ["locked"]
    assert journal(lab, "settle", "--no-look", "--as", "done", "--yes", code=13)
    assert len(journal(lab, "list")["entries"]) == 1


def test_settling_cannot_send_anything_that_changes_something(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_doubt(lab)
    lab.forget_requests()

    def send(run: Any, *_: Any, **__: Any) -> None:
        run.session.send(Call("POST", "/api/storageCredentials", "application/json", repeat=Repeat.NEVER))

    monkeypatch.setattr("icaform.engine.journal.settle", send)
    assert lab.run("journal", "settle", str(lab.folder)).code != 0
    assert lab.writes() == []


def test_settling_gives_the_lease_back(lab: Lab) -> None:
    in_doubt(lab)
    lab.clock.sleep(2000)
    journal(lab, "settle")
    assert journal(lab, "list")["lease"] is None


def test_a_server_that_cannot_be_asked_closes_nothing(lab: Lab) -> None:
    in_doubt(lab)
    lab.clock.sleep(2000)
    lab.control("POST", "/faults", {"match": {"method": "GET"}, "do": "drop_request", "times": 999})
    assert lab.run("journal", "settle", str(lab.folder)).code == 69
    lab.control("DELETE", "/faults")
    assert len(journal(lab, "list")["entries"]) == 1
    assert journal(lab, "list")["lease"] is None


def test_a_folder_whose_name_is_a_number_can_be_meant(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("12/icaform.yaml", "workspace: twelve\n")
    monkeypatch.chdir(lab.folder)
    ran = lab.run("journal", "settle", "./12", "--output", "json")
    assert (ran.code, ran.json["workspace"]) == (78, "twelve")  # which was never applied
    other = lab.run("journal", "settle", "12", "--output", "json")
    assert (other.code, other.json["workspace"]) == (78, "lab")
