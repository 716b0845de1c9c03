"""What a server says commands no terminal and no CI's runner, in any dialect, and leads no call away."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from icaform.cli.spoken import spoken
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.impostor import Act, Attack, Honest
from tests.hostile.misbehaviour import document
from tests.hostile.site import MANIFESTS, workspace
from tests.hostile.test_answers import PLACES
from tests.hostile.test_writes import WRITES, apply
from tests.hostile.verdict import calm, judged, unsafe

EVIL = (
    "\x1b[31m\x1b]0;x\x07\r\n::error file=x::PWNED\n::set-output name=x::PWNED\u202e\u2028##[error]PWNED"
    "\u0085##vso[x]\x00\x9b31m"
)
"""Colours, a terminal's title, new lines, workflow commands of two CIs, marks that turn text round."""
COMMAND = re.compile(r"(?m)^\s*::(?:error file=x|set-output name=x)::PWNED|##\w*\[")
REFUSALS = (400, 401, 403, 404, 409, 422, 429, 500, 503)


def refused(status: int) -> Act:
    """A problem whose every word is hostile."""
    problem = {"type": EVIL, "title": EVIL, "detail": EVIL, "id": EVIL, "code": EVIL, "instance": EVIL}

    def act(connection: Any, honest: Honest) -> None:
        data = json.dumps(problem).encode()
        head = Honest(status, "application/problem+json", data).head(more="Retry-After: \x1b[31m\r\n")
        connection.sendall(head + data)

    return act


def hostile(value: Any, keep: Callable[[str], bool]) -> Any:
    """The value with every text hostile but those under the names to keep."""
    if isinstance(value, dict):
        kept = {name for name in value if keep(name) or name == "nextPageToken"}
        return {name: each if name in kept else hostile(each, keep) for name, each in value.items()}
    if isinstance(value, list):
        return [hostile(each, keep) for each in value]
    return value + EVIL if isinstance(value, str) else value


def harmless(siege: Siege, folder: Path, name: str) -> None:
    """Every report that was written is free of commands."""
    for file in folder.glob("report.*"):
        text = file.read_text(encoding="utf-8")
        assert not COMMAND.search(text), (name, file.name, COMMAND.findall(text))
        # GitHub's dialect is made of such commands, and they are ours.
        left = [each for each in unsafe(text) if file.suffix != ".github" or each.strip() != "::"]
        assert not left, (name, file.name, left)
        assert not [secret for secret in siege.secrets if secret in text], (name, file.name)
        file.unlink()


def reports(verb: str, folder: Path) -> list[str]:
    """The options for a report in every dialect that a verb speaks."""
    return [word for each in spoken(verb) for word in ("--report", f"{each}={folder / f'report.{each}'}")]


@pytest.mark.parametrize("name", PLACES)
def test_a_refusal_in_hostile_words_is_told_in_words_alone(
    name: str, siege: Siege, old_siege: Siege, tmp_path: Path
) -> None:
    place = PLACES[name]
    here = old_siege if place.old else siege
    more = reports(place.verb, tmp_path) if place.verb != "whoami" else []
    for status in REFUSALS if EVERYTHING else REFUSALS[list(PLACES).index(name) % 3 :: 3]:
        attack = Attack(place.call, refused(status))
        judged(here.run(place.verb, place.folder, *more, attack=attack), here.secrets)
        calm(here.run(place.verb, place.folder, "-o", "text", attack=attack), here.secrets)
        assert here.impostor.hits
        harmless(here, tmp_path, f"{status} at {name}")
    assert not siege.world.writes()


KEPT = {
    "GET /api/projects": {"id", "name"},
    "GET /api/storageCredentials": {"id", "name", "ownerId", "type"},
    "GET /api/projects/[^/]+/pipelines": {"id", "code", "status", "language"},
    "POST /api/projects/[^/]+/pipelines:search": {"id"},
    "POST /api/projects/[^/]+/analysis:search": {"id", "technicalTags"},
    "GET /api/analysisStorages": {"id", "name"},
}
"""The fields without which there would be nothing to tell of a row."""


def test_names_and_details_in_hostile_words_are_told_in_words_alone(siege: Siege, tmp_path: Path) -> None:
    siege.world.fresh()
    folders = {}
    for kind, text in MANIFESTS.items():
        folders[kind] = workspace(tmp_path / kind, {f"{kind}.yaml": text})
    kinds = {place.call: place.folder for place in PLACES.values()}
    tried, hits = 0, Counter[str]()
    for state in ("new", "as wanted"):
        if state == "as wanted":
            for kind, folder in folders.items():
                assert apply(siege, folder, kind, None) == 0
        for call, kept in KEPT.items():
            for keep in (lambda name, kept=kept: name in kept, lambda name: name == "technicalTags"):
                attack = Attack(call, document(lambda value, keep=keep: hostile(value, keep)))
                folder = folders[kinds[call]]
                for verb in ("plan", "drift"):
                    ended = siege.run(verb, folder, *reports(verb, tmp_path), attack=attack)
                    judged(ended, siege.secrets)
                    hits[call] += siege.impostor.hits
                    harmless(siege, tmp_path, f"{call}, {state}")
                    calm(siege.run(verb, folder, "-o", "text", attack=attack), siege.secrets)
                    tried += 2
    assert all(hits[call] for call in KEPT)
    print(f"{tried} runs, each reported in all the dialects of its verb")


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_answered_in_hostile_words_is_told_in_words_alone(
    name: str, siege: Siege, tmp_path: Path
) -> None:
    call, kind = WRITES[name]
    acts: list[Act] = [refused(status) for status in (REFUSALS if EVERYTHING else (400, 409, 503))]
    acts += (
        [document(lambda value: hostile(value, lambda name: name in ("id", "technicalTags")))]
        if name
        in (
            "submit",
            "batch",
            "items",
        )
        else []
    )
    for number, act in enumerate(acts):
        siege.world.fresh()
        folder = workspace(tmp_path / str(number), {"a.yaml": MANIFESTS[kind]})
        steps = "1" if kind != "batch" else "0"
        arguments = ("--yes", "--first-run", "--timeout", "3", "--allow-irreversible", steps)
        attack = Attack(call, act, effect=number % 2 == 0 or number == len(acts) - 1)
        ended = siege.run("apply", folder, *arguments, *reports("apply", tmp_path), attack=attack)
        judged(ended, siege.secrets)
        assert siege.impostor.hits, ended.text
        harmless(siege, tmp_path, name)


def claiming(answer: Any, changed: dict[str, Any]) -> Any:
    """The answer with a token that claims something else."""
    head, claims, signature = answer["token"].split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    text = base64.urlsafe_b64encode(json.dumps(said | changed).encode()).decode().rstrip("=")
    return {"token": f"{head}.{text}.{signature}"}


def test_a_token_in_hostile_words_is_told_in_words_alone(siege: Siege) -> None:
    cases: list[dict[str, Any]] = [
        {"tns": EVIL, "tid": EVIL, "sub": EVIL},
        {"tns": "half \ud800 a pair", "sub": "\udfff"},
        {"exp": 10**400},
        {"exp": 1e308, "iat": -1e308},
        {"exp": -(10**30)},
        {"exp": "soon", "iat": [], "nbf": {}},
        {"exp": 253402300799, "iat": 0},
        {"tns": [EVIL], "tid": {EVIL: EVIL}, "sub": [[]]},
        {"sub": ""},
        {"tns": "x" * 30_000},
        dict.fromkeys(("exp", "iat", "nbf", "tns", "tid", "sub")),
    ]
    for changed in cases:
        attack = Attack(
            "POST /api/tokens", document(lambda answer, changed=changed: claiming(answer, changed))
        )
        for form in ("text", "json"):
            calm(siege.run("whoami", "credential", "-o", form, attack=attack), siege.secrets)
        judged(siege.run("plan", "credential", attack=attack), siege.secrets)
    print(f"{len(cases)} tokens")


UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PATHS = re.compile(
    rf"/ica/rest/api/(tokens|projects|storageCredentials(/{UUID}:\w+)?|analysisStorages|jobs"
    rf"|projects/{UUID}/(pipelines(:search|/{UUID}(:\w+)?)?|data|analysis:search"
    rf"|analysisCreationBatch(/{UUID}(/items)?)?))(\?[\w%&=.+*~-]*)?"
)
IDS = ("..", ".", "a/b", "../../storageCredentials", "a?b=c", "a#b", "%2e%2e", "..;/x", "\r\nX: y", "\x00",
       " ", "é", "\u202e", ":archive", "x" * 5000)  # fmt: skip
HOLDERS = {
    "GET /api/projects": "pipeline",
    "GET /api/projects/[^/]+/pipelines": "pipeline",
    "POST /api/storageCredentials": "credential",
    "POST /api/projects/[^/]+/analysisCreationBatch": "batch",
    "GET /api/jobs": "batch",
}


def ids(value: Any, new: str) -> Any:
    """The value with another id wherever one stands."""
    if isinstance(value, dict):
        changed = ("id", "subjectId", "projectId")
        return {name: new if name in changed else ids(each, new) for name, each in value.items()}
    return [ids(each, new) for each in value] if isinstance(value, list) else value


def pairs() -> Iterator[tuple[str, str, str]]:
    for number, (call, kind) in enumerate(HOLDERS.items()):
        for each in IDS if EVERYTHING else IDS[number % 3 :: 3]:
            yield call, kind, each


def test_an_id_that_is_none_leads_no_call_to_another_path(siege: Siege, tmp_path: Path) -> None:
    tried = 0
    for number, (call, kind, each) in enumerate(pairs()):
        siege.world.fresh()
        folder = workspace(tmp_path / str(number), {"a.yaml": MANIFESTS[kind]})
        steps = "1" if kind != "batch" else "0"
        arguments = ("--yes", "--first-run", "--timeout", "3", "--allow-irreversible", steps)
        attack = Attack(call, document(lambda value, each=each: ids(value, each)))
        judged(siege.run("apply", folder, *arguments, attack=attack), siege.secrets)
        for asked in siege.impostor.asked:
            assert PATHS.fullmatch(asked.target), (call, each, asked.target[:200])
            assert "x" not in asked.headers
        tried += 1
    print(f"{tried} ids that are none")
