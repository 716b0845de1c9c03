"""A manifest, or a person, that says the value of a secret: no file of ours keeps it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from icaform.engine.secrets import WITHHELD
from tests.front.conftest import Lab
from tests.front.test_canaries import found_in, written
from tests.front.test_doubt import cohort, credential
from tests.front.test_journal_verbs import untellable
from tests.front.test_pipelines import manifest, seed

PLAIN = "caN4ryXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEK"
VALUES = (PLAIN, "caN4ry|of:the%lab& 0001", "superseded-by-us")
WAYS: Mapping[str, Callable[[str], str]] = {
    "to the letter": str,
    "in a sentence": lambda value: f"see {value} for more",
    "in JSON": lambda value: json.dumps({"key": value}).replace("/", "\\/"),
    "in lines": lambda value: "\n".join(value[start : start + 9] for start in range(0, len(value), 9)),
}
APPLY = ("--yes", "--allow-irreversible", "1", "--first-run")


def message(lab: Lab, said: str) -> None:
    lab.write("p.yaml", manifest("Deprecated", more=f"  message: {json.dumps(said)}\n"))


def variable(lab: Lab, said: str) -> None:
    lab.write("p.yaml", manifest("Deprecated", more='  message: "${var.why}"\n'))
    lab.environ["ICAFORM_VAR_why"] = said


def parameter(lab: Lab, said: str) -> None:
    lab.write("p.yaml", cohort("A").replace("GRCh38", json.dumps(said)))


PLACES = {"message": message, "variable": variable, "parameter": parameter}
SAVED = {"parameter"}
"""Of what a batch is started with a plan tells the digest alone, so that it may be saved."""


def kept(lab: Lab) -> Mapping[str, bytes]:
    """What icaform wrote, apart from the manifests that say it all."""
    return {name: data for name, data in written(lab).items() if not name.endswith((".yaml", ".yml"))}


def plant(lab: Lab, value: str) -> None:
    """A credential of that secret."""
    lab.environ["CANARY"] = value
    lab.write("c.yaml", credential(key="{env: CANARY}", secret="{env: CANARY}"))


def anew(lab: Lab, value: str) -> None:
    """A world and a workspace in which nothing was done yet."""
    lab.control("POST", "/reset", {})
    for each in kept(lab):
        Path(each).unlink()
    seed(lab)
    plant(lab, value)


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_that_a_manifest_says_is_in_no_file_and_in_no_output(lab: Lab, place: str) -> None:
    tried = 0
    wrong: list[str] = []
    for value in VALUES:
        for name, way in WAYS.items():
            anew(lab, value)
            PLACES[place](lab, way(value))
            file = lab.folder / "sp.json"
            saved = lab.run("plan", str(lab.folder), "--out", str(file))
            case = f"{place}, {name}, {value}"
            assert saved.code == (0 if place in SAVED else 65), (case, saved.text)
            assert place in SAVED or "Pipeline/p holds the value of a secret" in " ".join(saved.err.split())
            assert file.exists() == (place in SAVED), case
            ran = lab.run("apply", str(lab.folder), *APPLY)
            assert ran.code == 0, (case, ran.text)
            listed = lab.run("journal", "list", str(lab.folder), "--all", "--output", "json")
            runs = {"plan": saved, "apply": ran, "list": listed}
            texts = {**kept(lab), **{each: run.text.encode() for each, run in runs.items()}}
            wrong += [f"{case}: {each}" for each in found_in(texts, {value[:9], value[-9:]})]
            tried += 1
    print(f"{tried} texts that hold a secret in {place}")
    assert not wrong, "\n".join(wrong)[:3000]


def test_another_body_is_kept_and_another_plan_is_saved_beside_any_secret(lab: Lab) -> None:
    words = ("create", "Deprecated", "message", "changes", "caN4ry-0001")
    for value in words:
        anew(lab, value)
        lab.write("p.yaml", manifest("Archived", more="  message: Use 4-4.\n"))
        told = lab.run("plan", str(lab.folder), "--out", str(lab.folder / "sp.json"))
        assert told.code == 0, (value, told.text)
        assert lab.run("apply", str(lab.folder), *APPLY).code == 0, value
        with sqlite3.connect(next((lab.folder / ".icaform").glob("journal*.sqlite"))) as journal:
            text = "\n".join(journal.iterdump())
        assert "Use 4-4." in text, value
    print(f"{len(words)} secrets that are words of our own")


def test_a_note_of_a_person_that_holds_a_secret_is_not_kept(slow_lab: Lab) -> None:
    lab = slow_lab
    lab.control("PUT", "/settings", {"batch_initialized": 900})
    untellable(lab)
    plant(lab, PLAIN)
    close = ("journal", "settle", str(lab.folder), "--as", "not-done", "--yes")
    ran = lab.run(*close, "--note", f"it was {PLAIN[:20]} {PLAIN[20:]}")
    assert ran.code == 0, ran.text
    assert WITHHELD in ran.out
    assert not found_in({"settle": ran.text.encode(), **kept(lab)}, {PLAIN[:20], PLAIN[20:]})
