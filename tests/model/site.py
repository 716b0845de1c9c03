"""The place of one example: a workspace, an emulated ICA that may fail, a clock that may kill, and a script
of all that was done there.

It knows icaform by its command line alone. After every command it asks for what holds of each of them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from icaform.emulator import Embedded, Settings
from icaform.emulator.demo import API_KEY, SECOND_API_KEY
from icaform.journal import open_store
from tests.front.conftest import Lab, LabClock, Ran
from tests.front.everything import Killed
from tests.model.truth import Truth
from tests.model.wishes import PIPELINES, PROJECT, Credential, Declared, document

DOCUMENTED = {0, 1, 2, 10, 11, 12, 13, 14, 64, 65, 69, 75, 77, 78, 130, 143}
"""README, Exit codes."""
KEYS = {"ada": API_KEY, "grace": SECOND_API_KEY}
KEY_ID = "AKIAMODELCANARY00001"
READ_LAG = 30
"""Seconds; icaform.yaml's readLag, left at its default."""
VARIANTS = {
    "plain": Settings(clock="manual"),
    "older": Settings(clock="manual", api="2026-04"),
    "lagging": Settings(clock="manual", read_lag=20),
    "slow": Settings(clock="manual", batch_initialized=300),
    "trickling": Settings(clock="manual", batch_running=240),
    "lagging and trickling": Settings(clock="manual", read_lag=25, batch_running=120),
}
"""The servers that examples run against; the first is the simplest."""
SETTLED = 1000.0
"""Seconds after which everything that was accepted shows, in each of them."""


class Servers:
    """The servers that are running, each started when it is first asked for."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._running: dict[str, Embedded] = {}

    def __getitem__(self, variant: str) -> Embedded:
        if variant not in self._running:
            server = Embedded(settings=VARIANTS[variant])
            self._running[variant] = self._stack.enter_context(server)
        return self._running[variant]

    def close(self) -> None:
        self._stack.close()


class Clock(LabClock):
    """A clock that kills whoever looks at it once too often: before or after any request, or between two."""

    looks_left: int | None = None

    def now(self) -> float:
        self._spend()
        return super().now()

    def monotonic(self) -> float:
        self._spend()
        return super().monotonic()

    def _spend(self) -> None:
        if self.looks_left is not None:
            self.looks_left -= 1
            if self.looks_left < 0:
                raise Killed


@dataclass(frozen=True)
class Selection:
    """Options that select, and what they mean."""

    team: str = ""
    only: str = ""
    exclude: str = ""

    @property
    def options(self) -> list[str]:
        said = (
            ("-l", f"team={self.team}" if self.team else ""),
            ("--only", self.only),
            ("--exclude", self.exclude),
        )
        return [each for option, value in said if value for each in (option, value)]

    def takes(self, address: str, team: str) -> bool:
        return (
            self.team in ("", team)
            and (not self.only or fits(self.only, address))
            and not (self.exclude and fits(self.exclude, address))
        )


def fits(glob: str, address: str) -> bool:
    """A glob fits an address, its manifest, or its kind."""
    manifest, kind = address.split("[")[0], address.split("/")[0]
    return any(fnmatchcase(each, glob.replace("[", "[[]")) for each in (address, manifest, kind))


class Site:
    """A fresh world and an empty workspace."""

    def __init__(self, ica: Embedded, variant: str) -> None:
        self.variant = variant
        self.older = ica_settings(variant).api == "2026-04"
        self.folder = Path(tempfile.mkdtemp(prefix="model-"))
        self.lab = Lab(self.folder, ica)
        self.clock = self.lab.clock = Clock(self.lab.control)
        self.user = "ada"
        self.journal = "here"
        self.script: list[str] = [f"# a {variant} server"]
        seeds = [{**vars(each), "projects": [PROJECT]} for each in PIPELINES]
        self.lab.control("POST", "/reset", {"seed": {"pipelines": seeds}})
        self.lab.control("DELETE", "/outcomes")
        self.lab.write("icaform.yaml", f"workspace: lab\nproject: {PROJECT}\n")
        self.commands = 0

    def close(self) -> None:
        self.lab.http.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def truth(self) -> Truth:
        """What is on the server now, whoever may see it."""
        state = self.lab.control("GET", "/state")
        return Truth(state["objects"], VARIANTS[self.variant], state["clock"]["now"])

    def say(self, line: str) -> None:
        self.script.append(line)

    def must(self, holds: object, why: str) -> None:
        """Fail with the whole story where something does not hold."""
        if not holds:
            manifests = [f"## {each.name}\n{each.read_text()}" for each in sorted(self.folder.glob("*.yaml"))]
            raise AssertionError("\n".join([why, "", *self.script, "", *manifests]))

    def write(self, declared: Declared) -> None:
        """The manifests, one file each, and the secrets as they are now."""
        for old in self.folder.glob("*-*.yaml"):
            old.unlink()
        secrets = self.folder / "secrets"
        secrets.mkdir(exist_ok=True)
        self.lab.environ["KEY_ID"] = KEY_ID
        for number, wish in enumerate(declared.values()):
            text = json.dumps(document(wish, declared), ensure_ascii=False, indent=1)
            # JSON's only escape that YAML does not know is one that it has no need of here.
            (self.folder / f"{number}-{wish.kind}.yaml").write_text(text, encoding="utf-8")
            if isinstance(wish, Credential):
                self.lab.environ[wish.variable] = wish.value
                (secrets / wish.variable).write_text(wish.value + "\n", encoding="utf-8")

    @property
    def journal_file(self) -> Path:
        if self.journal == "here":
            return self.folder / ".icaform" / "journal.sqlite"
        return self.folder / "elsewhere.sqlite"

    def read(self, verb: str, selection: Selection, *more: str) -> Ran:
        """A verb that writes nothing: neither to the server nor to the journal."""
        before = self._memory()
        self.lab.forget_requests()
        ran = self.run(verb, selection, *more)
        self.must(not self.lab.writes(), f"{verb} wrote to the server: {self.lab.writes()}")
        self.must(self._memory() == before, f"{verb} wrote to the journal")
        return ran

    def run(self, verb: str, selection: Selection, *more: str) -> Ran:
        """One command line, and what holds of every one."""
        arguments = [verb, ".", *selection.options, *more]
        if self.journal != "here":
            arguments += ["--journal", self.journal_file.name]
        shown = f"$ icaform {' '.join(arguments)}" + (f"   # as {self.user}" if self.user != "ada" else "")
        arguments = [str(self.folder) if each == "." else each for each in arguments]
        arguments = [str(self.journal_file) if each == self.journal_file.name else each for each in arguments]
        self.commands += 1
        try:
            ran = self.lab.run(*arguments, "--output", "json", environ={"ICAV2_X_API_KEY": KEYS[self.user]})
        except Killed:
            self.say(f"{shown}   -> killed")
            self._sound("")
            raise
        finally:
            self.clock.looks_left = None
        self.say(f"{shown}   -> {ran.code}")
        self.must(ran.code in DOCUMENTED, f"exit code {ran.code} is not documented")
        for word in ("Traceback", "error[internal]", '"internal"', "EMULATOR_BUG"):
            self.must(word not in ran.text, f"{word}:\n{ran.text}")
        try:
            self.must(ran.json["exit_code"] == ran.code, f"JSON says exit code {ran.json['exit_code']}")
        except (ValueError, KeyError):
            self.must(False, f"stdout is not the one JSON document:\n{ran.text}")
        self._sound(ran.text)
        return ran

    def _sound(self, text: str) -> None:
        """The journal is whole, and no secret is in it or in what was printed."""
        if self.journal_file.exists():
            store = open_store(str(self.journal_file), "lab", self.lab.clock.now, read_only=True)
            try:
                found = store.audit()
            finally:
                store.close()
            self.must(found == [], f"the journal's audit: {found}")
        for name, data in [("output", text.encode()), *self._memory().items()]:
            self.must(b"canary/" not in data, f"a secret is in {name}")

    def _memory(self) -> dict[str, bytes]:
        """The bytes that icaform keeps. SQLite's index of a log that readers share is none of them."""
        files = [*self.folder.glob(".icaform/*"), *self.folder.glob("elsewhere*")]
        kept = {str(each.relative_to(self.folder)): each.read_bytes() for each in files}
        return {name: data for name, data in sorted(kept.items()) if not name.endswith("-shm") and data}

    def forget(self) -> None:
        """Lose the journal."""
        shutil.rmtree(self.folder / ".icaform", ignore_errors=True)
        for each in self.folder.glob("elsewhere*"):
            each.unlink()

    @contextmanager
    def faulty(self, faults: Sequence[dict[str, Any]]) -> Iterator[None]:
        """The server misbehaves for a while."""
        self.lab.control("PUT", "/faults", list(faults))
        try:
            yield
        finally:
            self.lab.control("DELETE", "/faults")


def ica_settings(variant: str) -> Settings:
    return VARIANTS[variant]


def digest(text: str) -> str:
    """How the emulator keeps what it may not show."""
    return hashlib.sha256(text.encode()).hexdigest()
