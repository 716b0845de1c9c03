"""Which parts of a manifest no diagnostic repeats.

A secret should never stand in a manifest, and the person who put one there by mistake finds the mistake in a
public log. So whatever stands under a key that sounds like a secret is not shown, whether or not it is one;
nor is a url that opens what it names to whoever reads it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache
from urllib.parse import unquote

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

# Names in a url's query that open it to whoever reads it, small and without what parts their words: those of
# signed urls of AWS, Google, Alibaba, Tencent and Azure, then those of tokens, keys and passwords.
_OPENERS = frozenset((
    "xamzsignature", "xamzcredential", "xamzsecuritytoken", "xgoogsignature", "xgoogcredential",
    "xosssignature", "xosscredential", "xosssecuritytoken", "qsignature", "sig", "sastoken",
    "token", "accesstoken", "apitoken", "authtoken", "idtoken", "jobtoken", "privatetoken", "refreshtoken",
    "securitytoken", "sessiontoken", "bearer", "jwt", "authorization", "apikey", "xapikey", "accesskey",
    "privatekey", "secretkey", "secretaccesskey", "clientsecret", "secret", "password", "passwd",
    "passphrase", "pwd",
))  # fmt: skip
# A `signature` is one where it stands beside the name of who signed; elsewhere it is a word of biology.
_SIGNERS = frozenset(("awsaccesskeyid", "googleaccessid", "ossaccesskeyid", "keypairid"))
# Behind `://`, and not a host with its port, nor an image with its tag and digest.
_PASSWORD = re.compile(r"[^/?#@:\[]*:(?!\d+(?:[/?#]|$))[^@]+@(?!sha\d+:)")
_USER = re.compile(r"([^/?#@]*)@")
_PARTS = re.compile(r"[?#&;]")
_APART = str.maketrans("", "", "-_.")
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
    return _keyed(text) or bool(opener(text))


def _keyed(text: str) -> bool:
    return bool(_KNOWN.search(text)) or any(map(_mixed, _RUNS.findall(text)))


def _mixed(run: str) -> bool:
    return not (run.isdigit() or run.islower() or run.isupper()) and any(map(str.isdigit, run))


def opener(text: str) -> str:
    """What opens a url in the text to whoever reads it, in words for a message; empty where nothing does."""
    for each in (text, unquote(text)) if "%" in text else (text,):
        for behind in each.split("://")[1:]:
            url = behind.split(maxsplit=1)[0] if behind.strip() else ""
            user = _USER.match(url)
            if _PASSWORD.match(url) or (user and _keyed(user[1])):
                return "a password"
            if found := _opening(url):
                return found
    return ""


def _opening(url: str) -> str:
    fields = [each.partition("=") for each in _PARTS.split(url)[1:]]
    said = {name.lower().translate(_APART): name for name, _, value in fields if value}
    for plain, name in said.items():
        if plain in _OPENERS or (plain == "signature" and _SIGNERS & said.keys()):
            return f"`{name}`"
    return "a key or a token" if any(_KNOWN.search(value) for _, _, value in fields) else ""


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
