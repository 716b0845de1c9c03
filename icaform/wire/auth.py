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

from icaform.operation import Answer, Call
from icaform.wire.clock import Clock
from icaform.wire.credential import Credential, Means
from icaform.wire.jwt import delay, expiry, lifetime
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
    """The tokens of one credential.

    Raises Unauthorised where ICA will not give one, and whatever ``post`` raises. An Unauthorised stays: a
    wrong key is not tried again, for that locks accounts.
    """

    def __init__(
        self,
        credential: Credential,
        post: Post,
        clock: Clock,
        cache: TokenCache | None,
        pause: Callable[[float], None],
    ) -> None:
        self._credential = credential
        self._post = post
        self._clock = clock
        self._cache = cache
        self._pause = pause
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._tries = 0
        self._failure: WireError | None = None

    def current(self) -> str:
        """A token that is good for a while."""
        token = self._token
        return token.text if token and token.usable(self._clock.now()) else self._obtain("")

    def renew(self, stale: str) -> str:
        """Another token than the one that ICA did not take."""
        return self._obtain(stale)

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown even if a server repeats it."""
        basic = _basic(self._credential) if self._credential.means is Means.BASIC else ""
        return (self._token.text if self._token else "", self._credential.secret, basic)

    def _obtain(self, stale: str) -> str:
        tries = self._tries
        with self._lock:
            now = self._clock.now()
            if self._token and self._token.text != stale and self._token.usable(now):
                return self._token.text
            # Whoever waited while another thread failed shares its failure instead of adding to it.
            if self._failure and (self._tries != tries or isinstance(self._failure, Unauthorised)):
                raise self._failure
            try:
                self._token = self._next(stale, now)
            except WireError as error:
                self._failure = error
                raise
            finally:
                self._tries += 1
            self._failure = None
            return self._token.text

    def _next(self, stale: str, now: float) -> Token:
        if self._credential.means is Means.TOKEN:
            return self._given(stale, now)
        if self._cache and not self._token and not stale:
            kept = self._cache.read()
            if kept and kept.minted <= now + _SKEW and kept.usable(now):
                return kept
        token = self._refreshed(stale, now) or self._minted(now)
        self._await(token)
        if self._cache:
            self._cache.write(token)
        return token

    def _given(self, stale: str, now: float) -> Token:
        if stale:
            ends = expiry(stale)
            why = "has expired" if ends is not None and ends <= now else "is not one that ICA takes"
            raise Unauthorised(MINT, f"the access token {why}", status=401, remedy=_ANOTHER)
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
            sentence = f"ICA gives no token for this {credential.means.value}: {answer.problem}"
            several = credential.means is Means.BASIC and not credential.tenant
            raise Unauthorised(call, sentence, problem=answer.problem, remedy=_WHICH if several else "")
        return _read(call, answer, now)


_ANOTHER = "Get a new token, or set ICAV2_X_API_KEY so that icaform can get tokens itself."
_LATER = "Run again later; ICA's clock or its settings of tokens are not right."
_WHICH = "Check ICAV2_USERNAME and ICAV2_PASSWORD; who is in several tenants names one in ICAV2_TENANT_NAME."


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
