"""What icaform reported, as numbers for the next steps and as text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Report:
    """``told`` is icaform's JSON document, empty where it wrote none, and ``text`` its Markdown.

    ``annotations`` are its workflow commands, which put each finding on its line of the change.
    """

    command: str
    exit_code: int
    told: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    annotations: str = ""

    @classmethod
    def of(cls, command: str, exit_code: int, files: Mapping[str, Path]) -> Report:
        """From the files that icaform was to write, by dialect; one that is missing is as none."""
        text = _text(files["markdown"]) or _nothing(command, exit_code)
        return cls(command, exit_code, _document(files["json"]), text, _text(files["github"]))

    @property
    def digest(self) -> str:
        """The plan's digest; none where something was wrong, since such a plan is not to be approved."""
        return "" if self.told.get("errored", True) else str(self.told.get("plan_digest") or "")

    @property
    def approval(self) -> str:
        """The digest that the text shows, or that of a plan with nothing to do. A text that does not name all
        that cannot be undone shows none, and what nobody could read is approved by nobody.
        """
        return self.digest if self.digest in self.text or not self._changes else ""

    @property
    def verdict(self) -> str:
        """One line that says it all."""
        return str(self.told.get("verdict") or f"exit code {self.exit_code}")

    @property
    def drifted(self) -> bool:
        """Whether the server moved behind git's back, as far as could be told."""
        return self._count("drifted") + self._count("both") > 0

    def outputs(self) -> dict[str, str]:
        """The outputs of action.yml that icaform's report gives."""
        return {
            "has_changes": _word(self._changes > 0),
            "has_drift": _word(self.drifted),
            "irreversible": str(self._count("irreversible")),
            "creates": str(self._count("create")),
            "updates": str(self._count("update")),
            "plan_digest": self.digest,
            "exit_code": str(self.exit_code),
        }

    @property
    def _changes(self) -> int:
        # What is unknown after an apply may well have happened.
        words = ("done", "unknown") if self.command == "apply" else ("create", "update")
        return sum(map(self._count, words))

    def _count(self, name: str) -> int:
        return int(self.told.get("counts", {}).get(name, 0))


def _document(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""


def _nothing(command: str, exit_code: int) -> str:
    return (
        f"**icaform {command} ended with exit code {exit_code}** and made no report; the run's log says why."
    )


def _word(value: bool) -> str:
    return "true" if value else "false"
