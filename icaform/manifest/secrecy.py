"""Which parts of a manifest no diagnostic repeats.

A secret should never stand in a manifest, and the person who put one there by mistake finds the mistake in a
public log. So whatever stands under a key that sounds like a secret is not shown, whether or not it is one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache

from icaform.manifest.document import Key

_SOUNDS = ("secret", "password", "passwd", "passphrase", "token", "apikey", "accesskey", "privatekey")

# Names of fields under a secret, which may be shown because they are ours and not the user's.
OURS = frozenset(
    {"secret", "secretAccessKey", "accessKeyId", "password", "token", "apiKey", "env", "file", "command"}
)

_LONGEST = 60
# Misspelt, they sound so still: a mistake rarely comes alone.
_NEARLY = 0.8
_NAMES = ("secret", "secretaccesskey", "accesskeyid", "password", "token", "apikey")
# An AWS key id; the head of a JWT.
_KNOWN = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{12,}|eyJ[A-Za-z0-9_-]{16,}")
# An AWS secret key is 40 of these, an API key is long; names and ids of ICA's have no such runs.
_RUNS = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9+][A-Za-z0-9/+]{39}(?![\w/+=.-])|[A-Za-z0-9]{32,}")
WITHHELD = "(not shown: it looks like a secret)"


def sounds_secret(key: Key) -> bool:
    """Whether a key's value is kept out of every message."""
    if key.__class__ is not str:
        return False
    plain = str(key).lower().replace("-", "").replace("_", "").replace(".", "").replace(" ", "")
    return any(each in plain for each in _SOUNDS) or _nearly(plain)


@cache
def _nearly(plain: str) -> bool:
    return bool(difflib.get_close_matches(plain[:_LONGEST], _NAMES, n=1, cutoff=_NEARLY))


def looks_secret(text: str) -> bool:
    """Whether a text is so like a key or a token that no message repeats it, wherever it stands."""
    return bool(_KNOWN.search(text)) or any(map(_mixed, _RUNS.findall(text)))


def _mixed(run: str) -> bool:
    return not (run.isdigit() or run.islower() or run.isupper()) and any(map(str.isdigit, run))


def hidden(path: Iterable[Key]) -> bool:
    """Whether the value at a path is a secret, or below one."""
    return any(map(sounds_secret, path))


def shown(text: str) -> str:
    """Text of a user's in a sentence: in backquotes, on one line, not too long, and no secret."""
    if looks_secret(text):
        return WITHHELD
    line = "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[: _LONGEST + 1]
    )
    return f"`{line}`" if len(line) <= _LONGEST else f"`{line[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}`"


def name_of(key: Key, above: Iterable[Key]) -> str:
    """A key in a sentence; one below a secret only if its name is ours."""
    return "this key" if key not in OURS and hidden(above) else shown(str(key))
