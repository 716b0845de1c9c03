"""Where secrets are fetched, just before they are needed, and kept from every word that we write."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.disguise import Disguises, disguises, forms
from icaform.engine.intake import Unreadable, regular
from icaform.engine.program import Failed, output_of
from icaform.manifest import shown
from icaform.operation import Json, Secret
from icaform.state import PRESENT

WITHHELD = "[withheld: it held the value of a secret]"
MAX_BYTES = 64 * 1024
"""A secret longer than this is a mistake."""
COMMAND_TIMEOUT = 60.0
"""Seconds that a secret's command may take."""
_CONTROLS = frozenset(map(chr, range(32))) - set("\t\n\r")


class Secrets:
    """The values of secrets by their sources. ``files`` are the folders that file sources may lie in.

    A command is run only where ``commands`` allows it and once the plan that is to run was ``agreed`` to, for
    ``timeout`` seconds at most. What has no value once has none for the whole run.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        files: Sequence[Path],
        base: Path,
        *,
        commands: bool = False,
        timeout: float | None = None,
    ) -> None:
        self._environ = environ
        self._files = tuple(folder.resolve() for folder in files)
        self._base = base
        self._allowed = commands
        self._commands = False
        self._timeout = timeout or COMMAND_TIMEOUT
        self._known: dict[Secret, str] = {}
        self._refused: dict[Secret, tuple[Diagnostic, ...]] = {}
        self._forms: set[str] = set()
        self._disguises = Disguises()
        self._clean: set[str] = set()
        """Texts that hold none of these: the facts of a run are sifted at its begin and at its end."""
        self.key: bytes | None = None

    def __repr__(self) -> str:
        return f"Secrets({len(self._known)} known)"

    def agreed(self) -> bool:
        """The plan may run, by all that was checked: so may commands from now on. Whether any may."""
        self._commands = self._allowed
        return self._commands

    def peek(self, secret: Secret) -> str | None:
        """The value, or None where it has none now; that of a command is not known before it may run."""
        if secret.source[0] == "command" and not self._commands:
            return None
        try:
            return self.value(secret)
        except Rejected:
            return None

    def value(self, secret: Secret) -> str:
        """The value; Rejected where it is not set, not allowed, or no secret."""
        if secret in self._refused:
            raise Rejected(self._refused[secret])
        if secret not in self._known:
            try:
                value = self._sound(secret)
            except Rejected as rejected:
                self._refused[secret] = rejected.diagnostics
                raise
            self._known[secret] = value
            self.guard(value)
        return self._known[secret]

    def _sound(self, secret: Secret) -> str:
        value = self._fetch(secret)
        if not value or len(value) > MAX_BYTES:
            raise _unset(secret, "is empty" if not value else "is far too long for a secret")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _unset(secret, "is not UTF-8 text") from None
        if not value.isprintable() and set(value) & _CONTROLS:
            raise _unset(secret, "holds control characters, which no secret has")
        return value

    def guard(self, value: str) -> None:
        """Keep a value, of a secret or an API key say, out of all output."""
        self._forms = self._forms | forms(value)
        self._disguises |= disguises(value)
        self._clean = set()

    def fingerprint(self, secrets: tuple[Secret, ...]) -> str | None:
        """One keyed fingerprint over the present values, or None where one of them has none now."""
        values = [self.peek(each) for each in secrets]
        if any(value is None for value in values):
            return None
        if self.key is None:
            return PRESENT
        text = json.dumps(values)
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    @property
    def reach(self) -> int:
        """How many characters that are no space the longest secret may take in a text."""
        return self._disguises.reach

    def leaks(self, text: str, *, cut: bool = False) -> bool:
        """Whether a text holds a secret that was fetched, however written; ``cut``, or a part of one."""
        return self._disguises.within(text, cut=cut)

    def masked(self, text: str) -> str:
        """A server's text with stars for secrets, and none of it where one would still be in it."""
        for form in sorted(self._forms, key=len, reverse=True):
            # The name of a host has no capitals.
            text = text.replace(form, "***").replace(form.lower(), "***")
        return WITHHELD if self.leaks(text) else text

    def sifted(self, value: Json) -> Json:
        """A value without the texts in it that hold a secret: a server may have put one there."""
        match value:
            case str():
                # Another secret that is fetched meanwhile begins another set.
                clean = self._clean
                if value not in clean:
                    if self.leaks(value):
                        return WITHHELD
                    clean.add(value)
                return value
            case Mapping():
                return {name: self.sifted(each) for name, each in value.items()}
            case list() | tuple():
                return [self.sifted(each) for each in value]
        return value

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
        try:
            place = (self._base / path).resolve()
        except (OSError, ValueError, RuntimeError):  # the last for a loop of links, before Python 3.13
            raise _unset(secret, "is no path that leads to a file") from None
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
            with regular(place) as (file, _):
                return _text(secret, file.read(MAX_BYTES + 1))
        except Unreadable as error:
            raise _unset(secret, str(error)) from None

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
            return _text(secret, output_of(arguments, self._base, self._timeout, MAX_BYTES))
        except Failed as error:
            raise _unset(secret, str(error)) from None


def _text(secret: Secret, data: bytes) -> str:
    """The bytes of a source without the line end that editors and programs put behind them."""
    if len(data) > MAX_BYTES:
        raise _unset(secret, "is far too long for a secret")
    try:
        return data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _unset(secret, "is not UTF-8 text") from None


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
