"""Plan and the gates of apply: the same input, the same plan; only what was reviewed and allowed runs."""

from __future__ import annotations

import base64
import json
import random
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from icaform.emulator.demo import API_KEY, SECOND_API_KEY
from tests.front import everything
from tests.front.conftest import Lab
from tests.front.everything import CREDENTIALS, KEY_ID, PIPELINES, SECRET, cohort

ZERO = "sha256:" + "0" * 64


def digest(lab: Any) -> str:
    return str(lab.plan().json["plan_digest"])


def shuffled(text: str, seed: int) -> str:
    """A YAML text with its one-line mappings in another order, comments and other spacing."""
    chance = random.Random(seed)

    def mixed(found: re.Match[str]) -> str:
        parts = found[1].split(", ")
        chance.shuffle(parts)
        return "{ " + ",  ".join(parts) + " }"

    text = re.sub(r"\{([^{}\[\]']*)\}", mixed, text)
    return "# a comment\n" + re.sub(r"\n(?=\S)", "\n# another\n\n", text)


def test_the_digest_does_not_depend_on_files_order_of_keys_spacing_or_comments(lab: Any) -> None:
    everything.write(lab)
    wanted = digest(lab)
    assert wanted == digest(lab), "the same input gives the same plan"
    documents = [*CREDENTIALS.split("---\n"), *PIPELINES.split("---\n"), cohort(5, credential="lab-archive")]
    tried = 0
    for seed in range(12):
        chance = random.Random(seed)
        for each in lab.folder.glob("*.yaml"):
            if each.name != "icaform.yaml":
                each.unlink()
        mixed = [shuffled(each, seed) for each in documents]
        chance.shuffle(mixed)
        split = chance.randrange(1, len(mixed))
        lab.write("sub/b.yaml", "---\n".join(mixed[:split]))
        lab.write("a.yml", "---\n".join(mixed[split:]))
        assert digest(lab) == wanted, seed
        tried += 1
    print(f"{tried} arrangements tried")


EDITS = {
    "a status": ("pipelines.yaml", "status: Deprecated", "status: Archived"),
    "a message": ("pipelines.yaml", "Use 4-4-0.", "Use 4-4-1."),
    "a selection": ("pipelines.yaml", "4-2-7", "4-4-0"),
    "sharing": ("credentials.yaml", "shared: true", "shared: false"),
    "the source of a secret": ("credentials.yaml", "{env: LAB_SECRET}", "{env: LAB_KEY_ID}"),
    "an input": ("cohort.yaml", "GRCh38", "GRCh37"),
    "an item": ("cohort.yaml", "S004", "S005"),
    "a generation": ("cohort.yaml", "chunkSize: 3", "chunkSize: 3\n  generation: 2"),
    "the workspace": ("icaform.yaml", "workspace: lab", "workspace: lap"),
}


def test_the_digest_depends_on_everything_that_is_wanted(lab: Any) -> None:
    everything.write(lab)
    found = {"nothing": digest(lab)}
    for name, (file, before, after) in EDITS.items():
        text = (lab.folder / file).read_text()
        assert before in text
        lab.write(file, text.replace(before, after))
        found[name] = digest(lab)
        lab.write(file, text)
    print(f"{len(EDITS)} edits tried")
    assert len(set(found.values())) == len(found)


def test_the_digest_does_not_hold_the_secret_and_does_depend_on_what_was_seen(lab: Any) -> None:
    everything.write(lab)
    first = digest(lab)
    lab.environ["LAB_SECRET"] = "another/secret"
    assert digest(lab) == first
    lab.control("POST", "/seed", {"credentials": [{"name": "lab-archive", "owner": "ada"}]})
    assert digest(lab) != first


def test_a_plan_writes_nothing_anywhere(lab: Any) -> None:
    everything.write(lab)
    before = {each: each.read_bytes() for each in lab.folder.rglob("*") if each.is_file()}
    state = lab.control("GET", "/state")["objects"]
    for verb in ("plan", "drift"):
        assert lab.run(verb, str(lab.folder)).code == 0
    assert lab.writes() == []
    assert lab.control("GET", "/state")["objects"] == state
    assert {each: each.read_bytes() for each in lab.folder.rglob("*") if each.is_file()} == before


def test_a_plan_groups_equal_changes_puts_irreversible_ones_first_and_states_its_price(lab: Any) -> None:
    everything.write(lab, 200)
    ran = lab.run("plan", str(lab.folder))
    assert ran.code == 0
    assert len(ran.out.splitlines()) < 60, "two hundred equal items are not two hundred blocks"
    text = ran.out.lower()
    assert text.index("cannot be undone") < text.index("cohort")
    price = lab.plan().json["api_calls"]
    assert (price["writes"], price["analyses"]) == (6 + 67, 200)
    assert price["reads"] > 0


def test_an_approved_plan_runs_and_another_does_not(lab: Any) -> None:
    everything.write(lab)
    approved = digest(lab)
    assert lab.run("apply", str(lab.folder), "--approve", ZERO).code == 10
    lab.write("cohort.yaml", cohort(6, credential="lab-archive"))
    assert lab.run("apply", str(lab.folder), "--approve", approved).code == 10
    assert lab.writes() == []
    lab.write("cohort.yaml", cohort(5, credential="lab-archive"))
    assert lab.run("apply", str(lab.folder), "--approve", approved).code == 0
    assert everything.wrong(lab) == []
    assert lab.run("apply", str(lab.folder), "--approve", approved).code == 10, "it ran once"


def test_an_approval_does_not_outlive_what_it_saw(lab: Any) -> None:
    lab.write("pipelines.yaml", PIPELINES)
    approved = digest(lab)
    (pipeline,) = (
        each["id"] for each in everything.objects(lab, "Pipeline") if each["code"] == "DRAGEN Germline 4-2-7"
    )
    lab.api("POST", f"/api/pipelines/{pipeline}:deprecate", {})
    assert lab.run("apply", str(lab.folder), "--approve", approved).code == 10


@pytest.mark.parametrize("text", ["sha256:12", "0" * 64, "sha256:" + "G" * 64, "yes"])
def test_a_malformed_digest_is_an_error_and_no_permission(lab: Any, text: str) -> None:
    everything.write(lab)
    assert lab.run("apply", str(lab.folder), "--approve", text).code == 64
    assert lab.requests("POST", "storage") == []


def test_another_user_cannot_run_a_plan_that_was_approved_for_one(lab: Any) -> None:
    lab.write("cohort.yaml", cohort(2))
    approved = digest(lab)
    lab.environ["ICAV2_X_API_KEY"] = SECOND_API_KEY
    assert lab.run("apply", str(lab.folder), "--approve", approved).code == 10
    assert lab.writes() == []


@pytest.mark.parametrize(
    ("arguments", "setting", "code"),
    [
        ((), "", 11),
        (("--allow-irreversible", "3"), "", 11),
        (("--allow-irreversible", "5"), "", 11),
        (("--allow-irreversible", "4"), "", 0),
        (("--allow-irreversible", "4", "--max-analyses", "4"), "", 11),
        (("--allow-irreversible", "4", "--max-analyses", "5"), "limits: {analyses: 4}\n", 0),
        (("--allow-irreversible", "4"), "limits: {analyses: 4}\n", 11),
        (("--allow-irreversible", "4", "--max-writes", "7"), "", 11),
        (("--allow-irreversible", "4", "--max-writes", "8"), "", 0),
        (("--allow-irreversible", "4"), "limits: {writes: 7}\n", 11),
        (("--allow-irreversible", "4", "--max-share", "99"), "", 11),
        (("--allow-irreversible", "4", "--max-share", "100"), "", 0),
        (("--allow-irreversible", "4"), "limits: {share: 50}\n", 11),
    ],
)
def test_a_plan_out_of_bounds_does_not_begin(
    lab: Any, arguments: tuple[str, ...], setting: str, code: int
) -> None:
    everything.write(lab)
    lab.write("icaform.yaml", f"workspace: lab\nproject: wgs-prod\n{setting}")
    assert lab.run("apply", str(lab.folder), "--yes", *arguments).code == code
    assert bool(lab.writes()) == (code == 0)


SET_BY = {
    "icaform.yaml": "raise limits.{name} in icaform.yaml or --max-{name}, or split the change",
    "an option": "raise --max-{name}, or split the change",
    "a variable": "raise ICAFORM_MAX_{upper}, or split the change",
}


def test_a_limit_that_is_met_names_what_has_set_it(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    everything.write(lab)
    tried = 0
    for name in ("writes", "analyses", "share"):
        for place, said in SET_BY.items():
            higher = f"limits: {{{name}: {1 if place == 'icaform.yaml' else 99}}}"
            lab.write("icaform.yaml", f"workspace: lab\nproject: wgs-prod\n{higher}\n")
            option = [f"--max-{name}", "1"] if place == "an option" else []
            with monkeypatch.context() as patch:
                if place == "a variable":
                    patch.setenv(f"ICAFORM_MAX_{name.upper()}", "1")
                # As one who approves, and as one who counts.
                for gate in (["--approve", digest(lab)], ["--yes", "--allow-irreversible", "4"]):
                    ran = lab.run("apply", str(lab.folder), *gate, *option, "--output", "json")
                    (found,) = ran.json["diagnostics"]
                    assert (ran.code, found["code"]) == (11, "limit"), (name, place)
                    assert found["remedy"] == said.format(name=name, upper=name.upper()), (name, place)
                    tried += 1
    print(f"{tried} limits")
    assert lab.writes() == []


def test_limits_hold_for_an_approved_plan_too(lab: Any) -> None:
    everything.write(lab)
    assert lab.run("apply", str(lab.folder), "--approve", digest(lab), "--max-analyses", "1").code == 11
    assert lab.writes() == []


def test_a_protected_resource_stops_the_plan_that_would_change_it(lab: Any) -> None:
    lab.write("pipelines.yaml", PIPELINES.replace("{name: sarek}", "{name: sarek, protected: true}"))
    ran = lab.apply()
    assert ran.code == 11
    assert "protected" in ran.text
    assert lab.writes() == []


def test_one_apply_of_a_workspace_at_a_time(lab: Any) -> None:
    lab.write("pipelines.yaml", PIPELINES)
    lab.control("PUT", "/faults", [{"match": {"path": "*:release"}, "delay": 20}])
    done: list[Any] = []
    arguments = ("apply", str(lab.folder), "--yes", "--allow-irreversible", "3")
    thread = threading.Thread(target=lambda: done.append(lab.run(*arguments)))
    thread.start()
    while not lab.writes():
        thread.join(0.01)
    assert Lab(lab.folder, lab.ica).run(*arguments).code == 13
    while thread.is_alive():
        lab.control("POST", "/clock", {"advance": 1})
        thread.join(0.01)
    assert done[0].code == 0
    assert lab.run("apply", str(lab.folder), "--yes").code == 0, "its lease is given back"


def forms(value: str) -> set[str]:
    """How a secret might be written."""
    raw = value.encode()
    coded = base64.b64encode(raw).decode().rstrip("=")
    return {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], coded}


def test_secrets_are_in_no_output_no_plan_and_no_file(lab: Any, tmp_path: Path) -> None:
    file = 'from/a file+with "quotes" & more'
    lab.write("secret.txt", file)
    everything.write(lab)
    lab.write("credentials.yaml", CREDENTIALS.replace("{env: LAB_SECRET}", "{file: secret.txt}"))
    reports = [f"--report=json={tmp_path}/r.json", f"--report=text={tmp_path}/r.txt"]
    said = [lab.run(verb, str(lab.folder), *reports).text for verb in ("validate", "plan", "drift")]
    lab.control("PUT", "/faults", [{"match": {"path": "*torageCredentials"}, "do": "drop_answer"}])
    said.append(lab.apply(*reports).text)
    lab.write("credentials.yaml", CREDENTIALS)
    said += [lab.plan().text, lab.apply().text, lab.run("plan", str(lab.folder)).text]
    said.append(lab.run("apply", str(lab.folder), "--yes", "--output", "text").text)
    assert everything.wrong(lab) == []
    written = [
        each.read_bytes().decode("latin-1")
        for each in tmp_path.rglob("*")
        if each.is_file() and each.name != "secret.txt"
    ]
    looked = 0
    for secret in (KEY_ID, SECRET, file, API_KEY):
        for form in forms(secret):
            looked += 1
            assert not any(form in text for text in (*said, *written)), form
    print(f"{looked} forms looked for in {len(said)} outputs and {len(written)} files")


def test_a_server_that_is_down_loses_nothing(lab: Any) -> None:
    everything.write(lab)
    address = lab.environ["ICAV2_BASE_URL"]
    lab.environ["ICAV2_BASE_URL"] = "http://127.0.0.1:9/ica/rest"
    for verb in ("plan", "drift"):
        assert lab.run(verb, str(lab.folder)).code == 69
    assert lab.run("apply", str(lab.folder), "--yes").code == 69
    lab.environ["ICAV2_BASE_URL"] = address
    assert lab.apply().code == 0
    assert everything.wrong(lab) == []


def test_a_key_that_ica_does_not_know_is_told_as_such(lab: Any) -> None:
    everything.write(lab)
    lab.environ["ICAV2_X_API_KEY"] = "wrong-key"
    assert lab.run("plan", str(lab.folder)).code == 77
