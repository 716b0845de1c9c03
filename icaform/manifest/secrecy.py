"""Which parts of a manifest no diagnostic repeats.

A secret should never stand in a manifest, and the person who put one there by mistake finds the mistake in a
public log. So whatever stands under a key that sounds like a secret is not shown, whether or not it is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from icaform.manifest.document import Key

_SOUNDS = ("secret", "password", "passwd", "passphrase", "token", "apikey", "accesskey", "privatekey")

# Names of fields under a secret, which may be shown because they are ours and not the user's.
_OURS = frozenset(
    {"secret", "secretAccessKey", "accessKeyId", "password", "token", "apiKey", "env", "file", "command"}
)

_LONGEST = 60


def sounds_secret(key: Key) -> bool:
    """Whether a key's value is kept out of every message."""
    if key.__class__ is not str:
        return False
    plain = str(key).lower().replace("-", "").replace("_", "").replace(".", "").replace(" ", "")
    return any(each in plain for each in _SOUNDS)


def hidden(path: Iterable[Key]) -> bool:
    """Whether the value at a path is a secret, or below one."""
    return any(map(sounds_secret, path))


def shown(text: str) -> str:
    """Text of a user's in a sentence: in backquotes, on one line, not too long."""
    line = "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[: _LONGEST + 1]
    )
    return f"`{line}`" if len(line) <= _LONGEST else f"`{line[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}`"


def name_of(key: Key, above: Iterable[Key]) -> str:
    """A key in a sentence; one below a secret only if its name is ours."""
    return "this key" if key not in _OURS and hidden(above) else shown(str(key))
