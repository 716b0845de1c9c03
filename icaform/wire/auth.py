"""Tokens: minted from a credential, kept, renewed before they die, and by one thread at a time.

POST /api/tokens takes an API key, basic authentication (with ``?tenant=``) or a psToken and has no body;
POST /api/tokens:refresh takes a token that still lives, and not one bought with an API key (ICA's OpenAPI
description). How long a token lives is reckoned from its own claims and from when we got it, so it does not
matter whether our clock and ICA's agree.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.operation import Answer, Call
from icaform.wire.clock import Clock
from icaform.wire.credential import Credential, Means
from icaform.wire.jwt import Identity, delay, expiry, identity, lifetime
from icaform.wire.problem import BadAnswer, Unauthorised, WireError
from icaform.wire.tokencache import Token, TokenCache

V3 = "application/vnd.illumina.v3+json"
MINT = Call("POST", "/api/tokens", accept=V3)
REFRESH = Call("POST", "/api/tokens:refresh", accept=V3)

_SENDABLE = re.compile(r"[\x21-\x7e]{1,16384}")
_SKEW = 60.0
LONGEST_DELAY = 120.0
"""Seconds that a new token is waited for until it counts; peers of ours sleep 30 after each."""

Post = Callable[[Call, Mapping[str, str]], Answer]
"""Sends a call with these headers for its authorisation."""


class Tokens:
    """The tokens that a server, which is only named here, gives for one credential.

    Raises Unauthorised where ICA will not give one, and whatever ``post`` raises. An Unauthorised stays: a
    wrong key is not tried again, for that locks accounts.
    """

    def __init__(
        self,
        credential: Credential,
        server: str,
        post: Post,
        clock: Clock,
        cache: TokenCache | None,
        pause: Callable[[float], None],
    ) -> None:
        self._credential = credential
        self._server = urlsplit(server).netloc
        self.refused = f"{self._server} does not take {credential}"
        """What is to be said of a 401."""
        self._post = post
        self._clock = clock
        self._cache = cache
        self._pause = pause
        self._learned: Callable[[str], None] = lambda text: None
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._tries = 0
        self._failure: WireError | None = None

    def current(self) -> str:
        """A token that is good for a while."""
        token = self._token
        return token.text if token and token.usable(self._clock.now()) else self._obtain("")

    def renew(self, stale: str, call: Call) -> str:
        """Another token than the one that ICA did not take with this call."""
        return self._obtain(stale, call)

    def identity(self) -> Identity:
        """Whom they speak for; Rejected where one that was handed in does not say it."""
        if who := identity(self.current()):
            return who
        said = "does not say which tenant and user it is for"
        if self._credential.means is Means.TOKEN:
            remedy = _another(self._credential.where)
            raise Rejected([Diagnostic(Code.UNAUTHORISED, f"{self._credential} {said}", remedy)])
        raise Unauthorised(MINT, f"the token that {self._server} gives for {self._credential} {said}")

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown even if a server repeats it."""
        basic = _basic(self._credential) if self._credential.means is Means.BASIC else ""
        return (self._token.text if self._token else "", self._credential.secret, basic)

    def teach(self, guard: Callable[[str], None]) -> None:
        """Tell ``guard`` what must not be shown, and each token that is yet to come, before it is used."""
        self._learned = guard
        for secret in filter(None, self.secrets()):
            guard(secret)

    def _obtain(self, stale: str, call: Call = MINT) -> str:
        tries = self._tries
        with self._lock:
            now = self._clock.now()
            if self._token and self._token.text != stale and self._token.usable(now):
                return self._token.text
            # Whoever waited while another thread failed shares its failure instead of adding to it.
            if self._failure and (self._tries != tries or isinstance(self._failure, Unauthorised)):
                raise self._failure
            try:
                token = self._next(stale, call, now)
                self._learned(token.text)
                self._token = token
            except WireError as error:
                self._failure = error
                raise
            finally:
                self._tries += 1
            self._failure = None
            return self._token.text

    def _next(self, stale: str, call: Call, now: float) -> Token:
        if self._credential.means is Means.TOKEN:
            return self._given(stale, call, now)
        if self._cache and not self._token and not stale:
            kept = self._cache.read()
            if kept and kept.minted <= now + _SKEW and kept.usable(now):
                return kept
        token = self._refreshed(stale, now) or self._minted(now)
        self._await(token)
        if self._cache:
            self._cache.write(token)
        return token

    def _given(self, stale: str, call: Call, now: float) -> Token:
        if stale:
            said, ends = self.refused, expiry(stale)
            if ends is not None and ends <= now:
                moment = datetime.fromtimestamp(ends, UTC)
                said = f"{said}: it expired on {moment:%Y-%m-%d at %H:%M} UTC"
            raise Unauthorised(call, said, status=401, remedy=_another(self._credential.where))
        if not self._token:
            return Token(self._credential.secret, now, _left(self._credential.secret, now))
        # One that cannot be made to live longer is used until ICA takes it no more.
        return self._refreshed(stale, now) or Token(self._token.text, now)

    def _refreshed(self, stale: str, now: float) -> Token | None:
        old, means = self._token, self._credential.means
        if means in (Means.API_KEY, Means.KEY_ALONE) or not old or old.text == stale or old.lifetime is None:
            return None
        if now >= old.minted + old.lifetime:
            return None
        answer = self._post(REFRESH, {"Authorization": f"Bearer {old.text}"})
        return None if answer.problem else _read(REFRESH, answer, now)

    def _await(self, token: Token) -> None:
        seconds = delay(token.text)
        if seconds > LONGEST_DELAY:
            raise Unauthorised(MINT, f"ICA gives a token that counts only in {seconds:,.0f} s", remedy=_LATER)
        if seconds:
            self._pause(seconds)

    def _minted(self, now: float) -> Token:
        call, headers = MINT, {}
        match self._credential:
            case Credential(Means.BASIC, tenant=tenant):
                headers = {"Authorization": f"Basic {_basic(self._credential)}"}
                call = Call("POST", MINT.path, MINT.accept, query=(("tenant", tenant),)) if tenant else MINT
            case Credential(Means.PS_TOKEN, secret=secret):
                headers = {"Authorization": f"Bearer {secret}"}
            case Credential(secret=secret):
                headers = {"X-API-Key": secret}
        answer = self._post(call, headers)
        if answer.problem and answer.status in (404, 405):
            raise BadAnswer(
                call, f"there is no ICA at this address: {answer.problem}", problem=answer.problem
            )
        if answer.problem:
            credential = self._credential
            sentence = f"{self._server} gives no token for {credential}: {answer.problem}"
            remedy = _REMEDY.get(credential.means, "") if not credential.tenant else ""
            raise Unauthorised(call, sentence, problem=answer.problem, remedy=remedy)
        return _read(call, answer, now)


_LATER = "Run again later; ICA's clock or its settings of tokens are not right."
_REMEDY = {
    Means.BASIC: "Check both; who is in several tenants names one in ICAV2_TENANT_NAME.",
    Means.KEY_ALONE: "Check the key. With --no-token one token is bought all the same, for it alone tells "
    "whose key it is (tenant and user); where the key may buy none, give ICAV2_ACCESS_TOKEN "
    "without --no-token.",
}


def _another(where: str) -> str:
    """What to do about a token that was handed in and counts no more."""
    if not where or where.startswith("~"):
        return "Get a new token, or set ICAV2_X_API_KEY so that icaform can get tokens itself."
    drop = "Leave out" if where.startswith("--") else "Unset"
    return f"{drop} {where} so that an API key is used (ICAV2_X_API_KEY), or give a new token."


def _basic(credential: Credential) -> str:
    return base64.b64encode(f"{credential.user}:{credential.secret}".encode()).decode()


def _read(call: Call, answer: Answer, now: float) -> Token:
    text = answer.body.get("token") if isinstance(answer.body, dict) else None
    if not isinstance(text, str) or not _SENDABLE.fullmatch(text):
        raise BadAnswer(call, "the answer holds no token", status=answer.status)
    return Token(text, now, lifetime(text) or _left(text, now))


def _left(text: str, now: float) -> float | None:
    # A token that is over already by our clock is judged by ICA's alone: it is used until a 401.
    ends = expiry(text)
    return ends - now if ends is not None and ends > now else None
