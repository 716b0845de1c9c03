"""Where secrets are fetched, just before they are needed, and kept from every word that we write."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.manifest import shown
from icaform.operation import Secret
from icaform.state import PRESENT

MAX_BYTES = 64 * 1024
"""A secret longer than this is a mistake."""
COMMAND_TIMEOUT = 60.0
"""Seconds that a secret's command may take."""


class Secrets:
    """The values of secrets by their sources. ``files`` are the folders that file sources may lie in.

    A command is run only where ``commands`` allows it, and never to make a plan.
    """

    def __init__(
        self, environ: Mapping[str, str], files: Sequence[Path], base: Path, *, commands: bool = False
    ) -> None:
        self._environ = environ
        self._files = tuple(folder.resolve() for folder in files)
        self._base = base
        self._commands = commands
        self._known: dict[Secret, str] = {}
        self._forms: set[str] = set()
        self.key: bytes | None = None

    def __repr__(self) -> str:
        return f"Secrets({len(self._known)} known)"

    def peek(self, secret: Secret) -> str | None:
        """The value, or None where it has none now; a command is run only where that was allowed."""
        if secret.source[0] == "command" and not self._commands:
            return None
        try:
            return self.value(secret)
        except Rejected:
            return None

    def value(self, secret: Secret) -> str:
        """The value; Rejected where it is not set, not allowed, or no secret."""
        if secret not in self._known:
            value = self._fetch(secret)
            if not value or len(value) > MAX_BYTES:
                raise _unset(secret, "is empty" if not value else "is far too long for a secret")
            try:
                value.encode()
            except UnicodeEncodeError:
                raise _unset(secret, "is not UTF-8 text") from None
            self._known[secret] = value
            self._forms = self._forms | forms(value)
        return self._known[secret]

    def guard(self, value: str) -> None:
        """Keep another value, an API key say, out of all output as well."""
        self._forms = self._forms | forms(value)

    def fingerprint(self, secrets: tuple[Secret, ...]) -> str | None:
        """One keyed fingerprint over the present values, or None where one of them has none now."""
        values = [self.peek(each) for each in secrets]
        if any(value is None for value in values):
            return None
        if self.key is None:
            return PRESENT
        text = json.dumps(values)
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    def concealed(self) -> list[str]:
        """Every form of every secret fetched so far, longest first, for whoever must not repeat them."""
        return sorted(self._forms, key=len, reverse=True)

    def leaks(self, text: str) -> bool:
        """Whether a text holds a secret that was fetched, in any of its forms, broken into lines or not."""
        forms = self._forms
        if any(form in text for form in forms):
            return True
        if "\n" not in text:
            return False
        joined = "".join(text.split())
        return any("".join(form.split()) in joined for form in forms)

    def _fetch(self, secret: Secret) -> str:
        match secret.source:
            case ("env", name):
                if name not in self._environ:
                    raise _unset(secret, "is not set in the environment")
                return self._environ[name]
            case ("file", path):
                return self._read(secret, path)
            case ("command", *arguments):
                return self._run(secret, arguments)
        raise ValueError(secret)

    def _read(self, secret: Secret, path: str) -> str:
        place = (self._base / path).resolve()
        if not any(place.is_relative_to(folder) for folder in self._files):
            raise Rejected(
                [
                    Diagnostic(
                        Code.SECRET_FORBIDDEN,
                        f"the secret's file {shown(path)} lies outside the workspace",
                        "allow its folder with --secrets-root, or ICAFORM_SECRETS_ROOT",
                    )
                ]
            )
        try:
            if not place.is_file():
                raise _unset(secret, "is no file")
            with place.open("rb") as file:
                return file.read(MAX_BYTES + 1).decode("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise _unset(secret, f"cannot be read ({type(error).__name__})") from None

    def _run(self, secret: Secret, arguments: Sequence[str]) -> str:
        if not self._commands:
            raise Rejected(
                [
                    Diagnostic(
                        Code.SECRET_FORBIDDEN,
                        f"the secret comes from the command {shown(arguments[0])}, which is not allowed",
                        "allow them for this apply with --allow-commands",
                    )
                ]
            )
        try:
            done = subprocess.run(
                list(arguments), capture_output=True, timeout=COMMAND_TIMEOUT, check=True, cwd=self._base
            )
            return done.stdout.decode("utf-8").rstrip("\r\n")
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
            raise _unset(secret, f"could not be run ({type(error).__name__})") from None


def _unset(secret: Secret, why: str) -> Rejected:
    name = shown(secret.source[1])
    return Rejected(
        [
            Diagnostic(
                Code.SECRET_UNSET,
                f"the secret's {secret.source[0]} {name} {why}",
                "set it where icaform runs; its value is needed only while it is sent",
            )
        ]
    )


SHORT = 6
"""Values shorter than this are not searched for: they would be found in ordinary words."""


def forms(value: str) -> set[str]:
    """How a value may look in a text: raw, in a URL, in base64, in JSON."""
    if len(value) < SHORT:
        return set()
    raw = value.encode("utf-8", "surrogatepass")
    found = {value, quote(value, safe=""), quote_plus(value, safe=""), json.dumps(value)[1:-1]}
    found.add(base64.b64encode(raw).decode().rstrip("="))
    found.add(base64.urlsafe_b64encode(raw).decode().rstrip("="))
    return found
