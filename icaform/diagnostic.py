"""What is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from icaform.address import Address, Origin

MOST_TOLD = 1_000
"""Errors of a file, or of a run, that are told; who has more has one mistake many times."""


class Severity(Enum):
    """How much a diagnostic weighs: an error stops the run before its first write, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Code(Enum):
    """Every diagnostic's stable name, with the sentence that documents it."""

    # the text of a manifest
    UNREADABLE_FILE = "unreadable-file", "A path is missing, not readable, or no regular file."
    NOT_TEXT = "not-text", "A file is binary, not UTF-8, or holds control characters that YAML forbids."
    EMPTY = "empty", "A file, or a folder, holds no manifest."
    SYNTAX = "syntax", "The text is not YAML."
    TAB = "tab", "A tab is used for indentation; YAML wants spaces."
    TAG = "tag", "A YAML tag such as !!python/object is used; manifests are plain data."
    DUPLICATE_KEY = "duplicate-key", "A mapping has one key twice; YAML would silently drop the first."
    BAD_KEY = "bad-key", "A mapping key is not a plain string."
    AMBIGUOUS_SCALAR = (
        "ambiguous-scalar",
        "YAML 1.1 and 1.2 read an unquoted value differently (no, 012, 2026-11-21, 1_000); quote it.",
    )
    ALIAS_BOMB = "alias-bomb", "Aliases expand to far more values than the file has."
    TOO_LARGE = "too-large", "A manifest is larger, longer or deeper than the limit."
    ANCHOR = "anchor", "An alias has no anchor, or is part of what it names."
    VARIABLE = "variable", "A ${var.name} has no value, or is not well formed."
    # the shape of a manifest
    NOT_A_MANIFEST = "not-a-manifest", "A document is no mapping with apiVersion, kind, metadata and spec."
    UNKNOWN_API_VERSION = "unknown-api-version", "The apiVersion is not one that this icaform reads."
    UNKNOWN_KIND = "unknown-kind", "The kind is not one that this icaform knows."
    UNKNOWN_FIELD = "unknown-field", "A field that the kind does not have."
    MISSING_FIELD = "missing-field", "A field that the kind needs is not there."
    WRONG_TYPE = "wrong-type", "A value has another type than its field."
    BAD_VALUE = "bad-value", "A value is outside what its field, or ICA, allows."
    DECLARED_TWICE = "declared-twice", "One resource is declared in two places."
    INLINE_SECRET = "inline-secret", "A secret, or a url that holds one, stands in the manifest; refer to it."
    # references
    UNKNOWN_REFERENCE = "unknown-reference", "A reference names a resource that is not declared."
    REFERENCE_CYCLE = "reference-cycle", "Resources refer to each other in a circle."
    NOT_FOUND = "not-found", "ICA has nothing that fits a selection; what it has is listed."
    AMBIGUOUS = "ambiguous", "Several things in ICA fit a selection; they are listed, none is picked."
    # the wish against the server
    BACKWARD = "backward", "ICA has no call that takes a resource back to an earlier state."
    CHANGED_SINCE_RUN = (
        "changed-since-run",
        "An item differs from what was started; raise generation to run it.",
    )
    FOREIGN_STATE = "foreign-state", "ICA reports a state that icaform does not know; it is left alone."
    IMMUTABLE = "immutable", "ICA cannot change this field of a resource that exists."
    RETRIES_USED = "retries-used", "An item failed as often as the manifest's retry allows."
    SECRET_UNSET = (
        "secret-unset",
        "A secret's source has no value now, so it can be neither compared nor sent.",
    )
    SECRET_FORBIDDEN = (
        "secret-forbidden",
        "A secret's source is not allowed here: a command, or an outside file.",
    )
    STILL_RUNNING = "still-running", "Work that was begun has not ended yet."
    OUTCOME_UNKNOWN = (
        "outcome-unknown",
        "It could not be decided whether a call had its effect; look, then settle.",
    )
    # guards
    IRREVERSIBLE = "irreversible", "The plan has steps that cannot be undone and were not allowed."
    LIMIT = "limit", "The plan does more than a limit allows."
    PROTECTED = "protected", "The plan changes a resource that is protected."
    NOT_APPROVED = "not-approved", "The plan is not the one that was approved."
    CHANGED_SINCE_PLAN = (
        "changed-since-plan",
        "A resource changed after the plan was made; it alone is left out.",
    )
    LOCKED = "locked", "Another apply of this workspace is running."
    # the wire
    UNREACHABLE = "unreachable", "The server cannot be reached, does not answer, or does not speak ICA's API."
    UNAUTHORISED = "unauthorised", "ICA does not accept the credentials, or they may not do this."
    RATE_LIMITED = "rate-limited", "ICA kept refusing calls for being too many."
    REFUSED = "refused", "ICA refused a call; its own code and words are repeated."
    SERVER_FAULT = "server-fault", "ICA failed on a call."
    BAD_ANSWER = "bad-answer", "ICA's answer is not what its published contract says."
    # the setting
    NO_CREDENTIALS = "no-credentials", "No API key or token was found in any of the documented places."
    NO_SERVER = "no-server", "Neither a flag, the environment nor icaform.yaml names a server."
    UNTRUSTED_SERVER = (
        "untrusted-server",
        "icaform.yaml names a server that only a flag or the environment may.",
    )
    BAD_SETTING = "bad-setting", "icaform.yaml, an option or an environment variable is not usable."
    JOURNAL = "journal", "The journal cannot be read or written."
    SNAPSHOT = "snapshot", "A snapshot of ICA cannot be used, or does not tell what a plan asks."
    USAGE = "usage", "The command line is not usable."
    INTERNAL = "internal", "A defect of icaform itself."

    def __init__(self, slug: str, meaning: str) -> None:
        self.slug = slug
        self.meaning = meaning


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong in a line, more if need be, and the remedy.

    ``summary`` and ``detail`` never hold a secret's value; whoever builds one sees to that.
    """

    code: Code
    summary: str
    remedy: str = ""
    detail: str = ""
    origin: Origin | None = None
    address: Address | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.origin}: " if self.origin else f"{self.address}: " if self.address else ""
        return f"{place}{self.summary}"


class Rejected(Exception):  # noqa: N818 - it reads as a verdict, and it carries many errors
    """Something was refused, for all the reasons that could be found and not only the first."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(str(each) for each in self.diagnostics[:5]))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean `message`?`` for the nearest of the known words, or an empty string."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean `{by_lower[near[0]]}`?" if near else ""
