"""Tokens kept between runs, each in a file of its own that only its owner can read."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from icaform.disk import private
from icaform.wire.credential import Credential

_LARGEST = 1 << 17


@dataclass(frozen=True, slots=True)
class Token:
    """A token, when we got it (seconds since the epoch, our clock), and how long it lives from then."""

    text: str = field(repr=False)
    minted: float
    lifetime: float | None = None

    def usable(self, now: float) -> bool:
        """Whether it lives for a while yet: 60 s, or a tenth of its life if that is less."""
        if self.lifetime is None:
            return True
        return now < self.minted + self.lifetime - min(60.0, 0.1 * self.lifetime)


class TokenCache:
    """The place of one credential's token for one server.

    A cache that cannot be read, written or trusted counts as empty: a token is minted again at no harm.
    """

    def __init__(self, folder: Path, server: str, credential: Credential) -> None:
        # The name must tell nothing about the key, yet be found again with the key alone.
        key = hashlib.blake2b(credential.secret.encode()).digest()
        told = json.dumps([server, credential.means.value, credential.user, credential.tenant])
        self._path = folder / (hashlib.blake2b(told.encode(), key=key, digest_size=20).hexdigest() + ".token")

    def read(self) -> Token | None:
        """The kept token, if the file is ours alone and whole."""
        try:
            value = json.loads(private.kept(self._path, _LARGEST))
            text, minted, lifetime = value["token"], value["minted"], value["lifetime"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if not (isinstance(text, str) and text.isascii() and text.isprintable() and text):
            return None
        if not (isinstance(minted, int | float) and isinstance(lifetime, int | float)):
            return None
        return Token(text, float(minted), float(lifetime))

    def write(self, token: Token) -> None:
        """Keep a token whose end is known, in one step, whatever the umask."""
        if token.lifetime is None:
            return
        data = json.dumps({"token": token.text, "minted": token.minted, "lifetime": token.lifetime})
        with contextlib.suppress(OSError):
            private.keep(self._path, data)
