"""What the workflow asks for. It comes through the environment alone, so no text becomes a shell's code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

COMMANDS = ("validate", "plan", "apply", "drift")
COMMENT = "comment"
"""Said as ``approve``: the digest is read from the comment that this action wrote under the pull request."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Unusable(Exception):  # noqa: N818 - a verdict on an input
    """An input cannot be used; the text says which and why."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of action.yml, checked. ``name`` tells apart the comments of several workspaces."""

    command: str
    paths: tuple[str, ...]
    args: tuple[str, ...]
    folder: str
    name: str
    comment: bool
    issue: bool
    approve: str
    allow_irreversible: int
    token: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Inputs:
        """Unusable for whatever is not as action.yml says."""

        def said(name: str) -> str:
            return environ.get(f"INPUT_{name}", "").strip()

        command, approve, paths = said("COMMAND"), said("APPROVE"), _lines(said("PATHS"))
        if command not in COMMANDS:
            raise Unusable(f"`command` is one of {', '.join(COMMANDS)}, not `{command}`")
        if approve and command != "apply":
            raise Unusable("`approve` is for `command: apply`")
        if approve not in ("", COMMENT) and not _DIGEST.fullmatch(approve):
            raise Unusable("`approve` wants `comment`, or sha256: and 64 digits as icaform plan prints them")
        folder = said("WORKING_DIRECTORY") or "."
        irreversible = said("ALLOW_IRREVERSIBLE") or "0"
        if not (irreversible.isascii() and irreversible.isdigit()):
            raise Unusable("`allow-irreversible` wants the number of steps")
        if approve and irreversible != "0":
            raise Unusable("`approve` already covers each step; leave `allow-irreversible` out")
        return cls(
            command,
            paths,
            _lines(said("ARGS")),
            folder,
            said("NAME") or " ".join([folder, *paths] if folder != "." else paths) or folder,
            _truth(said("COMMENT"), "comment"),
            _truth(said("ISSUE"), "issue"),
            approve,
            int(irreversible),
            said("TOKEN"),
        )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _truth(text: str, name: str) -> bool:
    if text not in ("true", "false", ""):
        raise Unusable(f"`{name}` is true or false, not `{text}`")
    return text == "true"
