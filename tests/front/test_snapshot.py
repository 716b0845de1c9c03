"""Plans without access: from a snapshot that was taken where there was some, and that holds no secret."""

from __future__ import annotations

import base64
import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from icaform.engine.snapshot.file import FORMAT_VERSION
from icaform.journal import open_store
from icaform.kinds import Kinds
from icaform.operation import digest
from tests.front import everything
from tests.front.conftest import Lab

HEAD = "apiVersion: icaform/v1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"


def pipeline(name: str, spec: str) -> str:
    return HEAD.format("Pipeline", name, spec)


def credential(name: str, spec: str) -> str:
    return HEAD.format("StorageCredential", name, spec)


def on_main(lab: Lab) -> Path:
    """A workspace that was applied, and its snapshot; the secrets are gone afterwards."""
    everything.write(lab)
    assert lab.apply().code == 0
    lab.clock.sleep(3600)
    for name in everything.SECRETS:
        del lab.environ[name]
    return taken(lab)


def beside(lab: Lab, name: str) -> Path:
    """A place that is none of the workspace's: names with a dot are not looked into."""
    folder = lab.folder / ".beside"
    folder.mkdir(exist_ok=True)
    return folder / name


def forked(lab: Lab) -> Path:
    """The workspace as a stranger has it: without journal."""
    fork = beside(lab, "fork")
    shutil.rmtree(fork, ignore_errors=True)
    shutil.copytree(lab.folder, fork, ignore=shutil.ignore_patterns(".*"))
    return fork


def taken(lab: Lab, *more: str) -> Path:
    file = beside(lab, "live.json")
    ran = lab.run("export", str(lab.folder), "--snapshot", str(file), *more)
    assert ran.code == 0, ran.text
    return file


def offline(lab: Lab, file: Path, *more: str) -> Any:
    """A plan as a fork's pull request makes it: without server, key, journal or secrets."""
    fork = forked(lab)
    kept, lab.environ = lab.environ, {}
    try:
        return lab.run("plan", str(fork), "--from-snapshot", str(file), "--detailed-exitcode", *more)
    finally:
        lab.environ = kept


def told(document: Any) -> Any:
    """What a plan says, but for the folder that it was made in, its cost, and how it was made."""
    changes = copy.deepcopy(document["resource_changes"])
    for each in changes:
        each.pop("source")
        if each["reason"]:
            each["reason"].pop("source")
    findings = [
        (each["code"], each["summary"], each["address"])
        for each in document["diagnostics"]
        if each["code"] not in ("snapshot", "secret-unset")
    ]
    return document["plan_digest"], document["exit_code"], changes, document["unchanged"], findings


COHORT = everything.cohort(5, credential="lab-archive")
GERMLINE = "{{select: {{code: DRAGEN Germline 4-4-0}}, status: {}}}"
CODE, STORAGE = "nf-core rnaseq 3-14", "    analysisStorage: {}\n    analysisInput"
OUTPUT = "    analysisOutput: [{sourcePath: a, targetProjectId: wgs-dev, targetPath: /x}]\n    analysisInput"
NAMED = "{select: {name: nf-core rnaseq, version: 3-14}, status: Archived, message: m}"
USER = "{type: AWS_USER, secret: {accessKeyId: {env: A}, secretAccessKey: {env: B}}}"
LONELY = everything.CREDENTIALS.replace("shared: true", "shared: false")
PULL_REQUESTS: dict[str, dict[str, str | None]] = {
    "nothing": {},
    "a pipeline by code": {"p.yaml": pipeline("x", GERMLINE.format("Deprecated"))},
    "a pipeline by name": {"p.yaml": pipeline("x", NAMED)},
    "a pipeline that there is not": {"p.yaml": pipeline("x", "{select: {code: no}, status: Released}")},
    "one of another tenant": {
        "p.yaml": pipeline("x", "{select: {code: DRAGEN Somatic 4-3-6}, status: Archived}")
    },
    "one of the tenant": {
        "p.yaml": pipeline("x", GERMLINE.format("Archived").replace("{", "{tenant: true, ", 1))
    },
    "many pipelines": {
        "pipelines.yaml": everything.PIPELINES.replace("status: Deprecated", "status: Archived"),
        "p.yaml": pipeline("x", GERMLINE.format("Archived")),
    },
    "another project": {"pipelines.yaml": everything.PIPELINES.replace("wgs-prod", "wgs-dev")},
    "no such project": {"p.yaml": pipeline("x", "{project: wgs-prd, select: {code: y}, status: Released}")},
    "a step backward": {"pipelines.yaml": everything.PIPELINES.replace(": Archived", ": Released")},
    "other credentials": {
        "c.yaml": credential("r", "{type: AWS_ROLE, shared: true}") + "---\n" + credential("u", USER)
    },
    "a credential that was shared": {"credentials.yaml": LONELY},
    "a new batch": {"new.yaml": everything.cohort(4, name="new", credential="lab-archive")},
    "a new batch elsewhere": {
        "new.yaml": everything.cohort(2, name="new", more="  project: wgs-dev\n").replace(
            CODE, "nf-core sarek 3-5"
        )
    },
    "a batch that grew": {"cohort.yaml": everything.cohort(7, credential="lab-archive")},
    "a batch that shrank": {"cohort.yaml": everything.cohort(3, credential="lab-archive")},
    "an item that changed": {"cohort.yaml": COHORT.replace("S001.fq", "other.fq")},
    "a generation": {"cohort.yaml": COHORT.replace("  chunkSize: 3\n", "  chunkSize: 3\n  generation: 2\n")},
    "a storage": {
        "n.yaml": everything.cohort(2, name="n").replace("    analysisInput", STORAGE.format("Large"))
    },
    "no such storage": {
        "n.yaml": everything.cohort(2, name="n").replace("    analysisInput", STORAGE.format("Huge"))
    },
    "outputs elsewhere": {"n.yaml": everything.cohort(2, name="n").replace("    analysisInput", OUTPUT)},
    "less than there was": {"cohort.yaml": None, "credentials.yaml": None},
}


@pytest.mark.parametrize("api", ["lab", "old_lab"])
def test_a_plan_from_a_snapshot_is_the_plan_that_asks_ica(api: str, request: pytest.FixtureRequest) -> None:
    lab: Lab = request.getfixturevalue(api)
    if api == "old_lab":
        everything_ = everything.CREDENTIALS
        everything.CREDENTIALS = everything_.partition("---")[0]  # it knows no AWS_ROLE
        request.addfinalizer(lambda: setattr(everything, "CREDENTIALS", everything_))
    file = on_main(lab)
    kept = {
        name: (lab.folder / name).read_text()
        for name in ("credentials.yaml", "pipelines.yaml", "cohort.yaml")
    }
    compared = {0: 0, 2: 0, "refused": 0}
    for name, changes in PULL_REQUESTS.items():
        for each in lab.folder.glob("*.yaml"):
            if each.name != "icaform.yaml":
                each.unlink()
        for each, text in {**kept, **changes}.items():
            if text is not None:
                (lab.folder / each).write_text(text)
        asked = lab.plan("--detailed-exitcode")
        lab.forget_requests()
        made = offline(lab, file, "-o", "json")
        assert not lab.requests(), name
        assert told(made.json) == told(asked.json), name
        assert made.json["api_calls"]["reads"] == 0
        compared[asked.code if asked.code in (0, 2) else "refused"] += 1
    print(compared)
    assert all(count > 1 for count in compared.values())


def test_a_new_batch_is_taken_for_new_with_a_warning_and_a_known_one_is_not(lab: Lab) -> None:
    lab.write("cohort.yaml", everything.cohort(3))
    file = taken(lab)
    lab.write("new.yaml", everything.cohort(2, name="new"))
    ran = offline(lab, file, "-o", "json")
    warned = [each for each in ran.json["diagnostics"] if each["address"]]
    assert [(each["code"], each["severity"], each["address"]) for each in warned] == [
        ("snapshot", "warning", "AnalysisBatch/new")
    ]
    assert "taken to be new" in warned[0]["summary"]
    assert ran.json["api_calls"]["analyses"] == 5


def test_it_says_how_old_it_is(lab: Lab) -> None:
    file = on_main(lab)
    before = 0.0
    for seconds, words in (
        (0, "less than a minute old"),
        (60, "1 minute old"),
        (3 * 3600 + 3000, "3 hours old"),
        (49 * 3600, "2 days old"),
    ):
        lab.clock.sleep(seconds - before)
        before = seconds
        text = offline(lab, file).out
        assert words in " ".join(text.split()), text
        assert text.index("planned offline") < text.index("Unchanged")
    codes = [each["code"] for each in offline(lab, file, "-o", "json").json["diagnostics"]]
    assert codes == ["snapshot"], "that no secret is set goes without saying"
    document = json.loads(file.read_text())
    written(file, {**document, "taken": document["taken"] + 10**7})
    assert "from the future" in " ".join(offline(lab, file).out.split())


def test_not_one_connection_is_opened(lab: Lab) -> None:
    file = on_main(lab)
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\nserver: embedded\n")
    document = json.loads(file.read_text())
    written(file, {**document, "configured": "embedded"})
    (lab.folder / "new.yaml").write_text(everything.cohort(2, name="new"))
    fork = forked(lab)
    program = (
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event.startswith(('socket.', 'subprocess.', 'os.exec', 'os.posix_spawn', 'urllib.')):\n"
        "        sys.stderr.write(f'opened: {event}\\n')\n"
        "        raise RuntimeError(event)\n"
        "sys.addaudithook(hook)\n"
        "sys.argv = ['icaform', *sys.argv[1:]]\n"
        "from icaform.cli import main\n"
        "main()\n"
    )
    home = beside(lab, "home")
    home.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, "plan", str(fork), *words],
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("--from-snapshot", str(file), "--detailed-exitcode")
    assert (done.returncode, "opened" in done.stderr) == (2, False), done.stderr
    assert "2 to create" in done.stdout
    assert not list(home.iterdir())
    assert not (fork / ".icaform").exists()
    # The hook sees what it shall see: without the snapshot there is a connection.
    assert "opened: socket" in run().stderr


def shapes(value: str) -> Iterator[str]:
    raw = value.encode()
    yield from (value, quote(value, safe=""), json.dumps(value)[1:-1])
    yield from (
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    )


def test_there_is_no_secret_in_it_nor_what_tells_of_one(lab: Lab) -> None:
    cache = beside(lab, "cache")
    lab.environ["ICAFORM_CACHE_DIR"] = str(cache)
    everything.write(lab)
    assert lab.apply().code == 0
    text = taken(lab).read_text()
    store = open_store(str(lab.folder / ".icaform/journal.sqlite"), "lab", lambda: 0.0, read_only=True)
    key = store.fingerprint_key()
    prints = [facts["secret"] for facts in store.memory().remembered.values() if "secret" in facts]
    store.close()
    assert key
    assert prints
    tokens = [
        value
        for file in cache.rglob("*")
        if file.is_file()
        for value in json.loads(file.read_text()).values()
        if isinstance(value, str) and value.count(".") == 2
    ]
    assert tokens
    canaries = [*everything.SECRETS.values(), lab.ica.api_key, *tokens, *prints, key.hex()]
    canaries += [base64.b64encode(key).decode(), "ada@demo-lab.example", "@demo-lab"]
    tried = 0
    for canary in canaries:
        for shape in shapes(canary):
            assert shape not in text, canary[:4]
            tried += 1
    assert everything.KEY_ID not in text
    # Of ICA's answers only fields are left that some kind reads.
    reads = {field for kind in Kinds().values() if kind.export for field in kind.export.reads}
    fields = set()
    for answer in json.loads(text)["answers"]:
        found = [answer["body"]]
        here = {each.rpartition("#")[2] for each in reads if each.startswith(f"{answer['asked'][1]}#")}
        while found:
            each = found.pop()
            fields |= each.keys() - here if isinstance(each, dict) else set()
            found += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    assert fields <= reads
    assert not fields & {"email", "username", "description", "urn", "userReference", "userTags"}
    print(f"{tried} shapes of {len(canaries)} canaries, {len(fields)} fields")


def test_a_snapshot_that_would_hold_a_secret_is_not_written(lab: Lab) -> None:
    everything.write(lab)
    name = lab.environ["LAB_KEY_ID"] = "canary-of-a-key-0001"
    lab.control("POST", "/seed", {"projects": [{"name": name, "owner": "ada"}]})
    file = beside(lab, "live.json")
    ran = lab.run("export", str(lab.folder), "--snapshot", str(file))
    assert (ran.code, file.exists()) == (78, False)
    assert "holds the value of a secret" in ran.err
    assert name not in ran.text


def test_what_it_does_not_tell_is_an_error_that_says_how_to_ask_for_it(lab: Lab) -> None:
    names = [f"p{number:02d}" for number in range(50)]
    lab.control("POST", "/seed", {"projects": [{"name": name, "owner": "ada"} for name in names]})
    one = lab.control("GET", "/state")["objects"]["Project"]
    (p07,) = [each["id"] for each in one if each["name"] == "p07"]
    lab.write("p.yaml", pipeline("a", "{select: {code: DRAGEN Germline 4-4-0}, status: Released}"))
    file = taken(lab)
    lab.write(
        "p.yaml", pipeline("a", "{project: p07, select: {code: DRAGEN Germline 4-4-0}, status: Released}")
    )
    ran = offline(lab, file)
    assert (ran.code, ran.out) == (78, "")
    assert f"GET /api/projects/{p07}/pipelines" in " ".join(ran.err.split())
    assert f"icaform export --snapshot FILE --project {p07}" in " ".join(ran.err.split())
    lab.write("p.yaml", pipeline("a", "{select: {code: DRAGEN Germline 4-4-0}, status: Released}"))
    file = taken(lab, "--project", "p07")
    lab.write(
        "p.yaml", pipeline("a", "{project: p07, select: {code: DRAGEN Germline 4-4-0}, status: Released}")
    )
    assert told(offline(lab, file, "-o", "json").json) == told(lab.plan("--detailed-exitcode").json)


def test_a_project_that_main_never_named_is_found_by_its_name(lab: Lab) -> None:
    lab.write("p.yaml", pipeline("a", GERMLINE.format("Released")))
    file = taken(lab)
    selects = ("{code: DRAGEN Germline 4-2-7}", "{name: nf-core sarek, version: 3-5}", "{code: no}")
    for place in ("wgs-dev", "wgs-de"):
        for select in selects:
            lab.write("p.yaml", pipeline("a", f"{{project: {place}, select: {select}, status: Released}}"))
            made = offline(lab, file, "-o", "json").json
            assert told(made) == told(lab.plan("--detailed-exitcode").json), (place, select)


def test_a_chunk_that_was_arriving_then_still_is(lab: Lab) -> None:
    lab.write("cohort.yaml", everything.cohort(4, chunk=4))
    lab.control("POST", "/faults", {"match": {"path": "*analysisCreationBatch"}, "do": "stop_batch"})
    lab.apply("--first-run")
    shutil.rmtree(lab.folder / ".icaform")
    file = taken(lab)
    asked = lab.plan("--detailed-exitcode")
    assert {each["state"] for each in asked.json["unchanged"]} >= {"being created"}
    lab.clock.sleep(5000)
    assert told(offline(lab, file, "-o", "json").json) == told(asked.json)


def test_a_snapshot_of_something_else_is_refused(lab: Lab) -> None:
    file = on_main(lab)
    for setting, reason in (
        ("workspace: other\nproject: wgs-prod\n", "of workspace 'lab', the manifests are of 'other'"),
        ("workspace: lab\nserver: ica.illumina.com\n", "another server"),
    ):
        lab.write("icaform.yaml", setting)
        ran = offline(lab, file)
        assert (ran.code, ran.out) == (78, "")
        assert reason in " ".join(ran.err.split())


def test_a_project_of_the_environment_comes_along_and_one_of_icaform_yaml_does_not(lab: Lab) -> None:
    lab.write("p.yaml", pipeline("a", "{select: {code: DRAGEN Germline 4-2-7}, status: Archived}"))
    lab.write("icaform.yaml", "workspace: lab\n")
    lab.environ["ICAV2_PROJECT_ID"] = "wgs-dev"
    file = taken(lab)
    asked = lab.plan("--detailed-exitcode")
    assert told(offline(lab, file, "-o", "json").json) == told(asked.json)
    assert json.loads(file.read_text())["project"] == "wgs-dev"
    del lab.environ["ICAV2_PROJECT_ID"]
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    assert json.loads(taken(lab).read_text())["project"] == ""


def test_a_call_that_was_begun_comes_along(slow_lab: Lab) -> None:
    lab = slow_lab
    lab.write("cohort.yaml", everything.cohort(3))
    lost = {"match": {"method": "POST", "path": "*analysisCreationBatch"}, "do": "drop_answer"}
    lab.control("POST", "/faults", lost)
    everything.killed(lab)
    file = taken(lab)
    asked = lab.plan("--detailed-exitcode")
    assert [each["code"] for each in asked.json["diagnostics"]] == ["still-running"]
    made = offline(lab, file, "-o", "json")
    assert told(made.json) == told(asked.json)


def written(file: Path, document: Any) -> None:
    """A file as somebody made it who knows how its digest is made."""
    document = {name: each for name, each in document.items() if name != "digest"}
    try:
        sealed = "sha256:" + digest(document, 64)
    except (TypeError, RecursionError, ValueError):
        sealed = "sha256:0"
    file.write_text(json.dumps({**document, "digest": sealed}))


MUTANTS = 23
"""Of so many hostile files one is tried; all of them, some two thousand, take a minute."""


def mutations(document: Any) -> Iterator[Any]:
    """The document with each of its values, one after the other, taken away or of another sort."""

    def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        if path:
            yield path
        inner = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, each in list(inner)[: 6 if path else None]:
            yield from paths(each, (*path, key))

    for path in paths(document):
        for new in (None, 1e308, "x", [], {}, ["x"], {"x": 1}, True, ...):
            made = copy.deepcopy(document)
            at = made
            for key in path[:-1]:
                at = at[key]
            if new is not ...:
                at[path[-1]] = new
            elif isinstance(at, dict):
                del at[path[-1]]
            yield made


def test_a_file_that_is_none_or_hostile_is_an_error_and_never_a_defect(lab: Lab) -> None:
    lab.write("credentials.yaml", everything.CREDENTIALS)
    lab.write("pipelines.yaml", everything.PIPELINES)
    lab.write("cohort.yaml", everything.cohort(2))
    file = taken(lab)
    text = file.read_text()
    fork = lab.folder
    lab.environ = {}

    def plan(path: str | Path = file) -> Any:
        return lab.run("plan", str(fork), "--from-snapshot", str(path))

    assert plan().code == 0
    size = len(text)
    broken = [text[: size * part // 7] for part in range(7)] + [
        text[:place] + "7" + text[place + 1 :] for place in range(9, size, size // 12)
    ]
    broken += [
        "",
        "null",
        "[]",
        "{}",
        "1",
        "\ufeff" + text[:50],
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"format_version": NaN}',
    ]
    broken += [
        text.replace(f'"format_version": "{FORMAT_VERSION}"', f'"format_version": {other}')
        for other in ('"2.0"', "3", "null", "[]")
    ]
    for each in broken:
        if each == text:
            continue
        file.write_text(each)
        ran = plan()
        assert (ran.code, ran.out) == (78, ""), (each[:80], ran.text)
        assert str(file) in "".join(ran.err.split()).replace("\n", ""), ran.err
        assert "error[snapshot]" in ran.err
    file.write_bytes(b"\xff\xfe\x00\x00")
    assert plan().code == 78
    with file.open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)
    assert "too large" in plan().err
    file.write_bytes(b"[" + b"[]," * 12_000_000 + b"0]")
    assert "too large" in plan().err
    pipe = beside(lab, "pipe")
    os.mkfifo(pipe)
    for odd in (pipe, "/dev/zero", fork / "nowhere.json"):
        ran = plan(odd)
        assert (ran.code, ran.out) == (78, ""), odd
    written(file, {**json.loads(text), "format_version": "2.0"})
    assert "has format '2.0', this icaform reads 1.0" in " ".join(plan().err.split())
    for moment in (-1, -1e-9, -200_000_000_000, 253_402_300_800):
        written(file, {**json.loads(text), "taken": moment})
        ran = plan()
        assert (ran.code, ran.out, "error[snapshot]" in ran.err) == (78, "", True), (moment, ran.text)
    for moment in (0, 253_402_300_799):
        written(file, {**json.loads(text), "taken": moment})
        assert plan().code == 0, moment
    # With a digest that is right, so that all that is left to hold against it is what it says.
    tried: dict[int, int] = {}
    for document in [*mutations(json.loads(text))][::MUTANTS]:
        written(file, document)
        ran = plan()
        assert "internal" not in ran.err, (ran.err, document)
        assert ran.code in (0, 1, 65, 78), ran.text
        tried[ran.code] = tried.get(ran.code, 0) + 1
    print(f"{len(broken)} broken files; {sum(tried.values())} hostile ones, by exit code {tried}")
    assert tried[78] > 20


def test_the_file_is_its_owner_s_and_is_replaced_whole(lab: Lab) -> None:
    before = os.umask(0)
    try:
        lab.write("c.yaml", everything.CREDENTIALS)
        file = taken(lab)
        assert file.stat().st_mode & 0o777 == 0o600
        # Whoever made the file said with its mode who may read it.
        file.write_text("old")
        file.chmod(0o640)
        taken(lab)
        assert file.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)
    ran = lab.run("export", str(lab.folder), "--snapshot", str(lab.folder / "c.yaml" / "x"))
    assert ran.code == 78
    assert "cannot be written: Not a directory" in " ".join(ran.err.split())
    ran = lab.run("export", str(lab.folder), "--snapshot", str(file), "-o", "json")
    assert ran.json["bytes"] == file.stat().st_size
    assert not lab.writes()


def test_apply_takes_no_snapshot(lab: Lab) -> None:
    ran = lab.run("apply", str(lab.folder), "--yes", "--from-snapshot", "x")
    assert ran.code == 64
    assert "No such option" in ran.err
